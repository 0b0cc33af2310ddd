//! The frames of MP3 (ISO 11172-3 and 13818-3, layer III), and those that note a file's length.

use super::frames::{FrameCoding, FrameHeader};

/// Where a note of the length begins: behind the header of four bytes and the side information (ISO
/// 11172-3, 2.4.1.7; 13818-3, 2.4.1.7).
fn note_offset(coding: FrameCoding) -> usize {
    let is_first_version = coding.version == 3;
    4 + match (is_first_version, coding.is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    }
}

/// Whether a frame notes the file's length and contains no audio: `Xing` and `Info` (LAME) or `VBRI`
/// (Fraunhofer).
pub(super) fn is_length_note(frame: &[u8], coding: FrameCoding) -> bool {
    let has = |at: usize, word: &[u8]| frame.get(at..at + 4) == Some(word);
    let at = note_offset(coding);
    has(at, b"Xing") || has(at, b"Info") || has(36, b"VBRI")
}

/// A silent frame with a note of the number of frames and bytes, both still 0, in the coding of
/// `frame`. Empty if no frame of this coding has room for it.
pub(super) fn empty_note(frame: &[u8], coding: FrameCoding) -> Vec<u8> {
    let at = note_offset(coding);
    let mut header = [0xFF, frame[1] | 1, frame[2] & 0x0D, frame[3]];
    // The smallest bit rate at which the note fits into the frame.
    let length = (1..15).find_map(|index| {
        header[2] = header[2] & 0x0F | index << 4;
        read_header(&header).map(|header| header.length).filter(|length| *length >= at + 16)
    });
    let Some(length) = length else { return Vec::new() };
    let mut bytes = vec![0; length];
    bytes[..4].copy_from_slice(&header);
    bytes[at..at + 8].copy_from_slice(b"Xing\0\0\0\x03");
    bytes
}

/// An [`empty_note`] with the numbers of the frames and bytes behind it.
pub(super) fn filled_note(note: &[u8], coding: FrameCoding, frames: u32, bytes: u64) -> Vec<u8> {
    let mut filled = note.to_vec();
    let at = note_offset(coding) + 8;
    let length = u32::try_from(bytes + note.len() as u64).unwrap_or(u32::MAX);
    filled[at..at + 4].copy_from_slice(&frames.to_be_bytes());
    filled[at + 4..at + 8].copy_from_slice(&length.to_be_bytes());
    filled
}

/// Reads a frame's header (ISO 11172-3, 2.4.2.3; 13818-3, 2.4.2.3; version 2.5 by Fraunhofer).
pub(super) fn read_header(bytes: &[u8]) -> Option<FrameHeader> {
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
    let coding = FrameCoding { version, rate, is_mono: fourth >> 6 == 3 };
    (kilobits > 0).then_some(FrameHeader { length: length as usize, coding })
}
