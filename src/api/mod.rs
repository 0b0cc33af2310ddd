//! The specification's endpoints as pure functions: options in, request fields out; bytes in, what
//! they say out. No I/O here.

pub(crate) mod about_tokens;
pub(crate) mod batch;
pub(crate) mod embed;
pub(crate) mod family;
pub(crate) mod image;
pub(crate) mod least_tokens;
pub(crate) mod models;
pub(crate) mod probe;
pub(crate) mod rerank;
pub(crate) mod shutdown;
pub(crate) mod speech;
pub(crate) mod transcribe;
mod wide;
