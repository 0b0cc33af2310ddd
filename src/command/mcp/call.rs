//! `llm mcp call`: one call of a tool, to try a server without a model.

use serde_json::{Map, Value, json};

use super::choice::ServerChoice;
use super::running::{self, RunningServer};
use crate::command::options::RunOptions;
use crate::error::{Failure, FailureKind};
use crate::exchange;
use crate::interrupt::Interrupt;
use crate::io::{Io, read_text};
use crate::mcp::{CallFailed, ToolAnswer, Watch};
use crate::output::sink::to_stdout;
use crate::sanitize;

/// Runs the action.
///
/// # Errors
/// Exit 2: arguments that are no JSON object, a server that does not start. Exit 4: the tool fails.
pub(super) fn run(
    mut choice: ServerChoice,
    tool: &str,
    arguments: &str,
    options: &RunOptions,
    io: &mut Io,
) -> Result<(), Failure> {
    let arguments = read(arguments, io)?;
    if options.dry_run {
        let call =
            json!({"method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        return to_stdout(format!("{call}\n").as_bytes(), io);
    }
    let allowed = options.exchange;
    choice.settings.timeout = allowed.silence.unwrap_or(choice.settings.timeout);
    let name = choice.settings.name.clone();
    let (host, mut servers) = running::start(vec![choice], &allowed, io)?;
    host.watch(Watch::Elsewhere);
    let wanted = tool.to_owned();
    let called = exchange::on_runtime(io, move |io| {
        Box::pin(async move {
            let mut interrupt = running::interrupt(&allowed, io)?;
            call(&mut servers, &wanted, arguments, &mut interrupt, io).await
        })
    })?;
    let answer = called.map_err(|failed| failure(&name, tool, failed))?;
    show(&answer, options.json, io)?;
    match answer.is_error {
        true => {
            let what = format!("the tool {} says that it failed", shown(&name, tool));
            Err(Failure::new(FailureKind::Refused, what))
        }
        false => Ok(()),
    }
}

/// `server/tool`
fn shown(server: &str, tool: &str) -> String {
    format!("{server}/{}", sanitize::one_line(tool))
}

fn failure(server: &str, tool: &str, failed: CallFailed) -> Failure {
    let shown = shown(server, tool);
    match failed {
        CallFailed::Refused(words) => Failure::new(
            FailureKind::Refused,
            format!("mcp {server} refuses the call of {shown}: {words}"),
        )
        .hint(format!("`llm mcp tools {server}` lists its tools and their arguments")),
        CallFailed::Broken(why) => {
            Failure::new(FailureKind::Network, format!("mcp {server}: {why}"))
        }
    }
}

fn read(text: &str, io: &mut Io) -> Result<Map<String, Value>, Failure> {
    let text = match text {
        "-" => {
            let stdin = io.stdin.take().map(read_text).transpose();
            let bytes = stdin.ok().flatten().flatten().unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        text => text.to_owned(),
    };
    let wrong = |why: String| {
        Failure::usage(format!("the arguments are not a JSON object: {why}"))
            .hint("as in '{\"path\": \"a.txt\"}'")
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(wrong("it is another value".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

async fn call(
    servers: &mut [RunningServer],
    tool: &str,
    arguments: Map<String, Value>,
    interrupt: &mut Interrupt,
    io: &mut Io,
) -> Result<Result<ToolAnswer, CallFailed>, Failure> {
    let all = running::all_ready(servers, interrupt, &io.stderr).await?;
    all.into_iter().try_for_each(|ready| ready.map(|_| ()))?;
    let Some(running) = servers.first() else {
        return Err(Failure::usage("no server was started"));
    };
    interrupt.race(running.server.call(tool, arguments, |_| ())).await
}

/// The answer goes to stdout, what is for the user alone to stderr.
fn show(answer: &ToolAnswer, is_json: bool, io: &mut Io) -> Result<(), Failure> {
    for words in &answer.for_user {
        io.say(words);
    }
    let text = if is_json { answer.raw.to_string() } else { answer.text() };
    let text = match text.is_empty() || text.ends_with('\n') {
        true => text,
        false => format!("{text}\n"),
    };
    match io.stdout_is_terminal {
        true => to_stdout(sanitize::for_terminal(&text).as_bytes(), io),
        false => to_stdout(text.as_bytes(), io),
    }
}
