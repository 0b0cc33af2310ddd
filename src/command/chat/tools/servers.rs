//! Tools of servers: which of them are offered, and a call of one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::given::{CallResult, ResultFileNames};
use super::offered::{OfferedTool, ToolSource, definition};
use crate::command::mcp::choice::ServerChoice;
use crate::command::mcp::running::RunningServer;
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::io::{Io, Stderr};
use crate::mcp::{CallFailed, ListedTool, Progress, Ready, ToolAnswer};
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
        choice.check_wanted(&ready.tools)?;
        let tools = ready.tools.iter().filter(|tool| choice.offers(&tool.name));
        wanted.extend(tools.map(|tool| (choice, *at, tool)));
    }
    let of_servers: Vec<ServerTool<'_>> = wanted
        .iter()
        .map(|(choice, _, tool)| ServerTool { server: &choice.settings.name, tool: &tool.name })
        .collect();
    let named = names(&of_servers, taken).into_iter().zip(&wanted);
    Ok(named
        .filter_map(|(name, (choice, at, tool))| one(&name, choice, *at, tool, stderr))
        .collect())
}

/// A tool of the server at this place under this name. One that can't be offered is told.
pub(super) fn one(
    name: &str,
    choice: &ServerChoice,
    at: usize,
    tool: &ListedTool,
    stderr: &Stderr,
) -> Option<OfferedTool> {
    let shown = OfferedTool::shown_as(&choice.settings.name, &tool.name);
    match definition(name, tool.description.clone(), &tool.schema) {
        Ok(definition) => Some(OfferedTool {
            definition,
            shown,
            source: ToolSource::Server { at, tool: tool.name.clone(), most: choice.most },
            runs_unasked: choice.allows(&tool.name),
        }),
        Err(why) => {
            stderr.warn(&format!("{shown} is left out: its schema {why}"));
            None
        }
    }
}

/// A call of a tool of a server.
pub(super) struct ServerCall<'a> {
    pub(super) running: &'a RunningServer,
    /// The server's own name for the tool.
    pub(super) tool: &'a str,
    /// The tool's name for the model.
    pub(super) name: &'a str,
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
        files: &ResultFileNames,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<CallResult, Failure> {
        let (shown, stderr) = (self.shown, &io.stderr);
        let told = |progress: Progress| show_progress(shown, &progress, stderr);
        let called = self.running.server.call(self.tool, arguments, told);
        let called = exchange.wait(called).await;
        stderr.end_shown_line();
        Ok(match called? {
            Ok(answer) => self.told(&answer, files, io),
            Err(CallFailed::Refused(words)) => {
                io.warn(&format!("{shown} was refused: {words}"));
                format!("error: {words}").into()
            }
            Err(CallFailed::Broken(why)) => {
                io.warn(&format!("the call of {shown} failed: {why}"));
                format!("error: the call failed: {why}").into()
            }
        })
    }

    /// What the model is told of an answer; what is for the user alone is shown.
    fn told(&self, answer: &ToolAnswer, files: &ResultFileNames, io: &Io) -> CallResult {
        let shown = self.shown;
        for words in &answer.for_user {
            io.say(&format!("{shown}: {words}"));
        }
        let mut given = Vec::new();
        let mut text = answer.text_with(|bytes| {
            let file = files.named(self.name, bytes);
            let name = file.as_ref().map_or("not passed on", |file| &file.kept.name).to_owned();
            given.extend(file);
            Some(name)
        });
        if answer.is_error {
            let words: Vec<&str> = text.split_whitespace().collect();
            let words = words.join(" ");
            let start: String = words.chars().take(SHOWN_FAILURE).collect();
            let more = if start.len() < words.len() { " …" } else { "" };
            io.warn(&format!("{shown} failed: {start}{more}"));
            text = format!("error: {text}");
        }
        if text.is_empty() {
            // Some services refuse an empty message.
            return "(the tool gave nothing)".to_owned().into();
        }
        if text.len() > self.most {
            let (all, most) = (grouped(text.len()), grouped(self.most));
            io.warn(&format!(
                "the answer of {shown} has {all} bytes; the model gets the first {most}"
            ));
            text.truncate(text.floor_char_boundary(self.most));
            text.insert_str(0, &format!("[cut: {all} bytes, the first {most} follow]\n"));
        }
        CallResult { text, files: given }
    }
}

/// Shows how far a call has come, in place of the step before.
fn show_progress(shown: &str, progress: &Progress, stderr: &Stderr) {
    let how_far = match progress.all {
        Some(all) if all > 0.0 => format!("{:.0} %", progress.done / all * 100.0),
        _ => format!("{}", progress.done),
    };
    let words = progress.words.as_deref().map(|words| format!(" ({words})")).unwrap_or_default();
    let line = format!("llm: {shown} … {how_far}{words}");
    stderr.show_passing_line(&sanitize::one_line(&line));
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
