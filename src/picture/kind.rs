//! What kind of picture some bytes are, by how they begin. Decodes nothing.

/// The kinds of pictures that services take and give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
    Avif,
}

/// So many bytes of the begin are enough to tell.
pub(crate) const HEAD: usize = 64;

impl Kind {
    /// The kind of the picture that begins with these bytes; `None` if they begin none of them.
    ///
    /// PNG specification section 5.2; JPEG: ITU-T T.81 annex B; GIF89a section 17; WebP: RFC 9649
    /// section 2.3; AVIF: the brands of its specification, in the `ftyp` box of ISO 14496-12.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Kind::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Kind::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Kind::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Kind::Webp),
            [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => {
                let mut brands = brands[..brands.len().min(HEAD - 8)].chunks(4);
                let is_avif = |brand: &[u8]| brand == b"avif" || brand == b"avis";
                brands.any(is_avif).then_some(Kind::Avif)
            }
            _ => None,
        }
    }

    /// The file's ending.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Kind::Png => "png",
            Kind::Jpeg => "jpg",
            Kind::Gif => "gif",
            Kind::Webp => "webp",
            Kind::Avif => "avif",
        }
    }

    /// Whether a file's ending stands for this kind.
    pub(crate) fn has_ending(self, ending: &str) -> bool {
        let ending = ending.to_ascii_lowercase();
        ending == self.ending() || (self == Kind::Jpeg && ending == "jpeg")
    }

    /// The media type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Kind::Png => "image/png",
            Kind::Jpeg => "image/jpeg",
            Kind::Gif => "image/gif",
            Kind::Webp => "image/webp",
            Kind::Avif => "image/avif",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        for (head, kind) in [
            (&b"\x89PNG\r\n\x1a\n\0"[..], Kind::Png),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Kind::Jpeg),
            (b"GIF89a", Kind::Gif),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Kind::Webp),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1", Kind::Avif),
            (b"\0\0\0\x1cftypmif1\0\0\0\0avif", Kind::Avif),
        ] {
            assert_eq!(Kind::of(head), Some(kind));
        }
        for head in [&b""[..], b"\x89PNG", b"<html>", b"RIFF\x10\0\0\0WAVE", b"\0\0\0\x1cftypheic"]
        {
            assert_eq!(Kind::of(head), None, "{head:?}");
        }
    }

    #[test]
    fn endings_belong_to_kinds() {
        assert!(Kind::Jpeg.has_ending("JPEG") && Kind::Jpeg.has_ending("jpg"));
        assert!(Kind::Png.has_ending("png") && !Kind::Png.has_ending("jpg"));
    }
}
