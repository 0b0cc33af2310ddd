//! Joins audio files of one format into one. Takes the bytes of the parts as they come, and returns those
//! of the joined file.

mod aac;
mod crc;
mod flac;
mod flac_frame;
mod format_join;
mod frame_join;
mod frames;
mod mp3;
mod ogg;
mod ogg_page;
pub(crate) mod wav;

use super::format::SpeechFormat;
use format_join::FormatJoin;
pub(crate) use format_join::{LengthPatch, Unjoinable, UnjoinableKind};
use frame_join::{FrameFormat, FrameJoin};

/// Joins parts of one format.
#[derive(Debug)]
pub(crate) struct AudioJoiner(Box<dyn FormatJoin>);

impl AudioJoiner {
    /// A joiner of parts in this format. `can_patch` says whether lengths can be written into the
    /// beginning of the file at its end; if not, it gets the header of a stream.
    pub(crate) fn new(format: SpeechFormat, can_patch: bool) -> Self {
        Self(match format {
            SpeechFormat::Pcm => Box::new(PcmJoin),
            SpeechFormat::Mp3 => Box::new(FrameJoin::new(FrameFormat::Mp3, can_patch)),
            SpeechFormat::Opus => Box::<ogg::OggJoin>::default(),
            SpeechFormat::Aac => Box::new(FrameJoin::new(FrameFormat::Adts, false)),
            SpeechFormat::Flac => Box::<flac::FlacJoin>::default(),
            SpeechFormat::Wav => Box::<wav::WavJoin>::default(),
        })
    }

    /// For WAV that comes in one part, which may be several files one behind the other. A single file
    /// stays as it came, but for lengths that are not true. `keeps_lengths` is false where more may
    /// follow the first file and its head can't be changed any more.
    pub(crate) fn of_wav(keeps_lengths: bool) -> Self {
        Self(Box::new(wav::WavJoin::of_one_part(keeps_lengths)))
    }

    /// Whether the file has more sound than its head says, so that a player would stop early.
    pub(crate) fn head_is_short(&self) -> bool {
        self.0.head_is_short()
    }

    /// [`FormatJoin::push`].
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.0.push(bytes, out)
    }

    /// [`FormatJoin::end_part`].
    pub(crate) fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.0.end_part(out)
    }

    /// [`FormatJoin::finish`].
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Vec<LengthPatch> {
        self.0.finish(out)
    }
}

/// Samples without a header need no joining.
#[derive(Debug)]
struct PcmJoin;

impl FormatJoin for PcmJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn end_part(&mut self, _: &mut Vec<u8>) -> Result<(), Unjoinable> {
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Vec<LengthPatch> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
