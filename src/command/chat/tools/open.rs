//! What the options name as tools, made ready to be offered. Servers start while the question is read.

use std::collections::BTreeSet;

use super::offered::OfferedTool;
use super::{programs, servers};
use crate::command::chat::options::ToolOptions;
use crate::command::mcp::choice;
use crate::command::mcp::running::{self, RunningServer};
use crate::config::Config;
use crate::error::Failure;
use crate::exchange::{self, ExchangeOptions};
use crate::io::Io;
use crate::mcp::{Host, Ready, Watch};
use crate::provider::Provider;
use crate::sanitize;

/// So many tools, or so many bytes of them, are told: models choose badly among many, and each request
/// carries them all.
const MANY_TOOLS: usize = 40;
const MANY_BYTES: usize = 32 * 1024;

/// Tools that are being made ready.
pub(crate) struct Opening {
    programs: Vec<OfferedTool>,
    started: Option<(Host, Vec<RunningServer>)>,
    /// Servers that can't be started.
    failures: Vec<Failure>,
    /// The names of the user's own tools.
    taken: Vec<String>,
    allowed: ExchangeOptions,
    /// Each call may be carried out, or none will be.
    needs_no_consent: bool,
}

/// Tools that are ready.
pub(super) struct Opened {
    pub(super) offered: Vec<OfferedTool>,
    /// The servers that are ready; they end with it.
    pub(super) host: Option<Host>,
    pub(super) servers: Vec<RunningServer>,
    /// What servers say of their use that is to be told to the model.
    pub(super) instructions: Vec<String>,
    /// The names of the user's own tools.
    pub(super) taken: Vec<String>,
    /// Each call may be carried out, or none will be.
    pub(super) needs_no_consent: bool,
}

/// Begins with what the options name; `None` if they name nothing. `runs_none`: whatever the model calls,
/// nothing is carried out.
///
/// # Errors
/// Exit 2: there is no terminal to ask on and no `--yes`, something that is not a tool.
pub(crate) fn begin(
    options: &ToolOptions,
    runs_none: bool,
    allowed: ExchangeOptions,
    config: &Config,
    provider: &Provider,
    io: &mut Io,
) -> Result<Option<Opening>, Failure> {
    if options.named.is_empty() && options.servers.is_empty() {
        return Ok(None);
    }
    let needs_no_consent = options.is_allowed || runs_none || io.can_ask();
    if !needs_no_consent && !options.named.is_empty() {
        return Err(cannot_ask("tools need", "--yes runs them without asking"));
    }
    let (chosen, failures) = choice::choose(&options.servers, config, io)?;
    if !needs_no_consent && let Some(asks) = chosen.iter().find(|choice| choice.allows_none()) {
        return Err(of_server(&asks.settings.name, "tools need"));
    }
    let started = match chosen.is_empty() {
        true => None,
        false => Some(running::start(chosen, &allowed, io)?),
    };
    let mut offered = Vec::new();
    let mut names = BTreeSet::new();
    for program in programs::named(&options.named, config, provider, io)? {
        let name = program.name.clone();
        match OfferedTool::of_program(program) {
            Ok(tool) => offered.push(tool),
            Err(why) => io.warn(&format!("{name} is left out: its schema {why}")),
        }
        if !names.insert(name.clone()) {
            return Err(Failure::usage(format!("two tools are named `{name}`")));
        }
    }
    names.extend(config.tool_names().into_iter().map(str::to_owned));
    let taken = names.into_iter().collect();
    Ok(Some(Opening { programs: offered, started, failures, taken, allowed, needs_no_consent }))
}

fn cannot_ask(what: &str, hint: &str) -> Failure {
    Failure::usage(format!("{what} your confirmation, and there is no terminal to ask on"))
        .hint(hint)
}

fn of_server(name: &str, what: &str) -> Failure {
    let hint = format!(
        "--yes runs them without asking; `allow` in [mcp.{name}] names those that need no asking"
    );
    cannot_ask(what, &hint)
}

