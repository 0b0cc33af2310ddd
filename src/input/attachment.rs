//! Attachments: pictures, recordings and documents for a request. Knows no endpoint.

use super::address::is_url;
use super::kind::{self, AttachmentFormat, InputKind};
use super::stdin::STDIN;
use crate::error::Failure;
use crate::http::form::BytePiece;
use crate::http::request::unescaped;
use crate::http::splice::SplicedFile;
use crate::media::FormatGroup;

/// What can be attached, for hints.
const ATTACHABLE: &str =
    "text, pictures (PNG, JPEG, GIF, WebP), audio (WAV, MP3) and PDF can be attached";

/// A picture, a recording or a document for a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attachment {
    /// The file's own name, without the folders.
    pub(crate) name: String,
    /// What the user called it.
    pub(crate) given: String,
    pub(crate) format: AttachmentFormat,
    /// Its bytes, and the mark in the request that their base64 replaces.
    pub(crate) insert: SplicedFile,
}

/// The format of an attachment, by its first bytes; `None` for text.
///
/// # Errors
/// Exit 2: an empty input, or one that can't go into a request, with its format.
pub(super) fn detect_format(given: &str, head: &[u8]) -> Result<Option<AttachmentFormat>, Failure> {
    if head.is_empty() {
        return Err(Failure::usage(format!("{given} is empty")));
    }
    match kind::of(head) {
        InputKind::Text => Ok(None),
        InputKind::Attachable(format) => Ok(Some(format)),
        InputKind::Other(format) => {
            let words = format.words();
            Err(Failure::usage(format!("{given} is {words}, which can't be attached"))
                .hint(hint(given, format.group())))
        }
        InputKind::Unknown => {
            let at = memchr::memchr(0, head).unwrap_or_default();
            let what = format!("{given} is not text (there is a zero byte at byte {at})");
            Err(Failure::usage(format!("{what} and its format is not known")).hint(ATTACHABLE))
        }
    }
}

/// What to do with an input that can't be attached.
fn hint(given: &str, group: FormatGroup) -> String {
    match group {
        FormatGroup::Picture => {
            format!(
                "PNG, JPEG, GIF and WebP can be attached; convert it with `magick '{given}' picture.png`"
            )
        }
        FormatGroup::Audio => format!(
            "WAV and MP3 can be attached: `ffmpeg -i '{given}' audio.mp3` converts, `llm transcribe '{given}'` turns it into text"
        ),
        FormatGroup::Video => {
            format!(
                "its sound can be attached as MP3 or WAV: `ffmpeg -i '{given}' audio.mp3` extracts it"
            )
        }
        FormatGroup::Document => "save it as PDF or as text to attach it".to_owned(),
        FormatGroup::Text => "text must be UTF-8; `iconv -f UTF-16 -t UTF-8` converts".to_owned(),
        FormatGroup::Archive | FormatGroup::Program | FormatGroup::Data => ATTACHABLE.to_owned(),
    }
}

/// An attachment with this data.
pub(super) fn new(given: &str, format: AttachmentFormat, data: BytePiece) -> Attachment {
    Attachment {
        name: own_name(given, format),
        given: given.to_owned(),
        format,
        insert: SplicedFile::new(vec![data]),
    }
}

/// The last part of a path or an address. An input without a name is named after its format, as services
/// go by the ending.
fn own_name(given: &str, format: AttachmentFormat) -> String {
    let is_address = is_url(given);
    let path = match is_address {
        true => given.split(['?', '#']).next().unwrap_or_default(),
        false => given,
    };
    let last = path.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or_default();
    let unescaped = || String::from_utf8_lossy(&unescaped(last)).into_owned();
    let last = if is_address { unescaped() } else { last.to_owned() };
    if last.is_empty() || given == STDIN {
        return format!("attachment.{}", format.name());
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FileFormat;

    #[test]
    fn a_name_is_the_last_part_of_path_or_address() {
        let pdf = AttachmentFormat::of(FileFormat::Pdf).expect("a PDF can be attached");
        for (given, name) in [
            ("图 片/一\"只\"猫.png", "一\"只\"猫.png"),
            ("https://h.example/a/%E8%A1%A8%20%20.pdf?key=1/2#x", "表  .pdf"),
            ("https://h.example/", "attachment.pdf"),
            ("https://h.example/100%", "100%"),
            (STDIN, "attachment.pdf"),
        ] {
            assert_eq!(own_name(given, pdf), name, "{given}");
        }
    }

    #[test]
    fn what_can_not_be_attached_is_named_with_a_way_out() {
        let refused = |bytes: &[u8]| {
            let failure = detect_format("音.flac", bytes).expect_err("refused");
            (failure.message, failure.hint.unwrap_or_default())
        };
        let (message, hint) = refused(b"fLaC\0\0\0\x22");
        assert_eq!(message, "音.flac is a FLAC recording, which can't be attached");
        assert!(hint.contains("ffmpeg -i '音.flac'") && hint.contains("llm transcribe"), "{hint}");
        assert!(refused(b"PK\x03\x04\0\0").1.contains("PDF can be attached"));
        assert!(refused(b"a\0b").0.contains("zero byte at byte 1"));
        assert_eq!(refused(b"").0, "音.flac is empty");
    }
}
