//! Reads and writes the headers of WAV files (RIFF, Microsoft and IBM
//! 1991; `WAVE_FORMAT_EXTENSIBLE`, Microsoft 2001; RF64, EBU Tech 3306).

use std::io::{Read, Result, Seek, SeekFrom};

use crate::media::{self, FileFormat};

/// The encoding of one sample, always little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleFormat {
    /// Unsigned, 128 is silence.
    U8,
    I16,
    I24,
    I32,
    F32,
}

/// The samples of a file: where they are, and how they are encoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WavSamples {
    pub(crate) sample: SampleFormat,
    /// The bytes of one frame, which has a sample of each channel.
    pub(crate) frame: u64,
    /// Frames per second.
    pub(crate) rate: u32,
    /// The first byte of the first frame.
    pub(crate) start: u64,
    /// The bytes of all complete frames.
    pub(crate) length: u64,
    /// The content of the `fmt ` chunk; `None` for samples without a header.
    format: Option<Vec<u8>>,
}

/// The longest `fmt ` chunk that is read, in bytes.
const MAX_FORMAT_CHUNK: u64 = 4096;

/// `WAVE_FORMAT_PCM`, `WAVE_FORMAT_IEEE_FLOAT`, `WAVE_FORMAT_EXTENSIBLE`.
const PCM_TAG: u16 = 1;
const FLOAT_TAG: u16 = 3;
const EXTENSIBLE_TAG: u16 = 0xfffe;

impl SampleFormat {
    /// Bytes of one sample.
    pub(crate) fn size(self) -> u64 {
        match self {
            SampleFormat::U8 => 1,
            SampleFormat::I16 => 2,
            SampleFormat::I24 => 3,
            SampleFormat::I32 | SampleFormat::F32 => 4,
        }
    }

    /// The sample at the beginning of `bytes`, from -1 to 1; `bytes` holds at least
    /// [`SampleFormat::size`] of them.
    pub(crate) fn value(self, bytes: &[u8]) -> f32 {
        match self {
            SampleFormat::U8 => (f32::from(bytes[0]) - 128.0) / 128.0,
            SampleFormat::I16 => f32::from(i16::from_le_bytes([bytes[0], bytes[1]])) / 32_768.0,
            SampleFormat::I24 => {
                i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) as f32 / 2_147_483_648.0
            }
            SampleFormat::I32 => {
                i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as f32
                    / 2_147_483_648.0
            }
            SampleFormat::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        }
    }
}

impl WavSamples {
    /// The samples of the WAV file in `source`, which has `size` bytes; `None` if it is not a WAV file,
    /// or one whose samples are compressed and can't be cut.
    ///
    /// A data length of 0, 0xffffffff or beyond the file's end stands for the rest of the file.
    ///
    /// # Errors
    /// Those of reading, except for an unexpected end.
    pub(crate) fn find(source: &mut (impl Read + Seek), size: u64) -> Result<Option<Self>> {
        let header = match WavHeader::read(source) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
            header => header?,
        };
        Ok(header.and_then(|WavHeader { format, start, length }| {
            let rest = size.saturating_sub(start);
            Self::described(format, start, length.filter(|length| *length <= rest).unwrap_or(rest))
        }))
    }

    /// `size` bytes of samples without a header: 16 bits, one channel, 16,000 per second, as the service
    /// that accepts them expects (speaches).
    pub(crate) fn raw(size: u64) -> Self {
        let length = size - size % 2;
        Self { sample: SampleFormat::I16, frame: 2, rate: 16_000, start: 0, length, format: None }
    }

    /// The duration of `bytes` bytes of samples, in seconds.
    pub(crate) fn seconds(&self, bytes: u64) -> f64 {
        (bytes / self.frame) as f64 / f64::from(self.rate)
    }

    /// The header for a file with `length` bytes of these samples; empty for samples without one.
    pub(crate) fn header(&self, length: u64) -> Vec<u8> {
        self.format.as_deref().map_or_else(Vec::new, |format| header(format, length))
    }

    fn described(format: Vec<u8>, start: u64, length: u64) -> Option<Self> {
        let short = |at: usize| Some(u16::from_le_bytes([*format.get(at)?, *format.get(at + 1)?]));
        let tag = match short(0)? {
            // The first two bytes of the sub-format's GUID are the actual tag.
            EXTENSIBLE_TAG => short(24)?,
            tag => tag,
        };
        let (channels, frame) = (u64::from(short(2)?), u64::from(short(12)?));
        let rate = u32::from(short(4)?) | u32::from(short(6)?) << 16;
        let size = frame.checked_div(channels)?;
        let sample = match (tag, size) {
            (PCM_TAG, 1) => SampleFormat::U8,
            (PCM_TAG, 2) => SampleFormat::I16,
            (PCM_TAG, 3) => SampleFormat::I24,
            (PCM_TAG, 4) => SampleFormat::I32,
            (FLOAT_TAG, 4) => SampleFormat::F32,
            _ => return None,
        };
        let is_whole = size * channels == frame && rate > 0;
        let length = length - length % frame;
        is_whole.then_some(Self { sample, frame, rate, start, length, format: Some(format) })
    }
}

