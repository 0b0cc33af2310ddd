//! One file on its way to its transcript: requests, tries, and what the service makes of them.

use super::Plan;
use super::inputs::{Input, Sound};
use super::outputs::Outputs;
use super::script::Script;
use super::split::{self, Limit, Part};
use crate::api::transcribe::answer::{Answer, NoAnswer, refuses_format};
use crate::api::transcribe::stream::Stream;
use crate::cli::transcribe::Format;
use crate::command::online::Online;
use crate::error::{Failure, Kind, Retry};
use crate::http::client::Response;
use crate::http::refusal;
use crate::http::request::Request;
use crate::output::progress::Progress;
use crate::provider::RequestLimit;
use crate::provider::net::Net;
use crate::provider::own::Own;

/// After the transcript's end the server has so long to say what else it has to say.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// The work on all files of a run.
pub(super) struct Asking {
    plan: Plan,
    outputs: Outputs,
    /// The format that is asked for; another one than the user's once the service refused that.
    wire: Format,
    net: Net,
    /// A transcript of the present file ended at the model's limit.
    is_cut: bool,
}

/// An answer, and whether its text was shown while it came.
struct Heard {
    answer: Answer,
    was_live: bool,
}

impl Asking {
    /// Nothing asked yet; `own` is the user's part of the requests.
    pub(super) fn new(plan: Plan, outputs: Outputs, own: Own) -> Self {
        Self { wire: plan.format, net: Net::new(plan.job, own), is_cut: false, plan, outputs }
    }

    /// Transcribes one file.
    ///
    /// # Errors
    /// What became of it; whatever had arrived of a text on standard output is printed.
    pub(super) async fn file(&mut self, input: &Input, online: &mut Online) -> Result<(), Failure> {
        let paper = self.outputs.open(input)?;
        let sound = input.sound(online).await?;
        let limit = self.limit(&sound, online)?;
        let parts = split::parts(&sound, &input.name(), limit, online).await?;
        let facts = super::script::Facts {
            format: self.plan.format,
            json: self.plan.json,
            is_single: parts.list.len() == 1,
            is_shared: self.outputs.is_shared,
            shows_usage: self.plan.shows_usage,
            name: input.name(),
            service: online.provider.name.clone(),
        };
        let mut script = Script::new(facts, paper);
        let mut result = Ok(());
        for part in parts.list {
            result = self.part(part, &mut script, online).await;
            if result.is_err() {
                break;
            }
        }
        let is_touched = script.is_touched();
        let result = match result {
            Ok(()) => script.end(&mut online.io).and_then(|()| self.cut(online)),
            Err(failure) => {
                if failure.kind != Kind::ReaderGone {
                    script.break_off(&mut online.io)?;
                }
                Err(failure)
            }
        };
        self.outputs.was_shown(is_touched || result.is_ok());
        result
    }

