//! MP3 (ISO 11172-3 and 13818-3, layer III): the frames of the parts one after the other, without
//! tags and without the frames in which encoders note a file's length; one such frame for the whole.

use super::frames::{FrameCoding, FrameHead, FrameReader};
use super::outcome::{LengthPatch, Unjoinable};

/// Joins MP3 files.
#[derive(Debug)]
pub(super) struct Mp3Join {
    frames: FrameReader,
    whole: Mp3Totals,
    can_patch: bool,
}

/// What is known of the whole.
#[derive(Debug, Default)]
struct Mp3Totals {
    shape: Option<FrameCoding>,
    /// The frame that notes the length, at the very beginning; empty if there is none.
    note: Vec<u8>,
    frames: u32,
    bytes: u64,
    /// Whether a frame of the current part came that was more than a note of the length.
    has_sound: bool,
    is_mixed: bool,
}

impl Mp3Join {
    /// `can_patch`: the whole gets a frame that notes its length.
    pub(super) fn new(can_patch: bool) -> Self {
        Self { frames: FrameReader::new(read_head), whole: Mp3Totals::default(), can_patch }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let (whole, can_patch) = (&mut self.whole, self.can_patch);
        self.frames.push(bytes, &mut |frame, shape| whole.take(frame, shape, can_patch, out));
        self.check()
    }

    pub(super) fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let (whole, can_patch) = (&mut self.whole, self.can_patch);
        self.frames.end_part(&mut |frame, shape| whole.take(frame, shape, can_patch, out));
        self.check()?;
        match std::mem::take(&mut self.whole.has_sound) {
            true => Ok(()),
            false => Err(Unjoinable::new("contains no MP3 audio")),
        }
    }

    fn check(&self) -> Result<(), Unjoinable> {
        if self.whole.is_mixed { Err(Unjoinable::new("has a different encoding")) } else { Ok(()) }
    }

    /// The frame that notes the length, with the numbers in it.
    pub(super) fn patches(&self) -> Vec<LengthPatch> {
        let whole = &self.whole;
        let (Some(shape), false) = (whole.shape, whole.note.is_empty()) else { return Vec::new() };
        let mut bytes = whole.note.clone();
        let at = note_offset(shape) + 8;
        let length = u32::try_from(whole.bytes + bytes.len() as u64).unwrap_or(u32::MAX);
        bytes[at..at + 4].copy_from_slice(&whole.frames.to_be_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&length.to_be_bytes());
        vec![LengthPatch { at: 0, bytes }]
    }
}

impl Mp3Totals {
    fn take(&mut self, frame: &[u8], shape: FrameCoding, can_patch: bool, out: &mut Vec<u8>) {
        if self.shape.is_none() {
            self.shape = Some(shape);
            if can_patch {
                self.note = note(frame, shape);
                out.extend_from_slice(&self.note);
            }
        }
        self.is_mixed |= self.shape != Some(shape);
        // Not only at a part's beginning: some services put several files behind each other.
        if is_note(frame, shape) {
            return;
        }
        self.has_sound = true;
        self.frames += 1;
        self.bytes += frame.len() as u64;
        out.extend_from_slice(frame);
    }
}

/// Where a note of the length begins: behind the head of four bytes and the side information (ISO
/// 11172-3, 2.4.1.7; 13818-3, 2.4.1.7).
fn note_offset(shape: FrameCoding) -> usize {
    let is_first_version = shape.version == 3;
    4 + match (is_first_version, shape.is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    }
}

/// Whether a frame notes the file's length instead of holding sound: `Xing` and `Info` (LAME) or
/// `VBRI` (Fraunhofer).
fn is_note(frame: &[u8], shape: FrameCoding) -> bool {
    let has = |at: usize, word: &[u8]| frame.get(at..at + 4) == Some(word);
    let at = note_offset(shape);
    has(at, b"Xing") || has(at, b"Info") || has(36, b"VBRI")
}

/// A frame of silence for a note of the number of frames and bytes, both still 0, in the shape of
/// `frame`.
fn note(frame: &[u8], shape: FrameCoding) -> Vec<u8> {
    let at = note_offset(shape);
    let mut head = [0xFF, frame[1] | 1, frame[2] & 0x0D, frame[3]];
    // The smallest bit rate at which the note fits into the frame.
    let length = (1..15).find_map(|index| {
        head[2] = head[2] & 0x0F | index << 4;
        read_head(&head).map(|head| head.length).filter(|length| *length >= at + 16)
    });
    let Some(length) = length else { return Vec::new() };
    let mut bytes = vec![0; length];
    bytes[..4].copy_from_slice(&head);
    bytes[at..at + 8].copy_from_slice(b"Xing\0\0\0\x03");
    bytes
}

/// Reads a frame's head (ISO 11172-3, 2.4.2.3; 13818-3, 2.4.2.3; version 2.5 by Fraunhofer).
fn read_head(bytes: &[u8]) -> Option<FrameHead> {
    const FIRST: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const SECOND: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [0xFF, second, third, fourth, ..] = bytes else { return None };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if second & 0xE0 != 0xE0 || version == 1 || layer != 1 {
        return None;
    }
    let is_first_version = version == 3;
    let rates = if is_first_version { FIRST } else { SECOND };
    let kilobits = *rates.get(usize::from(third >> 4))?;
    let rate = *[44_100_u32, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    let bytes_by_rate = if is_first_version { 144_000 } else { 72_000 };
    let length = kilobits * bytes_by_rate / rate + u32::from(third >> 1 & 1);
    let shape = FrameCoding { version, rate, is_mono: fourth >> 6 == 3 };
    (kilobits > 0).then_some(FrameHead { length: length as usize, shape })
}
