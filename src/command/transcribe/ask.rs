//! One file on its way to its transcript: requests, tries, and what the service makes of them.

use super::inputs::{AudioFile, AudioInput};
use super::options::TranscribeOptions;
use super::outputs::TranscriptOutputs;
use super::request;
use super::script::Transcript;
use super::split::{self, AudioPart, UploadLimit};
use crate::api::transcribe::answer::{TranscriptReply, refuses_format};
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::read::read;
use crate::api::transcribe::stream::TranscriptStream;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::user_fields::UserFields;
use crate::provider::{Provider, RequestLimit};

/// How long after the transcript's end the server may send the rest.
const TRAILER_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// The work on all files of a run.
pub(super) struct TranscribeRun {
    options: TranscribeOptions,
    outputs: TranscriptOutputs,
    /// The format that is asked for; another one than the user's once the service refused that.
    wire: TranscriptFormat,
    /// The user's part of the requests.
    own: UserFields,
    /// A transcript of the present file ended at the model's limit.
    is_cut: bool,
}

/// An answer, and whether its text was shown while it came.
struct PartTranscript {
    answer: TranscriptReply,
    was_live: bool,
}

impl TranscribeRun {
    /// Nothing asked yet; `own` is the user's part of the requests.
    pub(super) fn new(
        options: TranscribeOptions,
        outputs: TranscriptOutputs,
        own: UserFields,
    ) -> Self {
        Self { wire: options.format, own, is_cut: false, options, outputs }
    }

    /// Transcribes one file.
    ///
    /// # Errors
    /// What became of it; whatever had arrived of a text on standard output is printed.
    pub(super) async fn file(
        &mut self,
        input: &AudioInput,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let paper = self.outputs.open(input)?;
        let sound = input.sound(exchange, io).await?;
        let limit = self.limit(&sound, &exchange.provider)?;
        let parts = split::parts(&sound, &input.name(), limit, exchange, io).await?;
        let facts = super::script::TranscriptOptions {
            format: self.options.format,
            json: self.options.json,
            is_single: parts.list.len() == 1,
            is_shared: self.outputs.is_shared,
            shows_usage: self.options.shows_usage,
            name: input.name(),
            service: exchange.provider.name.clone(),
        };
        let mut script = Transcript::new(facts, paper);
        let mut result = Ok(());
        for part in parts.list {
            result = self.part(part, &mut script, exchange, io).await;
            if result.is_err() {
                break;
            }
        }
        let is_touched = script.is_touched();
        let result = match result {
            Ok(()) => script.end(io).and_then(|()| self.cut(&exchange.provider)),
            Err(failure) => {
                if failure.kind != FailureKind::ReaderGone {
                    script.break_off(io)?;
                }
                Err(failure)
            }
        };
        self.outputs.was_shown(is_touched || result.is_ok());
        result
    }

    /// What there is to say of a transcript that was cut; it is written anyway.
    fn cut(&mut self, provider: &Provider) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_cut) {
            return Ok(());
        }
        let what = format!("{} cut the transcript at the model's token limit", provider.name);
        Err(Failure::new(FailureKind::Cut, what)
            .hint("send a shorter recording, or use a model made for transcription"))
    }

    /// The most that a request may hold, if the profile says so.
    fn limit(&self, sound: &AudioFile, provider: &Provider) -> Result<UploadLimit, Failure> {
        let empty = AudioPart { pieces: Vec::new(), kind: sound.kind.clone(), offset: 0.0 };
        // `verbose_json` is the longest name, and so is `.wav`, which an ending may become.
        let request = self.request(empty, TranscriptFormat::VerboseJson, provider)?;
        Ok(UploadLimit {
            bytes: provider.limit(RequestLimit::UploadBytes),
            seconds: provider.limit(RequestLimit::AudioSeconds),
            overhead: request.body.length() + 16,
            is_base64: provider.has_own_shape(self.options.job),
        })
    }

    fn request(
        &self,
        part: AudioPart,
        wire: TranscriptFormat,
        provider: &Provider,
    ) -> Result<Request, Failure> {
        let body = request::compose(&self.options, provider, wire).body;
        request::request(&self.options, provider, &body, part)
    }

    async fn part(
        &mut self,
        part: AudioPart,
        script: &mut Transcript,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        script.begin_part();
        let mut operation = AskPart { asking: self, part: &part, script, io };
        let heard = exchange.ask(&mut operation).await?;
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

    fn reword(&self, failure: Failure) -> Failure {
        self.asking.with_hint(failure)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartTranscript, ReadError> {
        let content_type = reply.content_type().to_lowercase();
        if content_type.starts_with("text/event-stream") && self.script.is_live() {
            let answer = live(reply, self.script, self.io).await?;
            return Ok(PartTranscript { answer, was_live: true });
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
        Ok(PartTranscript { answer, was_live: false })
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
