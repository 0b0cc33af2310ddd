//! WAV files (RIFF, Microsoft and IBM 1991): the samples of the parts behind one header with the true
//! lengths. Knows nothing about what the samples mean.

use std::io::{Cursor, ErrorKind};

use super::format_join::{FormatJoin, LengthPatch, Unjoinable};
use crate::audio::wav::{WavHeader, header};

/// The longest header in bytes. What some programs put in front of the samples (a picture, say) is
/// longer than that, but speech services send nothing of the kind.
const MAX_HEADER: usize = 1 << 20;

/// So much is kept of what stands behind the samples, in bytes.
const MAX_BEHIND: usize = 1 << 20;

/// The length that stands for "not known yet" in a stream.
const OPEN_LENGTH: u32 = u32::MAX;

/// Where programs don't know the end, some write half of the longest length, or a little less.
const OPEN_FROM: u64 = 0x7FF0_0000;

/// So many bytes may be missing at the end: some programs count the head as samples.
const MAX_MISCOUNT: u64 = 64;

/// Joins WAV files: those of several parts, and those that a service sends one behind the other as
/// one part.
#[derive(Debug)]
pub(crate) struct WavJoin {
    keeps: KeepsHead,
    /// The `fmt ` chunk's content, of the first file.
    format: Option<Vec<u8>>,
    /// Where the samples begin in what is written.
    start: usize,
    stage: WavStage,
    /// Files so far.
    files: usize,
    /// What the first file's head says of its samples; `None` if only the end tells.
    declared: Option<u64>,
    /// Bytes of samples written so far, and in this part.
    written: u64,
    in_part: u64,
    /// Bytes of the last sample frame that is not complete.
    rest: Vec<u8>,
    /// Bytes that may be the beginning of another file's head.
    held: Vec<u8>,
    /// What stands behind the samples of the first file.
    behind: Vec<u8>,
}

/// How much of the first file's head stays as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeepsHead {
    /// There are several parts: it is made anew.
    Nothing,
    /// All but the lengths, which are those of a stream.
    AllButLengths,
    All,
}

#[derive(Debug)]
enum WavStage {
    /// In the header of a file, of which these bytes have come.
    Header(Vec<u8>),
    /// In the samples; how many bytes are still to come, `None` if only the end tells.
    Samples(Option<u64>),
    /// Behind the samples: other chunks, another file, or more samples than the head said. Whether
    /// the samples have an odd number of bytes.
    Behind { bytes: Vec<u8>, is_odd: bool },
    /// No WAV file that we can read: as it came.
    Unknown,
}

impl Default for WavJoin {
    fn default() -> Self {
        Self {
            keeps: KeepsHead::Nothing,
            format: None,
            start: 0,
            stage: WavStage::Header(Vec::new()),
            files: 0,
            declared: None,
            written: 0,
            in_part: 0,
            rest: Vec::new(),
            held: Vec::new(),
            behind: Vec::new(),
        }
    }
}

