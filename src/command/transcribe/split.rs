//! A file above the service's limit, in parts: stretches of its own samples, or of what ffmpeg makes of
//! it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::inputs::AudioFile;
use crate::audio::upload::AudioUpload;
use crate::audio::wav::WavSamples;
use crate::audio::{duration, quiet};
use crate::command::ffmpeg::{self, FfmpegFailure};
use crate::command::scratch::ScratchFolder;
use crate::error::{Failure, reason};
use crate::exchange::Exchange;
use crate::http::form::BytePiece;
use crate::io::Io;

/// A part shorter than this many seconds makes no sense to send: services refuse it.
const MIN_PART_SECONDS: f64 = 1.0;

/// What one request carries of a sound.
#[derive(Debug, Clone)]
pub(super) struct AudioPart {
    pub(super) pieces: Vec<BytePiece>,
    pub(super) kind: AudioUpload,
    /// Where it begins in the recording, in seconds.
    pub(super) offset: f64,
}

impl AudioPart {
    /// Its bytes.
    pub(super) fn length(&self) -> u64 {
        let length = |piece: &BytePiece| match piece {
            BytePiece::Bytes(bytes) => bytes.len() as u64,
            BytePiece::File { length, .. } => *length,
        };
        self.pieces.iter().map(length).sum()
    }
}

/// A sound in the parts in which it is sent.
#[derive(Debug)]
pub(super) struct AudioParts {
    pub(super) list: Vec<AudioPart>,
    /// Holds what ffmpeg made.
    _scratch: Option<ScratchFolder>,
}

/// The most that a request may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct UploadLimit {
    /// The profile's `upload_bytes`.
    pub(super) bytes: Option<u64>,
    /// The most seconds that the model takes.
    pub(super) seconds: Option<u64>,
    /// The service does not take the file's format: what ffmpeg makes of it is sent.
    pub(super) converts: bool,
    /// What the request needs beside the file, in bytes.
    pub(super) overhead: u64,
    /// The file travels as base64, which is a third longer.
    pub(super) is_base64: bool,
}

/// No recording has less than so many bytes a second: one that is smaller than its time allows by that
/// is not decoded to learn its length.
const MIN_BYTES_PER_SECOND: u64 = 75;

impl UploadLimit {
    /// The most bytes of a file for which a request has room.
    fn room(&self) -> u64 {
        let Some(bytes) = self.bytes else { return u64::MAX };
        let room = bytes.saturating_sub(self.overhead);
        if self.is_base64 { room / 4 * 3 } else { room }
    }

    /// The most bytes of these samples that a request takes.
    fn of(&self, samples: &WavSamples) -> u64 {
        let frames = self.seconds.map(|seconds| seconds * u64::from(samples.rate));
        let of_time = frames.map_or(u64::MAX, |frames| frames * samples.frame);
        self.room().saturating_sub(samples.header(0).len() as u64).min(of_time)
    }

    /// Whether one request takes all of a sound of this size and these samples.
    fn has_room_for(&self, size: u64, samples: &WavSamples) -> bool {
        let is_short =
            self.seconds.is_none_or(|most| samples.seconds(samples.length) <= most as f64);
        size <= self.room() && is_short
    }

    fn words(&self) -> String {
        match (self.bytes, self.seconds) {
            (Some(bytes), Some(seconds)) => format!("{}, {seconds} s", mebibytes(bytes)),
            (Some(bytes), None) => mebibytes(bytes),
            (None, seconds) => format!("{} s", seconds.unwrap_or_default()),
        }
    }
}

/// The sound as one part.
pub(super) fn whole(sound: &AudioFile) -> AudioPart {
    let piece = BytePiece::File { path: sound.path.clone(), offset: 0, length: sound.size };
    AudioPart { pieces: vec![piece], kind: sound.kind.clone(), offset: 0.0 }
}

