//! `POST /images/generations` and `/images/edits`: the request's fields, and the pictures in a reply.

pub(crate) mod base64text;
pub(crate) mod format;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod scan;
pub(crate) mod stream;
