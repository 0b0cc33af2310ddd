//! How the parts of a recording are asked for, and what is made of a reply; the same for a part that is shown
//! while it comes and for those beside it.

use serde_json::{Map, Value};

use super::options::TranscribeOptions;
use super::request;
use super::split::AudioPart;
use crate::api::transcribe::answer::{TranscriptReply, refuses_format};
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::read::read;
use crate::command::spent;
use crate::error::Failure;
use crate::exchange::{Draft, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::ledger::Spent;
use crate::output::kept::KeptParts;
use crate::provider::Provider;
use crate::provider::user_fields::UserFields;

/// How parts are asked for.
#[derive(Debug, Clone)]
pub(super) struct PartForm {
    pub(super) options: TranscribeOptions,
    /// The format that is asked for; another one than the user's once the service refused that.
    pub(super) wire: TranscriptFormat,
    /// The user's part of the requests.
    pub(super) own: UserFields,
}

/// The transcript of a part as it came.
#[derive(Debug)]
pub(super) struct HeardPart {
    pub(super) answer: TranscriptReply,
    pub(super) content_type: String,
}

impl HeardPart {
    /// Keeps it for another run.
    pub(super) fn keep(&self, kept: &KeptParts, key: &str) {
        kept.put(key, &self.content_type, &self.answer.body);
    }

    /// What it took: services count tokens or seconds of sound, or tell the length of the recording.
    pub(super) fn spent(&self) -> Spent {
        let field = |name: &str| self.answer.value.as_ref()?.get(name);
        let spent = spent::of_usage(field("usage"));
        let length = || field("duration")?.as_f64().filter(|length| *length >= 0.0);
        Spent { seconds: spent.seconds.or_else(length), ..spent }
    }
}

impl PartForm {
    /// How messages speak of a reply.
    pub(super) fn words() -> ReplyWords {
        ReplyWords::new("transcript", "is not a transcript")
    }

    /// The fields of a request.
    pub(super) fn body(&self, provider: &Provider) -> Map<String, Value> {
        request::compose(&self.options, provider, self.wire).body
    }

    /// The request for a part, in the format `wire`.
    ///
    /// # Errors
    /// A shape of the service's own that has no place for a recording.
    pub(super) fn request(
        &self,
        part: AudioPart,
        wire: TranscriptFormat,
        provider: &Provider,
    ) -> Result<Request, Failure> {
        let body = request::compose(&self.options, provider, wire).body;
        request::request(&self.options, provider, &body, part)
    }

    /// The request for a part, as it goes out.
    ///
    /// # Errors
    /// As [`PartForm::request`].
    pub(super) fn draft(&self, part: AudioPart, provider: &Provider) -> Result<Draft, Failure> {
        let request = self.request(part, self.wire, provider)?;
        Ok(Draft::repairable(request, self.options.job, self.own.clone()))
    }

    /// The transcript of a part that an earlier run brought.
    pub(super) fn kept(&self, kept: &KeptParts, key: &str) -> Option<HeardPart> {
        let found = kept.get(key)?;
        let answer = self.read(found.bytes, &found.label).ok()?;
        Some(HeardPart { answer, content_type: found.label })
    }

    /// Reads a reply to its end.
    ///
    /// # Errors
    /// The network's, and that it holds no transcript.
    pub(super) async fn whole(&self, reply: &mut Reply<'_>) -> Result<HeardPart, ReadError> {
        let content_type = reply.content_type().to_lowercase();
        let body = reply.whole().await?;
        let answer = match self.read(body, &content_type) {
            // Of silence some services make subtitles without a byte.
            Err(BadReply::Empty)
                if self.options.format.is_subtitles() && !content_type.contains("json") =>
            {
                TranscriptReply { body: Vec::new(), value: None }
            }
            answer => answer?,
        };
        let heard = HeardPart { answer, content_type };
        reply.exchange().spend(heard.spent());
        Ok(heard)
    }

    /// Whether a refusal is of subtitles, which can be made of segments instead.
    pub(super) fn may_take_segments(&self, failure: &Failure, provider: &Provider) -> bool {
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

    /// A refusal with what helps.
    pub(super) fn with_hint(&self, mut failure: Failure) -> Failure {
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
