//! Reads and writes WAV files (RIFF, Microsoft and IBM 1991). Knows nothing of what the sound says.

/// A WAV file, its samples as they lie in the file.
#[derive(Debug, PartialEq)]
pub(crate) struct Wav<'a> {
    /// Sample frames a second.
    pub(crate) rate: u32,
    /// Bytes of one frame, which holds a sample of every channel.
    frame: usize,
    /// Whether the samples are whole numbers of 16 bits.
    is_16_bit: bool,
    data: &'a [u8],
}

impl<'a> Wav<'a> {
    /// The file in `bytes`; `None` if it is no WAV file or has no samples' description.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
            return None;
        }
        let mut rest = &bytes[12..];
        let mut format: &[u8] = &[];
        loop {
            let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
            let (kind, behind) = (&rest[..4], &rest[8..]);
            // A file that was written as a stream has no true length, and the sound goes on to its
            // end.
            let is_open = length == 0 || length > behind.len();
            match kind {
                b"fmt " => format = behind.get(..length)?,
                b"data" if is_open => return Self::described(format, behind),
                b"data" => return Self::described(format, &behind[..length]),
                _ => {}
            }
            rest = behind.get(length + length % 2..)?;
        }
    }

    fn described(format: &[u8], data: &'a [u8]) -> Option<Self> {
        /// Plain samples, and the form of the header that says more and means the same.
        const PLAIN: [u16; 2] = [1, 0xFFFE];
        let short = |at: usize| Some(u16::from_le_bytes([*format.get(at)?, *format.get(at + 1)?]));
        let rate = u32::from(short(4)?) | u32::from(short(6)?) << 16;
        let frame = usize::from(short(12)?);
        let is_16_bit = PLAIN.contains(&short(0)?) && short(14)? == 16;
        (rate > 0 && frame > 0).then_some(Self { rate, frame, is_16_bit, data })
    }

    /// Length in seconds.
    pub(crate) fn duration(&self) -> f64 {
        (self.data.len() / self.frame) as f64 / f64::from(self.rate)
    }

    /// The first channel, from -1 to 1; empty if the samples are not of 16 bits.
    pub(crate) fn samples(&self) -> Vec<f32> {
        if !self.is_16_bit || self.frame < 2 {
            return Vec::new();
        }
        let sample = |frame: &[u8]| f32::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0;
        self.data.chunks_exact(self.frame).map(sample).collect()
    }
}

/// The header of a file with one channel of 16 bits, `length` bytes of samples and `rate` samples a
/// second.
pub(crate) fn header(length: u32, rate: u32) -> Vec<u8> {
    let mut header = b"RIFF".to_vec();
    header.extend_from_slice(&length.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * 2).to_le_bytes());
    header.extend_from_slice(b"\x02\0\x10\0data");
    header.extend_from_slice(&length.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut file = header(4, 24_000);
        assert_eq!(file.len(), 44);
        file.extend_from_slice(&[0, 0x40, 0, 0xC0]);
        let wav = Wav::read(&file).expect("a WAV file");
        assert_eq!(wav.rate, 24_000);
        assert_eq!(wav.samples(), [0.5, -0.5]);
        assert!((wav.duration() - 2.0 / 24_000.0).abs() < 1e-9);
    }

    #[test]
    fn other_headers_are_understood() {
        let sound = [0, 0x40, 9, 9, 0, 0xC0, 9, 9];
        let mut file =
            b"RIFF\xFF\xFF\xFF\xFFWAVELIST\x03\0\0\0abc\0fmt \x12\0\0\0\xFE\xFF\x02\0".to_vec();
        file.extend_from_slice(&8_000u32.to_le_bytes());
        file.extend_from_slice(&32_000u32.to_le_bytes());
        file.extend_from_slice(b"\x04\0\x10\0\0\0data\xFF\xFF\xFF\xFF");
        file.extend_from_slice(&sound);
        let wav = Wav::read(&file).expect("a WAV file");
        assert_eq!((wav.rate, wav.samples()), (8_000, vec![0.5, -0.5]));
    }

    #[test]
    fn what_is_no_wav_is_none() {
        assert_eq!(Wav::read(b""), None);
        assert_eq!(Wav::read(b"ID3\x04 an mp3"), None);
        assert_eq!(Wav::read(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(Wav::read(b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab"), None);
        let whole = [header(2, 8_000), vec![1, 2]].concat();
        for end in 0..44 {
            assert_eq!(Wav::read(&whole[..end]), None, "cut at {end}");
        }
    }
}
