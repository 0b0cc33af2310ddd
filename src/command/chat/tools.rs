//! `--tool` and `--mcp`: what the model may call. Who may run it, and what the model is told of a call;
//! carrying it out belongs to `tool` and `mcp`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::options::ToolOptions;
use crate::command::mcp::running::RunningServer;
use crate::conversation::ToolCall;
use crate::dialect::ToolDefinition;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::input::Attachment;
use crate::io::Io;
use crate::mcp::{Host, Watch};
use ask::ToolConsent;
use changes::Offer;
use given::{CallResult, ResultFileNames};
use offered::{OfferedTool, ToolSource};
use servers::ServerCall;

mod ask;
mod changes;
mod given;
mod offered;
mod open;
mod programs;
mod refusal;
mod servers;
mod shown;

pub(super) use open::{Opening, begin};

/// The tools of a run. Its servers end with it.
#[derive(Debug)]
pub(super) struct Tools {
    offer: Mutex<Offer>,
    servers: Vec<RunningServer>,
    host: Option<Host>,
    /// What servers say of their use.
    instructions: Vec<String>,
    /// Calls run without asking: `--yes`, or the user said so.
    is_allowed: AtomicBool,
    /// The tools whose calls run without asking, as the user said.
    consented: Mutex<BTreeSet<String>>,
    /// Each call may be carried out, or none will be.
    needs_no_consent: bool,
    files: ResultFileNames,
    /// It was told that what tools give beside text is not passed on.
    has_told_of_files: AtomicBool,
    /// How many replies with tool calls are answered.
    max_rounds: u32,
}

/// How much is shown of a call that needs no consent, in characters.
const SHOWN_CHARS: usize = 400;

impl Tools {
    /// Waits until what was begun is ready.
    ///
    /// # Errors
    /// As [`Opening::finish`].
    pub(super) fn finish(
        opening: Opening,
        options: &ToolOptions,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let opened = opening.finish(io)?;
        Ok(Self {
            offer: Mutex::new(Offer::new(opened.offered, opened.taken)),
            servers: opened.servers,
            host: opened.host,
            instructions: opened.instructions,
            is_allowed: AtomicBool::new(options.is_allowed),
            consented: Mutex::default(),
            needs_no_consent: opened.needs_no_consent,
            files: ResultFileNames::default(),
            has_told_of_files: AtomicBool::new(false),
            max_rounds: options.max_rounds,
        })
    }

    /// The tools as a request offers them.
    pub(super) fn definitions(&self) -> Vec<ToolDefinition> {
        self.offer().tools.iter().map(|tool| tool.definition.clone()).collect()
    }

    /// Reads the lists of servers again that say they have changed. True if what is offered has.
    ///
    /// # Errors
    /// An interruption. A server that gives no list is told, and keeps its earlier one.
    pub(super) async fn renew(&self, exchange: &mut Exchange, io: &Io) -> Result<bool, Failure> {
        let mut is_other = false;
        for (at, running) in self.servers.iter().enumerate() {
            if !running.server.take_change() {
                continue;
            }
            let listed = match exchange.wait(running.server.list()).await? {
                Ok(listed) => listed,
                Err(failure) => {
                    io.warn(&format!("{}; its tools stay as they were", failure.message));
                    continue;
                }
            };
            let can_ask = self.needs_no_consent;
            let changes = self.offer().replace(at, running, &listed, can_ask, &io.stderr);
            // What the user agreed to is not there any more, or not the same.
            self.consented().retain(|name| !changes.names.contains(name));
            if let Some(words) = changes.words() {
                io.note(&format!("mcp {}: {words}", running.choice.settings.name));
            }
            is_other |= changes.is_any();
        }
        Ok(is_other)
    }

    /// What is told to the model beside the user's own instructions.
    pub(super) fn instructions(&self) -> &[String] {
        &self.instructions
    }

    /// The failure of a service that refuses one of the tools, with a hint that names it.
    pub(super) fn named_in(&self, failure: Failure) -> Failure {
        let refused = failure.refused.as_deref().filter(|_| failure.hint.is_none());
        let offer = self.offer();
        let Some(tool) = refused.and_then(|refused| refusal::tool_of(refused, &offer.tools)) else {
            return failure;
        };
        let shown = &tool.shown;
        let fewer = match tool.source {
            ToolSource::Program(_) => "",
            ToolSource::Server { .. } => "; `tools` in the table of its server can leave it out",
        };
        failure.hint(format!("that is {shown}; --dry-run shows how it is sent{fewer}"))
    }

    /// A line for each tool: its name for the model, and what messages call it where that differs.
    pub(super) fn list(&self) -> String {
        let line = |tool: &std::sync::Arc<OfferedTool>| match tool.shown == tool.definition.name {
            true => format!("{}\n", tool.shown),
            false => format!("{:<40}{}\n", tool.definition.name, tool.shown),
        };
        self.offer().tools.iter().map(line).collect()
    }

    /// Whether servers run, which have to be ended when the program is.
    pub(super) fn has_servers(&self) -> bool {
        self.host.is_some()
    }

    /// Says who sees to signals from now on.
    pub(super) fn watch(&self, watch: Watch) {
        if let Some(host) = &self.host {
            host.watch(watch);
        }
    }

