//! Judges an input by its first bytes: text, a format that can be attached, or another format.

use crate::media::{self, FileFormat};

/// How many bytes at the beginning of an input are examined.
pub(super) const HEAD_BYTES: usize = 8 * 1024;

/// A format that can be attached to a chat request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttachmentFormat {
    file: FileFormat,
    group: AttachmentGroup,
}

/// Which part of a request an attachment becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttachmentGroup {
    Picture,
    Audio,
    Pdf,
}

impl AttachmentFormat {
    /// `None` if files of this format can't be attached.
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

    /// The name in profiles (`takes_no`), and for audio in requests.
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

/// What an input is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputKind {
    /// Perhaps text: that shows only when all of it is read.
    Text,
    Attachable(AttachmentFormat),
    /// A known format that can't be attached.
    Other(FileFormat),
    /// An unknown format, with zero bytes.
    Unknown,
}

/// Judges an input by its beginning; [`HEAD_BYTES`] are enough.
///
/// A text may begin with `GIF89a` or `PK`. So signatures made of letters count only together with a zero
/// byte, which the headers of these formats have and texts don't. Text in an old encoding is refused
/// later, when it is read.
pub(super) fn of(head: &[u8]) -> InputKind {
    let has_zero = head.contains(&0);
    match media::detect(head).filter(|detected| has_zero || !detected.could_be_text()) {
        Some(detected) => match AttachmentFormat::of(detected.format) {
            Some(format) => InputKind::Attachable(format),
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
            let InputKind::Attachable(format) = of(head) else {
                panic!("{head:?} can be attached")
            };
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
        // Old encodings are refused when the text is read, with the offset.
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
