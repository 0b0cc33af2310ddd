//! The frames of AAC with ADTS headers (ISO 13818-7), each of which stands for itself.

use super::frames::{FrameCoding, FrameHeader};

/// Reads an ADTS header (ISO 13818-7, table 8 and 35).
pub(super) fn read_header(bytes: &[u8]) -> Option<FrameHeader> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    let [0xFF, second, third, fourth, fifth, sixth, _, ..] = bytes else { return None };
    if second & 0xF6 != 0xF0 {
        return None;
    }
    let rate = *RATES.get(usize::from(third >> 2 & 0x0F))?;
    let channels = (third & 1) << 2 | fourth >> 6;
    let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(sixth >> 5);
    let coding = FrameCoding { version: second & 0x08 | third >> 6, rate, is_mono: channels == 1 };
    (length >= 7).then_some(FrameHeader { length, coding })
}
