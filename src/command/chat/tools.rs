//! `--tool` and `--mcp`: what the model may call. Who may run it, and what the model is told of a call;
//! carrying it out belongs to `tool` and `mcp`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::options::ToolOptions;
use crate::command::mcp::running::RunningServer;
use crate::conversation::ToolCall;
use crate::dialect::ToolDefinition;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::io::Io;
use crate::mcp::{Host, Watch};
use ask::ToolConsent;
use offered::{OfferedTool, ToolSource};
use servers::ServerCall;

mod ask;
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
    offered: Vec<OfferedTool>,
    servers: Vec<RunningServer>,
    host: Option<Host>,
    /// What servers say of their use.
    instructions: Vec<String>,
    /// Calls run without asking: `--yes`, or the user said so.
    is_allowed: AtomicBool,
    /// The tools whose calls run without asking, as the user said.
    consented: Mutex<BTreeSet<String>>,
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
            offered: opened.offered,
            servers: opened.servers,
            host: opened.host,
            instructions: opened.instructions,
            is_allowed: AtomicBool::new(options.is_allowed),
            consented: Mutex::default(),
            max_rounds: options.max_rounds,
        })
    }

    /// The tools as a request offers them.
    pub(super) fn definitions(&self) -> Vec<ToolDefinition> {
        self.offered.iter().map(|tool| tool.definition.clone()).collect()
    }

    /// What is told to the model beside the user's own instructions.
    pub(super) fn instructions(&self) -> &[String] {
        &self.instructions
    }

    /// The failure of a service that refuses one of the tools, with a hint that names it.
    pub(super) fn named_in(&self, failure: Failure) -> Failure {
        let refused = failure.refused.as_deref().filter(|_| failure.hint.is_none());
        let Some(tool) = refused.and_then(|refused| refusal::tool_of(refused, &self.offered))
        else {
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
        let line = |tool: &OfferedTool| match tool.shown == tool.definition.name {
            true => format!("{}\n", tool.shown),
            false => format!("{:<40}{}\n", tool.definition.name, tool.shown),
        };
        self.offered.iter().map(line).collect()
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
    /// `done` replies with calls came before it.
    ///
    /// # Errors
    /// Exit 4 after too many replies with calls; an interruption.
    pub(super) async fn carry_out(
        &self,
        mut calls: Vec<ToolCall>,
        done: usize,
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
            call.result = self.answer(call, exchange, io).await?;
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
    ) -> Result<String, Failure> {
        let Some(tool) = self.offered.iter().find(|tool| tool.definition.name == call.name) else {
            let name = &call.name;
            io.warn(&format!("the model calls `{name}`, which is not one of your tools"));
            let names: Vec<&str> =
                self.offered.iter().map(|tool| tool.definition.name.as_str()).collect();
            return Ok(format!("error: there is no tool `{name}`; there is {}", names.join(", ")));
        };
        let arguments = match call.parsed() {
            Ok(arguments) => arguments,
            Err(why) => return Ok(not_taken(call, &tool.shown, &why, io)),
        };
        // A `Map` has only text keys and finite numbers, so it always serialises.
        let input = serde_json::to_string(&arguments).unwrap_or_default();
        if !self.is_let_run(tool, &input, exchange, io).await? {
            return Ok("error: the user declined this call".to_owned());
        }
        match &tool.source {
            ToolSource::Program(program) => programs::run(program, &input, exchange, io).await,
            ToolSource::Server { at, tool: name, most } => {
                let running = &self.servers[*at];
                let call = ServerCall { running, tool: name, shown: &tool.shown, most: *most };
                call.make(arguments, exchange, io).await
            }
        }
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

    fn consented(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
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
