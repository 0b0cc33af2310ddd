//! One input of a prompt, from a file or from bytes: a text with its name, or an attachment whose bytes
//! are read from the file while the request is sent.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use super::attachment::{self, Attachment};
use super::kind::HEAD_BYTES;
use super::text::{DecodedText, check_length, decoded, fenced, read_bounded};
use crate::error::{Failure, reason};
use crate::http::form::BytePiece;
use crate::http::request::Url;
use crate::io::Io;

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
pub(super) fn read_file(path: &Path, given: &str, io: &Io) -> Result<InputItem, Failure> {
    match opened(path, given)? {
        Opened::Attachment(attachment) => Ok(InputItem::Attachment(attachment)),
        Opened::Bytes(bytes) => from_bytes(given, bytes, |text| fenced(given, text), io),
    }
}

/// Fails as [`read_file`] would, and says nothing. What can be read only once is not looked at.
///
/// # Errors
/// As [`read_file`].
pub(super) fn check_file(path: &Path, given: &str) -> Result<(), Failure> {
    if std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir()) {
        return Ok(());
    }
    match opened(path, given)? {
        Opened::Attachment(_) => Ok(()),
        Opened::Bytes(bytes) => text_of(bytes, given).map(drop),
    }
}

/// A file, as far as its beginning tells what it is.
enum Opened {
    Attachment(Attachment),
    /// Text, unless it can't be used at all; or what came out of a pipe.
    Bytes(Vec<u8>),
}

fn opened(path: &Path, given: &str) -> Result<Opened, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {given}: {}", reason(&error)));
    let mut file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    // What no text begins with is refused before the rest is read, which may be endless.
    let format = attachment::detect_format(given, &head)?;
    if facts.is_file() {
        if let Some(format) = format {
            let data = BytePiece::File { path: path.to_owned(), offset: 0, length: facts.len() };
            return Ok(Opened::Attachment(attachment::new(given, format, data)));
        }
        check_length(usize::try_from(facts.len()).unwrap_or(usize::MAX), given)?;
    }
    // Text, or a pipe such as `<(…)` of a shell, which can be read only once.
    read_bounded(head.as_slice().chain(file), given).map(Opened::Bytes)
}

fn text_of(bytes: Vec<u8>, given: &str) -> Result<DecodedText, Failure> {
    let text = decoded(bytes, given)?;
    if text.is_empty() { Err(Failure::usage(format!("{given} is empty"))) } else { Ok(text) }
}

/// An input that is in memory. `prompt_text` makes of a text what goes into the prompt.
///
/// # Errors
/// Exit 2: it is empty, or is neither text nor anything that can be attached.
pub(super) fn from_bytes(
    given: &str,
    bytes: Vec<u8>,
    prompt_text: impl FnOnce(String) -> String,
    io: &Io,
) -> Result<InputItem, Failure> {
    Ok(match attachment::detect_format(given, &bytes[..bytes.len().min(HEAD_BYTES)])? {
        None => InputItem::Text(prompt_text(text_of(bytes, given)?.told(given, io))),
        Some(format) => {
            let data = BytePiece::Bytes(Bytes::from(bytes));
            InputItem::Attachment(attachment::new(given, format, data))
        }
    })
}
