//! What a file holds, told from its first bytes and never from its name. Reads nothing itself.

/// So much of a file's beginning decides.
pub(super) const HEAD: usize = 8 * 1024;

/// The formats that a chat request carries as attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Gif,
    WebP,
    Wav,
    Mp3,
    Pdf,
}

/// What becomes of a format in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Picture,
    Audio,
    Pdf,
}

impl Format {
    /// Which part of a request it becomes.
    pub(crate) fn group(self) -> Group {
        match self {
            Format::Png | Format::Jpeg | Format::Gif | Format::WebP => Group::Picture,
            Format::Wav | Format::Mp3 => Group::Audio,
            Format::Pdf => Group::Pdf,
        }
    }

    /// The name in profiles (`takes_no`) and, of audio, in requests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpeg",
            Format::Gif => "gif",
            Format::WebP => "webp",
            Format::Wav => "wav",
            Format::Mp3 => "mp3",
            Format::Pdf => "pdf",
        }
    }

    /// The media type (RFC 2046, RFC 3003, RFC 8118, RFC 9649).
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::Gif => "image/gif",
            Format::WebP => "image/webp",
            Format::Wav => "audio/wav",
            Format::Mp3 => "audio/mpeg",
            Format::Pdf => "application/pdf",
        }
    }

    /// The format in a sentence, with its article.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Format::Png => "a PNG picture",
            Format::Jpeg => "a JPEG picture",
            Format::Gif => "a GIF picture",
            Format::WebP => "a WebP picture",
            Format::Wav => "a WAV recording",
            Format::Mp3 => "an MP3 recording",
            Format::Pdf => "a PDF document",
        }
    }
}

impl Group {
    /// The name in profiles (`takes_no`).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::Picture => "image",
            Group::Audio => "audio",
            Group::Pdf => "pdf",
        }
    }
}

/// What can be done about a content that can't be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Another picture format, by a converter.
    Picture,
    /// A transcription, or another audio format.
    Audio,
    /// The sound alone, taken out of a video.
    Video,
    /// A document that an office program can save as PDF.
    Document,
    None,
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, or what could be text: whether all of it is shows only when it is read.
    Text,
    Known(Format),
    /// Something of a name that can't be attached.
    Other(&'static str, Remedy),
    /// Bytes that no list here knows; there are zero bytes among them.
    Unknown,
}

/// Tells what a content is from its beginning, of which [`HEAD`] bytes are enough.
///
/// Signatures made of letters are believed only where there is a zero byte too: a note may well
/// begin with `GIF89a` or `PK`.
pub(super) fn of(head: &[u8]) -> Kind {
    if let Some(kind) = binary_signature(head) {
        return kind;
    }
    let trimmed = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    // ISO 32000-2, section 7.5.2: the version follows. A small PDF can be all letters.
    if let Some(version) = trimmed.strip_prefix(b"%PDF-")
        && version.first().is_some_and(u8::is_ascii_digit)
    {
        return Kind::Known(Format::Pdf);
    }
    // All these formats have zero bytes in their headers, and no text has one. What is neither (an
    // old encoding) is met where the text is read.
    if !head.contains(&0) {
        return Kind::Text;
    }
    signature(head).or_else(|| container(head)).unwrap_or(Kind::Unknown)
}

