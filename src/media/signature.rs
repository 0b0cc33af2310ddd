//! Recognises formats by their signatures.

use super::format::FileFormat;

/// A format that was recognised by a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) format: FileFormat,
    /// The bytes that were recognised.
    signature: &'static [u8],
}

/// The signatures: bytes at the beginning, bytes at offset 8 (in containers), the format. A signature
/// comes after the longer ones that begin with it.
const SIGNATURES: &[(&[u8], &[u8], FileFormat)] = &[
    (b"\x89PNG\r\n\x1a\n", b"", FileFormat::Png),
    (b"\xff\xd8\xff", b"", FileFormat::Jpeg),
    (b"GIF87a", b"", FileFormat::Gif),
    (b"GIF89a", b"", FileFormat::Gif),
    (b"RIFF", b"WEBP", FileFormat::WebP),
    (b"\xff\x0a", b"", FileFormat::JpegXl),
    (b"\0\0\0\x0cJXL ", b"", FileFormat::JpegXl),
    (b"BM", b"", FileFormat::Bmp),
    (b"II*\0", b"", FileFormat::Tiff),
    (b"MM\0*", b"", FileFormat::Tiff),
    (b"\0\0\x01\0", b"", FileFormat::Icon),
    (b"8BPS", b"", FileFormat::Photoshop),
    (b"RIFF", b"WAVE", FileFormat::Wav),
    (b"RF64", b"WAVE", FileFormat::Wav64),
    (b"BW64", b"WAVE", FileFormat::Wav64),
    // A tag, which nearly always belongs to an MP3 file.
    (b"ID3", b"", FileFormat::Mp3),
    (b"fLaC", b"", FileFormat::Flac),
    (b"OggS", b"", FileFormat::Ogg),
    (b"FORM", b"AIFF", FileFormat::Aiff),
    (b"FORM", b"AIFC", FileFormat::Aiff),
    (b"caff", b"", FileFormat::Caf),
    (b"#!AMR", b"", FileFormat::Amr),
    (b"\x30\x26\xb2\x75", b"", FileFormat::WindowsMedia),
    (b"\x1a\x45\xdf\xa3", b"", FileFormat::Matroska),
    (b"RIFF", b"AVI ", FileFormat::Avi),
    (b"\xd0\xcf\x11\xe0", b"", FileFormat::OldOffice),
    (b"\x1f\x8b\x08", b"", FileFormat::Gzip),
    (b"BZh", b"", FileFormat::Bzip2),
    (b"\xfd7zXZ\0", b"", FileFormat::Xz),
    (b"\x28\xb5\x2f\xfd", b"", FileFormat::Zstd),
    (b"7z\xbc\xaf\x27\x1c", b"", FileFormat::SevenZip),
    (b"Rar!\x1a\x07", b"", FileFormat::Rar),
    (b"\x7fELF", b"", FileFormat::Executable),
    (b"\xcf\xfa\xed\xfe", b"", FileFormat::Executable),
    (b"MZ", b"", FileFormat::Executable),
    (b"\0asm", b"", FileFormat::WebAssembly),
    (b"\xff\xfe\0\0", b"", FileFormat::Utf32),
    (b"\xff\xfe", b"", FileFormat::Utf16),
    (b"\xfe\xff", b"", FileFormat::Utf16),
    (b"MThd", b"", FileFormat::Midi),
    (b"SQLite format 3\0", b"", FileFormat::Sqlite),
    (b"GGUF", b"", FileFormat::Gguf),
];

impl Detected {
    /// Whether a text may begin with the signature, as one about `GIF89a` or `PK` does. Not that of a PDF,
    /// which has a version too; a small PDF can be all text (ISO 32000-2, section 7.5.2).
    pub(crate) fn could_be_text(self) -> bool {
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
        self.format != FileFormat::Pdf && self.signature.iter().all(is_printable)
    }