impl FormatJoin for WavJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        if self.held.is_empty() {
            return self.take(bytes, out);
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        self.take(&all, out)
    }

    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let held = std::mem::take(&mut self.held);
        if let WavStage::Samples(_) = self.stage {
            self.add_samples(&held, out);
        }
        // A sample that is cut in two would shift all that follow.
        self.rest.clear();
        let came = std::mem::take(&mut self.in_part);
        match std::mem::replace(&mut self.stage, WavStage::Header(Vec::new())) {
            WavStage::Unknown => Ok(()),
            WavStage::Header(head)
                if self.keeps == KeepsHead::Nothing
                    || self.files > 0
                    || is_readable_so_far(&head) =>
            {
                Err(Unjoinable::short("ends inside its header"))
            }
            WavStage::Header(head) => {
                out.extend_from_slice(&head);
                Ok(())
            }
            WavStage::Samples(Some(left)) if left > MAX_MISCOUNT || left * 8 > came + left => {
                let (all, came) = (came + left, came);
                Err(Unjoinable::short(format!(
                    "has {came} bytes of sound where its head says {all}"
                )))
            }
            _ if came == 0 => Err(Unjoinable::no_audio("has a header and no samples")),
            WavStage::Behind { bytes, .. } => {
                self.behind = bytes;
                Ok(())
            }
            WavStage::Samples(_) => Ok(()),
        }
    }

    /// The header's true lengths. Audio of 4 GiB or more keeps those of a stream.
    fn finish(&mut self, out: &mut Vec<u8>) -> Vec<LengthPatch> {
        let behind = std::mem::take(&mut self.behind);
        let is_one = self.keeps != KeepsHead::Nothing && self.files == 1;
        if is_one {
            out.extend_from_slice(&behind);
        }
        let is_right = is_one && self.declared == Some(self.written);
        if self.format.is_none() || is_right {
            return Vec::new();
        }
        let behind = if is_one { behind.len() as u64 } else { 0 };
        let all = self.start as u64 - 8 + self.written + behind;
        match (u32::try_from(all), u32::try_from(self.written)) {
            (Ok(all), Ok(samples)) if all < OPEN_LENGTH => {
                let patch =
                    |at, value: u32| LengthPatch { at, bytes: value.to_le_bytes().to_vec() };
                vec![patch(4, all), patch(self.start as u64 - 4, samples)]
            }
            _ => Vec::new(),
        }
    }

    fn head_is_short(&self) -> bool {
        self.keeps == KeepsHead::All && self.declared.is_some_and(|said| said < self.written)
    }
}

impl WavJoin {
    /// For a sound that comes in one part: a single file stays as it came, but for lengths that are
    /// not true. `keeps_lengths` is false where more may follow the first file and its head can't be
    /// changed any more.
    pub(super) fn of_one_part(keeps_lengths: bool) -> Self {
        let keeps = if keeps_lengths { KeepsHead::All } else { KeepsHead::AllButLengths };
        Self { keeps, ..Self::default() }
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        if matches!(&self.stage, WavStage::Behind { bytes, .. } if bytes.len() >= MAX_BEHIND) {
            return Ok(());
        }
        let joined: Vec<u8>;
        let mut input = bytes;
        match &mut self.stage {
            WavStage::Header(before) | WavStage::Behind { bytes: before, .. }
                if !before.is_empty() =>
            {
                before.extend_from_slice(input);
                joined = std::mem::take(before);
                input = &joined;
            }
            _ => {}
        }
        while !input.is_empty() {
            input = match &self.stage {
                WavStage::Header(_) => self.header(input, out)?,
                WavStage::Samples(left) => self.samples(*left, input, out),
                WavStage::Behind { is_odd, .. } => self.behind(*is_odd, input),
                WavStage::Unknown => {
                    out.extend_from_slice(input);
                    &[]
                }
            };
        }
        Ok(())
    }

    /// The header of a file: that of the first becomes the header of the whole.
    fn header<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unjoinable> {
        let is_first_of_one = self.keeps != KeepsHead::Nothing && self.files == 0;
        let part = match read_header(input) {
            Ok(Some(part)) => part,
            Ok(None) if input.len() <= MAX_HEADER => {
                self.stage = WavStage::Header(input.to_vec());
                return Ok(&[]);
            }
            Ok(None) | Err(_) if is_first_of_one => {
                self.stage = WavStage::Unknown;
                return Ok(input);
            }
            Ok(None) => return Err(Unjoinable::new("has no samples in its first MiB")),
            Err(why) => return Err(why),
        };
        let (head, rest) = input.split_at(part.start as usize);
        self.stage = WavStage::Samples(part.length);
        self.files += 1;
        self.behind.clear();
        match &self.format {
            Some(format) if format[..16] == part.format[..16] => {}
            Some(format) => {
                let (part, first) = (words(&part.format), words(format));
                return Err(Unjoinable::new(format!("has {part}, but the first one {first}")));
            }
            None => {
                let mut head = match self.keeps {
                    KeepsHead::All | KeepsHead::AllButLengths if head.starts_with(b"RIFF") => {
                        head.to_vec()
                    }
                    _ => header(&part.format, OPEN_LENGTH.into()),
                };
                self.start = head.len();
                if self.keeps == KeepsHead::AllButLengths {
                    head[4..8].copy_from_slice(&OPEN_LENGTH.to_le_bytes());
                    head[self.start - 4..].copy_from_slice(&OPEN_LENGTH.to_le_bytes());
                }
                self.declared = part.length;
                out.extend_from_slice(&head);
                self.format = Some(part.format);
            }
        }
        Ok(rest)
    }