    /// Carries the calls of a reply out, one after the other, and gives them with their results.
    /// `done` replies with calls came before it. `passes`: whether the service is given a file.
    ///
    /// # Errors
    /// Exit 4 after too many replies with calls; an interruption.
    pub(super) async fn carry_out(
        &self,
        mut calls: Vec<ToolCall>,
        done: usize,
        passes: impl Fn(&Attachment) -> bool,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<Vec<ToolCall>, Failure> {
        if done >= self.max_rounds as usize {
            let (name, rounds) = (&exchange.provider.name, self.max_rounds);
            let times = if rounds == 1 { "round" } else { "rounds" };
            let what = format!("{name} still calls tools after {rounds} {times}");
            return Err(Failure::new(FailureKind::Refused, what).hint("--max-turns N allows more"));
        }
        for call in &mut calls {
            let CallResult { text, files } = self.answer(call, exchange, io).await?;
            (call.result, call.files) = (text, files);
            let mut files = call.files.iter().filter_map(|file| file.attachment.as_ref());
            if let Some(file) = files.find(|file| !passes(file))
                && !self.has_told_of_files.swap(true, Ordering::Relaxed)
            {
                let (name, words) = (&exchange.provider.name, file.format.words());
                let what = format!("{} of {} is {words}", file.name, call.name);
                io.warn(&format!("{what}, which {name} does not take: only its name goes there"));
            }
        }
        Ok(calls)
    }

    /// Carries a call out, if the user lets it; gives what the model is told.
    ///
    /// # Errors
    /// An interruption. What goes wrong with a tool is told to the model.
    async fn answer(
        &self,
        call: &ToolCall,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<CallResult, Failure> {
        let found = self.offer().find(&call.name);
        let Some(tool) = found else {
            return Ok(self.unknown(&call.name, io).into());
        };
        let arguments = match call.parsed() {
            Ok(arguments) => arguments,
            Err(why) => return Ok(not_taken(call, &tool.shown, &why, io).into()),
        };
        // A `Map` has only text keys and finite numbers, so it always serialises.
        let input = serde_json::to_string(&arguments).unwrap_or_default();
        if !self.is_let_run(&tool, &input, exchange, io).await? {
            return Ok("error: the user declined this call".to_owned().into());
        }
        match &tool.source {
            ToolSource::Program(program) => {
                programs::run(program, &input, exchange, io).await.map(CallResult::from)
            }
            ToolSource::Server { at, tool: own, most } => {
                let (running, name) = (&self.servers[*at], &tool.definition.name);
                let call = ServerCall { running, tool: own, name, shown: &tool.shown, most: *most };
                call.make(arguments, &self.files, exchange, io).await
            }
        }
    }

    /// What the model is told of a call of something that is not offered.
    fn unknown(&self, name: &str, io: &Io) -> String {
        let offer = self.offer();
        let names: Vec<&str> =
            offer.tools.iter().map(|tool| tool.definition.name.as_str()).collect();
        let there_is = match names.is_empty() {
            true => "there is none now".to_owned(),
            false => format!("there is {}", names.join(", ")),
        };
        if offer.is_gone(name) {
            io.warn(&format!("the model calls `{name}`, which its server offers no more"));
            return format!(
                "error: the tool `{name}` is gone: its server offers it no more; {there_is}"
            );
        }
        io.warn(&format!("the model calls `{name}`, which is not one of your tools"));
        format!("error: there is no tool `{name}`; {there_is}")
    }

    /// Shows a call, and asks where that was not settled before.
    async fn is_let_run(
        &self,
        tool: &OfferedTool,
        input: &str,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<bool, Failure> {
        let is_of_server = matches!(tool.source, ToolSource::Server { .. });
        let front = if is_of_server { "the model calls " } else { "" };
        let front = format!("{front}{}", tool.shown);
        if self.runs_unasked(tool) {
            let call = format!("{front} {}", shown::arguments(input, true).text);
            let start: String = call.chars().take(SHOWN_CHARS).collect();
            let more = call[start.len()..].chars().count();
            let more =
                if more > 0 { format!(" … ({more} more characters)") } else { String::new() };
            io.note(&format!("{start}{more}"));
            return Ok(true);
        }
        let mut is_whole = false;
        loop {
            let arguments = shown::arguments(input, is_whole);
            io.say(&format!("{front} {}", arguments.text));
            if let Some(lengths) = shown::lengths(input) {
                io.say(&lengths);
            }
            let question = ask::ToolQuestion {
                tool: is_of_server.then_some(&tool.shown),
                is_folded: arguments.is_folded,
            };
            match ask::may_run(&question, exchange, io).await? {
                ToolConsent::Yes => return Ok(true),
                ToolConsent::No => return Ok(false),
                ToolConsent::All => {
                    self.is_allowed.store(true, Ordering::Relaxed);
                    return Ok(true);
                }
                ToolConsent::AllOfTool => {
                    self.consented().insert(tool.definition.name.clone());
                    return Ok(true);
                }
                ToolConsent::Show => is_whole = true,
            }
        }
    }

    fn runs_unasked(&self, tool: &OfferedTool) -> bool {
        self.is_allowed.load(Ordering::Relaxed)
            || tool.runs_unasked
            || self.consented().contains(&tool.definition.name)
    }

    fn offer(&self) -> MutexGuard<'_, Offer> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consented(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.consented.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the model is told of a call with arguments that are none.
fn not_taken(call: &ToolCall, shown: &str, why: &str, io: &Io) -> String {
    if call.flaw.is_some() {
        io.warn(&format!("a call of {shown} is not carried out: of its arguments, {why}"));
        return format!("error: the arguments were not taken: {why}");
    }
    let start: String = call.arguments.chars().take(SHOWN_CHARS).collect();
    io.warn(&format!("the model calls {shown} with arguments that are not a JSON object: {start}"));
    format!("error: the arguments must be a JSON object: {why}: {start}")
}
