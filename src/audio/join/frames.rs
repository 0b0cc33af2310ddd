//! Cuts a stream into frames whose headers tell their length (MP3, ADTS). Tags before, between and after
//! the frames are left out.

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The frame's length in bytes, with its header.
    pub(super) length: usize,
    /// What all frames of a joined file have in common.
    pub(super) coding: FrameCoding,
}

/// How audio is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameCoding {
    /// The version of the coding, as the header has it.
    pub(super) version: u8,
    /// Samples per second.
    pub(super) rate: u32,
    pub(super) is_mono: bool,
}

/// Reads a frame's header, at the beginning of the bytes; `None` if there is none.
pub(super) type ReadHeader = fn(&[u8]) -> Option<FrameHeader>;

/// How many bytes are enough to read a frame's header or a tag's length.
const HEADER_BYTES: usize = 10;

/// An ID3v1 tag's length (id3.org, "ID3v1").
const ID3V1_BYTES: usize = 128;

/// Cuts the bytes of a part into frames.
#[derive(Debug)]
pub(super) struct FrameReader {
    read_header: ReadHeader,
    /// Bytes of an unfinished frame or tag.
    rest: Vec<u8>,
    /// How many bytes of a tag are still to come.
    skip: usize,
    coding: Option<FrameCoding>,
}

impl FrameReader {
    /// A reader of frames with headers of this format.
    pub(super) fn new(read_header: ReadHeader) -> Self {
        Self { read_header, rest: Vec::new(), skip: 0, coding: None }
    }

    /// Takes the next bytes and calls `each` for every frame that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8], FrameCoding)) {
        self.rest.extend_from_slice(bytes);
        self.walk(false, each);
    }

    /// The part is over: an incomplete frame is left out.
    pub(super) fn end_part(&mut self, each: &mut dyn FnMut(&[u8], FrameCoding)) {
        self.walk(true, each);
        self.rest.clear();
        self.skip = 0;
        self.coding = None;
    }

    fn walk(&mut self, is_end: bool, each: &mut dyn FnMut(&[u8], FrameCoding)) {
        let mut at = 0;
        loop {
            let left = &self.rest[at..];
            if self.skip > 0 {
                let skipped = self.skip.min(left.len());
                self.skip -= skipped;
                at += skipped;
                if self.skip > 0 {
                    break;
                }
            } else if left.is_empty() || (left.len() < HEADER_BYTES && !is_end) {
                break;
            } else if let Some(length) = tag_length(left) {
                self.skip = length;
            } else if let Some(header) = self.header(left) {
                if left.len() < header.length {
                    break;
                }
                self.coding = Some(header.coding);
                each(&left[..header.length], header.coding);
                at += header.length;
            } else {
                at += 1;
            }
        }
        self.rest.drain(..at);
    }

    /// After the first frame of a part, only the same coding makes a header: anything else is chance.
    fn header(&self, bytes: &[u8]) -> Option<FrameHeader> {
        let header = (self.read_header)(bytes)?;
        let is_alike = self.coding.is_none_or(|coding| coding == header.coding);
        is_alike.then_some(header)
    }
}

/// The length of a tag at the beginning of the bytes (id3.org, "ID3v2.4.0 main structure", section 3.1: the
/// length is in four bytes of seven bits, without a header and a footer of ten bytes each).
fn tag_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'T', b'A', b'G', ..] => Some(ID3V1_BYTES),
        [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] => {
            let bits = |byte: &u8| usize::from(byte & 0x7F);
            let length = bits(a) << 21 | bits(b) << 14 | bits(c) << 7 | bits(d);
            Some(10 + length + if flags & 0x10 != 0 { 10 } else { 0 })
        }
        _ => None,
    }
}
