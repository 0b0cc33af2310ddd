//! Turns clap's account of a wrong command line into one line and a hint, in the style of the other messages.

use std::error::Error as _;
use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ErrorKind};

use super::Cli;
use super::foreign;
use super::meant::{is_near, meant};
use crate::error::Failure;

/// How much is quoted of what stands in the place of a command.
const SHOWN_LETTERS: usize = 40;

/// The failure for a command line (the program's name first) that clap refused.
pub(crate) fn failure_of(error: &clap::Error, line: &[OsString]) -> Failure {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message = fold(first.strip_prefix("error: ").unwrap_or(first));
    let tips: Vec<String> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).map(fold).collect();
    let foreign = foreign::hint(error, line);
    if let Some(meant) = meant(line) {
        let message = match meant.word {
            Some(word) => format!("there is no command `{}`", beginning(&word)),
            None => "no command is given".to_owned(),
        };
        let hint = foreign.unwrap_or_else(|| format!("did you mean `{}`?", meant.line));
        return Failure::usage(message).hint(hint);
    }
    if matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return Failure::usage("no command is given")
            .hint("`llm chat \"hello\"` asks a model; `llm --help` lists the commands");
    }
    let message = without_value(error).unwrap_or(message);
    let failure = Failure::usage(message);
    if let Some(hint) = foreign {
        return failure.hint(hint);
    }
    match tips.iter().find(|tip| is_of_use(tip, error)) {
        Some(tip) => failure.hint(tip.as_str()),
        None => failure.hint(format!("see `{} --help`", command_of(line))),
    }
}

/// The message without the value that it is about, where that may hold a secret.
fn without_value(error: &clap::Error) -> Option<String> {
    const MAY_BE_SECRET: [&str; 3] = ["--header", "--option", "--api-key-env"];
    let text = |kind| error.get(kind).map(ToString::to_string);
    let argument = text(ContextKind::InvalidArg)?;
    if !MAY_BE_SECRET.iter().any(|flag| argument.starts_with(flag)) {
        return None;
    }
    text(ContextKind::InvalidValue)?;
    let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Some(format!("invalid value for '{argument}'{reason}"))
}

/// The first letters of a word that may be a whole prompt.
fn beginning(word: &str) -> String {
    match word.char_indices().nth(SHOWN_LETTERS) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// Whether a tip of clap's names something that is spelt nearly as what was typed, or no other spelling.
fn is_of_use(tip: &str, error: &clap::Error) -> bool {
    let is_spelling = tip.contains("similar");
    let typed = error.get(ContextKind::InvalidArg).or(error.get(ContextKind::InvalidSubcommand));
    let Some(typed) = typed.map(ToString::to_string).filter(|_| is_spelling) else { return true };
    tip.split('\'').skip(1).step_by(2).any(|name| is_near(&typed, name))
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
        assert_eq!(message, "there is no command `chta`");
        assert_eq!(hint, "did you mean `llm chat`?");
        let (message, hint) = misuse(&["llm", "providers", "chekc"]);
        assert_eq!(message, "unrecognized subcommand 'chekc'");
        assert!(hint.contains("check"), "{hint}");
        let (_, hint) = misuse(&["llm", "chat", "--rolle", "x"]);
        assert_eq!(hint, "see `llm chat --help`");
        assert_eq!(misuse(&["llm"]).0, "no command is given");
        for (flag, value) in [
            ("-H", "Authorization Bearer sk-geheim"),
            ("--header", "X Key: geheim"),
            ("--api-key-env", "sk-geheim"),
            ("--api-key-env", "hf_geheim1"),
            ("-O", "geheim"),
            ("-O", "a..b=geheim"),
        ] {
            let (message, hint) = misuse(&["llm", "chat", flag, value, "hi"]);
            assert!(message.starts_with("invalid value for '--"), "{message}");
            assert!(!message.contains("geheim") && !hint.contains("geheim"), "{message} {hint}");
        }
    }
}
