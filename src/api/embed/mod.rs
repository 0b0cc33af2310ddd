//! `POST /embeddings` as pure functions: its request, its reply, and the ways to write a vector.

mod base64;
pub(crate) mod element;
pub(crate) mod format;
mod nan;
pub(crate) mod npy;
pub(crate) mod number;
pub(crate) mod reply;
pub(crate) mod request;
mod scan;
pub(crate) mod vector;
