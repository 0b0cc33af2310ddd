//! WAV files (RIFF, Microsoft and IBM 1991): the samples of the parts behind one header with the true
//! lengths. Knows nothing about what the samples mean.

use std::io::{Cursor, ErrorKind};

use super::format_join::{FormatJoin, LengthPatch, Unjoinable};
use crate::audio::wav::{WavHeader, header};

/// The longest header in bytes. What some programs put in front of the samples (a picture, say) is
/// longer than that, but speech services send nothing of the kind.
const MAX_HEADER: usize = 1 << 20;

/// The length that stands for "not known yet" in a stream.
const OPEN_LENGTH: u32 = u32::MAX;

/// Joins WAV files.
#[derive(Debug, Default)]
pub(crate) struct WavJoin {
    /// The `fmt ` chunk's content, of the first part.
    format: Option<Vec<u8>>,
    stage: WavStage,
    /// Bytes of samples written so far.
    written: u64,
    /// Bytes of the last sample frame that is not complete.
    rest: Vec<u8>,
}

#[derive(Debug)]
enum WavStage {
    /// In the header of a part, of which these bytes have come.
    Header(Vec<u8>),
    /// In the samples; how many bytes are still to come, `None` if only the end tells.
    Samples(Option<u64>),
}

impl Default for WavStage {
    fn default() -> Self {
        WavStage::Header(Vec::new())
    }
}

impl FormatJoin for WavJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let WavStage::Header(start) = &mut self.stage else {
            self.add_samples(bytes, out);
            return Ok(());
        };
        start.extend_from_slice(bytes);
        let Some(header) = read_header(start)? else {
            return match start.len() > MAX_HEADER {
                true => Err(Unjoinable::new("has no samples in its first MiB")),
                false => Ok(()),
            };
        };
        let samples = start.split_off(header.start as usize);
        self.begin(header, out)?;
        self.add_samples(&samples, out);
        Ok(())
    }

    fn end_part(&mut self, _: &mut Vec<u8>) -> Result<(), Unjoinable> {
        // A sample that is cut in two would shift all that follow.
        self.rest.clear();
        match std::mem::take(&mut self.stage) {
            WavStage::Samples(_) => Ok(()),
            WavStage::Header(_) => Err(Unjoinable::new("ends inside its header")),
        }
    }

    /// The header with the true lengths. Audio of 4 GiB or more keeps that of a stream.
    fn finish(&mut self, _: &mut Vec<u8>) -> Vec<LengthPatch> {
        match (&self.format, u32::try_from(self.written)) {
            (Some(format), Ok(length)) if length < OPEN_LENGTH - 64 => {
                vec![LengthPatch { at: 0, bytes: header(format, length.into()) }]
            }
            _ => Vec::new(),
        }
    }
}

impl WavJoin {
    /// The header of a part has come: the first one becomes the header of the whole file.
    fn begin(&mut self, part: WavHeader, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.stage = WavStage::Samples(part.length);
        match &self.format {
            Some(format) if format[..16] == part.format[..16] => Ok(()),
            Some(format) => Err(Unjoinable::new(format!(
                "has {}, but the first one {}",
                words(&part.format),
                words(format)
            ))),
            None => {
                out.extend_from_slice(&header(&part.format, OPEN_LENGTH.into()));
                self.format = Some(part.format);
                Ok(())
            }
        }
    }

    fn add_samples(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let WavStage::Samples(left) = &mut self.stage else { return };
        let mut bytes = bytes;
        if let Some(left) = left {
            // Chunks behind the samples are left out.
            bytes = &bytes[..bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX))];
            *left -= bytes.len() as u64;
        }
        let frame = self.format.as_deref().map_or(1, frame_length);
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() - self.rest.len() % frame;
        out.extend(self.rest.drain(..whole));
        self.written += whole as u64;
    }
}

/// The header of a WAV file up to its samples; `None` if those have not come yet.
fn read_header(start: &[u8]) -> Result<Option<WavHeader>, Unjoinable> {
    match WavHeader::read(&mut Cursor::new(start)) {
        Ok(Some(header)) if header.format.len() >= 16 => {
            // Some programs write half of the longest length where they don't know the end.
            let length = header.length.filter(|length| *length < 0x7FFF_FFFF);
            Ok(Some(WavHeader { length, ..header }))
        }
        Ok(Some(_)) => Err(Unjoinable::new("does not declare its format")),
        Ok(None) => Err(Unjoinable::new("is not a WAV file")),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(Unjoinable::new(format!("can't be read: {error}"))),
    }
}

/// How many samples a second OpenAI's `pcm` has (its guide "Text to speech"), and Gemini's too.
pub(crate) const PCM_RATE: u32 = 24_000;

/// The header for `length` bytes of samples that have none: 16 bits, signed, little-endian, one
/// channel, as OpenAI's `pcm` is; `rate` is in samples a second.
pub(crate) fn header_of_pcm(rate: u32, length: Option<u32>) -> Vec<u8> {
    let mut format = vec![1, 0, 1, 0];
    format.extend_from_slice(&rate.to_le_bytes());
    format.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    format.extend_from_slice(&[2, 0, 16, 0]);
    header(&format, length.unwrap_or(OPEN_LENGTH).into())
}

/// What corrects the lengths in the header of one file that came as a stream: `start` is its
/// beginning, `length` its whole length. Nothing where the header is right, or is not that of a WAV
/// file.
pub(crate) fn length_patches(start: &[u8], length: u64) -> Vec<LengthPatch> {
    let Ok(Some(header)) = read_header(start) else { return Vec::new() };
    let samples = length.saturating_sub(header.start);
    let is_right = header.length.is_some_and(|declared| declared <= samples);
    match (u32::try_from(length), u32::try_from(samples)) {
        (Ok(length), Ok(samples)) if !is_right && samples > 0 => {
            let patch = |at, value: u32| LengthPatch { at, bytes: value.to_le_bytes().to_vec() };
            vec![patch(4, length.saturating_sub(8)), patch(header.start - 4, samples)]
        }
        _ => Vec::new(),
    }
}

/// Bytes of one sample of all channels.
fn frame_length(format: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([format[12], format[13]])).max(1)
}

/// `24000 Hz, 1 channel, 16 bits`.
fn words(format: &[u8]) -> String {
    let short = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
    let rate = u32::from(short(4)) | u32::from(short(6)) << 16;
    let channels = short(2);
    let plural = if channels == 1 { "" } else { "s" };
    format!("{rate} Hz, {channels} channel{plural}, {} bits", short(14))
}
