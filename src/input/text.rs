//! Texts for a prompt: decoded, fenced and joined.

use std::fmt::Display;
use std::path::Path;

use crate::error::{Failure, reason};

/// The parts, separated by blank lines.
pub(super) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(part);
    }
    text
}

/// A text with its name before it, in a fence that is longer than any run of backticks in the text.
pub(super) fn fenced(name: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    // A line end in a name would look like text of its own before the fence.
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{name}:\n{fence}\n{text}{end}{fence}\n")
}

/// A file's text.
///
/// # Errors
/// A file that can't be read, or one that is not text.
pub(super) fn read_file(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {}", reason(&error))))?;
    decoded(bytes, name)
}

/// Bytes as text. `name` is what errors call them.
///
/// # Errors
/// Exit 2: a zero byte, or bytes that are not UTF-8, with the offset.
pub(super) fn decoded(bytes: Vec<u8>, name: impl Display) -> Result<String, Failure> {
    let not_text = |offset: usize, what: &str| {
        Failure::usage(format!("{name} is not text: {what} at byte {offset}"))
            .hint("text must be UTF-8; `iconv -f GB18030 -t UTF-8` converts")
    };
    if let Some(offset) = memchr::memchr(0, &bytes) {
        return Err(not_text(offset, "there is a zero byte"));
    }
    String::from_utf8(bytes)
        .map_err(|error| not_text(error.utf8_error().valid_up_to(), "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_cannot_be_broken_from_within() {
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
}
