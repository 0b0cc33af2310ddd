//! A stream of frames that say their own length (MP3, ADTS), cut into them; tags in front of, behind
//! and between them are left out. Does not know what a frame holds.

/// What a frame's head tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// The frame's length in bytes, its head included.
    pub(super) length: usize,
    /// What all frames of one whole have in common.
    pub(super) shape: FrameCoding,
}

/// How the sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameCoding {
    /// The version of the coding, as the head has it.
    pub(super) version: u8,
    /// Samples a second.
    pub(super) rate: u32,
    pub(super) is_mono: bool,
}

/// Reads a frame's head, which begins the bytes; `None` if there is none.
pub(super) type ReadHead = fn(&[u8]) -> Option<FrameHead>;

/// How many bytes are enough to read a frame's head or a tag's length.
const HEAD_BYTES: usize = 10;

/// An ID3v1 tag's length (id3.org, "ID3v1").
const ID3V1_BYTES: usize = 128;

/// Cuts the bytes of a part into frames.
#[derive(Debug)]
pub(super) struct FrameReader {
    read_head: ReadHead,
    /// Bytes of an unfinished frame or tag.
    rest: Vec<u8>,
    /// How many bytes of a tag are still to come.
    skip: usize,
    shape: Option<FrameCoding>,
}

impl FrameReader {
    /// For frames whose head this function reads.
    pub(super) fn new(read_head: ReadHead) -> Self {
        Self { read_head, rest: Vec::new(), skip: 0, shape: None }
    }

    /// Takes the next bytes and calls `each` for every frame that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8], FrameCoding)) {
        self.rest.extend_from_slice(bytes);
        self.walk(false, each);
    }

    /// The part is over: a frame that was cut off is left out.
    pub(super) fn end_part(&mut self, each: &mut dyn FnMut(&[u8], FrameCoding)) {
        self.walk(true, each);
        self.rest.clear();
        self.skip = 0;
        self.shape = None;
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
            } else if left.is_empty() || (left.len() < HEAD_BYTES && !is_end) {
                break;
            } else if let Some(length) = tag_length(left) {
                self.skip = length;
            } else if let Some(head) = self.head(left) {
                if left.len() < head.length {
                    break;
                }
                self.shape = Some(head.shape);
                each(&left[..head.length], head.shape);
                at += head.length;
            } else {
                at += 1;
            }
        }
        self.rest.drain(..at);
    }

    /// Behind the first frame of a part only one of the same shape is one, and no chance.
    fn head(&self, bytes: &[u8]) -> Option<FrameHead> {
        let head = (self.read_head)(bytes)?;
        let is_alike = self.shape.is_none_or(|shape| shape == head.shape);
        is_alike.then_some(head)
    }
}

/// The length of a tag that begins the bytes (id3.org, "ID3v2.4.0 main structure", section 3.1: the
/// length is in four bytes of seven bits, without head and foot of ten bytes each).
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
