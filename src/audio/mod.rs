//! Audio files as bytes: which format they have, and several of one format made into one. Knows no
//! endpoint and opens no file.

pub(crate) mod format;
pub(crate) mod join;
