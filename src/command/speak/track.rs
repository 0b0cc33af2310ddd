//! The sound on its way out: one part as it comes, several parts joined into one file.

use std::time::Instant;

use super::convert::{Conversion, no_ffmpeg};
use super::plan::Plan;
use crate::api::speech::pcm::PcmStated;
use crate::audio::format::{HEAD_BYTES, SpeechFormat};
use crate::audio::join::{AudioJoiner, LengthPatch, Unjoinable, UnjoinableKind, wav};
use crate::command::ffmpeg;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::io::Io;
use crate::output::sink::Sink;

/// A sound that is not larger than this is looked at once more at its end: is there any?
const SMALL: usize = 4096;

/// Writes sound and keeps account of what was written.
#[derive(Debug)]
pub(super) struct SpeechWriter {
    sink: Sink,
    service: String,
    wish: Option<SpeechFormat>,
    asked: Option<SpeechFormat>,
    /// How many parts there are, and the current one, counted from 1.
    parts: usize,
    part: usize,
    /// Whether a program is to play the file.
    is_played: bool,
    form: SpeechForm,
    reply: SpeechReply,
    /// Samples a second of sound without a head, unless the service states it.
    pcm_rate: u32,
    conversion: Option<Conversion>,
    /// The beginning of a sound that may hold none.
    beginning: Vec<u8>,
    /// Bytes written.
    pub(super) bytes: u64,
    /// When the first sound came.
    pub(super) began: Option<Instant>,
    /// What the user should know when all is done.
    pub(super) warning: Option<String>,
}

/// What the first reply says of its sound.
#[derive(Debug, Clone, Default)]
pub(super) struct SpeechReply {
    pub(super) content_type: String,
    /// How many bytes the sound has, where that is known beforehand.
    pub(super) length: Option<u64>,
}

/// How the sound is written.
#[derive(Debug)]
enum SpeechForm {
    /// Not known until so much of the beginning has come.
    Open(Vec<u8>),
    /// As it comes.
    Bare(Option<SpeechFormat>),
    /// Samples behind a head of ours: so many a second.
    Samples(u32),
    Joined(Box<AudioJoiner>),
}

impl SpeechWriter {
    /// A track of nothing yet.
    pub(super) fn new(sink: Sink, plan: &Plan, is_played: bool) -> Self {
        Self {
            sink,
            service: plan.service.clone(),
            wish: plan.wish,
            asked: plan.asked,
            parts: plan.parts.len(),
            part: 1,
            is_played,
            form: SpeechForm::Open(Vec::new()),
            reply: SpeechReply::default(),
            pcm_rate: plan.pcm_rate,
            conversion: None,
            beginning: Vec::new(),
            bytes: 0,
            began: None,
            warning: None,
        }
    }

    /// Whether sound has gone out, so that it can't be asked for again.
    pub(super) fn is_touched(&self) -> bool {
        !matches!(self.form, SpeechForm::Open(_)) || self.part > 1
    }

    /// The part is asked for again.
    pub(super) fn forget(&mut self) {
        if let SpeechForm::Open(head) = &mut self.form {
            head.clear();
        }
        self.began = None;
    }

    /// There are so many parts after all.
    pub(super) fn set_parts(&mut self, parts: usize) {
        self.parts = parts;
    }

    /// What is asked for after all.
    pub(super) fn set_asked(&mut self, format: SpeechFormat) {
        self.asked = Some(format);
    }

    /// What the reply says of the sound that comes now.
    pub(super) fn expect(&mut self, reply: SpeechReply) {
        if !self.is_touched() {
            self.reply = reply;
        }
    }

    /// Takes the next sound of the current part.
    ///
    /// # Errors
    /// A reader that went away, a medium that takes no more, or a part that can't be joined.
    pub(super) fn write(&mut self, sound: &[u8], io: &mut Io) -> Result<(), Failure> {
        if sound.is_empty() {
            return Ok(());
        }
        self.began.get_or_insert_with(Instant::now);
        let SpeechForm::Open(head) = &mut self.form else { return self.pass_on(sound, io) };
        head.extend_from_slice(sound);
        if head.len() < HEAD_BYTES {
            return Ok(());
        }
        let head = std::mem::take(head);
        self.begin(&head, io)
    }

