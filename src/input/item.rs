//! One thing of a prompt, read from a file or made of bytes: a text with its name, or an attachment whose
//! bytes stay where they are until the request is sent.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use super::attachment::{self, Attachment};
use super::kind::HEAD_BYTES;
use super::text::{decoded, fenced};
use crate::error::{Failure, reason};
use crate::http::form::BytePiece;
use crate::http::request::Url;

/// One thing that the user gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InputItem {
    /// A piece of the prompt, ready to be joined with the others.
    Text(String),
    Attachment(Attachment),
    /// To be fetched; its content is then an item of one of the other kinds, by [`super::fetched_item`].
    Address(Url),
}

/// A file by its path: its text with its name, or an attachment that is read while it is sent.
///
/// # Errors
/// A file that can't be read, is empty, or is neither text nor anything that can be attached.
pub(super) fn of_file(path: &Path) -> Result<InputItem, Failure> {
    called(path, &path.display().to_string())
}

/// The same for a file that the user calls otherwise.
pub(super) fn called(path: &Path, given: &str) -> Result<InputItem, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {given}: {}", reason(&error)));
    let mut file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    let mut bytes = Vec::new();
    if !facts.is_file() {
        // A pipe, `<(…)` of a shell: it can be read once only.
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        return of_bytes(given, bytes);
    }
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    match attachment::known(given, &bytes)? {
        None => {
            file.read_to_end(&mut bytes).map_err(unreadable)?;
            Ok(InputItem::Text(fenced(given, &decoded(bytes, given)?)))
        }
        Some(format) => {
            let data = BytePiece::File { path: path.to_owned(), offset: 0, length: facts.len() };
            Ok(InputItem::Attachment(attachment::new(given, format, data)))
        }
    }
}

/// What came from elsewhere than a file: standard input, an address.
///
/// # Errors
/// As [`of_file`].
pub(super) fn of_bytes(given: &str, bytes: Vec<u8>) -> Result<InputItem, Failure> {
    Ok(match attachment::known(given, &bytes[..bytes.len().min(HEAD_BYTES)])? {
        None => InputItem::Text(fenced(given, &decoded(bytes, given)?)),
        Some(format) => InputItem::Attachment(attachment::new(
            given,
            format,
            BytePiece::Bytes(Bytes::from(bytes)),
        )),
    })
}
