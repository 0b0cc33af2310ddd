//! Samples that a service sends bare, made into the format that the user wants: by way of ffmpeg.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use crate::audio::format::SpeechFormat;
use crate::audio::join::LengthPatch;
use crate::command::ffmpeg::{self, FfmpegFailure};
use crate::command::scratch::ScratchFolder;
use crate::error::{Failure, FailureKind, reason};
use crate::exchange::Exchange;
use crate::io::{Env, Io};
use crate::output::sink::Sink;

/// The samples' file and ffmpeg's, in the scratch folder.
const SAMPLES: &str = "samples.wav";
const CONVERTED: &str = "converted";

/// A WAV file that is to become another format.
#[derive(Debug)]
pub(super) struct Conversion {
    format: SpeechFormat,
    scratch: ScratchFolder,
    file: File,
}

impl Conversion {
    /// Nothing to convert yet.
    ///
    /// # Errors
    /// Exit 1: no temporary file can be made.
    pub(super) fn new(format: SpeechFormat, env: &Env) -> Result<Self, Failure> {
        let scratch = ScratchFolder::new(env)?;
        let file = scratch.file(SAMPLES)?;
        Ok(Self { format, scratch, file })
    }

    /// Takes bytes of the WAV file.
    ///
    /// # Errors
    /// Exit 1: a full disk.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| disk(&error))
    }

    /// The WAV file is whole: it is converted and written. Gives the bytes written.
    ///
    /// # Errors
    /// ffmpeg can't, the medium takes no more, an interruption.
    pub(super) async fn finish(
        mut self,
        patches: &[LengthPatch],
        sink: &mut Sink,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<u64, Failure> {
        for patch in patches {
            let done = self.file.seek(SeekFrom::Start(patch.at));
            done.and_then(|_| self.file.write_all(&patch.bytes)).map_err(|error| disk(&error))?;
        }
        let (name, service) = (self.format.name(), exchange.provider.name.clone());
        io.note(&format!("{service} sends bare samples; ffmpeg makes {name} of them"));
        let args: &[&str] = match self.format {
            SpeechFormat::Mp3 => &["-c:a", "libmp3lame", "-f", "mp3"],
            SpeechFormat::Opus => &["-c:a", "libopus", "-f", "ogg"],
            SpeechFormat::Aac => &["-c:a", "aac", "-f", "adts"],
            SpeechFormat::Flac => &["-c:a", "flac", "-f", "flac"],
            SpeechFormat::Wav | SpeechFormat::Pcm => &["-c:a", "pcm_s16le", "-f", "wav"],
        };
        let refused = |words: &str| {
            let words = format!("ffmpeg cannot make {name} of the samples from {service}: {words}");
            Failure::new(FailureKind::Other, words).hint("-o FILE.wav needs no ffmpeg")
        };
        let source = self.scratch.path(SAMPLES);
        let done = ffmpeg::convert(&source, args, CONVERTED, &self.scratch, refused, exchange);
        match done.await {
            Ok(()) => {}
            Err(FfmpegFailure::NoProgram) => {
                return Err(no_ffmpeg(&service, self.format, FailureKind::Refused));
            }
            Err(FfmpegFailure::Failed(failure)) => return Err(failure),
        }
        let mut made = File::open(self.scratch.path(CONVERTED)).map_err(|error| disk(&error))?;
        let (mut buffer, mut all) = (vec![0; 64 * 1024], 0);
        loop {
            let length = made.read(&mut buffer).map_err(|error| disk(&error))?;
            if length == 0 {
                return Ok(all);
            }
            sink.write(&buffer[..length], io)?;
            all += length as u64;
        }
    }
}

/// Says that a format takes ffmpeg, which is not there.
pub(super) fn no_ffmpeg(service: &str, format: SpeechFormat, kind: FailureKind) -> Failure {
    let format = format.name();
    let what =
        format!("{service} sends bare samples, and without ffmpeg no {format} can be made of them");
    Failure::new(kind, what)
        .hint("-o FILE.wav (or --format wav) needs no ffmpeg; else install ffmpeg")
}

fn disk(error: &std::io::Error) -> Failure {
    let words = format!("cannot keep the samples on the disk: {}", reason(error));
    Failure::new(FailureKind::Other, words).hint("TMPDIR names another folder for temporary files")
}
