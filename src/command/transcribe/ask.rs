//! One part of a recording on its way to its transcript: the request, tries, and what the service makes
//! of them.

use super::form::{HeardPart, PartForm};
use super::inputs::AudioFile;
use super::options::TranscribeOptions;
use super::outputs::TranscriptOutputs;
use super::script::Transcript;
use super::split::{AudioPart, UploadLimit};
use crate::api::transcribe::answer::TranscriptReply;
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::stream::TranscriptStream;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::kept::KeptParts;
use crate::output::progress::Progress;
use crate::provider::user_fields::UserFields;
use crate::provider::{Provider, RequestLimit};

/// How long after the transcript's end the server may send the rest.
const TRAILER_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// The work on all files of a run.
pub(super) struct TranscribeRun {
    pub(super) form: PartForm,
    pub(super) outputs: TranscriptOutputs,
    /// What refusals taught: the most seconds of sound, and media types that are not taken.
    pub(super) learnt_seconds: Option<u64>,
    pub(super) refused_kinds: Vec<&'static str>,
    /// A transcript of the present file ended at the model's limit.
    pub(super) is_cut: bool,
}

/// An answer, and whether its text was shown while it came.
struct PartTranscript {
    heard: HeardPart,
    was_live: bool,
}

impl TranscribeRun {
    /// Nothing asked yet; `own` is the user's part of the requests.
    pub(super) fn new(
        options: TranscribeOptions,
        outputs: TranscriptOutputs,
        own: UserFields,
    ) -> Self {
        Self {
            form: PartForm { wire: options.wire(), options, own },
            outputs,
            learnt_seconds: None,
            refused_kinds: Vec::new(),
            is_cut: false,
        }
    }

    /// What there is to say of a transcript that was cut; it is written anyway.
    pub(super) fn cut(&mut self, provider: &Provider) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_cut) {
            return Ok(());
        }
        let what = format!("{} cut the transcript at the model's token limit", provider.name);
        Err(Failure::new(FailureKind::Cut, what)
            .hint("send a shorter recording, or use a model made for transcription"))
    }

    /// The most that a request may hold, if the profile says so.
    pub(super) fn limit(
        &self,
        sound: &AudioFile,
        provider: &Provider,
    ) -> Result<UploadLimit, Failure> {
        let empty = AudioPart { pieces: Vec::new(), kind: sound.kind.clone(), offset: 0.0 };
        let body = self.form.body(provider);
        let model =
            body.get("model").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        // `verbose_json` is the longest name, and so is `.wav`, which an ending may become.
        let request = self.form.request(empty, TranscriptFormat::VerboseJson, provider)?;
        Ok(UploadLimit {
            bytes: provider.limit(RequestLimit::UploadBytes),
            seconds: self
                .learnt_seconds
                .or_else(|| provider.audio_seconds(self.form.options.job, &model)),
            converts: self.refused_kinds.contains(&sound.kind.content_type)
                || (sound.kind.is_unlisted() && provider.takes_listed_sound(self.form.options.job)),
            overhead: request.body.length() + 16,
            is_base64: provider.has_own_shape(self.form.options.job),
        })
    }

    /// Asks for a part, unless an earlier run brought it; its text is shown while it comes.
    ///
    /// # Errors
    /// Those of the request, of what it brought, and of the output.
    pub(super) async fn part(
        &mut self,
        part: &AudioPart,
        keeping: Option<(&KeptParts, &str)>,
        script: &mut Transcript,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        script.begin_part();
        if let Some(heard) = keeping.and_then(|(kept, key)| self.form.kept(kept, key)) {
            return self.take(heard, part, script, io);
        }
        let mut operation = AskPart { form: &mut self.form, part, script, io };
        let PartTranscript { heard, was_live } = exchange.ask(&mut operation).await?;
        if let Some((kept, key)) = keeping {
            heard.keep(kept, key);
        }
        if was_live {
            self.is_cut |= heard.answer.is_cut();
            script.take_rest(&heard.answer);
            return Ok(());
        }
        self.take(heard, part, script, io)
    }

    /// The transcript of a part whose turn it is.
    ///
    /// # Errors
    /// It holds no text or no times where they are needed; the output takes no more.
    pub(super) fn take(
        &mut self,
        heard: HeardPart,
        part: &AudioPart,
        script: &mut Transcript,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.is_cut |= heard.answer.is_cut();
        script.take(heard.answer, part.offset, io)
    }
}

/// The request for one part of a sound.
struct AskPart<'a> {
    form: &'a mut PartForm,
    part: &'a AudioPart,
    script: &'a mut Transcript,
    io: &'a mut Io,
}

impl Operation for AskPart<'_> {
    type Output = PartTranscript;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.form.draft(self.part.clone(), provider)
    }

    fn words(&self) -> ReplyWords {
        PartForm::words()
    }

    fn sending(&mut self, request: &Request) -> Option<Progress> {
        let total = Some(request.body.length());
        Some(Progress::bytes(&self.part.kind.filename, total, self.io))
    }

    fn has_shown(&self) -> bool {
        self.script.shows_this_part()
    }

    /// Subtitles that a service refuses to make are made of segments.
    fn changes_request(&mut self, failure: &Failure, provider: &Provider) -> bool {
        let takes_segments = self.form.may_take_segments(failure, provider);
        if takes_segments {
            self.form.wire = TranscriptFormat::VerboseJson;
        }
        takes_segments
    }

    fn reword(&self, failure: Failure, _: &Provider) -> Failure {
        self.form.with_hint(failure)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartTranscript, ReadError> {
        let content_type = reply.content_type().to_lowercase();
        if content_type.starts_with("text/event-stream") && self.script.is_live() {
            let answer = live(reply, self.script, self.io).await?;
            let content_type = "application/json".to_owned();
            let heard = HeardPart { answer, content_type };
            reply.exchange().spend(heard.spent());
            return Ok(PartTranscript { heard, was_live: true });
        }
        let heard = self.form.whole(reply).await?;
        Ok(PartTranscript { heard, was_live: false })
    }
}

/// Reads a stream to its end, its text shown as it comes.
async fn live(
    reply: &mut Reply<'_>,
    script: &mut Transcript,
    io: &mut Io,
) -> Result<TranscriptReply, ReadError> {
    let (mut stream, mut text) = (TranscriptStream::default(), String::new());
    let mut broke = None;
    while !stream.is_over() {
        match reply.chunk().await {
            Ok(Some(bytes)) => stream.push(&bytes, &mut text),
            Ok(None) => break,
            Err(failure) if failure.is_silent() => return Err(failure.into()),
            Err(failure) => {
                broke = Some(failure);
                break;
            }
        }
        script.show(&std::mem::take(&mut text), io)?;
        if stream.is_done() || stream.has_fault() {
            reply.shorten_silence(TRAILER_GRACE);
        }
    }
    let is_done = stream.is_done();
    let end = stream.finish(&mut text);
    script.show(&text, io)?;
    match broke {
        // Lines of plain text have no end of their own: a broken connection is no end of them.
        Some(failure) if !is_done && !matches!(end, Err(BadReply::Fault(_))) => Err(failure.into()),
        _ => Ok(end?),
    }
}
