//! Audio files as bytes: their formats, WAV headers, pauses, and joining several files of one format.
//! Knows no endpoint and opens no file.

pub(crate) mod duration;
pub(crate) mod format;
pub(crate) mod join;
pub(crate) mod quiet;
pub(crate) mod upload;
pub(crate) mod wav;
