//! Audio files as bytes: which format they have, where their samples lie, where they are quiet, and
//! several of one format made into one. Knows no endpoint and opens no file.

pub(crate) mod format;
pub(crate) mod join;
pub(crate) mod quiet;
pub(crate) mod upload;
pub(crate) mod wav;
