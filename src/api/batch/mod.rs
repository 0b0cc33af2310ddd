//! Batch APIs as pure functions: the line of a request, the calls that make, watch and end a batch, what
//! they answer, and the lines of results.

pub(crate) mod check;
pub(crate) mod job;
pub(crate) mod line;
pub(crate) mod result;
pub(crate) mod state;
