//! Writing results to a terminal, a pipe or a file. Knows no endpoint.

pub(crate) mod extract;
pub(crate) mod file;
pub(crate) mod kept;
pub(crate) mod naming;
mod part;
pub(crate) mod progress;
pub(crate) mod sink;
pub(crate) mod spool;
pub(crate) mod text;
pub(crate) mod thinking;