/// What precedes the samples of a WAV file.
#[derive(Debug)]
pub(crate) struct WavHeader {
    /// The content of the `fmt ` chunk; empty if there is none.
    pub(crate) format: Vec<u8>,
    /// The offset of the first sample.
    pub(crate) start: u64,
    /// The samples' length in bytes as declared; `None` for the 0 and 0xffffffff of programs that
    /// don't know the end.
    pub(crate) length: Option<u64>,
}

impl WavHeader {
    /// Goes from chunk to chunk up to the samples. `None` if it is not a WAV file.
    ///
    /// # Errors
    /// Those of reading; an unexpected end if `source` ends before the samples.
    pub(crate) fn read(source: &mut (impl Read + Seek)) -> Result<Option<Self>> {
        let mut start = [0; 12];
        source.seek(SeekFrom::Start(0))?;
        source.read_exact(&mut start)?;
        if !matches!(media::format_of(&start), Some(FileFormat::Wav | FileFormat::Wav64)) {
            return Ok(None);
        }
        let (mut at, mut format, mut long_length) = (12_u64, Vec::new(), None);
        loop {
            let mut chunk = [0; 8];
            source.seek(SeekFrom::Start(at))?;
            source.read_exact(&mut chunk)?;
            let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
            let inner = u64::from(length);
            at += 8;
            match &chunk[..4] {
                b"data" => {
                    let declared = if length == u32::MAX { long_length } else { Some(inner) };
                    let length = declared.filter(|length| *length > 0);
                    return Ok(Some(Self { format, start: at, length }));
                }
                b"fmt " if inner <= MAX_FORMAT_CHUNK => {
                    format = vec![0; inner as usize];
                    source.read_exact(&mut format)?;
                }
                // The lengths of a file beyond 4 GiB: first the file's, then the samples'.
                b"ds64" => {
                    let mut lengths = [0; 16];
                    source.read_exact(&mut lengths)?;
                    long_length = lengths[8..].try_into().ok().map(u64::from_le_bytes);
                }
                _ => {}
            }
            at += inner + inner % 2;
        }
    }
}