    /// The first bytes tell the format.
    fn begin(&mut self, head: &[u8], io: &mut Io) -> Result<(), Failure> {
        let real = SpeechFormat::of_bytes(head, self.asked.or(self.wish));
        let stated = PcmStated::of(&self.reply.content_type);
        let is_pcm = real.is_none() && (stated.is_some() || self.asked == Some(SpeechFormat::Pcm));
        let joined = if is_pcm { Some(SpeechFormat::Pcm) } else { real };
        let file = self.wish.filter(|wish| is_pcm && *wish != SpeechFormat::Pcm);
        let rate = stated.and_then(|stated| stated.rate).unwrap_or(self.pcm_rate);
        if let Some(format) = file.filter(|format| *format != SpeechFormat::Wav) {
            if !ffmpeg::is_there(&io.env) {
                return Err(no_ffmpeg(&self.service, format, FailureKind::Refused));
            }
            self.conversion = Some(Conversion::new(format, &io.env)?);
        }
        if file.is_none() {
            self.warning = warning(self.wish, real);
        }
        let can_patch = self.sink.can_patch() || self.conversion.is_some();
        self.form = match (joined, self.parts) {
            (Some(SpeechFormat::Pcm), _) if file.is_some() || self.is_played => {
                self.put(&wav::header_of_pcm(rate, None), io)?;
                SpeechForm::Samples(rate)
            }
            (Some(format), 2..) => {
                SpeechForm::Joined(Box::new(AudioJoiner::new(format, can_patch)))
            }
            (None, 2..) if self.asked.is_some() => {
                return Err(self.unjoinable(&Unjoinable::new("is in no known format")));
            }
            // Nothing was asked for and nothing is to be seen: bare samples.
            (None, 2..) => SpeechForm::Joined(Box::new(AudioJoiner::new(SpeechFormat::Pcm, false))),
            (Some(SpeechFormat::Wav), _) => {
                let keeps = can_patch || self.is_one_file(head);
                SpeechForm::Joined(Box::new(AudioJoiner::of_wav(keeps)))
            }
            (format, _) => SpeechForm::Bare(format),
        };
        self.pass_on(head, io)
    }

    /// Whether the head of a WAV file may be true for all that comes: not in a stream of events, each
    /// of which may hold a file, and not if more comes than the head says.
    fn is_one_file(&self, head: &[u8]) -> bool {
        let of_all = head.get(4..8).and_then(|said| said.try_into().ok()).map(u32::from_le_bytes);
        let said = u64::from(of_all.unwrap_or_default()) + 8;
        !self.reply.content_type.starts_with("text/event-stream")
            && self.reply.length.is_none_or(|length| said.saturating_add(1) >= length)
    }

    fn pass_on(&mut self, sound: &[u8], io: &mut Io) -> Result<(), Failure> {
        match &mut self.form {
            SpeechForm::Joined(joiner) => {
                let mut out = Vec::with_capacity(sound.len());
                let pushed = joiner.push(sound, &mut out);
                pushed.map_err(|why| self.unjoinable(&why))?;
                self.put(&out, io)
            }
            SpeechForm::Bare(_) if self.beginning.len() <= SMALL => {
                let more = sound.len().min(SMALL + 1 - self.beginning.len());
                self.beginning.extend_from_slice(&sound[..more]);
                self.put(sound, io)
            }
            _ => self.put(sound, io),
        }
    }

    fn put(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        match &mut self.conversion {
            Some(conversion) => conversion.write(bytes),
            None => self.sink.write(bytes, io),
        }
    }

    /// The running part is over.
    ///
    /// # Errors
    /// As [`SpeechWriter::write`], and a part without sound, or with less than its head says.
    pub(super) fn end_part(&mut self, io: &mut Io) -> Result<(), Failure> {
        if let SpeechForm::Open(head) = &mut self.form {
            let head = std::mem::take(head);
            self.begin(&head, io)?;
        }
        let mut out = Vec::new();
        let ended = match &mut self.form {
            SpeechForm::Joined(joiner) => joiner.end_part(&mut out),
            SpeechForm::Bare(Some(format)) if self.beginning.len() <= SMALL => {
                has_sound(*format, &self.beginning)
            }
            _ => Ok(()),
        };
        ended.map_err(|why| self.unjoinable(&why))?;
        self.put(&out, io)?;
        self.part += 1;
        Ok(())
    }

