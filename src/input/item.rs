//! One input of a prompt, from a file or from bytes: a text with its name, or an attachment whose bytes
//! are read from the file while the request is sent.

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

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InputItem {
    /// A text, ready to be joined with the others.
    Text(String),
    Attachment(Attachment),
    /// To be fetched; [`super::fetched_item`] makes one of the other variants of its content.
    Address(Url),
}

/// Reads a file: its text with its name, or an attachment that is read while it is sent. `given` is
/// what the user calls the file.
///
/// # Errors
/// Exit 2: the file can't be read, is empty, or is neither text nor anything that can be attached.
pub(super) fn read_file(path: &Path, given: &str) -> Result<InputItem, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {given}: {}", reason(&error)));
    let mut file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    let mut bytes = Vec::new();
    if facts.is_file() {
        (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        if let Some(format) = attachment::detect_format(given, &bytes)? {
            let data = BytePiece::File { path: path.to_owned(), offset: 0, length: facts.len() };
            return Ok(InputItem::Attachment(attachment::new(given, format, data)));
        }
    }
    // Text, or a pipe such as `<(…)` of a shell, which can be read only once.
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    from_bytes(given, bytes, |text| fenced(given, &text))
}

/// An input that is in memory. `prompt_text` makes of a text what goes into the prompt.
///
/// # Errors
/// Exit 2: it is empty, or is neither text nor anything that can be attached.
pub(super) fn from_bytes(
    given: &str,
    bytes: Vec<u8>,
    prompt_text: impl FnOnce(String) -> String,
) -> Result<InputItem, Failure> {
    Ok(match attachment::detect_format(given, &bytes[..bytes.len().min(HEAD_BYTES)])? {
        None => InputItem::Text(prompt_text(decoded(bytes, given)?)),
        Some(format) => {
            let data = BytePiece::Bytes(Bytes::from(bytes));
            InputItem::Attachment(attachment::new(given, format, data))
        }
    })
}
