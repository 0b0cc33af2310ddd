//! `POST /embeddings` as pure functions: its request, its reply, and the ways to write a vector.

mod decimal;
pub(crate) mod npy;
pub(crate) mod reply;
pub(crate) mod request;
mod scan;
pub(crate) mod vector;
