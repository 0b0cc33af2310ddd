//! Asks the user whether a tool may run. Knows nothing about the tool.

use std::time::Duration;

use crate::error::Failure;
use crate::exchange::Exchange;
use crate::io::Io;

/// What the user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolConsent {
    Yes,
    No,
    /// Yes, and to whatever comes in this run.
    All,
    /// Yes, and to all calls of this tool.
    AllOfTool,
    /// First all of the arguments are to be shown.
    Show,
}

/// What is asked beside the usual.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToolQuestion<'a> {
    /// A tool whose further calls can be agreed to on their own.
    pub(super) tool: Option<&'a String>,
    /// Something of the arguments was not shown.
    pub(super) is_folded: bool,
}

/// How often it is looked whether something was typed.
const POLL_INTERVAL: Duration = Duration::from_millis(40);

impl ToolQuestion<'_> {
    fn words(&self) -> String {
        let mut words = "llm: run it? y = yes, n = no, a = yes to all of this run".to_owned();
        if let Some(tool) = self.tool {
            words.push_str(&format!(", s = yes to all of {tool}"));
        }
        if self.is_folded {
            words.push_str(", v = show all of it");
        }
        words.push_str(": ");
        words
    }

    /// What an answer means, if it is one.
    fn read(&self, line: &str) -> Option<ToolConsent> {
        match word(line)? {
            ToolConsent::AllOfTool if self.tool.is_none() => None,
            ToolConsent::Show if !self.is_folded => None,
            consent => Some(consent),
        }
    }
}

/// Asks until one of the words is typed. The end of the input is a no.
///
/// # Errors
/// An interruption.
pub(super) async fn may_run(
    question: &ToolQuestion<'_>,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<ToolConsent, Failure> {
    // What was typed before the question is not an answer to it.
    while io.typed().is_some_and(|line| !line.is_empty()) {}
    loop {
        io.stderr.raw(question.words().as_bytes());
        let line = loop {
            if let Some(line) = io.typed() {
                break line;
            }
            if let Err(interruption) = exchange.wait(tokio::time::sleep(POLL_INTERVAL)).await {
                io.stderr.raw(b"\n");
                return Err(interruption);
            }
        };
        if line.is_empty() {
            io.stderr.raw(b"\n");
        }
        if let Some(consent) = question.read(&line) {
            return Ok(consent);
        }
    }
}

fn word(line: &str) -> Option<ToolConsent> {
    if line.is_empty() {
        return Some(ToolConsent::No);
    }
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "是" => Some(ToolConsent::Yes),
        "n" | "no" | "否" => Some(ToolConsent::No),
        "a" | "all" => Some(ToolConsent::All),
        "s" => Some(ToolConsent::AllOfTool),
        "v" => Some(ToolConsent::Show),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_answers() {
        for (line, expected) in [
            ("y\n", Some(ToolConsent::Yes)),
            (" YES \n", Some(ToolConsent::Yes)),
            ("n\n", Some(ToolConsent::No)),
            ("", Some(ToolConsent::No)),
            ("a\n", Some(ToolConsent::All)),
            ("\n", None),
            ("yn\n", None),
        ] {
            assert_eq!(word(line), expected, "{line:?}");
        }
        let plain = ToolQuestion { tool: None, is_folded: false };
        let tool = "files/read".to_owned();
        let more = ToolQuestion { tool: Some(&tool), is_folded: true };
        for (line, consent) in [("s\n", ToolConsent::AllOfTool), ("v\n", ToolConsent::Show)] {
            assert_eq!((plain.read(line), more.read(line)), (None, Some(consent)));
        }
        let words = "y = yes, n = no, a = yes to all of this run, s = yes to all of files/read, v = show all of it: ";
        assert!(more.words().ends_with(words), "{}", more.words());
    }
}