    fn samples<'a>(&mut self, left: Option<u64>, input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let Some(left) = left else {
            let at = next_file(input);
            let keep = at.unwrap_or_else(|| input.len() - beginning_of_mark(input));
            self.add_samples(&input[..keep], out);
            if at.is_some() {
                self.rest.clear();
                self.stage = WavStage::Header(Vec::new());
                return &input[keep..];
            }
            self.held = input[keep..].to_vec();
            return &[];
        };
        let length = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.add_samples(&input[..length], out);
        let left = left - length as u64;
        self.stage = match left {
            0 => WavStage::Behind { bytes: Vec::new(), is_odd: self.in_part % 2 == 1 },
            left => WavStage::Samples(Some(left)),
        };
        &input[length..]
    }

    fn behind<'a>(&mut self, is_odd: bool, input: &'a [u8]) -> &'a [u8] {
        if let Some(at) = next_file(input) {
            self.rest.clear();
            self.stage = WavStage::Header(Vec::new());
            return &input[at..];
        }
        // Chunks have an even number of bytes, and a name of printable letters.
        let at = usize::from(is_odd && input.first() == Some(&0));
        let name = input.get(at..at + 4);
        if name.is_some_and(|name| !name.iter().all(|byte| matches!(byte, b' '..=b'~'))) {
            self.stage = WavStage::Samples(None);
            return input;
        }
        let bytes = input[..input.len().min(MAX_BEHIND)].to_vec();
        self.stage = WavStage::Behind { bytes, is_odd };
        &[]
    }

    fn add_samples(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let frame = self.format.as_deref().map_or(1, frame_length);
        let before = out.len();
        out.append(&mut self.rest);
        out.extend_from_slice(bytes);
        let surplus = (out.len() - before) % frame;
        self.rest = out.split_off(out.len() - surplus);
        let whole = (out.len() - before) as u64;
        self.written += whole;
        self.in_part += whole;
    }
}

/// Where another file begins: `RIFF`, four bytes, `WAVE`.
fn next_file(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"RIFF").find(|at| bytes.get(at + 8..at + 12) == Some(b"WAVE"))
}

/// How many bytes at the end may be the beginning of another file.
fn beginning_of_mark(bytes: &[u8]) -> usize {
    let fits = |length: &usize| {
        let end = &bytes[bytes.len() - length..];
        end[..end.len().min(4)] == b"RIFF"[..end.len().min(4)]
            && (end.len() <= 8 || end[8..] == b"WAVE"[..end.len() - 8])
    };
    (1..12.min(bytes.len() + 1)).rev().find(fits).unwrap_or(0)
}

/// Whether a header that is not complete is one so far: its chunks have lengths that make sense.
fn is_readable_so_far(head: &[u8]) -> bool {
    let mut at = 12;
    while let Some(length) = head.get(at + 4..at + 8) {
        let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if length > MAX_HEADER {
            return false;
        }
        at += 8 + length + length % 2;
    }
    true
}

/// The header of a WAV file up to its samples; `None` if those have not come yet.
fn read_header(start: &[u8]) -> Result<Option<WavHeader>, Unjoinable> {
    match WavHeader::read(&mut Cursor::new(start)) {
        Ok(Some(header)) if header.format.len() >= 16 => {
            let length = header.length.filter(|length| *length < OPEN_FROM);
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