    /// Whether the signature can't be there by chance, in audio samples for instance. Nearly silent samples
    /// look like those of an icon and of UTF-32.
    pub(crate) fn is_certain(self) -> bool {
        let is_quiet = matches!(self.format, FileFormat::Icon | FileFormat::Utf32);
        self.signature.len() > 2 && !is_quiet
    }
}

/// The format of a file by its beginning; `None` for text and unknown formats. [`PICTURE_HEAD`] bytes are
/// enough, except for documents in ZIP archives.
pub(crate) fn detect(head: &[u8]) -> Option<Detected> {
    let behind = head.get(8..).unwrap_or_default();
    let fits = |(start, inner, _): &&(&[u8], &[u8], FileFormat)| {
        head.starts_with(start) && behind.starts_with(inner)
    };
    if let Some((signature, _, format)) = SIGNATURES.iter().find(fits) {
        return Some(Detected { format: *format, signature });
    }
    let found =
        |signature, format: Option<FileFormat>| format.map(|format| Detected { format, signature });
    found(b"\xff", mpeg_audio(head))
        .or_else(|| found(b"ftyp", iso_media(head)))
        .or_else(|| found(b"PK\x03\x04", zip(head)))
        .or_else(|| found(b"%PDF-", is_pdf(head).then_some(FileFormat::Pdf)))
}

/// The format of [`detect`] alone.
pub(crate) fn format_of(head: &[u8]) -> Option<FileFormat> {
    detect(head).map(|detected| detected.format)
}

/// How many bytes are enough for [`sent_picture`].
pub(crate) const PICTURE_HEAD: usize = 256;

/// The format of a picture, if it is one that services accept and return.
pub(crate) fn sent_picture(head: &[u8]) -> Option<FileFormat> {
    use FileFormat::{Avif, Gif, Jpeg, Png, Svg, WebP};
    let is_sent = |format: &FileFormat| matches!(format, Png | Jpeg | Gif | WebP | Avif);
    format_of(head).filter(is_sent).or_else(|| is_svg(head).then_some(Svg))
}

/// Whether a text is an SVG picture: its element comes first, behind what may stand before it in XML.
fn is_svg(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(PICTURE_HEAD)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let is_xml =
        ["<svg", "<?xml", "<!DOCTYPE svg", "<!--"].iter().any(|start| text.starts_with(start));
    is_xml && (text.contains("<svg") || text.contains("<!DOCTYPE svg"))
}

/// MPEG audio without a tag: eleven ones, then version, layer, bit rate and sample rate, none of them
/// with a reserved value (ISO 11172-3, section 2.4.2.3). MP3 is layer III, whose bits are 01; the layer
/// of ADTS, which is AAC, is 00 (ISO 13818-7, section 6.2.1).
fn mpeg_audio(head: &[u8]) -> Option<FileFormat> {
    match *head {
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(FileFormat::Aac),
        [0xff, second, third, ..]
            if second & 0xe6 == 0xe2
                && second & 0x18 != 0x08
                && third & 0xf0 != 0xf0
                && third & 0x0c != 0x0c =>
        {
            Some(FileFormat::Mp3)
        }
        _ => None,
    }
}

/// Formats in ISO base media files, by their brands: the first is the file's own, those from the third
/// on are what it is compatible with (ISO 14496-12, section 4.3).
fn iso_media(head: &[u8]) -> Option<FileFormat> {
    let brands = head.get(4..)?.strip_prefix(b"ftyp")?;
    if brands.chunks(4).take(14).any(|brand| matches!(brand, b"avif" | b"avis")) {
        return Some(FileFormat::Avif);
    }
    Some(match brands.get(..4) {
        Some(b"M4A " | b"M4B ") => FileFormat::M4a,
        Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"hevc") => FileFormat::Heic,
        _ => FileFormat::Mp4,
    })
}

