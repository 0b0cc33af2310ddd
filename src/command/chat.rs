//! `llm chat`: one question, its answer written as it is made.

use std::time::Instant;

use serde_json::Value;

use super::online::{self, Online};
use super::was_dry_run;
use crate::api::chat::answers::{Answers, Shown, Verdict};
use crate::api::chat::reader::Reader;
use crate::api::chat::request::{Ask, fields, message};
use crate::cli::Common;
use crate::cli::chat::{ChatArgs, Reasoning};
use crate::config;
use crate::error::{Failure, Kind, Retry};
use crate::http::client::Response;
use crate::http::refusal;
use crate::http::request::Request;
use crate::input::{self, Sources};
use crate::io::Io;
use crate::output::extract::BlockExtractor;
use crate::output::sink::Sink;
use crate::output::text::TextWriter;
use crate::output::thinking::ThinkingWriter;
use crate::provider::net::Net;
use crate::provider::{Asked, Composed, Job, Provider, resolve};

mod outcome;
mod schema;
mod whole;

/// After the answer's end the server has so long to say what else it has to say (usage, `[DONE]`).
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// What the run needs to know once the request is out.
#[derive(Debug, Clone)]
struct Plan {
    number: u32,
    /// The user limited the answer's length.
    is_limited: bool,
    shows_usage: bool,
    /// Print the provider's JSON as it is.
    json: bool,
    extract: bool,
    shows_thinking: bool,
    schema: Option<Value>,
    /// The model's answers begin with thinking that no tag opens.
    thinks_untagged: bool,
}

impl Plan {
    /// What takes the reply.
    fn answers(&self) -> Answers {
        Answers::new(self.number).thinking_untagged(self.thinks_untagged)
    }
}

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ChatArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(common.config.as_deref(), io)?;
    let mut provider = resolve(Asked { common, job: Job::Chat }, &config, io)?;
    let schema = args.schema.as_deref().map(schema::read).transpose()?;
    let prompt = input::prompt(
        &Sources { words: &args.prompt, files: &args.file, no_stdin: args.no_stdin },
        io,
    )?;
    let messages = messages(args, prompt);
    let (Composed { body, own, .. }, is_limited) =
        compose(args, common, &provider, messages, schema.as_ref(), io)?;
    // `-O` and the profile can ask for several answers too.
    let number = body.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let plan = Plan {
        thinks_untagged: provider.thinks_untagged(model),
        number: args.number.max(number).unwrap_or(1),
        is_limited,
        shows_usage: common.usage,
        json: common.json,
        extract: args.extract,
        shows_thinking: shows_thinking(args.reasoning, io),
        schema,
    };
    if common.dry_run {
        online::name_demo(&mut provider, io)?;
        was_dry_run(common, &provider.post(Job::Chat, body), io)?;
        return Ok(());
    }
    let sink = Sink::open(args.output.as_deref())?;
    online::run(provider, common, io, move |mut online| async move {
        let request = online.provider.post(Job::Chat, body);
        let net = Net::new(Job::Chat, own);
        let mut chat = Chat::new(plan, TextWriter::new(sink));
        let result = chat
            .ask(request, net, &mut online)
            .await
            .and_then(|()| chat.end(&online.provider, &mut online.io));
        (online.io, result.map_err(Into::into))
    })
}

/// The conversation that is sent.
fn messages(args: &ChatArgs, prompt: String) -> Vec<Value> {
    let system = args.system.as_ref().map(|system| message("system", system.as_str()));
    system.into_iter().chain([message("user", prompt)]).collect()
}

/// The request's body, and whether the user limited the answer's length.
fn compose(
    args: &ChatArgs,
    common: &Common,
    provider: &Provider,
    messages: Vec<Value>,
    schema: Option<&Value>,
    io: &mut Io,
) -> Result<(Composed, bool), Failure> {
    let stream = !args.no_stream && !common.json;
    let ask = Ask { model: provider.model.as_deref(), messages, schema, stream };
    let fields = fields(args, ask);
    let is_limited = provider.is_limited_by_user(&fields.flags);
    let mut composed = provider.compose(Job::Chat, fields);
    for warning in &composed.warnings {
        io.warn(warning);
    }
    if !composed.body.contains_key("model") {
        let (name, choice) = (&provider.name, &provider.choice);
        return Err(Failure::usage(format!("there is no model for {name}"))
            .hint(format!("name one with -m MODEL; `llm models {choice}` lists them")));
    }
    let streams = composed.body.get("stream") == Some(&Value::Bool(true));
    // Several services refuse `stream_options` without `stream`, and some at all.
    if common.usage
        && streams
        && provider.must_ask_for_usage()
        && !composed.body.contains_key("stream_options")
    {
        composed.body.insert("stream_options".into(), serde_json::json!({"include_usage": true}));
    }
    Ok((composed, is_limited))
}

