//! `--tool`: programs of the user's that the model may call. Which there are, who may run them, and
//! what the model is told of a call; running belongs to `tool`, the rounds to `rounds`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::api::chat::calls::Call;
use crate::api::chat::request;
use crate::cli::Common;
use crate::cli::chat::ChatArgs;
use crate::config::Config;
use crate::config::words;
use crate::error::{Failure, classify};
use crate::exchange::{self, Exchange};
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::provider::Provider;
use crate::tool::{self, Tool, ToolEnd, ToolInvocation, ToolResult};

mod ask;
mod rounds;

pub(super) use rounds::{Rounds, carry_out};

/// The tools of a run.
#[derive(Debug)]
pub(super) struct Tools {
    offered: Vec<Tool>,
    /// Calls run without asking: `--yes`, or the user said so.
    is_allowed: AtomicBool,
    /// So many replies with calls are answered.
    most_rounds: u32,
}

/// The most that a model is given of a tool's output, in bytes.
const MOST: usize = 256 * 1024;

/// So much is shown of a call that nobody is asked about, in characters.
const SHOWN: usize = 400;

/// The replies with calls that are answered without `--max-turns`.
const ROUNDS: u32 = 10;

/// The tools that the flags name; none without `--tool`.
///
/// # Errors
/// Exit 2: nobody there to be asked and no `--yes`, a tool that is none.
pub(super) fn open(
    args: &ChatArgs,
    common: &Common,
    config: &Config,
    provider: &Provider,
    io: &mut Io,
) -> Result<Option<Arc<Tools>>, Failure> {
    if args.tool.is_empty() {
        return Ok(None);
    }
    let runs_none = common.json || common.dry_run;
    if !args.yes && !runs_none && !io.can_ask() {
        let what = "no tool could be run: without a terminal nobody can be asked";
        return Err(Failure::usage(what).hint("--yes runs them without asking"));
    }
    let mut offered: Vec<Option<Tool>> =
        args.tool.iter().map(|named| of_table(named, config)).collect();
    if offered.contains(&None) {
        let commands: Vec<Vec<String>> = args.tool.iter().map(|named| command(named)).collect();
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
        is_allowed: AtomicBool::new(args.yes),
        most_rounds: args.max_turns.unwrap_or(ROUNDS),
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
        parameters: table.parameters.clone().unwrap_or_else(tool::no_parameters),
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
        "--tool takes a program that knows --describe, or the name of a table; {tables}"
    ))
}

/// Variables that hold the service's key, which is none of a tool's business.
fn hidden(provider: &Provider) -> Vec<String> {
    let names = provider.profile.texts("api_key_env").unwrap_or_default();
    names.into_iter().map(str::to_owned).collect()
}

impl Tools {
    /// The tools as a request offers them.
    pub(super) fn definitions(&self) -> Vec<Value> {
        let define =
            |tool: &Tool| request::tool(&tool.name, tool.description.as_deref(), &tool.parameters);
        self.offered.iter().map(define).collect()
    }

    /// Carries a call out, if the user lets it; gives what the model is told.
    ///
    /// # Errors
    /// An interruption. What goes wrong with a tool is told to the model.
    async fn answer(
        &self,
        call: &Call,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<String, Failure> {
        let name = &call.name;
        let Some(tool) = self.offered.iter().find(|tool| tool.name == *name) else {
            io.warn(&format!("the model calls `{name}`, which is no tool of yours"));
            let names: Vec<&str> = self.offered.iter().map(|tool| tool.name.as_str()).collect();
            return Ok(format!("error: there is no tool `{name}`; there is {}", names.join(", ")));
        };
        let input = match call.parsed() {
            // A `Map` has only text keys and finite numbers, so it always serialises.
            Ok(arguments) => serde_json::to_string(&arguments).unwrap_or_default(),
            Err(why) => {
                let start: String = call.arguments.chars().take(SHOWN).collect();
                io.warn(&format!("the model calls {name} with no JSON object: {start}"));
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
            max_stdout: MOST,
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
        let call = format!("{} {input}", tool.name);
        if self.is_allowed.load(Ordering::Relaxed) {
            let start: String = call.chars().take(SHOWN).collect();
            let more = if start.len() < call.len() { " …" } else { "" };
            io.note(&format!("{start}{more}"));
            return Ok(true);
        }
        io.say(&call);
        Ok(match ask::may_run(exchange, io).await? {
            ask::Word::Yes => true,
            ask::Word::No => false,
            ask::Word::All => {
                self.is_allowed.store(true, Ordering::Relaxed);
                true
            }
        })
    }
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
        text.push_str(&format!("\n[cut: the output goes on beyond {} KiB]", MOST >> 10));
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