/// Signatures that no text begins with.
fn binary_signature(head: &[u8]) -> Option<Kind> {
    let known = [
        (&b"\x89PNG\r\n\x1a\n"[..], Kind::Known(Format::Png)),
        (b"\xff\xd8\xff", Kind::Known(Format::Jpeg)),
        (b"\xff\xfe\0\0", Kind::Other("UTF-32 text", Remedy::None)),
        (b"\xff\xfe", Kind::Other("UTF-16 text", Remedy::None)),
        (b"\xfe\xff", Kind::Other("UTF-16 text", Remedy::None)),
        (b"\x1f\x8b", Kind::Other("a gzip archive", Remedy::None)),
        (b"\xfd7zXZ\0", Kind::Other("an xz archive", Remedy::None)),
        (b"\x28\xb5\x2f\xfd", Kind::Other("a zstd archive", Remedy::None)),
        (b"7z\xbc\xaf\x27\x1c", Kind::Other("a 7z archive", Remedy::None)),
        (b"\x7fELF", Kind::Other("a program", Remedy::None)),
        (b"\xcf\xfa\xed\xfe", Kind::Other("a program", Remedy::None)),
        (b"\xd0\xcf\x11\xe0", Kind::Other("an old Office document", Remedy::Document)),
        (b"\x1a\x45\xdf\xa3", Kind::Other("a Matroska or WebM video", Remedy::Video)),
        (b"\x30\x26\xb2\x75", Kind::Other("a Windows Media file", Remedy::Audio)),
        (b"\xff\x0a", Kind::Other("a JPEG XL picture", Remedy::Picture)),
    ];
    let found = known.iter().find(|(start, _)| head.starts_with(start)).map(|(_, kind)| *kind);
    found.or_else(|| mpeg_audio(head))
}

/// MPEG audio without an ID3 tag (ISO 11172-3, section 2.4.1.3): eleven ones, the layer, the
/// bitrate and the sampling rate, none of them with a forbidden value. ADTS (AAC) has layer 0.
fn mpeg_audio(head: &[u8]) -> Option<Kind> {
    let [0xff, second, third, ..] = *head else { return None };
    if second & 0xe0 != 0xe0 {
        return None;
    }
    let (layer, has_rates) = (second >> 1 & 3, third >> 4 != 15 && third >> 2 & 3 != 3);
    match layer {
        1 if has_rates && second >> 3 & 3 != 1 => Some(Kind::Known(Format::Mp3)),
        0 if second & 0xf0 == 0xf0 => Some(Kind::Other("an AAC recording", Remedy::Audio)),
        _ => None,
    }
}

/// Signatures of letters, in what has a zero byte.
fn signature(head: &[u8]) -> Option<Kind> {
    let audio = |words| Kind::Other(words, Remedy::Audio);
    let picture = |words| Kind::Other(words, Remedy::Picture);
    let other = |words| Kind::Other(words, Remedy::None);
    let known = [
        (&b"GIF87a"[..], Kind::Known(Format::Gif)),
        (b"GIF89a", Kind::Known(Format::Gif)),
        (b"ID3", Kind::Known(Format::Mp3)),
        (b"fLaC", audio("a FLAC recording")),
        (b"OggS", audio("an Ogg recording")),
        (b"#!AMR", audio("an AMR recording")),
        (b"MThd", other("a MIDI file")),
        (b"BM", picture("a BMP picture")),
        (b"II*\0", picture("a TIFF picture")),
        (b"MM\0*", picture("a TIFF picture")),
        (b"\0\0\x01\0", picture("an icon")),
        (b"8BPS", picture("a Photoshop picture")),
        (b"\0\0\0\x0cJXL ", picture("a JPEG XL picture")),
        (b"Rar!", other("a RAR archive")),
        (b"BZh", other("a bzip2 archive")),
        (b"SQLite format 3\0", other("an SQLite database")),
        (b"GGUF", other("a GGUF model")),
        (b"MZ", other("a program")),
        (b"\0asm", other("a WebAssembly program")),
    ];
    known.iter().find(|(start, _)| head.starts_with(start)).map(|(_, kind)| *kind)
}

