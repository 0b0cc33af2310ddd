//! `llm mcp check`: starts servers, all at the same time, and tells what is wrong with them.

use serde_json::{Value, json};

use super::choice::{self, ServerChoice};
use super::running::{self, RunningServer};
use crate::command::options::RunOptions;
use crate::config::Config;
use crate::error::Failure;
use crate::exchange;
use crate::io::{Io, Stderr};
use crate::mcp::{Host, Ready, Watch};
use crate::output::sink::to_stdout;
use crate::sanitize;
use crate::tool::repaired;

/// What was found out about a server.
struct ServerReport {
    name: String,
    found: Result<Found, Failure>,
}

struct Found {
    ready: Ready,
    /// How many of its tools are offered.
    offered: usize,
    /// Tools that can't be offered, each with the reason.
    unfit: Vec<String>,
}

impl ServerReport {
    /// Masks what the server may echo of secrets.
    fn mask(&mut self, stderr: &Stderr) {
        let mask = |text: &mut String| *text = stderr.masked(text);
        match &mut self.found {
            Ok(Found { ready, unfit, .. }) => {
                mask(&mut ready.title);
                ready.instructions.iter_mut().chain(unfit).for_each(mask);
            }
            Err(failure) => {
                mask(&mut failure.message);
                failure.hint.iter_mut().for_each(mask);
            }
        }
    }
}

/// Runs the action.
///
/// # Errors
/// Exit 2: an unknown name. The class of the first server that does not work; an interruption.
pub(super) fn run(
    names: &[String],
    options: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> Result<(), Failure> {
    let (chosen, failures) = match names.is_empty() {
        false => choice::choose(names, config, io)?,
        true => {
            let (mut chosen, mut failures) = (Vec::new(), Vec::new());
            for choice in choice::of_tables(config, io) {
                match choice {
                    Ok(choice) => chosen.push(choice),
                    Err(failure) => failures.push(failure),
                }
            }
            (chosen, failures)
        }
    };
    // The servers end behind the print, which need not wait for that.
    let (mut reports, _host) = look(chosen, options, io)?;
    reports.extend(failures.into_iter().map(|failure| ServerReport {
        name: name_in(&failure.message).to_owned(),
        found: Err(failure),
    }));
    reports.iter_mut().for_each(|report| report.mask(&io.stderr));
    let text = if options.json { json_of(&reports) } else { table(&reports) };
    to_stdout(text.as_bytes(), io)?;
    if reports.is_empty() {
        io.note("nothing to check: your profile file has no [mcp.NAME]");
    }
    verdict(reports)
}

/// The server that a failure of one speaks of.
fn name_in(message: &str) -> &str {
    message.strip_prefix("mcp ").and_then(|rest| rest.split(": ").next()).unwrap_or_default()
}

/// Starts servers and looks at them. They run as long as the host is kept.
fn look(
    chosen: Vec<ServerChoice>,
    options: &RunOptions,
    io: &mut Io,
) -> Result<(Vec<ServerReport>, Option<Host>), Failure> {
    if chosen.is_empty() {
        return Ok((Vec::new(), None));
    }
    let allowed = options.exchange;
    let (host, mut servers) = running::start(chosen, &allowed, io)?;
    host.watch(Watch::Elsewhere);
    let reports = exchange::on_runtime(io, move |io| {
        Box::pin(async move {
            let mut interrupt = running::interrupt(&allowed, io)?;
            let all = running::all_ready(&mut servers, &mut interrupt, &io.stderr).await?;
            let report = |(running, ready): (RunningServer, Result<Ready, Failure>)| {
                let choice = &running.choice;
                let found = ready.and_then(|ready| found(ready, choice));
                ServerReport { name: choice.settings.name.clone(), found }
            };
            Ok(servers.into_iter().zip(all).map(report).collect())
        })
    })?;
    Ok((reports, Some(host)))
}

fn found(ready: Ready, choice: &ServerChoice) -> Result<Found, Failure> {
    choice.check_wanted(&ready.tools)?;
    let offered: Vec<_> = ready.tools.iter().filter(|tool| choice.offers(&tool.name)).collect();
    let unfit: Vec<String> = offered
        .iter()
        .filter_map(|tool| {
            let why = repaired(&tool.schema).err()?;
            Some(format!("{} can't be offered: its schema {why}", sanitize::one_line(&tool.name)))
        })
        .collect();
    let offered = offered.len() - unfit.len();
    Ok(Found { offered, unfit, ready })
}

/// A line for each server, below it what is wrong.
fn table(reports: &[ServerReport]) -> String {
    let width = reports.iter().map(|report| report.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for ServerReport { name, found } in reports {
        let name = sanitize::one_line(name);
        match found {
            Ok(found) => {
                let (all, offered) = (found.ready.tools.len(), found.offered);
                let tools = match all == offered {
                    true => format!("{all} tools"),
                    false => format!("{offered} of {all} tools offered"),
                };
                let title = sanitize::one_line(&found.ready.title);
                let Ready { protocol, .. } = &found.ready;
                let time = found.ready.time.as_millis();
                text.push_str(&format!(
                    "✓  {name:<width$}  {tools}  {title}  {protocol}  {time} ms\n"
                ));
                for why in &found.unfit {
                    text.push_str(&format!("     {why}\n"));
                }
            }
            Err(failure) => {
                let prefix = format!("mcp {name}: ");
                let why = failure.message.strip_prefix(&prefix).unwrap_or(&failure.message);
                text.push_str(&format!("✗  {name:<width$}  {}\n", sanitize::one_line(why)));
                if let Some(hint) = &failure.hint {
                    text.push_str(&format!("     hint: {}\n", sanitize::one_line(hint)));
                }
            }
        }
    }
    text
}

fn json_of(reports: &[ServerReport]) -> String {
    let report = |report: &ServerReport| match &report.found {
        Ok(found) => json!({
            "name": report.name, "ok": true, "exit_code": 0, "title": found.ready.title,
            "protocol": found.ready.protocol, "tools": found.ready.tools.len(), "offered": found.offered,
            "unfit": found.unfit, "instructions": found.ready.instructions, "ready_ms": found.ready.time.as_millis() as u64,
        }),
        Err(failure) => json!({
            "name": report.name, "ok": false, "exit_code": failure.kind.exit_code(),
            "reason": failure.message, "hint": failure.hint,
        }),
    };
    let is_ok = reports.iter().all(|report| report.found.is_ok());
    let servers: Vec<Value> = reports.iter().map(report).collect();
    format!("{:#}\n", json!({"ok": is_ok, "servers": servers}))
}

/// The first server that does not work decides the exit code.
fn verdict(reports: Vec<ServerReport>) -> Result<(), Failure> {
    let all = reports.len();
    let failed: Vec<(String, Failure)> =
        reports.into_iter().filter_map(|report| Some((report.name, report.found.err()?))).collect();
    let Some((_, first)) = failed.first() else { return Ok(()) };
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let what = match (&names[..], all) {
        ([name], 1) => format!("mcp {name} does not work"),
        (names, all) => {
            format!("{} of {all} servers do not work: {}", names.len(), names.join(", "))
        }
    };
    Err(Failure::new(first.kind, what))
}
