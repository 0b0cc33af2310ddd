//! Texts for a prompt: decoded, fenced and joined.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::encoding;
use crate::error::{Failure, reason};
use crate::io::Io;

/// The longest text that is held in memory as a whole, in bytes: far more than any model reads.
pub(super) const MAX_TEXT: usize = 64 << 20;

/// A shorter text is refused if it has bytes that are not UTF-8.
const MENDED_LENGTH: usize = 256;

/// At most one byte in so many may be replaced: with more the text is in another encoding.
const MENDED_SHARE: usize = 100;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The parts, separated by blank lines. They are put behind the first one, so that a long one is not
/// copied.
pub(super) fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let mut parts = parts.into_iter();
    let mut text = parts.next().unwrap_or_default();
    for part in parts {
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(&part);
    }
    text
}

/// A text with its name before it, in a fence that is longer than any run of backticks in the text.
pub(super) fn fenced(name: &str, mut text: String) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    // A line end in a name would look like text of its own before the fence.
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // In place: the text may be long, and a second one beside it would take as much memory again.
    text.insert_str(0, &format!("{name}:\n{fence}\n"));
    text.push_str(&format!("{end}{fence}\n"));
    text
}

/// Bytes to their end, if they are not more than a text may have. `given` is what errors call them.
///
/// # Errors
/// Exit 2: they can't be read, or are more.
pub(crate) fn read_bounded(reader: impl Read, given: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that it is too long.
    reader
        .take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read {given}: {}", reason(&error))))?;
    check_length(bytes.len(), given)?;
    Ok(bytes)
}

/// Refuses what is longer than [`MAX_TEXT`].
///
/// # Errors
/// Exit 2: it is longer.
pub(super) fn check_length(length: usize, given: &str) -> Result<(), Failure> {
    if length <= MAX_TEXT {
        return Ok(());
    }
    let what =
        format!("{given} is larger than {} MiB, the most that is read as one", MAX_TEXT >> 20);
    Err(Failure::usage(what).hint(
        "send a part of it: `head -c 1M`; pictures, audio and PDF files are streamed when named with -f",
    ))
}

/// A file's text.
///
/// # Errors
/// Exit 2: a file that can't be read, is too long, or is not text.
pub(super) fn read_file(path: &Path) -> Result<DecodedText, Failure> {
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {}", reason(&error))))?;
    decoded(read_bounded(file, &name)?, name)
}

/// Bytes as text.
#[derive(Debug, Default)]
pub(super) struct DecodedText {
    pub(super) text: String,
    /// How many bytes of it were no UTF-8.
    pub(super) replaced: usize,
}

impl DecodedText {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text; of bytes that were replaced in it the user is told.
    pub(super) fn told(self, name: &str, io: &Io) -> String {
        let replaced = self.replaced;
        if replaced > 0 {
            let (bytes, are) = if replaced == 1 { ("byte", "is") } else { ("bytes", "are") };
            io.warn(&format!(
                "{name}: {replaced} {bytes} that {are} not UTF-8 {are} replaced with \u{fffd}"
            ));
        }
        self.text
    }
}

/// Bytes as text, without a byte order mark before it. `name` is what errors call them. In a text of
/// some length a few bytes that are not UTF-8 are replaced: a name in an old encoding must not keep
/// the rest from being sent.
///
/// # Errors
/// Exit 2: a zero byte, or more bytes that are not UTF-8, with the offset.
pub(super) fn decoded(bytes: Vec<u8>, name: impl Display) -> Result<DecodedText, Failure> {
    let replaced: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let is_mended = replaced > 0
        && bytes.len() >= MENDED_LENGTH
        && replaced <= bytes.len() / MENDED_SHARE
        && !bytes.contains(&0);
    let mut text = match is_mended {
        true => String::from_utf8_lossy(&bytes).into_owned(),
        false => decoded_row(bytes, name)?,
    };
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(DecodedText { text, replaced })
}

/// A row of a file as text. Nothing in it is replaced: a vector would be of another text than the row.
///
/// # Errors
/// Exit 2: a zero byte, or a byte that is not UTF-8, with the offset.
pub(super) fn decoded_row(bytes: Vec<u8>, name: impl Display) -> Result<String, Failure> {
    if let Some(offset) = memchr::memchr(0, &bytes) {
        return Err(not_text(&bytes, name, offset, "there is a zero byte"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        not_text(error.as_bytes(), name, offset, "it is not UTF-8")
    })
}

fn not_text(bytes: &[u8], name: impl Display, offset: usize, what: &str) -> Failure {
    let hint = match encoding::guess(bytes) {
        Some(encoding) => {
            format!("text must be UTF-8; `iconv -f {encoding} -t UTF-8` converts it")
        }
        None => "text must be UTF-8".to_owned(),
    };
    Failure::usage(format!("{name} is not text: {what} at byte {offset}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_cannot_be_broken_from_within() {
        let fenced = |name: &str, text: &str| fenced(name, text.to_owned());
        assert_eq!(fenced("a.md", "```\nx\n```"), "a.md:\n````\n```\nx\n```\n````\n");
        assert_eq!(fenced("a", "你"), "a:\n```\n你\n```\n");
        assert_eq!(fenced("a\n```\nb", "你"), "a ``` b:\n```\n你\n```\n");
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let words = decoded(b"ab\xff".to_vec(), "x").expect_err("is refused").message;
        assert_eq!(words, "x is not text: it is not UTF-8 at byte 2");
        assert!(decoded(b"a\0b".to_vec(), "x").is_err());
    }

    #[test]
    fn a_few_wrong_bytes_in_a_long_text_are_replaced() {
        let text =
            |wrong: usize| ["字".repeat(100).as_bytes(), &b"\xff"[..].repeat(wrong)].concat();
        let mended = decoded(text(3), "x").expect("is text");
        assert_eq!((mended.replaced, mended.text.chars().count()), (3, 103));
        assert!(decoded(text(4), "x").is_err());
        // A character that was cut at the end counts by its bytes.
        let cut = "字".repeat(100).into_bytes();
        let cut = decoded(cut[..299].to_vec(), "x").expect("is text");
        assert_eq!((cut.replaced, cut.text.ends_with("字\u{fffd}")), (2, true));
    }

    #[test]
    fn one_byte_order_mark_is_no_text() {
        let decoded = |text: &str| decoded(text.into(), "x").expect("is text").text;
        assert_eq!(decoded("\u{feff}你"), "你");
        assert_eq!(decoded("\u{feff}\u{feff}你"), "\u{feff}你");
        assert_eq!(decoded("\u{feff}"), "");
    }

    #[test]
    fn what_is_too_long_is_not_read_to_its_end() {
        let words = read_bounded(std::io::repeat(b'a'), "x").expect_err("is refused").message;
        assert_eq!(words, "x is larger than 64 MiB, the most that is read as one");
    }
}