/// Containers whose content shows further in: RIFF, ISO media files, IFF, ZIP.
fn container(head: &[u8]) -> Option<Kind> {
    let at = |range: std::ops::Range<usize>| head.get(range).unwrap_or_default();
    match (at(0..4), at(8..12)) {
        (b"RIFF", b"WEBP") => return Some(Kind::Known(Format::WebP)),
        (b"RIFF", b"WAVE") => return Some(Kind::Known(Format::Wav)),
        (b"RIFF", b"AVI ") => return Some(Kind::Other("an AVI video", Remedy::Video)),
        (b"RF64" | b"BW64", b"WAVE") => {
            return Some(Kind::Other("a 64-bit WAV recording", Remedy::Audio));
        }
        (b"FORM", b"AIFF" | b"AIFC") => {
            return Some(Kind::Other("an AIFF recording", Remedy::Audio));
        }
        _ => {}
    }
    if at(4..8) == b"ftyp" {
        return Some(match at(8..12) {
            b"M4A " | b"M4B " => Kind::Other("an M4A recording", Remedy::Audio),
            b"avif" | b"avis" => Kind::Other("an AVIF picture", Remedy::Picture),
            b"heic" | b"heix" | b"mif1" | b"msf1" | b"hevc" => {
                Kind::Other("a HEIC picture", Remedy::Picture)
            }
            _ => Kind::Other("an MP4 or QuickTime video", Remedy::Video),
        });
    }
    head.starts_with(b"PK\x03\x04").then(|| {
        let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
        match () {
            () if has(b"word/") => Kind::Other("a Word document", Remedy::Document),
            () if has(b"ppt/") => Kind::Other("a PowerPoint document", Remedy::Document),
            () if has(b"xl/") => Kind::Other("an Excel document", Remedy::Document),
            () if has(b"opendocument") => Kind::Other("an OpenDocument file", Remedy::Document),
            () if has(b"epub") => Kind::Other("an EPUB book", Remedy::Document),
            () => Kind::Other("a ZIP archive", Remedy::None),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_are_told_from_their_first_bytes() {
        for (bytes, format) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Format::Png),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Format::Jpeg),
            (b"GIF89a\x01\0\x01\0", Format::Gif),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Format::WebP),
            (b"RIFF\x24\0\0\0WAVEfmt ", Format::Wav),
            (b"ID3\x04\0\0\0\0\0\0", Format::Mp3),
            (b"\xff\xfb\x90\x64\0", Format::Mp3),
            (b"%PDF-1.7\n%\xe2\xe3", Format::Pdf),
            (b"\xef\xbb\xbf\n%PDF-1.4\nall letters", Format::Pdf),
        ] {
            assert_eq!(of(bytes), Kind::Known(format), "{bytes:?}");
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
            assert_eq!(of(text.as_bytes()), Kind::Text, "{text}");
        }
        // Old encodings are met where the text is read, with the place.
        assert_eq!(of(b"BM \xc4\xe3\xba\xc3"), Kind::Text);
    }

    #[test]
    fn what_can_not_be_attached_has_a_name() {
        for (bytes, words) in [
            (&b"fLaC\0\0\0\x22"[..], "a FLAC recording"),
            (b"OggS\0\x02", "an Ogg recording"),
            (b"\0\0\0\x20ftypM4A \0", "an M4A recording"),
            (b"\0\0\0\x20ftypheic\0", "a HEIC picture"),
            (b"\0\0\0\x20ftypisom\0", "an MP4 or QuickTime video"),
            (b"\xff\xf1\x50\x80", "an AAC recording"),
            (b"PK\x03\x04\x14\0\x06\0word/document.xml", "a Word document"),
            (b"PK\x03\x04\x14\0\0\0a.txt", "a ZIP archive"),
            (b"BM\x36\0\0\0", "a BMP picture"),
            (b"\xff\xfe\x60\x4f", "UTF-16 text"),
        ] {
            assert!(matches!(of(bytes), Kind::Other(found, _) if found == words), "{bytes:?}");
        }
        assert_eq!(of(b"a\0b"), Kind::Unknown);
    }

    proptest! {
        #[test]
        fn any_beginning_is_told_without_a_panic(head in proptest::collection::vec(any::<u8>(), 0..64)) {
            let kind = of(&head);
            if head.contains(&0) {
                prop_assert!(kind != Kind::Text);
            }
        }
    }
}
