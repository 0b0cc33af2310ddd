//! One part of a recording on its way to its transcript: the request, tries, and what the service makes
//! of them.

use super::inputs::AudioFile;
use super::options::TranscribeOptions;
use super::outputs::TranscriptOutputs;
use super::request;
use super::script::Transcript;
use super::split::{AudioPart, UploadLimit};
use crate::api::transcribe::answer::{TranscriptReply, refuses_format};
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::read::read;
use crate::api::transcribe::stream::TranscriptStream;
use crate::command::spent;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::io::Io;
use crate::ledger::Spent;
use crate::output::kept::KeptParts;
use crate::output::progress::Progress;
use crate::provider::user_fields::UserFields;
use crate::provider::{Provider, RequestLimit};

/// How long after the transcript's end the server may send the rest.
const TRAILER_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// The work on all files of a run.
pub(super) struct TranscribeRun {
    pub(super) options: TranscribeOptions,
    pub(super) outputs: TranscriptOutputs,
    /// The format that is asked for; another one than the user's once the service refused that.
    pub(super) wire: TranscriptFormat,
    /// The user's part of the requests.
    pub(super) own: UserFields,
    /// What refusals taught: the most seconds of sound, and media types that are not taken.
    pub(super) learnt_seconds: Option<u64>,
    pub(super) refused_kinds: Vec<&'static str>,
    /// A transcript of the present file ended at the model's limit.
    pub(super) is_cut: bool,
}

/// An answer, and whether its text was shown while it came.
struct PartTranscript {
    answer: TranscriptReply,
    was_live: bool,
    content_type: String,
}

impl TranscribeRun {
    /// Nothing asked yet; `own` is the user's part of the requests.
    pub(super) fn new(
        options: TranscribeOptions,
        outputs: TranscriptOutputs,
        own: UserFields,
    ) -> Self {
        let (learnt_seconds, refused_kinds) = (None, Vec::new());
        Self {
            wire: options.wire(),
            own,
            learnt_seconds,
            refused_kinds,
            is_cut: false,
            options,
            outputs,
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
        let body = request::compose(&self.options, provider, self.wire).body;
        let model =
            body.get("model").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        // `verbose_json` is the longest name, and so is `.wav`, which an ending may become.
        let request = self.request(empty, TranscriptFormat::VerboseJson, provider)?;
        Ok(UploadLimit {
            bytes: provider.limit(RequestLimit::UploadBytes),
            seconds: self
                .learnt_seconds
                .or_else(|| provider.audio_seconds(self.options.job, &model)),
            converts: self.refused_kinds.contains(&sound.kind.content_type)
                || (sound.kind.is_unlisted() && provider.takes_listed_sound(self.options.job)),
            overhead: request.body.length() + 16,
            is_base64: provider.has_own_shape(self.options.job),
        })
    }

    pub(super) fn request(
        &self,
        part: AudioPart,
        wire: TranscriptFormat,
        provider: &Provider,
    ) -> Result<Request, Failure> {
        let body = request::compose(&self.options, provider, wire).body;
        request::request(&self.options, provider, &body, part)
    }

    pub(super) async fn part(
        &mut self,
        part: &AudioPart,
        keeping: Option<(&KeptParts, &str)>,
        script: &mut Transcript,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        script.begin_part();
        if let Some(found) = keeping.and_then(|(kept, key)| kept.get(key))
            && let Ok(answer) = self.read(found.bytes, &found.label)
        {
            self.is_cut |= answer.is_cut();
            return script.take(answer, part.offset, io);
        }
        let mut operation = AskPart { asking: self, part, script, io };
        let heard = exchange.ask(&mut operation).await?;
        if let Some((kept, key)) = keeping {
            kept.put(key, &heard.content_type, &heard.answer.body);
        }
        self.is_cut |= heard.answer.is_cut();
        if heard.was_live {
            script.take_rest(&heard.answer);
            return Ok(());
        }
        script.take(heard.answer, part.offset, io)
    }

    /// Whether a refusal is of subtitles, which can be made of segments instead.
    fn may_take_segments(&self, failure: &Failure, provider: &Provider) -> bool {
        let is_of_subtitles = self.wire.is_subtitles();
        let status = failure.retry.as_ref().and_then(|retry| retry.status);
        let other = || {
            let body = |wire| request::compose(&self.options, provider, wire).body;
            body(self.wire) != body(TranscriptFormat::VerboseJson)
        };
        is_of_subtitles
            && status.is_some_and(|status| refuses_format(status, &failure.message))
            && other()
    }

    fn with_hint(&self, mut failure: Failure) -> Failure {
        let status = failure.retry.as_ref().and_then(|retry| retry.status);
        if status == Some(413) {
            let hint = "with `limits = { upload_bytes = 26214400 }` in the profile (here 25 MiB) \
                        files above it are sent in parts";
            failure.hint = Some(hint.to_owned());
        }
        if self.options.format.has_times()
            && status.is_some_and(|status| refuses_format(status, &failure.message))
        {
            let hint = "this model may give no timestamps; try another one (-m), or --format text";
            failure.hint = Some(hint.to_owned());
        }
        failure
    }

    /// The answer in a whole reply; with `--json` it keeps its bytes, whatever they say.
    fn read(&self, body: Vec<u8>, content_type: &str) -> Result<TranscriptReply, BadReply> {
        if !self.options.json {
            return read(body, content_type)?.with_words();
        }
        let answer = read(body.clone(), content_type)?;
        Ok(TranscriptReply { body, ..answer })
    }
}

/// The request for one part of a sound.
struct AskPart<'a> {
    asking: &'a mut TranscribeRun,
    part: &'a AudioPart,
    script: &'a mut Transcript,
    io: &'a mut Io,
}

impl Operation for AskPart<'_> {
    type Output = PartTranscript;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        let request = self.asking.request(self.part.clone(), self.asking.wire, provider)?;
        Ok(Draft::repairable(request, self.asking.options.job, self.asking.own.clone()))
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new("transcript", "is not a transcript")
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
        let takes_segments = self.asking.may_take_segments(failure, provider);
        if takes_segments {
            self.asking.wire = TranscriptFormat::VerboseJson;
        }
        takes_segments
    }

    fn reword(&self, failure: Failure, _: &Provider) -> Failure {
        self.asking.with_hint(failure)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartTranscript, ReadError> {
        let content_type = reply.content_type().to_lowercase();
        if content_type.starts_with("text/event-stream") && self.script.is_live() {
            let answer = live(reply, self.script, self.io).await?;
            reply.exchange().spend(spent_on(&answer));
            let content_type = "application/json".to_owned();
            return Ok(PartTranscript { answer, was_live: true, content_type });
        }
        let body = reply.whole().await?;
        let answer = match self.asking.read(body, &content_type) {
            // Of silence some services make subtitles without a byte.
            Err(BadReply::Empty)
                if self.script.makes_subtitles() && !content_type.contains("json") =>
            {
                TranscriptReply { body: Vec::new(), value: None }
            }
            answer => answer?,
        };
        reply.exchange().spend(spent_on(&answer));
        Ok(PartTranscript { answer, was_live: false, content_type })
    }
}

/// What a transcript took: services count tokens or seconds of sound, or tell the length of the recording.
fn spent_on(answer: &TranscriptReply) -> Spent {
    let field = |name: &str| answer.value.as_ref()?.get(name);
    let spent = spent::of_usage(field("usage"));
    let length = || field("duration")?.as_f64().filter(|length| *length >= 0.0);
    Spent { seconds: spent.seconds.or_else(length), ..spent }
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
