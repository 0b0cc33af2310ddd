//! Tools of servers: which of them are offered, and a call of one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::offered::{OfferedTool, ToolSource, definition};
use crate::command::mcp::running::RunningServer;
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::io::{Io, Stderr};
use crate::mcp::{CallFailed, Progress, Ready, ToolAnswer};
use crate::sanitize;
use crate::tool::{ServerTool, names};

/// How much of an answer that says that it failed is shown, in characters.
const SHOWN_FAILURE: usize = 200;

/// The tools of servers that are ready, as they are offered beside others whose names are `taken`.
///
/// # Errors
/// Exit 2: a server has not the tool that was named with it.
pub(super) fn offered(
    servers: &[(&RunningServer, usize, &Ready)],
    taken: &BTreeSet<&str>,
    stderr: &Stderr,
) -> Result<Vec<OfferedTool>, Failure> {
    let mut wanted = Vec::new();
    for (running, at, ready) in servers {
        let choice = &running.choice;
        if let Some(missing) = choice.missing(&ready.tools) {
            let server = &choice.settings.name;
            let what = format!("mcp {server}: it has no tool `{missing}`");
            return Err(
                Failure::usage(what).hint(format!("`llm mcp tools {server}` lists its tools"))
            );
        }
        let tools = ready.tools.iter().filter(|tool| choice.offers(&tool.name));
        wanted.extend(tools.map(|tool| (choice, *at, tool)));
    }
    let of_servers: Vec<ServerTool<'_>> = wanted
        .iter()
        .map(|(choice, _, tool)| ServerTool { server: &choice.settings.name, tool: &tool.name })
        .collect();
    let mut offered = Vec::new();
    for (name, (choice, at, tool)) in names(&of_servers, taken).iter().zip(&wanted) {
        let shown = OfferedTool::shown_as(&choice.settings.name, &tool.name);
        match definition(name, tool.description.clone(), &tool.schema) {
            Ok(definition) => offered.push(OfferedTool {
                definition,
                shown,
                source: ToolSource::Server { at: *at, tool: tool.name.clone(), most: choice.most },
                runs_unasked: choice.allows(&tool.name),
            }),
            Err(why) => stderr.warn(&format!("{shown} is left out: its schema {why}")),
        }
    }
    Ok(offered)
}

/// A call of a tool of a server.
pub(super) struct ServerCall<'a> {
    pub(super) running: &'a RunningServer,
    /// The server's own name for the tool.
    pub(super) tool: &'a str,
    pub(super) shown: &'a str,
    /// How many bytes of the answer go to the model.
    pub(super) most: usize,
}

impl ServerCall<'_> {
    /// Makes the call; gives what the model is told.
    ///
    /// # Errors
    /// An interruption. What goes wrong with the call is told to the model.
    pub(super) async fn make(
        &self,
        arguments: Map<String, Value>,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<String, Failure> {
        let (shown, stderr) = (self.shown, &io.stderr);
        let told = |progress: Progress| show_progress(shown, &progress, stderr);
        let called = self.running.server.call(self.tool, arguments, told);
        let called = exchange.wait(called).await;
        if stderr.is_terminal {
            stderr.raw(b"\r\x1b[K");
        }
        Ok(match called? {
            Ok(answer) => self.told(&answer, io),
            Err(CallFailed::Refused(words)) => {
                io.warn(&format!("{shown} was refused: {words}"));
                format!("error: {words}")
            }
            Err(CallFailed::Broken(why)) => {
                io.warn(&format!("the call of {shown} failed: {why}"));
                format!("error: the call failed: {why}")
            }
        })
    }

    /// What the model is told of an answer; what is for the user alone is shown.
    fn told(&self, answer: &ToolAnswer, io: &Io) -> String {
        let shown = self.shown;
        for words in &answer.for_user {
            io.say(&format!("{shown}: {words}"));
        }
        let mut text = answer.text(false);
        if answer.is_error {
            let start: String = text.chars().take(SHOWN_FAILURE).collect();
            io.warn(&format!("{shown} failed: {start}"));
            text = format!("error: {text}");
        }
        if text.is_empty() {
            // Some services refuse an empty message.
            return "(the tool gave nothing)".to_owned();
        }
        if text.len() > self.most {
            let (all, most) = (grouped(text.len()), grouped(self.most));
            io.warn(&format!(
                "the answer of {shown} has {all} bytes; the model gets the first {most}"
            ));
            text.truncate(text.floor_char_boundary(self.most));
            text.insert_str(0, &format!("[cut: {all} bytes, the first {most} follow]\n"));
        }
        text
    }
}

/// Writes how far a call has come over the line of the step before.
fn show_progress(shown: &str, progress: &Progress, stderr: &Stderr) {
    if !stderr.is_terminal || stderr.is_quiet {
        return;
    }
    let how_far = match progress.all {
        Some(all) if all > 0.0 => format!("{:.0} %", progress.done / all * 100.0),
        _ => format!("{}", progress.done),
    };
    let words = progress.words.as_deref().map(|words| format!(" ({words})")).unwrap_or_default();
    let line: String = format!("llm: {shown} … {how_far}{words}").chars().take(76).collect();
    stderr.raw(format!("\r{}\x1b[K", sanitize::one_line(&line)).as_bytes());
}

/// A number with commas between its thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
