//! Tools that are programs: the tables and commands that `--tool` names, and a run of one.

use crate::config::Config;
use crate::config::words;
use crate::error::{Failure, classify};
use crate::exchange::{self, Exchange};
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::provider::Provider;
use crate::tool::{self, Tool, ToolEnd, ToolInvocation, ToolResult};

/// The programs that these words name: tables of the profile file, or commands that describe themselves.
///
/// # Errors
/// Exit 2: something that is not a tool.
pub(super) fn named(
    named: &[String],
    config: &Config,
    provider: &Provider,
    io: &mut Io,
) -> Result<Vec<Tool>, Failure> {
    let mut programs: Vec<Option<Tool>> = named.iter().map(|name| of_table(name, config)).collect();
    if programs.contains(&None) {
        let commands: Vec<Vec<String>> = named.iter().map(|name| command(name)).collect();
        let hidden = hidden(provider);
        let asked = exchange::on_runtime(io, move |io| {
            Box::pin(async move {
                let described = describe(&mut programs, commands, &hidden, io).await;
                described.map(|()| programs).map_err(|error| classify(&error))
            })
        });
        programs = asked.map_err(|failure| of_config(failure, config))?;
    }
    Ok(programs.into_iter().flatten().collect())
}

/// Fills in the tools that no table describes.
async fn describe(
    programs: &mut [Option<Tool>],
    commands: Vec<Vec<String>>,
    hidden: &[String],
    io: &mut Io,
) -> anyhow::Result<()> {
    let mut interrupt = Interrupt::new(io)?;
    for (tool, command) in programs.iter_mut().zip(commands) {
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
        most: table.most.unwrap_or(tool::DEFAULT_MOST),
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

/// Runs a program with these arguments; gives what the model is told.
///
/// # Errors
/// An interruption. What goes wrong with the program is told to the model.
pub(super) async fn run(
    program: &Tool,
    arguments: &str,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<String, Failure> {
    let job = ToolInvocation {
        command: &program.command,
        extra_argument: None,
        input: arguments.as_bytes(),
        timeout: program.timeout,
        max_stdout: program.most,
        hidden_variables: &hidden(&exchange.provider),
    };
    let ran = tool::run(&job, exchange.interrupt()).await?;
    if let Some(what) = trouble(&ran, program) {
        let last = ran.stderr.lines().next_back();
        let last = last.map(|line| format!(": {line}")).unwrap_or_default();
        io.warn(&format!("{} {what}{last}", program.name));
    }
    Ok(result(ran, program))
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
        let most = match tool.most {
            most if most % 1024 == 0 => format!("{} KiB", most >> 10),
            most => format!("{most} bytes"),
        };
        text.push_str(&format!("\n[cut: the output is longer than {most}]"));
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
