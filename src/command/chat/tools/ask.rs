//! Asks the user whether a tool may run. Knows nothing of the tool.

use std::time::Duration;

use crate::error::Failure;
use crate::exchange::Exchange;
use crate::io::Io;

/// What the user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Yes,
    No,
    /// Yes, and to whatever comes in this run.
    All,
}

/// How often it is looked whether something was typed.
const TICK: Duration = Duration::from_millis(40);

const QUESTION: &str = "llm: run it? y = yes, n = no, a = yes to all of this run: ";

/// Asks until one of the words is typed. The end of the input is a no.
///
/// # Errors
/// An interruption.
pub(super) async fn may_run(exchange: &mut Exchange, io: &mut Io) -> Result<Word, Failure> {
    // What was typed before the question is no answer to it.
    while io.typed().is_some_and(|line| !line.is_empty()) {}
    loop {
        io.stderr.raw(QUESTION.as_bytes());
        let line = loop {
            if let Some(line) = io.typed() {
                break line;
            }
            if let Err(interruption) = exchange.wait(tokio::time::sleep(TICK)).await {
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

fn word(line: &str) -> Option<Word> {
    if line.is_empty() {
        return Some(Word::No);
    }
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "是" => Some(Word::Yes),
        "n" | "no" | "否" => Some(Word::No),
        "a" | "all" => Some(Word::All),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_answers() {
        for (line, expected) in [
            ("y\n", Some(Word::Yes)),
            (" YES \n", Some(Word::Yes)),
            ("n\n", Some(Word::No)),
            ("", Some(Word::No)),
            ("a\n", Some(Word::All)),
            ("\n", None),
            ("yn\n", None),
        ] {
            assert_eq!(word(line), expected, "{line:?}");
        }
    }
}