fn shows_thinking(wanted: Option<Reasoning>, io: &Io) -> bool {
    match wanted {
        Some(Reasoning::Show) => true,
        Some(Reasoning::Hide) => false,
        None => io.voice.is_terminal && !io.voice.is_quiet,
    }
}

/// One question on its way to its answer.
struct Chat {
    plan: Plan,
    answers: Answers,
    shown: Shown,
    writer: TextWriter,
    thinking: ThinkingWriter,
    extractor: Option<BlockExtractor>,
    /// The whole text, where it must be checked before it is printed.
    collected: Option<String>,
    timing: Timing,
}

/// When things happened.
#[derive(Debug, Clone, Copy)]
struct Timing {
    asked: Instant,
    first: Option<Instant>,
}

impl Chat {
    fn new(plan: Plan, writer: TextWriter) -> Self {
        Self {
            answers: plan.answers(),
            shown: Shown::default(),
            writer,
            thinking: ThinkingWriter::new(plan.shows_thinking),
            extractor: plan.extract.then(BlockExtractor::default),
            collected: plan.schema.is_some().then(String::new),
            timing: Timing { asked: Instant::now(), first: None },
            plan,
        }
    }

    /// Asks until an answer came or no further try makes sense.
    async fn ask(
        &mut self,
        mut request: Request,
        mut net: Net,
        online: &mut Online,
    ) -> Result<(), Failure> {
        let mut tries = online.tries();
        loop {
            let Err(failure) = self.attempt(&request, online).await else { return Ok(()) };
            let nothing_shown = !self.writer.is_touched() && !self.thinking.is_touched();
            let (provider, voice) = (&online.provider, &online.io.voice);
            let again = match net.catch(failure, nothing_shown, &mut request, provider, voice) {
                Ok(()) => Ok(()),
                Err(failure) => {
                    tries.again(failure, nothing_shown, &mut online.client, voice).await
                }
            };
            match again {
                Ok(()) => {
                    self.answers = self.plan.answers();
                    self.shown = Shown::default();
                    self.extractor = self.plan.extract.then(BlockExtractor::default);
                    self.collected = self.collected.take().map(|_| String::new());
                    self.timing = Timing { asked: Instant::now(), first: None };
                }
                Err(failure) => {
                    self.give_all(failure.kind, &mut online.io)?;
                    return Err(failure);
                }
            }
        }
    }

    async fn attempt(&mut self, request: &Request, online: &mut Online) -> Result<(), Failure> {
        let mut reply = online.client.send(request, &online.io.voice).await?;
        let id = reply.request_id().map(str::to_owned);
        let secrets = request.secrets();
        if self.plan.json {
            let body = reply.whole(&mut online.client).await?;
            return whole::print(self, &body, id.as_deref(), &secrets, online);
        }
        let mut reader = Reader::new(reply.header("content-type").unwrap_or_default());
        let broke = self.read(&mut reader, &mut reply, online).await.err();
        if let Some(failure) = broke.as_ref().filter(|failure| failure.is_silent()) {
            return Err(failure.clone());
        }
        let (answers, shown) = (&mut self.answers, &mut self.shown);
        let end = reader.finish(&mut |event| answers.take(event, shown));
        self.show(&mut online.io)?;
        let service = &online.client.service;
        if let Some(fault) = reader.fault() {
            return Err(refusal::carried(fault, id.as_deref(), &secrets, service));
        }
        outcome::of_end(end, broke, self.answers.is_finished(), &service.name)
    }

