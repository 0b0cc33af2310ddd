//! WAV files (RIFF, Microsoft and IBM 1991): the samples of the parts behind one head with the true
//! lengths. Knows nothing about what the samples mean.

use super::outcome::{LengthPatch, Unjoinable};
use crate::audio::wav::header;
use crate::media::{self, FileFormat};

/// A head is at most so long: what some programs put in front of the samples (a picture, say) is
/// longer than any speech service sends.
const MAX_HEAD: usize = 1 << 20;

/// The length that stands for "not known yet" in a stream.
const OPEN_LENGTH: u32 = u32::MAX;

/// Joins WAV files.
#[derive(Debug, Default)]
pub(crate) struct WavJoin {
    /// The `fmt ` chunk's content, of the first part.
    format: Option<Vec<u8>>,
    stage: WavStage,
    /// Bytes of samples in the whole.
    written: u64,
    /// Bytes of the last sample frame that is not complete.
    rest: Vec<u8>,
}

#[derive(Debug)]
enum WavStage {
    /// In the head of a part, of which so much has come.
    Head(Vec<u8>),
    /// In the samples; so many bytes are still to come, `None` if only the end tells.
    Samples(Option<u64>),
}

impl Default for WavStage {
    fn default() -> Self {
        WavStage::Head(Vec::new())
    }
}

impl WavJoin {
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        match &mut self.stage {
            WavStage::Samples(_) => {
                self.samples(bytes, out);
                Ok(())
            }
            WavStage::Head(head) => {
                head.extend_from_slice(bytes);
                let Some(found) = WavSamples::read(head)? else {
                    return match head.len() > MAX_HEAD {
                        true => Err(Unjoinable::new("has no samples in its first MiB")),
                        false => Ok(()),
                    };
                };
                let samples = head[found.at..].to_vec();
                self.begin(found, out)?;
                self.samples(&samples, out);
                Ok(())
            }
        }
    }

    /// The head of a part is known: the first one's becomes the head of the whole.
    fn begin(&mut self, found: WavSamples, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.stage = WavStage::Samples(found.length);
        match &self.format {
            Some(format) if format[..16] == found.format[..16] => Ok(()),
            Some(format) => Err(Unjoinable::new(format!(
                "has {}, but the first one {}",
                words(&found.format),
                words(format)
            ))),
            None => {
                out.extend_from_slice(&header(&found.format, OPEN_LENGTH.into()));
                self.format = Some(found.format);
                Ok(())
            }
        }
    }

    fn samples(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let WavStage::Samples(left) = &mut self.stage else { return };
        let mut bytes = bytes;
        if let Some(left) = left {
            // What is behind the samples is a chunk that nobody hears.
            bytes = &bytes[..bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX))];
            *left -= bytes.len() as u64;
        }
        let frame = self.format.as_deref().map_or(1, frame_length);
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() - self.rest.len() % frame;
        out.extend(self.rest.drain(..whole));
        self.written += whole as u64;
    }

    pub(super) fn end_part(&mut self) -> Result<(), Unjoinable> {
        // A sample that is cut in two would shift all that follow.
        self.rest.clear();
        match std::mem::take(&mut self.stage) {
            WavStage::Samples(_) => Ok(()),
            WavStage::Head(_) => Err(Unjoinable::new("ends inside its header")),
        }
    }

    /// The head with the true lengths. A sound of 4 GiB or more keeps the one of a stream.
    pub(super) fn patches(&self) -> Vec<LengthPatch> {
        match (&self.format, u32::try_from(self.written)) {
            (Some(format), Ok(length)) if length < OPEN_LENGTH - 64 => {
                vec![LengthPatch { at: 0, bytes: header(format, length.into()) }]
            }
            _ => Vec::new(),
        }
    }
}

/// Where the samples of a WAV file are.
#[derive(Debug, PartialEq)]
struct WavSamples {
    format: Vec<u8>,
    /// The offset of the first sample.
    at: usize,
    /// The samples' length in bytes; `None` where the head does not know it.
    length: Option<u64>,
}

impl WavSamples {
    /// Reads the chunks up to the samples; `None` if those have not come yet.
    fn read(head: &[u8]) -> Result<Option<Self>, Unjoinable> {
        let Some(start) = head.get(..12) else { return Ok(None) };
        if media::format_of(start) != Some(FileFormat::Wav) {
            return Err(Unjoinable::new("is not a WAV file"));
        }
        let mut at = 12;
        let mut format: Option<Vec<u8>> = None;
        loop {
            let Some(chunk) = head.get(at..at + 8) else { return Ok(None) };
            let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
            let (name, begin) = (&chunk[..4], at + 8);
            if name == b"data" {
                let is_open = length == 0 || length >= 0x7FFF_FFFF;
                let length = (!is_open).then_some(u64::from(length));
                let format = format.filter(|format| format.len() >= 16);
                let format =
                    format.ok_or_else(|| Unjoinable::new("does not declare its format"))?;
                return Ok(Some(Self { format, at: begin, length }));
            }
            let end = begin.saturating_add(length as usize);
            if name == b"fmt " && length < 1024 {
                let Some(content) = head.get(begin..end) else { return Ok(None) };
                format = Some(content.to_vec());
            }
            // Chunks begin at even offsets.
            at = end.saturating_add((length % 2) as usize);
            if at > MAX_HEAD {
                return Err(Unjoinable::new("has no samples in its first MiB"));
            }
        }
    }
}

/// How many samples a second OpenAI's `pcm` has (its guide "Text to speech"), and Gemini's too.
pub(crate) const PCM_RATE: u32 = 24_000;

/// The head that makes samples without one playable: 16 bits, signed, little-endian, one channel, as
/// OpenAI's `pcm` is; `rate` of them a second, `length` bytes of them.
pub(crate) fn header_of_pcm(rate: u32, length: Option<u32>) -> Vec<u8> {
    let mut format = vec![1, 0, 1, 0];
    format.extend_from_slice(&rate.to_le_bytes());
    format.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    format.extend_from_slice(&[2, 0, 16, 0]);
    header(&format, length.unwrap_or(OPEN_LENGTH).into())
}

/// What puts true lengths into the head of one file that came as a stream: `start` is its beginning,
/// `length` its whole length. Nothing where the head is right, or no WAV head.
pub(crate) fn length_patches(start: &[u8], length: u64) -> Vec<LengthPatch> {
    let Ok(Some(found)) = WavSamples::read(start) else { return Vec::new() };
    let samples = length.saturating_sub(found.at as u64);
    let is_right = found.length.is_some_and(|said| said <= samples);
    match (u32::try_from(length), u32::try_from(samples)) {
        (Ok(length), Ok(samples)) if !is_right && samples > 0 => {
            let patch = |at, value: u32| LengthPatch { at, bytes: value.to_le_bytes().to_vec() };
            vec![patch(4, length.saturating_sub(8)), patch(found.at as u64 - 4, samples)]
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
