//! `--tool`: programs of the user's that the model may call. Which there are, who may run them, and
//! what the model is told of a call; running belongs to `tool`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use super::options::ToolOptions;
use crate::config::Config;
use crate::config::words;
use crate::conversation::ToolCall;
use crate::dialect::ToolDefinition;
use crate::error::{Failure, FailureKind, classify};
use crate::exchange::{self, Exchange};
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::provider::Provider;
use crate::sanitize;
use crate::tool::{self, Tool, ToolEnd, ToolInvocation, ToolResult};

mod ask;

/// The tools of a run.
#[derive(Debug)]
pub(super) struct Tools {
    offered: Vec<Tool>,
    /// Calls run without asking: `--yes`, or the user said so.
    is_allowed: AtomicBool,
    /// How many replies with tool calls are answered.
    max_rounds: u32,
}

/// The most that a model is given of a tool's output, in bytes.
const MAX_TOOL_OUTPUT: usize = 256 * 1024;

/// The length of a longer argument is told, in characters: about a line of a terminal.
const LONG_ARGUMENT: usize = 80;

/// How much is shown of a call that needs no consent, in characters.
const SHOWN_CHARS: usize = 400;

/// The tools that the options name; none if they name none. `runs_none`: whatever the model calls,
/// nothing is carried out.
///
/// # Errors
/// Exit 2: there is no terminal to ask on and no `--yes`, something that is not a tool.
pub(super) fn open(
    options: &ToolOptions,
    runs_none: bool,
    config: &Config,
    provider: &Provider,
    io: &mut Io,
) -> Result<Option<Arc<Tools>>, Failure> {
    if options.named.is_empty() {
        return Ok(None);
    }
    if !options.is_allowed && !runs_none && !io.can_ask() {
        let what = "tools need your confirmation, and there is no terminal to ask on";
        return Err(Failure::usage(what).hint("--yes runs them without asking"));
    }
    let mut offered: Vec<Option<Tool>> =
        options.named.iter().map(|named| of_table(named, config)).collect();
    if offered.contains(&None) {
        let commands: Vec<Vec<String>> = options.named.iter().map(|named| command(named)).collect();
        let hidden = hidden(provider);
        let asked = exchange::on_runtime(io, move |io| {
            Box::pin(async move {
                let described = describe(&mut offered, commands, &hidden, io).await;
                described.map(|()| offered).map_err(|error| classify(&error))
            })
        });
        offered = asked.map_err(|failure| of_config(failure, config))?;
    }
    let offered: Vec<Tool> = offered.into_iter().flatten().collect();
    let mut names = BTreeSet::new();
    if let Some(twice) = offered.iter().find(|tool| !names.insert(&tool.name)) {
        return Err(Failure::usage(format!("two tools are named `{}`", twice.name)));
    }
    Ok(Some(Arc::new(Tools {
        offered,
        is_allowed: AtomicBool::new(options.is_allowed),
        max_rounds: options.max_rounds,
    })))
}

/// Fills in the tools that no table describes.
async fn describe(
    offered: &mut [Option<Tool>],
    commands: Vec<Vec<String>>,
    hidden: &[String],
    io: &mut Io,
) -> anyhow::Result<()> {
    let mut interrupt = Interrupt::new(io)?;
    for (tool, command) in offered.iter_mut().zip(commands) {
        if tool.is_none() {
            *tool = Some(tool::describe(command, hidden, &mut interrupt).await?);
        }
    }
    Ok(())
}

/// The tool of a table of that name.
fn of_table(name: &str, config: &Config) -> Option<Tool> {
    let table = config.tool(name)?;
    Some(Tool {
        name: table.name.clone(),
        description: table.description.clone(),
        parameters: table
            .parameters
            .clone()
            .map_or_else(tool::no_parameters, serde_json::Value::Object),
        command: table.command.clone(),
        timeout: table.timeout.unwrap_or(tool::DEFAULT_TIMEOUT),
    })
}

/// The words of a command; a file may have spaces in its name.
fn command(named: &str) -> Vec<String> {
    let words = words::split(named).filter(|words| words.len() > 1);
    match words {
        Some(words) if !std::path::Path::new(named).is_file() => words,
        _ => vec![named.to_owned()],
    }
}

/// A failure that tells of the tables too.
fn of_config(failure: Failure, config: &Config) -> Failure {
    if failure.hint.is_some() || failure.is_silent() {
        return failure;
    }
    let names = config.tool_names();
    let tables = if names.is_empty() {
        "your profile file has no [tools.NAME]".to_owned()
    } else {
        format!("your profile file has {}", names.join(", "))
    };
    failure.hint(format!(
        "--tool takes a program that supports --describe, or the name of a table; {tables}"
    ))
}

/// Variables that hold the service's key, which is none of a tool's business.
fn hidden(provider: &Provider) -> Vec<String> {
    provider.profile.key_variables().to_vec()
}