    /// Reads the reply to its end, showing its text at each read from the network.
    async fn read(
        &mut self,
        reader: &mut Reader,
        reply: &mut Response,
        online: &mut Online,
    ) -> Result<(), Failure> {
        loop {
            let mut next = reply.chunk(&mut online.client).await;
            let mut is_over = false;
            // All that the network has given goes out in one write.
            loop {
                match next {
                    Ok(Some(bytes)) => {
                        let (answers, shown) = (&mut self.answers, &mut self.shown);
                        reader.push(&bytes, &mut |event| answers.take(event, shown));
                    }
                    Ok(None) => is_over = true,
                    Err(failure) => {
                        self.show(&mut online.io)?;
                        return Err(failure);
                    }
                }
                is_over |= reader.is_done();
                if is_over || self.shown.text.len() > WRITE {
                    break;
                }
                match reply.ready_chunk(&online.client.service.name).await {
                    Some(more) => next = more,
                    None => break,
                }
            }
            self.show(&mut online.io)?;
            if is_over {
                return Ok(());
            }
            if reader.fault().is_some() || self.answers.is_finished() {
                reply.silence = reply.silence.min(GRACE);
            }
        }
    }

    /// Shows what can be shown now.
    fn show(&mut self, io: &mut Io) -> Result<(), Failure> {
        if !self.shown.thinking.is_empty() {
            self.timing.first.get_or_insert_with(Instant::now);
            self.thinking.write(&self.shown.thinking, io);
            self.shown.thinking.clear();
        }
        if self.shown.text.is_empty() {
            return Ok(());
        }
        self.timing.first.get_or_insert_with(Instant::now);
        let text = std::mem::take(&mut self.shown.text);
        let result = self.write(&text, io);
        // The buffer is used again.
        self.shown.text = text;
        self.shown.text.clear();
        result
    }

    /// Sends answer text on its way: checked, cut to a code block, or as it is.
    fn write(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        if let Some(collected) = &mut self.collected {
            collected.push_str(text);
            return Ok(());
        }
        let Some(extractor) = &mut self.extractor else {
            self.thinking.close(io);
            return self.writer.write(text, io);
        };
        let mut block = String::new();
        extractor.push(text, &mut block);
        self.thinking.close(io);
        self.writer.write(&block, io)
    }

    /// Gives out everything that was held back, and ends the line. After a failure too: what
    /// arrived is printed. Not when nobody reads any more.
    fn give_all(&mut self, kind: Kind, io: &mut Io) -> Result<(), Failure> {
        self.thinking.close(io);
        // With `--json` the reply is all there is, to the byte.
        if kind == Kind::ReaderGone || self.plan.json {
            return Ok(());
        }
        self.answers.finish(&mut self.shown);
        self.show(io)?;
        self.thinking.close(io);
        let mut rest = self.collected.take().unwrap_or_default();
        if let Some(mut extractor) = self.extractor.take() {
            extractor.finish(&mut rest);
        }
        self.writer.write(&rest, io)?;
        self.writer.end_line(io)
    }

    /// The reply came to its end: the last text, usage, and what became of it.
    fn end(mut self, provider: &Provider, io: &mut Io) -> Result<(), Failure> {
        let checked = match (self.plan.schema.take(), &mut self.collected) {
            (Some(schema), Some(collected)) => {
                self.answers.finish(&mut self.shown);
                collected.push_str(&std::mem::take(&mut self.shown.text));
                schema::check(&schema, collected, &provider.name)
            }
            _ => Ok(()),
        };
        self.give_all(Kind::Other, io)?;
        if self.plan.shows_usage {
            outcome::say_usage(self.answers.usage(), self.timing, io);
        }
        let verdict = self.answers.verdict();
        if verdict == Verdict::Done {
            checked?;
        }
        let result = outcome::of_verdict(verdict, &self.plan, provider, io);
        if result
            .as_ref()
            .is_ok_and(|()| (self.answers.count() as u32) < self.plan.number && !self.plan.json)
        {
            let (count, number) = (self.answers.count(), self.plan.number);
            io.warn(&format!("{} gave {count} of {number} answers", provider.name));
        }
        match &result {
            Err(failure) if failure.kind != Kind::Cut => result,
            _ => self.writer.commit().and(result),
        }
    }
}

/// Text is written when so much of it has come, even if more could be had at once: 64 KiB is what
/// a pipe takes.
const WRITE: usize = 64 * 1024;