/// The header of a WAV file with `length` bytes of samples; `format` is the content of
/// the `fmt ` chunk. A length beyond 32 bits is written as that of a stream: 0xffffffff.
pub(crate) fn header(format: &[u8], length: u64) -> Vec<u8> {
    let number = |length: u64| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    // Chunks begin at even offsets.
    let odd = format.len() % 2;
    let fixed = 4 + 8 + (format.len() + odd) as u64 + 8;
    let mut header = b"RIFF".to_vec();
    header.extend_from_slice(&number(fixed + length));
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&number(format.len() as u64));
    header.extend_from_slice(format);
    header.extend(std::iter::repeat_n(0, odd));
    header.extend_from_slice(b"data");
    header.extend_from_slice(&number(length));
    header
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn find(bytes: &[u8]) -> Option<WavSamples> {
        WavSamples::find(&mut Cursor::new(bytes), bytes.len() as u64).expect("bytes can be read")
    }

    fn format(tag: u16, channels: u16, size: u16) -> Vec<u8> {
        let rate = 8000_u32;
        let mut format = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
        format.extend_from_slice(&rate.to_le_bytes());
        format.extend_from_slice(&(rate * u32::from(channels * size)).to_le_bytes());
        format.extend_from_slice(&(channels * size).to_le_bytes());
        format.extend_from_slice(&(size * 8).to_le_bytes());
        format
    }

    fn chunk(name: &[u8], length: u32, bytes: &[u8]) -> Vec<u8> {
        [name, &length.to_le_bytes(), bytes].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"RIFF\xff\xff\xff\xffWAVE".to_vec(), chunks.concat()].concat()
    }

    #[test]
    fn every_width_is_found_and_its_header_reads_back() {
        for (tag, size, sample) in [
            (1, 1, SampleFormat::U8),
            (1, 2, SampleFormat::I16),
            (1, 3, SampleFormat::I24),
            (1, 4, SampleFormat::I32),
            (3, 4, SampleFormat::F32),
        ] {
            let data = [7; 24];
            let wav = file(&[chunk(b"fmt ", 16, &format(tag, 2, size)), chunk(b"data", 24, &data)]);
            let found = find(&wav).expect("a WAV file");
            assert_eq!((found.sample, found.frame), (sample, u64::from(size) * 2));
            assert_eq!((found.start, found.length), (44, 24));
            let frames = 24.0 / (f64::from(size) * 2.0);
            assert!((found.seconds(24) - frames / 8000.0).abs() < 1e-9);
            let again = [found.header(24), data.to_vec()].concat();
            assert_eq!(find(&again).expect("a WAV file"), found);
            assert_eq!(&again[4..8], &(again.len() as u32 - 8).to_le_bytes());
        }
    }

    #[test]
    fn an_extensible_header_says_what_it_means() {
        let mut long = format(EXTENSIBLE_TAG, 1, 2);
        long.extend_from_slice(
            b"\x16\0\x10\0\x04\0\0\0\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
        );
        let wav = file(&[
            chunk(b"LIST", 3, b"abc\0"),
            chunk(b"fmt ", 40, &long),
            chunk(b"data", 4, &[1, 2, 3, 4]),
        ]);
        let found = find(&wav).expect("a WAV file");
        assert_eq!((found.sample, found.length), (SampleFormat::I16, 4));
        assert_eq!(found.header(4).len(), 68);
    }

    #[test]
    fn a_streams_lengths_mean_the_rest_of_the_file() {
        for length in [0, u32::MAX, 1000] {
            let wav =
                file(&[chunk(b"fmt ", 16, &format(1, 1, 2)), chunk(b"data", length, &[0; 7])]);
            assert_eq!(find(&wav).map(|found| found.length), Some(6), "{length}");
        }
        let wav = file(&[
            chunk(b"fmt ", 16, &format(1, 1, 2)),
            chunk(b"data", 2, &[0; 2]),
            chunk(b"LIST", 4, b"abcd"),
        ]);
        assert_eq!(find(&wav).map(|found| found.length), Some(2));
        let long = [0_u64.to_le_bytes(), 6_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
        let mut wav = file(&[
            chunk(b"ds64", 24, &long),
            chunk(b"fmt ", 16, &format(1, 1, 2)),
            chunk(b"data", u32::MAX, &[0; 9]),
        ]);
        wav[..4].copy_from_slice(b"RF64");
        assert_eq!(find(&wav).map(|found| found.length), Some(6));
    }

    #[test]
    fn what_cannot_be_cut_is_none() {
        assert_eq!(find(b""), None);
        assert_eq!(find(b"ID3\x04 an mp3 that is long enough"), None);
        let whole = file(&[chunk(b"fmt ", 16, &format(1, 1, 2)), chunk(b"data", 2, &[0; 2])]);
        for end in 0..44 {
            assert_eq!(find(&whole[..end]), None, "cut at {end}");
        }
        for odd in [format(2, 1, 2), format(1, 0, 2), format(1, 1, 5), format(3, 1, 8)] {
            let wav = file(&[chunk(b"fmt ", 16, &odd), chunk(b"data", 2, &[0; 2])]);
            assert_eq!(find(&wav), None);
        }
    }

    #[test]
    fn samples_lie_between_minus_one_and_one() {
        assert_eq!(SampleFormat::U8.value(&[128]), 0.0);
        assert_eq!(SampleFormat::I16.value(&[0, 0x40]), 0.5);
        assert_eq!(SampleFormat::I24.value(&[0, 0, 0xc0]), -0.5);
        assert_eq!(SampleFormat::I32.value(&[0, 0, 0, 0x80]), -1.0);
        assert_eq!(SampleFormat::F32.value(&0.25_f32.to_le_bytes()), 0.25);
    }

    proptest! {
        #[test]
        fn hostile_headers_never_lead_outside_the_file(
            head in proptest::collection::vec(any::<u8>(), 0..80),
            at in 12..60_usize,
        ) {
            let mut wav =
                file(&[chunk(b"fmt ", 16, &format(1, 2, 2)), chunk(b"data", 40, &[0; 40])]);
            let end = (at + head.len()).min(wav.len());
            wav[at..end].copy_from_slice(&head[..end - at]);
            if let Some(found) = find(&wav) {
                prop_assert!(found.start + found.length <= wav.len() as u64);
                prop_assert!(found.frame > 0 && found.length % found.frame == 0);
            }
        }
    }
}