/// ZIP archives, and documents that are one, by the names of the files in them.
fn zip(head: &[u8]) -> Option<FileFormat> {
    if !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    let names: [(&[u8], FileFormat); 5] = [
        (b"word/", FileFormat::Word),
        (b"ppt/", FileFormat::PowerPoint),
        (b"xl/", FileFormat::Excel),
        (b"opendocument", FileFormat::OpenDocument),
        (b"epub", FileFormat::Epub),
    ];
    let has = |(name, _): &&(&[u8], FileFormat)| memchr::memmem::find(head, name).is_some();
    Some(names.iter().find(has).map_or(FileFormat::Zip, |(_, format)| *format))
}

/// Whether it is a PDF, of which a byte order mark and white space may stand in front.
fn is_pdf(head: &[u8]) -> bool {
    let trimmed = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let version = trimmed.strip_prefix(b"%PDF-").and_then(|version| version.first());
    version.is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_from_their_first_bytes() {
        for (head, format) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], FileFormat::Png),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", FileFormat::Jpeg),
            (b"GIF89a", FileFormat::Gif),
            (b"RIFF\x10\0\0\0WEBPVP8 ", FileFormat::WebP),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1", FileFormat::Avif),
            (b"\0\0\0\x1cftypmif1\0\0\0\0avif", FileFormat::Avif),
            (b"\0\0\0\x1cftypheic", FileFormat::Heic),
            (b"RIFF\xff\xff\xff\xffWAVEfmt ", FileFormat::Wav),
            (b"RF64\xff\xff\xff\xffWAVEds64", FileFormat::Wav64),
            (b"RIFF\0\0\0\0AVI LIST", FileFormat::Avi),
            (b"ID3\x04", FileFormat::Mp3),
            (b"\xff\xfb\x90\x64", FileFormat::Mp3),
            (b"\xff\xf3\x84\xc4", FileFormat::Mp3),
            (b"\xff\xf1\x50\x80", FileFormat::Aac),
            (b"\xff\xfe\x60\x4f", FileFormat::Utf16),
            (b"OggS\0\x02", FileFormat::Ogg),
            (b"FORM\0\0\0\0AIFC", FileFormat::Aiff),
            (b"\0\0\0\x20ftypM4A ", FileFormat::M4a),
            (b"\0\0\0\x20ftypisom", FileFormat::Mp4),
            (b"PK\x03\x04\x14\0\x06\0word/document.xml", FileFormat::Word),
            (b"PK\x03\x04\x14\0\0\0a.txt", FileFormat::Zip),
            (b"\xef\xbb\xbf\n%PDF-1.4", FileFormat::Pdf),
        ] {
            assert_eq!(format_of(head), Some(format), "{head:?}");
        }
        for head in [
            &b""[..],
            b"\x89PNG",
            b"<html>",
            b"RIFF",
            b"RIFF\0\0\0\0ABCD",
            b"\xff\xff\xff\xff",
            b"\0\0\x01",
            b"%PDF- ",
        ] {
            assert_eq!(format_of(head), None, "{head:?}");
        }
    }

    #[test]
    fn a_signature_says_how_far_it_can_be_believed() {
        let of = |head: &[u8]| detect(head).expect("a format");
        assert!(of(b"GIF89a").could_be_text() && of(b"GIF89a").is_certain());
        assert!(of(b"BM25").could_be_text() && !of(b"BM25").is_certain());
        assert!(!of(b"%PDF-1.7").could_be_text());
        assert!(!of(b"\0\0\x01\0").is_certain() && !of(b"\xff\xfe\0\0").is_certain());
        assert!(!of(b"\xff\xfb\x90").could_be_text() && !of(b"\xff\xfb\x90").is_certain());
    }

    #[test]
    fn only_some_pictures_are_sent() {
        assert_eq!(sent_picture(b"GIF87a"), Some(FileFormat::Gif));
        assert_eq!(sent_picture(b"\0\0\0\x1cftypheic"), None);
        assert_eq!(sent_picture(b"RIFF\x10\0\0\0WAVE"), None);
    }
}
