//! Several audio files of one format, made into one that plays through. Takes the bytes of the parts
//! as they come and gives out those of the whole; knows no files.

mod aac;
mod flac;
mod flac_frame;
mod frames;
mod mp3;
mod ogg;
mod ogg_page;
mod outcome;
pub(crate) mod wav;

use super::format::SpeechFormat;
pub(crate) use outcome::{LengthPatch, Unjoinable};

/// Joins parts of one format.
#[derive(Debug)]
pub(crate) struct AudioJoiner(Inner);

#[derive(Debug)]
enum Inner {
    Plain,
    Mp3(mp3::Mp3Join),
    Ogg(Box<ogg::OggJoin>),
    Aac(aac::AacJoin),
    Flac(flac::FlacJoin),
    Wav(wav::WavJoin),
}

impl AudioJoiner {
    /// A joiner of parts in this format. `can_patch` says whether lengths can be put into the head of
    /// the whole at its end; else it gets the head of a stream.
    pub(crate) fn new(format: SpeechFormat, can_patch: bool) -> Self {
        Self(match format {
            SpeechFormat::Pcm => Inner::Plain,
            SpeechFormat::Mp3 => Inner::Mp3(mp3::Mp3Join::new(can_patch)),
            SpeechFormat::Opus => Inner::Ogg(Box::default()),
            SpeechFormat::Aac => Inner::Aac(aac::AacJoin::default()),
            SpeechFormat::Flac => Inner::Flac(flac::FlacJoin::default()),
            SpeechFormat::Wav => Inner::Wav(wav::WavJoin::default()),
        })
    }

    /// Takes the next bytes of the current part, and appends to `out` what they complete.
    ///
    /// # Errors
    /// The bytes are not of the format, or of another kind than the parts before.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        match &mut self.0 {
            Inner::Plain => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Inner::Mp3(join) => join.push(bytes, out),
            Inner::Ogg(join) => join.push(bytes, out),
            Inner::Aac(join) => join.push(bytes, out),
            Inner::Flac(join) => join.push(bytes, out),
            Inner::Wav(join) => join.push(bytes, out),
        }
    }

    /// The running part is over; the next bytes begin another one.
    ///
    /// # Errors
    /// The part is cut off, or holds no sound.
    pub(crate) fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        match &mut self.0 {
            Inner::Plain => Ok(()),
            Inner::Mp3(join) => join.end_part(out),
            Inner::Ogg(join) => join.end_part(),
            Inner::Aac(join) => join.end_part(out),
            Inner::Flac(join) => join.end_part(out),
            Inner::Wav(join) => join.end_part(),
        }
    }

    /// The last part is over. Gives what is to be written over the head of the whole, if it can be.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Vec<LengthPatch> {
        match &mut self.0 {
            Inner::Plain | Inner::Aac(_) => Vec::new(),
            Inner::Mp3(join) => join.patches(),
            Inner::Ogg(join) => {
                join.finish(out);
                Vec::new()
            }
            Inner::Flac(join) => join.patches(),
            Inner::Wav(join) => join.patches(),
        }
    }
}

#[cfg(test)]
mod tests;
