//! Turns clap's account of a wrong command line into one line and a hint, in the style of the other messages.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Cli;
use crate::error::Failure;

/// The failure for a command line (the program's name first) that clap refused.
pub(crate) fn failure_of(error: &clap::Error, line: &[OsString]) -> Failure {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message = fold(first.strip_prefix("error: ").unwrap_or(first));
    let tips: Vec<String> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).map(fold).collect();
    if matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return Failure::usage("no command is given")
            .hint("`llm chat \"hello\"` asks a model; `llm --help` lists the commands");
    }
    let failure = Failure::usage(message);
    match tips.first() {
        Some(tip) => failure.hint(tip.as_str()),
        None => failure.hint(format!("see `{} --help`", command_of(line))),
    }
}

/// Lines folded into one.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `llm chat` out of a line that names the command; clap's account of a wrong value does not tell.
fn command_of(line: &[OsString]) -> String {
    let root = Cli::command();
    let mut words = line.iter().skip(1).filter_map(|word| word.to_str());
    let command = words.find(|word| root.find_subcommand(word).is_some());
    command.map_or_else(|| "llm".to_owned(), |command| format!("llm {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn misuse(line: &[&str]) -> (String, String) {
        let error = Cli::try_parse_from(line).expect_err("is refused");
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let failure = failure_of(&error, &line);
        (failure.message, failure.hint.unwrap_or_default())
    }

    #[test]
    fn clap_speaks_in_one_line() {
        let (message, hint) = misuse(&["llm", "chat", "--temperature", "hot"]);
        assert_eq!(message, "invalid value 'hot' for '--temperature <F>': that is not a number");
        assert_eq!(hint, "see `llm chat --help`");
        let (message, hint) = misuse(&["llm", "chat", "--temprature", "1"]);
        assert_eq!(message, "unexpected argument '--temprature' found");
        assert!(hint.contains("--temperature"), "{hint}");
        let (message, hint) = misuse(&["llm", "chta"]);
        assert_eq!(message, "unrecognized subcommand 'chta'");
        assert!(hint.contains("chat"), "{hint}");
        assert_eq!(misuse(&["llm"]).0, "no command is given");
    }
}
