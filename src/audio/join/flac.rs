//! FLAC (RFC 9639): the frames of the parts in one stream, numbered by their samples, after one
//! STREAMINFO block. Frames do not tell their length: a frame ends where its CRC is right and another
//! frame begins, or the part ends.

use super::flac_frame::{FlacFrameHeader, MAX_HEADER, crc16};
use super::format_join::{FormatJoin, LengthPatch, Unjoinable};

/// The length of a STREAMINFO block (RFC 9639, section 8.2).
const STREAM_INFO_BYTES: usize = 34;

/// The longest frame in bytes: 65,535 samples of eight channels with 32 bits, and more.
const MAX_FRAME: usize = 3 << 20;

/// Joins FLAC files.
#[derive(Debug, Default)]
pub(super) struct FlacJoin {
    rest: Vec<u8>,
    stage: FlacStage,
    /// The STREAMINFO of the first part.
    info: Option<[u8; STREAM_INFO_BYTES]>,
    max_block_samples: u16,
    /// The samples per channel written so far.
    written: u64,
    /// How many bytes of the frame at the beginning of `rest` were examined, and their CRC.
    seen: usize,
    crc: u16,
}

#[derive(Debug, Default)]
enum FlacStage {
    #[default]
    Start,
    /// In the metadata blocks; how many bytes of the current one are still to be skipped.
    Blocks(usize),
    Frames,
}

impl FormatJoin for FlacJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(length) = self.step(at, out)? {
            at += length;
        }
        self.rest.drain(..at);
        Ok(())
    }

    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let before = self.written;
        while let Some(length) = self.frame_end(0, true)? {
            self.frame(0, length, out)?;
            self.rest.drain(..length);
        }
        (self.seen, self.crc) = (0, 0);
        let was_in_frames = matches!(std::mem::take(&mut self.stage), FlacStage::Frames);
        if !was_in_frames && self.rest.is_empty() && self.info.is_some() {
            return Err(Unjoinable::no_audio("contains no FLAC frame"));
        }
        if !std::mem::take(&mut self.rest).is_empty() || !was_in_frames || self.written == before {
            return Err(Unjoinable::new("ends inside a FLAC frame"));
        }
        Ok(())
    }

    /// The header again, with the number of samples.
    fn finish(&mut self, _: &mut Vec<u8>) -> Vec<LengthPatch> {
        vec![LengthPatch { at: 0, bytes: self.header() }]
    }
}

impl FlacJoin {
    /// Takes what is complete at this offset, and returns its length; `None` if more bytes are needed.
    fn step(&mut self, at: usize, out: &mut Vec<u8>) -> Result<Option<usize>, Unjoinable> {
        let bytes = &self.rest[at..];
        match self.stage {
            FlacStage::Start if bytes.len() < 4 => Ok(None),
            FlacStage::Start if bytes.starts_with(b"fLaC") => {
                self.stage = FlacStage::Blocks(0);
                Ok(Some(4))
            }
            FlacStage::Start => Err(Unjoinable::new("is not a FLAC file")),
            FlacStage::Blocks(0) => self.block(at, out),
            FlacStage::Blocks(left) => {
                let length = left.min(bytes.len());
                self.stage = FlacStage::Blocks(left - length);
                Ok((length > 0).then_some(length))
            }
            FlacStage::Frames => match self.frame_end(at, false)? {
                Some(length) => self.frame(at, length, out).map(Some),
                None => Ok(None),
            },
        }
    }