/// The parts of a sound: one where it is within the limit. `name` is the user's name of it.
///
/// # Errors
/// Exit 2 where the file can't be cut (no ffmpeg, or it finds no sound in it), exit 1 for the disk, an
/// interruption.
pub(super) async fn parts(
    sound: &AudioFile,
    name: &str,
    limit: UploadLimit,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<AudioParts, Failure> {
    let one = || AudioParts { list: vec![whole(sound)], _scratch: None };
    let is_small = sound.size <= limit.room() && !limit.converts;
    if is_small && is_short(sound, limit) {
        return Ok(one());
    }
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {name}: {}", reason(&error)));
    let samples = match sound.kind.content_type {
        "audio/pcm" => Some(WavSamples::raw(sound.size)),
        _ => find(&sound.path, sound.size).map_err(unreadable)?,
    };
    let service = exchange.provider.name.clone();
    let (list, scratch) = match samples {
        Some(samples) if !limit.converts && limit.has_room_for(sound.size, &samples) => {
            return Ok(one());
        }
        Some(samples) if !limit.converts => {
            let room = room(limit, &samples, &service, name)?;
            (cut(&sound.path, &samples, room, &sound.kind).map_err(unreadable)?, None)
        }
        _ => match decoded_parts(sound, name, limit, exchange, io).await? {
            Some((list, scratch)) => (list, Some(scratch)),
            None => return Ok(one()),
        },
    };
    if list.len() > 1 {
        let (what, number) = (above(sound, name, limit, &service), list.len());
        io.note(&format!("{what}; it is sent in {number} parts"));
    }
    Ok(AudioParts { list, _scratch: scratch })
}

/// The parts of what ffmpeg makes of a sound; `None` where the sound is to be sent as it is.
async fn decoded_parts(
    sound: &AudioFile,
    name: &str,
    limit: UploadLimit,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<Option<(Vec<AudioPart>, ScratchFolder)>, Failure> {
    let service = exchange.provider.name.clone();
    let scratch = ScratchFolder::new(&io.env)?;
    let kind = match decode(sound, name, &scratch, exchange).await {
        Ok(kind) => kind,
        Err(FfmpegFailure::NoProgram) if limit.converts => {
            return Err(takes_not(sound, name, &service));
        }
        // The service may count the file alone, and have room for it.
        Err(FfmpegFailure::NoProgram) if limit.bytes.is_none_or(|most| sound.size <= most) => {
            return Ok(None);
        }
        Err(FfmpegFailure::NoProgram) => return Err(too_large(sound, name, limit, &service)),
        Err(FfmpegFailure::Failed(failure))
            if !limit.converts && sound.size <= limit.room() && !failure.is_silent() =>
        {
            return Ok(None);
        }
        Err(FfmpegFailure::Failed(failure)) => return Err(failure),
    };
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {name}: {}", reason(&error)));
    let path = scratch.path(DECODED);
    let size = std::fs::metadata(&path).map_err(unreadable)?.len();
    let samples = find(&path, size).map_err(unreadable)?;
    let Some(samples) = samples.filter(|samples| samples.length > 0) else {
        return Err(Failure::usage(format!("ffmpeg finds no audio in {name}")));
    };
    if limit.converts {
        let kind = sound.kind.content_type;
        io.note(&format!("{service} takes no {kind}; ffmpeg makes WAV of {name}"));
    } else if limit.has_room_for(sound.size, &samples) {
        return Ok(None);
    }
    let room = room(limit, &samples, &service, name)?;
    let list = cut(&path, &samples, room, &kind).map_err(unreadable)?;
    Ok(Some((list, scratch)))
}

fn find(path: &Path, size: u64) -> std::io::Result<Option<WavSamples>> {
    WavSamples::find(&mut BufReader::new(File::open(path)?), size)
}

/// Bytes of samples for which a request has room.
fn room(
    limit: UploadLimit,
    samples: &WavSamples,
    service: &str,
    name: &str,
) -> Result<u64, Failure> {
    let room = limit.of(samples);
    if samples.seconds(room) < MIN_PART_SECONDS {
        let words = format!(
            "the limit of {service}, {} bytes, is too small for one second of {name}",
            limit.bytes.unwrap_or_default()
        );
        return Err(Failure::usage(words).hint("it is `limits.upload_bytes` in the profile"));
    }
    Ok(room)
}

/// Stretches of the samples, each with a header of its own in front. Nothing is copied.
fn cut(
    path: &Path,
    samples: &WavSamples,
    room: u64,
    kind: &AudioUpload,
) -> std::io::Result<Vec<AudioPart>> {
    let mut file = BufReader::with_capacity(64 * 1024, File::open(path)?);
    let ranges = quiet::split_at_pauses(samples, &mut file, room)?;
    let part = |range: std::ops::Range<u64>| {
        let length = range.end - range.start;
        let samples_of_it =
            BytePiece::File { path: path.to_owned(), offset: samples.start + range.start, length };
        AudioPart {
            pieces: vec![BytePiece::Bytes(samples.header(length).into()), samples_of_it],
            kind: kind.clone(),
            offset: samples.seconds(range.start),
        }
    };
    Ok(ranges.into_iter().map(part).collect())
}

/// Whether a sound is within the limit of time, as far as its file tells without decoding.
fn is_short(sound: &AudioFile, limit: UploadLimit) -> bool {
    let Some(most) = limit.seconds else { return true };
    match seconds(sound) {
        Some(seconds) => seconds <= most as f64,
        None => sound.size < most * MIN_BYTES_PER_SECOND,
    }
}

/// The sound's length, where its file tells it.
fn seconds(sound: &AudioFile) -> Option<f64> {
    let mut file = BufReader::new(File::open(&sound.path).ok()?);
    duration::seconds(&mut file, sound.size).ok().flatten()
}

/// Says that a sound is larger or longer than a request may be.
fn above(sound: &AudioFile, name: &str, limit: UploadLimit, service: &str) -> String {
    let most = limit.words();
    let has = match seconds(sound) {
        Some(seconds) if sound.size <= limit.room() => format!("lasts {} s", seconds.round()),
        _ => format!("has {}", mebibytes(sound.size)),
    };
    format!("{name} {has}, more than {service} takes at once ({most})")
}

fn too_large(sound: &AudioFile, name: &str, limit: UploadLimit, service: &str) -> Failure {
    Failure::usage(above(sound, name, limit, service))
        .hint("install ffmpeg to send it in parts; WAV files are split without it")
}

/// Says that a service does not take a format, where nothing converts it.
fn takes_not(sound: &AudioFile, name: &str, service: &str) -> Failure {
    let kind = sound.kind.content_type;
    Failure::usage(format!("{service} takes no {kind}, which {name} is")).hint(convert_hint(name))
}

/// How to make a file of a format that every service takes.
pub(super) fn convert_hint(name: &str) -> String {
    let stem = Path::new(name).file_stem().map_or_else(|| "audio".into(), |s| s.to_string_lossy());
    format!("with ffmpeg installed it is converted by itself, or by: ffmpeg -i {name} {stem}.mp3")
}

fn mebibytes(bytes: u64) -> String {
    match bytes as f64 / f64::from(1 << 20) {
        small if small < 1.0 => format!("{bytes} bytes"),
        large => format!("{} MiB", (large * 10.0).round() / 10.0),
    }
}

const DECODED: &str = "decoded.wav";

/// Lets ffmpeg write the sound as samples that can be cut anywhere: one channel of 16 bits, 16,000 a
/// second, to which speech models bring every sound first (Whisper, Radford and others 2022, section
/// 2.2). Gives the kind of what was written.
async fn decode(
    sound: &AudioFile,
    name: &str,
    scratch: &ScratchFolder,
    exchange: &mut Exchange,
) -> Result<AudioUpload, FfmpegFailure> {
    let args = ["-vn", "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le", "-f", "wav"];
    let refused = |words: &str| Failure::usage(format!("ffmpeg cannot read {name}: {words}"));
    ffmpeg::convert(&sound.path, &args, DECODED, scratch, refused, exchange).await?;
    let stem = Path::new(&sound.kind.filename).file_stem().unwrap_or("audio".as_ref());
    let filename = format!("{}.wav", stem.to_string_lossy());
    Ok(AudioUpload { filename, content_type: "audio/wav" })
}
