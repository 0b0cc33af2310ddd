//! What a file is, told from its first bytes: the one table of signatures, and the words, the media
//! type and the usual ending of each format. Reads no file and decodes nothing.

mod format;
mod signature;

pub(crate) use format::{FileFormat, FormatGroup};
pub(crate) use signature::{PICTURE_HEAD, detect, format_of, sent_picture};
