//! AAC with ADTS heads (ISO 13818-7): every frame stands for itself, so parts follow each other.

use super::frames::{FrameCoding, FrameHead, FrameReader};
use super::outcome::Unjoinable;

/// Joins ADTS streams.
#[derive(Debug)]
pub(super) struct AacJoin {
    frames: FrameReader,
    shape: Option<FrameCoding>,
    has_frames: bool,
}

impl Default for AacJoin {
    fn default() -> Self {
        Self { frames: FrameReader::new(read_head), shape: None, has_frames: false }
    }
}

impl AacJoin {
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.take(|frames, each| frames.push(bytes, each), out)
    }

    pub(super) fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.take(FrameReader::end_part, out)?;
        match std::mem::take(&mut self.has_frames) {
            true => Ok(()),
            false => Err(Unjoinable::new("contains no AAC audio")),
        }
    }

    fn take(
        &mut self,
        feed: impl FnOnce(&mut FrameReader, &mut dyn FnMut(&[u8], FrameCoding)),
        out: &mut Vec<u8>,
    ) -> Result<(), Unjoinable> {
        let (known, has_frames) = (&mut self.shape, &mut self.has_frames);
        let mut is_alike = true;
        feed(&mut self.frames, &mut |frame, shape| {
            is_alike &= *known.get_or_insert(shape) == shape;
            *has_frames = true;
            out.extend_from_slice(frame);
        });
        if is_alike { Ok(()) } else { Err(Unjoinable::new("has a different encoding")) }
    }
}

/// Reads an ADTS head (ISO 13818-7, table 8 and 35).
fn read_head(bytes: &[u8]) -> Option<FrameHead> {
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
    let shape = FrameCoding { version: second & 0x08 | third >> 6, rate, is_mono: channels == 1 };
    (length >= 7).then_some(FrameHead { length, shape })
}
