//! What the first bytes of a content say it is, as far as it matters to a prompt: text, a format that can
//! be attached, or something else with a name. Reads nothing itself.

use crate::media::{self, FileFormat};

/// How many bytes at a file's beginning are looked at.
pub(super) const HEAD_BYTES: usize = 8 * 1024;

/// A format that a chat request carries as an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttachmentFormat {
    file: FileFormat,
    group: AttachmentGroup,
}

/// What becomes of a format in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttachmentGroup {
    Picture,
    Audio,
    Pdf,
}

impl AttachmentFormat {
    /// The format as one that can be attached; `None` if it can't be.
    pub(super) fn of(file: FileFormat) -> Option<Self> {
        let group = match file {
            FileFormat::Png | FileFormat::Jpeg | FileFormat::Gif | FileFormat::WebP => {
                AttachmentGroup::Picture
            }
            FileFormat::Wav | FileFormat::Mp3 => AttachmentGroup::Audio,
            FileFormat::Pdf => AttachmentGroup::Pdf,
            _ => return None,
        };
        Some(Self { file, group })
    }

    /// Which part of a request it becomes.
    pub(crate) fn group(self) -> AttachmentGroup {
        self.group
    }

    /// The name in profiles (`takes_no`) and, of audio, in requests.
    pub(crate) fn name(self) -> &'static str {
        match self.file {
            FileFormat::Jpeg => "jpeg",
            file => file.ending(),
        }
    }

    /// The media type (RFC 2046, RFC 3003, RFC 8118, RFC 9649).
    pub(crate) fn media_type(self) -> &'static str {
        self.file.media_type()
    }

    /// The format in a sentence, with its article.
    pub(crate) fn words(self) -> &'static str {
        self.file.words()
    }
}

impl AttachmentGroup {
    /// The name in profiles (`takes_no`).
    pub(crate) fn name(self) -> &'static str {
        match self {
            AttachmentGroup::Picture => "image",
            AttachmentGroup::Audio => "audio",
            AttachmentGroup::Pdf => "pdf",
        }
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputKind {
    /// Text, or what could be text: whether all of it is shows only when it is read.
    Text,
    Known(AttachmentFormat),
    /// Something of a name that can't be attached.
    Other(FileFormat),
    /// Bytes of no known format; there are zero bytes among them.
    Unknown,
}

/// Tells what a content is from its beginning, of which [`HEAD_BYTES`] bytes are enough.
///
/// Signatures made of letters are believed only where there is a zero byte too, which all these formats
/// have in their headers and no text has: a note may well begin with `GIF89a` or `PK`. What is neither
/// (an old encoding) is met where the text is read.
pub(super) fn of(head: &[u8]) -> InputKind {
    let has_zero = head.contains(&0);
    match media::detect(head).filter(|detected| has_zero || !detected.could_be_text()) {
        Some(detected) => match AttachmentFormat::of(detected.format) {
            Some(format) => InputKind::Known(format),
            None => InputKind::Other(detected.format),
        },
        None if has_zero => InputKind::Unknown,
        None => InputKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_be_attached_has_its_names() {
        for (head, name, media_type, group) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "jpeg", "image/jpeg", AttachmentGroup::Picture),
            (b"GIF89a\x01\0\x01\0", "gif", "image/gif", AttachmentGroup::Picture),
            (b"RIFF\x24\0\0\0WAVEfmt ", "wav", "audio/wav", AttachmentGroup::Audio),
            (b"ID3\x04\0\0\0\0\0\0", "mp3", "audio/mpeg", AttachmentGroup::Audio),
            (b"\xff\xfb\x90\x64\0", "mp3", "audio/mpeg", AttachmentGroup::Audio),
            (
                b"\xef\xbb\xbf\n%PDF-1.4\nall letters",
                "pdf",
                "application/pdf",
                AttachmentGroup::Pdf,
            ),
        ] {
            let InputKind::Known(format) = of(head) else { panic!("{head:?} can be attached") };
            let told = (format.name(), format.media_type(), format.group());
            assert_eq!(told, (name, media_type, group));
        }
    }

    #[test]
    fn words_that_look_like_a_signature_are_text() {
        for text in [
            "GIF89a 是一种格式",
            "PK 比赛",
            "BM25 排序",
            "ID3 标签",
            "%PDF- 开头",
            "RIFF",
            "MZ",
            "",
        ] {
            assert_eq!(of(text.as_bytes()), InputKind::Text, "{text}");
        }
        // Old encodings are met where the text is read, with the place.
        assert_eq!(of(b"BM \xc4\xe3\xba\xc3"), InputKind::Text);
    }

    #[test]
    fn what_can_not_be_attached_has_a_name() {
        for (head, format) in [
            (&b"fLaC\0\0\0\x22"[..], FileFormat::Flac),
            (b"\0\0\0\x20ftypM4A \0", FileFormat::M4a),
            (b"\xff\xf1\x50\x80", FileFormat::Aac),
            (b"BM\x36\0\0\0", FileFormat::Bmp),
            (b"\xff\xfe\x60\x4f", FileFormat::Utf16),
        ] {
            assert_eq!(of(head), InputKind::Other(format));
        }
        assert_eq!(of(b"a\0b"), InputKind::Unknown);
    }

    proptest! {
        #[test]
        fn any_beginning_is_told_without_a_panic(head in proptest::collection::vec(any::<u8>(), 0..64)) {
            let kind = of(&head);
            if head.contains(&0) {
                prop_assert!(kind != InputKind::Text);
            }
        }
    }
}
