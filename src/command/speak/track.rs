//! The sound on its way out: one part as it comes, several parts joined into one file.

use std::time::Instant;

use super::plan::Plan;
use crate::audio::format::{HEAD_BYTES, SpeechFormat};
use crate::audio::join::{AudioJoiner, LengthPatch, Unjoinable, wav};
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::output::sink::Sink;

/// How many bytes of a WAV file's beginning are remembered, so that its lengths can be corrected.
const WAV_START: usize = 4096;

/// Writes sound and keeps account of what was written.
#[derive(Debug)]
pub(super) struct SpeechWriter {
    sink: Sink,
    wish: Option<SpeechFormat>,
    asked: Option<SpeechFormat>,
    /// How many parts there are, and the current one, counted from 1.
    parts: usize,
    part: usize,
    /// Whether a program is to play the file.
    is_played: bool,
    form: SpeechForm,
    /// Bytes written.
    pub(super) bytes: u64,
    /// When the first sound came.
    pub(super) began: Option<Instant>,
    /// What the user should know when all is done.
    pub(super) warning: Option<String>,
}

/// How the sound is written.
#[derive(Debug)]
enum SpeechForm {
    /// Not known until so much of the beginning has come.
    Open(Vec<u8>),
    /// As it comes.
    Bare,
    /// As it comes, from a WAV file that begins so.
    Wav(Vec<u8>),
    /// Samples behind a head of ours.
    Samples,
    Joined(Box<AudioJoiner>),
}

impl SpeechWriter {
    /// A track of nothing yet.
    pub(super) fn new(sink: Sink, plan: &Plan, is_played: bool) -> Self {
        Self {
            sink,
            wish: plan.wish,
            asked: plan.asked,
            parts: plan.bodies.len(),
            part: 1,
            is_played,
            form: SpeechForm::Open(Vec::new()),
            bytes: 0,
            began: None,
            warning: None,
        }
    }

    /// Whether sound has gone out, so that it can't be asked for again.
    pub(super) fn is_touched(&self) -> bool {
        !matches!(self.form, SpeechForm::Open(_))
    }

    /// The part is asked for again.
    pub(super) fn forget(&mut self) {
        if let SpeechForm::Open(head) = &mut self.form {
            head.clear();
        }
        self.began = None;
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
        self.warning = warning(self.wish, real);
        let joined = real.or(self.asked.filter(|asked| *asked == SpeechFormat::Pcm));
        self.form = match (joined, self.parts) {
            (Some(format), 2..) => {
                SpeechForm::Joined(Box::new(AudioJoiner::new(format, self.sink.can_patch())))
            }
            (None, 2..) if self.asked.is_some() => {
                return Err(self.unjoinable(&Unjoinable("is in no known format".to_owned())));
            }
            // Nothing was asked for and nothing is to be seen: bare samples.
            (None, 2..) => SpeechForm::Joined(Box::new(AudioJoiner::new(SpeechFormat::Pcm, false))),
            (Some(SpeechFormat::Wav), _) if self.sink.can_patch() => SpeechForm::Wav(Vec::new()),
            _ => SpeechForm::Bare,
        };
        if self.is_played && joined == Some(SpeechFormat::Pcm) {
            self.form = SpeechForm::Samples;
            self.put(&wav::header_of_pcm(wav::PCM_RATE, None), io)?;
        }
        self.pass_on(head, io)
    }

    fn pass_on(&mut self, sound: &[u8], io: &mut Io) -> Result<(), Failure> {
        match &mut self.form {
            SpeechForm::Joined(joiner) => {
                let mut out = Vec::with_capacity(sound.len());
                let pushed = joiner.push(sound, &mut out);
                pushed.map_err(|why| self.unjoinable(&why))?;
                self.put(&out, io)
            }
            SpeechForm::Wav(start) => {
                let more = sound.len().min(WAV_START - start.len());
                start.extend_from_slice(&sound[..more]);
                self.put(sound, io)
            }
            SpeechForm::Open(_) | SpeechForm::Bare | SpeechForm::Samples => self.put(sound, io),
        }
    }

    fn put(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        self.sink.write(bytes, io)
    }

    /// The running part is over.
    ///
    /// # Errors
    /// As [`SpeechWriter::write`].
    pub(super) fn end_part(&mut self, io: &mut Io) -> Result<(), Failure> {
        if let SpeechForm::Open(head) = &mut self.form {
            let head = std::mem::take(head);
            self.begin(&head, io)?;
        }
        if let SpeechForm::Joined(joiner) = &mut self.form {
            let mut out = Vec::new();
            let ended = joiner.end_part(&mut out);
            ended.map_err(|why| self.unjoinable(&why))?;
            self.put(&out, io)?;
        }
        self.part += 1;
        Ok(())
    }

    /// The last part is over: lengths are put right, and a file gets its name. Gives the bytes
    /// written.
    ///
    /// # Errors
    /// A medium that takes no more, or a file that can't be renamed.
    pub(super) fn finish(mut self, io: &mut Io) -> Result<u64, Failure> {
        let mut out = Vec::new();
        let patches = match &mut self.form {
            SpeechForm::Joined(joiner) => joiner.finish(&mut out),
            SpeechForm::Wav(start) => wav::length_patches(start, self.bytes),
            SpeechForm::Samples => {
                let head = wav::header_of_pcm(wav::PCM_RATE, None).len() as u64;
                let length = u32::try_from(self.bytes - head).ok();
                vec![LengthPatch { at: 0, bytes: wav::header_of_pcm(wav::PCM_RATE, length) }]
            }
            SpeechForm::Open(_) | SpeechForm::Bare => Vec::new(),
        };
        self.put(&out, io)?;
        if self.sink.can_patch() {
            for patch in patches {
                self.sink.patch(patch.at, &patch.bytes)?;
            }
        }
        self.sink.commit()?;
        Ok(self.bytes)
    }

    fn unjoinable(&self, why: &Unjoinable) -> Failure {
        let (part, parts) = (self.part, self.parts);
        let message = format!("the parts can't be joined: part {part} of {parts} {}", why.0);
        Failure::new(FailureKind::Refused, message)
            .hint("--format wav or pcm is the easiest to join")
    }
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