impl Tools {
    /// The tools as a request offers them.
    pub(super) fn definitions(&self) -> Vec<ToolDefinition> {
        let define = |tool: &Tool| ToolDefinition {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        };
        self.offered.iter().map(define).collect()
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
        let name = &call.name;
        let Some(tool) = self.offered.iter().find(|tool| tool.name == *name) else {
            io.warn(&format!("the model calls `{name}`, which is not one of your tools"));
            let names: Vec<&str> = self.offered.iter().map(|tool| tool.name.as_str()).collect();
            return Ok(format!("error: there is no tool `{name}`; there is {}", names.join(", ")));
        };
        let input = match call.parsed() {
            // A `Map` has only text keys and finite numbers, so it always serialises.
            Ok(arguments) => serde_json::to_string(&arguments).unwrap_or_default(),
            Err(why) if call.flaw.is_some() => {
                io.warn(&format!("a call of {name} is not carried out: of its arguments, {why}"));
                return Ok(format!("error: the arguments were not taken: {why}"));
            }
            Err(why) => {
                let start: String = call.arguments.chars().take(SHOWN_CHARS).collect();
                io.warn(&format!(
                    "the model calls {name} with arguments that are not a JSON object: {start}"
                ));
                return Ok(format!("error: the arguments must be a JSON object: {why}: {start}"));
            }
        };
        if !self.is_let_run(tool, &input, exchange, io).await? {
            return Ok("error: the user declined this call".to_owned());
        }
        let job = ToolInvocation {
            command: &tool.command,
            extra_argument: None,
            input: input.as_bytes(),
            timeout: tool.timeout,
            max_stdout: MAX_TOOL_OUTPUT,
            hidden_variables: &hidden(&exchange.provider),
        };
        let ran = tool::run(&job, exchange.interrupt()).await?;
        if let Some(what) = trouble(&ran, tool) {
            let last = ran.stderr.lines().next_back();
            let last = last.map(|line| format!(": {line}")).unwrap_or_default();
            io.warn(&format!("{name} {what}{last}"));
        }
        Ok(result(ran, tool))
    }

    /// Shows a call, and asks where that was not settled before.
    async fn is_let_run(
        &self,
        tool: &Tool,
        input: &str,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<bool, Failure> {
        let call = sanitize::revealed(&format!("{} {input}", tool.name));
        if self.is_allowed.load(Ordering::Relaxed) {
            let start: String = call.chars().take(SHOWN_CHARS).collect();
            let more = if start.len() < call.len() { " …" } else { "" };
            io.note(&format!("{start}{more}"));
            return Ok(true);
        }
        io.say(&call);
        if let Some(lengths) = lengths(input) {
            io.say(&lengths);
        }
        Ok(match ask::may_run(exchange, io).await? {
            ask::ToolConsent::Yes => true,
            ask::ToolConsent::No => false,
            ask::ToolConsent::All => {
                self.is_allowed.store(true, Ordering::Relaxed);
                true
            }
        })
    }
}

/// How long the long arguments of a call are: what stands at their end may have left the screen.
fn lengths(input: &str) -> Option<String> {
    let arguments: Map<String, Value> = serde_json::from_str(input).ok()?;
    let length = |value: &Value| match value {
        Value::String(text) => text.chars().count(),
        other => other.to_string().chars().count(),
    };
    let long: Vec<String> = arguments
        .iter()
        .map(|(name, value)| (sanitize::revealed(name), length(value)))
        .filter(|(_, length)| *length > LONG_ARGUMENT)
        .map(|(name, length)| format!("`{name}` is {length} characters long"))
        .collect();
    (!long.is_empty()).then(|| long.join(", "))
}

/// What went wrong with a tool, in words that go on after its name.
fn trouble(ran: &ToolResult, tool: &Tool) -> Option<String> {
    match &ran.end {
        ToolEnd::Success => None,
        ToolEnd::Failed(status) => Some(format!("failed ({status})")),
        ToolEnd::TimedOut => {
            Some(format!("did not finish within {} s and was stopped", tool.timeout.as_secs_f64()))
        }
        ToolEnd::NotStarted(why) => Some(format!("cannot be run: {why}")),
    }
}

/// What the model is told of a run: the tool's output, or what went wrong, with what it said.
fn result(ran: ToolResult, tool: &Tool) -> String {
    let mut text = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.is_cut {
        text.truncate(text.trim_end_matches('\u{fffd}').len());
        text.push_str(&format!("\n[cut: the output is longer than {} KiB]", MAX_TOOL_OUTPUT >> 10));
    }
    let text = text.trim_end_matches(['\n', '\r']);
    let Some(what) = trouble(&ran, tool) else {
        // Some services refuse an empty message.
        return if text.is_empty() { "(no output)".to_owned() } else { text.to_owned() };
    };
    let mut parts = vec![format!("error: the tool {what}")];
    for (title, words) in [("standard error", ran.stderr.as_str()), ("standard output", text)] {
        if !words.is_empty() {
            parts.push(format!("{title}:\n{words}"));
        }
    }
    parts.join("\n")
}