impl Opening {
    /// Waits for the servers. One that fails is left out with a warning.
    ///
    /// # Errors
    /// Exit 2: nothing is left to offer, or a tool has to be asked for and can't be.
    pub(super) fn finish(self, io: &mut Io) -> Result<Opened, Failure> {
        let mut failures = self.failures;
        let (mut host, mut servers, mut all) = (None, Vec::new(), Vec::new());
        if let Some((running, started)) = self.started {
            running.watch(Watch::Elsewhere);
            (servers, all) = ready(started, self.allowed, io)?;
            running.watch(Watch::Here);
            host = Some(running);
        }
        let taken: BTreeSet<&str> = self.taken.iter().map(String::as_str).collect();
        let mut are_ready = Vec::new();
        let mut instructions = Vec::new();
        for (at, (running, ready)) in servers.iter().zip(&all).enumerate() {
            match ready {
                Ok(ready) => {
                    instructions.extend(told_of(running, ready));
                    are_ready.push((running, at, ready));
                }
                Err(failure) => failures.push(failure.clone()),
            }
        }
        let of_servers = servers::offered(&are_ready, &taken, &io.stderr)?;
        let mut offered = self.programs;
        offered.extend(of_servers);
        let needs_no_consent = self.needs_no_consent;
        check(&offered, failures, needs_no_consent, io)?;
        Ok(Opened { offered, host, servers, instructions, taken: self.taken, needs_no_consent })
    }
}

/// What a server says of its use, where that is wanted.
fn told_of(running: &RunningServer, ready: &Ready) -> Option<String> {
    let words = ready.instructions.as_ref().filter(|_| running.choice.tells_instructions)?;
    let words = sanitize::without_invisible(words);
    Some(format!("How to use the tools of {}:\n{words}", running.choice.settings.name))
}

/// Tells what is left out, and fails where nothing is left or may not run.
fn check(
    offered: &[OfferedTool],
    failures: Vec<Failure>,
    needs_no_consent: bool,
    io: &Io,
) -> Result<(), Failure> {
    if offered.is_empty() {
        let first = failures.into_iter().next();
        let failure = first.unwrap_or_else(|| Failure::usage("the servers offer no tools"));
        return Err(Failure { kind: crate::error::FailureKind::Usage, ..failure });
    }
    for failure in failures {
        io.warn(&format!("{}; its tools are left out", failure.message));
    }
    if !needs_no_consent && let Some(tool) = offered.iter().find(|tool| !tool.runs_unasked) {
        let server = tool.shown.split('/').next().unwrap_or_default();
        return Err(of_server(server, &format!("{} needs", tool.shown)));
    }
    let size = |tool: &OfferedTool| {
        let definition = &tool.definition;
        let text = definition.description.as_ref().map_or(0, String::len);
        definition.name.len() + text + definition.parameters.to_string().len()
    };
    let bytes: usize = offered.iter().map(size).sum();
    if offered.len() > MANY_TOOLS || bytes > MANY_BYTES {
        io.warn(&format!(
            "{} tools are offered, {} KB in each request; --mcp NAME/TOOL, or `tools` in the server's \
             table, offers fewer",
            offered.len(),
            bytes.div_ceil(1024)
        ));
    }
    Ok(())
}

type AllReady = (Vec<RunningServer>, Vec<Result<Ready, Failure>>);

/// Waits for servers.
fn ready(
    mut servers: Vec<RunningServer>,
    allowed: ExchangeOptions,
    io: &mut Io,
) -> Result<AllReady, Failure> {
    exchange::on_runtime(io, move |io| {
        Box::pin(async move {
            let mut interrupt = running::interrupt(&allowed, io)?;
            let all = running::all_ready(&mut servers, &mut interrupt, &io.stderr).await?;
            Ok((servers, all))
        })
    })
}
