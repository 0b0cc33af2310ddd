//! `llm mcp`: the servers whose tools a model may call: listed, checked, and tried without a model.

mod address;
mod call;
mod check;
pub(crate) mod choice;
mod expand;
mod json_file;
pub(crate) mod running;
mod show;
mod words;

use serde_json::{Value, json};

use super::options::RunOptions;
use crate::cli::mcp::{McpAction, McpArgs};
use crate::config;
use crate::error::Failure;
use crate::exchange;
use crate::io::Io;
use crate::mcp::{Host, ListedTool, Ready, Watch};
use crate::output::sink::to_stdout;
use choice::ServerChoice;

/// Runs the command.
///
/// # Errors
/// A profile file that is wrong, an unknown name, a server that does not work, a call that fails.
pub(crate) fn run(args: &McpArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(options.config.as_deref(), io)?;
    match &args.action {
        None | Some(McpAction::List) => {
            let text = show::list(&config, options.json);
            to_stdout(text.as_bytes(), io)?;
            if text.is_empty() {
                io.note("your profile file has no [mcp.NAME]");
            }
        }
        Some(McpAction::Tools { name }) => tools(one(name, &config, io)?, options, io)?,
        Some(McpAction::Check { names }) => check::run(names, options, &config, io)?,
        Some(McpAction::Call { name, tool, arguments }) => {
            call::run(one(name, &config, io)?, tool, arguments, options, io)?;
        }
    }
    Ok(())
}

/// The one server that a word names.
fn one(word: &str, config: &config::Config, io: &Io) -> Result<ServerChoice, Failure> {
    let (mut chosen, failures) = choice::choose(&[word.to_owned()], config, io)?;
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure);
    }
    let names: Vec<&str> = chosen.iter().map(|choice| choice.settings.name.as_str()).collect();
    if names.len() > 1 {
        let what = format!("{word} has several servers: {}", names.join(", "));
        return Err(Failure::usage(what).hint(format!("{word}#NAME is one of them")));
    }
    chosen.pop().ok_or_else(|| Failure::usage(format!("{word} names no server")))
}

/// Waits for one server: what is wanted of it, and what it is. It runs as long as the host is kept.
fn ready(
    choice: ServerChoice,
    options: &RunOptions,
    io: &mut Io,
) -> Result<(ServerChoice, Ready, Host), Failure> {
    let allowed = options.exchange;
    let (host, mut servers) = running::start(vec![choice], &allowed, io)?;
    host.watch(Watch::Elsewhere);
    let (choice, ready) = exchange::on_runtime(io, move |io| {
        Box::pin(async move {
            let mut interrupt = running::interrupt(&allowed, io)?;
            let all = running::all_ready(&mut servers, &mut interrupt, &io.stderr).await?;
            let running = servers.pop().zip(all.into_iter().next());
            let (running, ready) =
                running.ok_or_else(|| Failure::usage("no server was started"))?;
            Ok((running.choice, ready?))
        })
    })?;
    Ok((choice, ready, host))
}

/// Prints what a server offers.
fn tools(choice: ServerChoice, options: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    // The server ends behind the print, which need not wait for that.
    let (choice, ready, _host) = ready(choice, options, io)?;
    choice.check_wanted(&ready.tools)?;
    let tools: Vec<&ListedTool> =
        ready.tools.iter().filter(|tool| choice.is_wanted(&tool.name)).collect();
    let text = match options.json {
        true => {
            let raw: Vec<&Value> = tools.iter().map(|tool| &tool.raw).collect();
            format!("{}\n", json!({"tools": raw}))
        }
        false => show::tools(&tools, &choice),
    };
    to_stdout(text.as_bytes(), io)?;
    if tools.is_empty() {
        io.note(&format!("{} has no tools", choice.settings.name));
    }
    Ok(())
}