    /// The last part is over: lengths are put right, and a file gets its name. Gives the bytes
    /// written.
    ///
    /// # Errors
    /// A medium that takes no more, or a file that can't be renamed.
    pub(super) async fn finish(
        mut self,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<u64, Failure> {
        let mut out = Vec::new();
        let patches = match &mut self.form {
            SpeechForm::Joined(joiner) => joiner.finish(&mut out),
            SpeechForm::Samples(rate) => {
                let head = wav::header_of_pcm(*rate, None).len() as u64;
                let length = u32::try_from(self.bytes - head).ok();
                vec![LengthPatch { at: 0, bytes: wav::header_of_pcm(*rate, length) }]
            }
            SpeechForm::Open(_) | SpeechForm::Bare(_) => Vec::new(),
        };
        self.put(&out, io)?;
        if let Some(conversion) = self.conversion.take() {
            self.bytes = conversion.finish(&patches, &mut self.sink, exchange, io).await?;
        } else if self.sink.can_patch() {
            for patch in patches {
                self.sink.patch(patch.at, &patch.bytes)?;
            }
        } else if matches!(&self.form, SpeechForm::Joined(joiner) if joiner.head_is_short()) {
            io.warn(
                "the service sent several WAV files, and the head of the first tells its own \
                 length alone; -o FILE makes one whole file",
            );
        }
        self.sink.commit()?;
        Ok(self.bytes)
    }

    fn unjoinable(&self, why: &Unjoinable) -> Failure {
        let (part, parts, service, what) = (self.part, self.parts, &self.service, &why.why);
        match why.kind {
            UnjoinableKind::NoAudio => Failure::new(
                FailureKind::Refused,
                format!("the audio from {service} has no sound in it: it {what}"),
            )
            .hint("-v shows the exchange; another voice or --format may help"),
            UnjoinableKind::Short => Failure::new(
                FailureKind::Network,
                format!("the audio from {service} ended early: it {what}"),
            ),
            UnjoinableKind::Other => {
                let message = format!("the parts can't be joined: part {part} of {parts} {what}");
                Failure::new(FailureKind::Refused, message)
                    .hint("--format wav or pcm is the easiest to join")
            }
        }
    }
}

/// Whether there is any sound in a small file of this format. What can't be read is not judged.
fn has_sound(format: SpeechFormat, file: &[u8]) -> Result<(), Unjoinable> {
    if format == SpeechFormat::Mp3 {
        // A tag is as long as the 28 bits behind its first six bytes say (ID3v2, section 3.1).
        let size = file.get(6..10).unwrap_or_default();
        let size = size.iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let is_tag =
            |frame: &[u8]| frame.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9'));
        let is_tag = file.starts_with(b"ID3") && file.get(10..14).is_some_and(is_tag);
        return match is_tag && file.len() <= 10 + size {
            true => Err(Unjoinable::no_audio("is a tag alone")),
            false => Ok(()),
        };
    }
    if !matches!(format, SpeechFormat::Opus | SpeechFormat::Flac) {
        return Ok(());
    }
    let (mut joiner, mut out) = (AudioJoiner::new(format, false), Vec::new());
    let read = joiner.push(file, &mut out).and_then(|()| joiner.end_part(&mut out));
    read.or_else(|why| if why.kind == UnjoinableKind::NoAudio { Err(why) } else { Ok(()) })
}

/// What to say of sound that is not in the format that was wanted.
fn warning(wish: Option<SpeechFormat>, real: Option<SpeechFormat>) -> Option<String> {
    match (wish?, real) {
        (wish, Some(real)) if wish != real => {
            let (wish, real) = (wish.name(), real.name());
            Some(format!("the service sent {real}, not {wish}; it is written as it came"))
        }
        (SpeechFormat::Pcm, _) | (_, Some(_)) => None,
        (wish, None) => {
            let wish = wish.name();
            Some(format!(
                "what the service sent does not look like {wish}; it is written as it came"
            ))
        }
    }
}
