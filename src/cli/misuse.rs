//! Turns clap's account of a wrong command line into one line and a hint, in the voice of the rest.

use crate::error::Failure;

/// The failure for a command line that clap refused.
pub(crate) fn failure_of(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message = fold(first.strip_prefix("error: ").unwrap_or(first));
    let tips: Vec<String> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).map(fold).collect();
    if error.kind() == clap::error::ErrorKind::MissingSubcommand {
        return Failure::usage("no command is given")
            .hint("`llm chat \"hello\"` asks a model; `llm --help` lists the commands");
    }
    let failure = Failure::usage(message);
    match tips.first() {
        Some(tip) => failure.hint(tip.as_str()),
        None => failure.hint(format!("see `{} --help`", command_of(&text))),
    }
}

/// Lines folded into one.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `llm chat` out of clap's `Usage: llm chat [OPTIONS] …` line.
fn command_of(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("llm");
    let words =
        usage.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    fn misuse(line: &[&str]) -> (String, String) {
        let error = Cli::try_parse_from(line).expect_err("is refused");
        let failure = failure_of(&error);
        (failure.message, failure.hint.unwrap_or_default())
    }

    #[test]
    fn clap_speaks_in_one_line() {
        let (message, hint) = misuse(&["llm", "chat", "--temperature", "hot"]);
        assert_eq!(message, "invalid value 'hot' for '--temperature <F>': that is no number");
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
