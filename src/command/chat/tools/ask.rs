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
}

/// How often it is looked whether something was typed.
const POLL_INTERVAL: Duration = Duration::from_millis(40);

const QUESTION: &str = "llm: run it? y = yes, n = no, a = yes to all of this run: ";

/// Asks until one of the words is typed. The end of the input is a no.
///
/// # Errors
/// An interruption.
pub(super) async fn may_run(exchange: &mut Exchange, io: &mut Io) -> Result<ToolConsent, Failure> {
    // What was typed before the question is not an answer to it.
    while io.typed().is_some_and(|line| !line.is_empty()) {}
    loop {
        io.stderr.raw(QUESTION.as_bytes());
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
        if let Some(word) = word(&line) {
            return Ok(word);
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
    }
}
