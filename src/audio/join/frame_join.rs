//! MP3 and AAC with ADTS headers: the frames of the parts, one after the other and without tags. In
//! MP3 the frames in which encoders note a file's length are left out, and one is made for the whole.

use super::aac;
use super::format_join::{FormatJoin, LengthPatch, Unjoinable};
use super::frames::{FrameCoding, FrameReader};
use super::mp3;

/// The formats that are nothing but frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameFormat {
    Mp3,
    Adts,
}

/// Joins files of frames.
#[derive(Debug)]
pub(super) struct FrameJoin {
    frames: FrameReader,
    whole: JoinedFrames,
}

/// What is known of the whole file.
#[derive(Debug)]
struct JoinedFrames {
    format: FrameFormat,
    can_patch: bool,
    coding: Option<FrameCoding>,
    /// The frame that notes the length, at the very beginning; empty if there is none.
    length_note: Vec<u8>,
    frames: u32,
    bytes: u64,
    /// The current part has a frame with audio.
    has_audio: bool,
    is_mixed: bool,
}

impl FrameJoin {
    /// With `can_patch` an MP3 file gets a frame that notes its length.
    pub(super) fn new(format: FrameFormat, can_patch: bool) -> Self {
        let read_header = match format {
            FrameFormat::Mp3 => mp3::read_header,
            FrameFormat::Adts => aac::read_header,
        };
        let whole = JoinedFrames {
            format,
            can_patch,
            coding: None,
            length_note: Vec::new(),
            frames: 0,
            bytes: 0,
            has_audio: false,
            is_mixed: false,
        };
        Self { frames: FrameReader::new(read_header), whole }
    }

    fn check_coding(&self) -> Result<(), Unjoinable> {
        if self.whole.is_mixed { Err(Unjoinable::new("has a different encoding")) } else { Ok(()) }
    }
}

impl FormatJoin for FrameJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.frames.push(bytes, &mut |frame, coding| self.whole.add(frame, coding, out));
        self.check_coding()
    }

    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.frames.end_part(&mut |frame, coding| self.whole.add(frame, coding, out));
        self.check_coding()?;
        match (std::mem::take(&mut self.whole.has_audio), self.whole.format) {
            (true, _) => Ok(()),
            (false, FrameFormat::Mp3) => Err(Unjoinable::no_audio("contains no MP3 audio")),
            (false, FrameFormat::Adts) => Err(Unjoinable::no_audio("contains no AAC audio")),
        }
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Vec<LengthPatch> {
        let whole = &self.whole;
        match whole.coding {
            Some(coding) if !whole.length_note.is_empty() => {
                let bytes = mp3::filled_note(&whole.length_note, coding, whole.frames, whole.bytes);
                vec![LengthPatch { at: 0, bytes }]
            }
            _ => Vec::new(),
        }
    }
}

impl JoinedFrames {
    fn add(&mut self, frame: &[u8], coding: FrameCoding, out: &mut Vec<u8>) {
        if self.coding.is_none() && self.can_patch {
            self.length_note = mp3::empty_note(frame, coding);
            out.extend_from_slice(&self.length_note);
        }
        self.is_mixed |= *self.coding.get_or_insert(coding) != coding;
        // Not only at the beginning of a part: some services put several files behind each other.
        if self.format == FrameFormat::Mp3 && mp3::is_length_note(frame, coding) {
            return;
        }
        self.has_audio = true;
        self.frames += 1;
        self.bytes += frame.len() as u64;
        out.extend_from_slice(frame);
    }
}