    /// What there is to say of a transcript that was cut; it is written all the same.
    fn cut(&mut self, online: &Online) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_cut) {
            return Ok(());
        }
        let what =
            format!("{} cut the transcript at the model's token limit", online.provider.name);
        Err(Failure::new(Kind::Cut, what)
            .hint("a shorter recording has room; so do the models that are made for transcripts"))
    }

    /// The most that a request may hold, if the profile says so.
    fn limit(&self, sound: &Sound, online: &Online) -> Result<Limit, Failure> {
        let provider = &online.provider;
        let empty = Part { pieces: Vec::new(), kind: sound.kind.clone(), offset: 0.0 };
        // `verbose_json` is the longest name, and so is `.wav`, which an ending may become.
        let request = self.request(empty, Format::VerboseJson, online)?;
        Ok(Limit {
            bytes: provider.limit(RequestLimit::UploadBytes),
            seconds: provider.limit(RequestLimit::AudioSeconds),
            overhead: request.body.length() + 16,
            is_base64: provider.has_own_shape(self.plan.job),
        })
    }

    fn request(&self, part: Part, wire: Format, online: &Online) -> Result<Request, Failure> {
        let (body, _) = self.plan.body(&online.provider, wire);
        self.plan.request(&online.provider, &body, part)
    }

    async fn part(
        &mut self,
        part: Part,
        script: &mut Script,
        online: &mut Online,
    ) -> Result<(), Failure> {
        let mut tries = online.tries();
        script.begin_part();
        loop {
            let mut request = self.request(part.clone(), self.wire, online)?;
            self.net.prepare(&mut request);
            let failure = match self.attempt(&request, &part, script, online).await {
                Ok(heard) => {
                    self.is_cut |= heard.answer.is_cut();
                    return match heard.was_live {
                        true => script.take_rest(&heard.answer),
                        false => script.take(heard.answer, part.offset, &mut online.io),
                    };
                }
                Err(failure) => failure,
            };
            if self.may_take_segments(&failure, online) {
                self.wire = Format::VerboseJson;
                continue;
            }
            let nothing_shown = !script.shows_this_part();
            let (provider, voice) = (&online.provider, &online.io.voice);
            let caught = self.net.catch(failure, nothing_shown, &mut request, provider, voice);
            let Err(failure) = caught else { continue };
            let failure = self.with_hint(failure);
            tries.again(failure, nothing_shown, &mut online.client, voice).await?;
        }
    }

    /// Whether a refusal is of subtitles, which can be made of segments instead.
    fn may_take_segments(&self, failure: &Failure, online: &Online) -> bool {
        let is_of_subtitles = matches!(self.wire, Format::Srt | Format::Vtt);
        let status = failure.retry.as_ref().and_then(|retry| retry.status);
        let other = || {
            let body = |wire| self.plan.body(&online.provider, wire).0;
            body(self.wire) != body(Format::VerboseJson)
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
        let is_of_times = self.plan.format != Format::Text && self.plan.format != Format::Json;
        if is_of_times && status.is_some_and(|status| refuses_format(status, &failure.message)) {
            let hint = "this model may give no times; another one may (-m), or take --format text";
            failure.hint = Some(hint.to_owned());
        }
        failure
    }

    /// The answer in a whole reply; with `--json` it keeps its bytes, whatever they say.
    fn read(&self, body: Vec<u8>, content_type: &str) -> Result<Answer, NoAnswer> {
        if !self.plan.json {
            return Answer::read(body, content_type)?.with_words();
        }
        let answer = Answer::read(body.clone(), content_type)?;
        Ok(Answer { body, ..answer })
    }

    /// One request and its answer.
    async fn attempt(
        &mut self,
        request: &Request,
        part: &Part,
        script: &mut Script,
        online: &mut Online,
    ) -> Result<Heard, Failure> {
        let total = Some(request.body.length());
        let progress = Progress::bytes(&part.kind.filename, total, &online.io);
        online.client.on_sent = Some(progress.counter());
        let sent = online.client.send(request, &online.io.voice).await;
        progress.done();
        let mut reply = sent?;
        let id = reply.request_id().map(str::to_owned);
        let content_type = reply.header("content-type").unwrap_or_default().to_lowercase();
        let is_stream = content_type.starts_with("text/event-stream");
        let (end, was_live) = if is_stream && script.is_live() {
            (live(&mut reply, script, online).await?, true)
        } else {
            let body = reply.whole(&mut online.client).await?;
            (self.read(body, &content_type), false)
        };
        match end {
            // Of silence some services make subtitles without a byte.
            Err(NoAnswer::Empty) if script.makes_subtitles() && !content_type.contains("json") => {
                Ok(Heard { answer: Answer { body: Vec::new(), value: None }, was_live })
            }
            Ok(answer) => Ok(Heard { answer, was_live }),
            Err(what) => Err(failure_of(what, id.as_deref(), request, online)),
        }
    }
}

/// Reads a stream to its end, its text shown as it comes.
async fn live(
    reply: &mut Response,
    script: &mut Script,
    online: &mut Online,
) -> Result<Result<Answer, NoAnswer>, Failure> {
    let (mut stream, mut text) = (Stream::default(), String::new());
    let mut broke = None;
    while !stream.is_over() {
        match reply.chunk(&mut online.client).await {
            Ok(Some(bytes)) => stream.push(&bytes, &mut text),
            Ok(None) => break,
            Err(failure) if failure.is_silent() => return Err(failure),
            Err(failure) => {
                broke = Some(failure);
                break;
            }
        }
        script.show(&std::mem::take(&mut text), &mut online.io)?;
        if stream.is_done() || stream.has_fault() {
            reply.shorten_silence(GRACE);
        }
    }
    let is_done = stream.is_done();
    let end = stream.finish(&mut text);
    script.show(&text, &mut online.io)?;
    match broke {
        // Lines of plain text have no end of their own: a broken connection is no end of them.
        Some(failure) if !is_done && !matches!(end, Err(NoAnswer::Fault(_))) => Err(failure),
        _ => Ok(end),
    }
}

fn failure_of(what: NoAnswer, id: Option<&str>, request: &Request, online: &Online) -> Failure {
    let service = &online.client.service;
    let name = &service.name;
    match what {
        NoAnswer::Fault(fault) => refusal::carried(&fault, id, &request.secrets(), service),
        NoAnswer::Empty => Failure::new(Kind::Refused, format!("the reply of {name} is empty")),
        NoAnswer::BrokeOff => {
            let words = format!("the transcript of {name} broke off before its end");
            Failure::new(Kind::Network, words).retry(Retry::default())
        }
        NoAnswer::Other(words) => {
            let words = format!("the reply of {name} is no transcript: {words}");
            Failure::new(Kind::Refused, words)
                .hint("is the base URL that of an API? `-v` shows the exchange")
        }
    }
}