    /// A metadata block: a STREAMINFO, or one that is left out. The first byte of a frame's header ends
    /// the blocks.
    fn block(&mut self, at: usize, out: &mut Vec<u8>) -> Result<Option<usize>, Unjoinable> {
        let bytes = &self.rest[at..];
        let [first, a, b, c, ..] = *bytes else { return Ok(None) };
        if first == 0xFF {
            self.stage = FlacStage::Frames;
            return Ok(Some(0));
        }
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if first & 0x7F != 0 {
            self.stage = FlacStage::Blocks(length);
            return Ok(Some(4));
        }
        let Some(info) = bytes.get(4..4 + STREAM_INFO_BYTES) else { return Ok(None) };
        let info: [u8; STREAM_INFO_BYTES] = std::array::from_fn(|index| info[index]);
        self.describe(info, out)?;
        Ok(Some(4 + STREAM_INFO_BYTES))
    }

    fn describe(
        &mut self,
        info: [u8; STREAM_INFO_BYTES],
        out: &mut Vec<u8>,
    ) -> Result<(), Unjoinable> {
        self.max_block_samples = self.max_block_samples.max(u16::from_be_bytes([info[2], info[3]]));
        // Sample rate, channels and sample size: 20, 3 and 5 bits after the lengths of blocks and frames.
        let kind = |info: &[u8; STREAM_INFO_BYTES]| [info[10], info[11], info[12], info[13] & 0xF0];
        match &self.info {
            None => {
                self.info = Some(info);
                out.extend_from_slice(&self.header());
                Ok(())
            }
            Some(first) if kind(first) == kind(&info) => Ok(()),
            Some(_) => Err(Unjoinable::new(
                "has a different sample rate, number of channels or sample size",
            )),
        }
    }

    /// The marker and the STREAMINFO block. The lengths of frames and the checksum of the samples are 0,
    /// which stands for unknown; the shortest block is the shortest allowed.
    fn header(&self) -> Vec<u8> {
        let mut header = b"fLaC\x80\0\0".to_vec();
        header.push(STREAM_INFO_BYTES as u8);
        let mut info = self.info.unwrap_or([0; STREAM_INFO_BYTES]);
        info[..2].copy_from_slice(&16_u16.to_be_bytes());
        info[2..4].copy_from_slice(&self.max_block_samples.to_be_bytes());
        info[4..10].fill(0);
        let total = if self.written < 1 << 36 { self.written } else { 0 };
        info[13] = info[13] & 0xF0 | (total >> 32) as u8;
        info[14..18].copy_from_slice(&(total as u32).to_be_bytes());
        info[18..].fill(0);
        header.extend_from_slice(&info);
        header
    }

    /// The length of the frame at this offset, once its end is certain.
    fn frame_end(&mut self, at: usize, is_end: bool) -> Result<Option<usize>, Unjoinable> {
        let bytes = &self.rest[at..];
        while self.seen < bytes.len() {
            // A frame is followed by the header of another one, or by the end of the part.
            let behind = &bytes[self.seen..];
            if self.seen > 0 && self.crc == 0 && behind[0] == 0xFF {
                if behind.len() < MAX_HEADER && !is_end {
                    return Ok(None);
                }
                if FlacFrameHeader::read(behind).is_some() {
                    return Ok(Some(self.seen));
                }
            }
            self.crc = crc16(self.crc, bytes[self.seen]);
            self.seen += 1;
        }
        match bytes.len() > MAX_FRAME {
            true => Err(Unjoinable::new("has a damaged FLAC frame")),
            false => Ok((is_end && self.seen > 0 && self.crc == 0).then_some(self.seen)),
        }
    }

    fn frame(&mut self, at: usize, length: usize, out: &mut Vec<u8>) -> Result<usize, Unjoinable> {
        let frame = &self.rest[at..at + length];
        let header = FlacFrameHeader::read(frame).filter(|header| header.length + 2 < length);
        let header = header.ok_or_else(|| Unjoinable::new("has a damaged FLAC frame"))?;
        header.write(frame, self.written, out);
        self.written += header.samples;
        let samples = u16::try_from(header.samples).unwrap_or(u16::MAX);
        self.max_block_samples = self.max_block_samples.max(samples);
        (self.seen, self.crc) = (0, 0);
        Ok(length)
    }
}
