//! A fast way to read the usual command line, whose first word is the command. Knows no errors:
//! what it can't read is read again in full, which says what is wrong.
//!
//! The full description holds all commands and gives each of them the common options; to build it
//! takes longer than all else before the request. Here only the one command is described.

use std::ffi::OsString;

use clap::{Args, FromArgMatches as _};

use super::description::description;
use super::{Cli, Command, Common};

/// Reads a command line, the program's name first.
///
/// # Errors
/// A command line that is wrong, or one that asks for help.
pub(crate) fn read(line: &[OsString]) -> Result<Cli, clap::Error> {
    of_usual_line(line).map_or_else(|| in_full(line), Ok)
}

fn in_full(line: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = description().try_get_matches_from(line)?;
    Cli::from_arg_matches_mut(&mut matches)
}

/// `None` if the line is not as simple as that.
fn of_usual_line(line: &[OsString]) -> Option<Cli> {
    let [_, command, rest @ ..] = line else { return None };
    match command.to_str()? {
        "chat" => of_command(rest, |args| Command::Chat(Box::new(args))),
        "embed" => of_command(rest, Command::Embed),
        "image" => of_command(rest, |args| Command::Image(Box::new(args))),
        "models" => of_command(rest, Command::Models),
        "speak" => of_command(rest, |args| Command::Speak(Box::new(args))),
        "transcribe" => of_command(rest, |args| Command::Transcribe(Box::new(args))),
        _ => None,
    }
}

/// Reads the options of one command and the common ones.
fn of_command<A: Args>(rest: &[OsString], command: fn(A) -> Command) -> Option<Cli> {
    let description = clap::Command::new("llm").no_binary_name(true).disable_help_flag(true);
    let description = A::augment_args(Common::augment_args(description));
    let mut matches = description.try_get_matches_from(rest).ok()?;
    Some(Cli {
        common: Common::from_arg_matches_mut(&mut matches).ok()?,
        command: command(A::from_arg_matches_mut(&mut matches).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use proptest::prelude::*;

    /// What can be typed, and some of what can't.
    const WORDS: [&str; 34] = [
        "chat",
        "embed",
        "image",
        "models",
        "speak",
        "transcribe",
        "history",
        "help",
        "你好",
        "-",
        "--",
        "-1",
        "-p",
        "x",
        "--profile",
        "--provider=y",
        "-m",
        "-mz",
        "-O",
        "a.b=1",
        "-H",
        "A: b",
        "-vq",
        "--json",
        "--color",
        "never",
        "-f",
        "-n",
        "2",
        "-o",
        "--no-stdin",
        "--format",
        "-h",
        "--version",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn both_ways_read_the_same(line in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..8)) {
            let line: Vec<OsString> = ["llm"].into_iter().chain(line).map(OsString::from).collect();
            if let Some(read) = of_usual_line(&line) {
                let full = Cli::try_parse_from(&line).map(|cli| format!("{cli:?}"));
                prop_assert_eq!(full.ok(), Some(format!("{read:?}")));
            }
        }
    }

    #[test]
    fn the_usual_lines_are_read() {
        for line in [
            &["chat", "-p", "x", "你好"][..],
            &["chat", "--no-stdin", "-m", "m", "--temperature", "-1", "你", "好"],
            &["embed", "--lines", "-f", "a.txt", "-o", "v.npy"],
            &["image", "-n", "3", "一只猫", "-o", "cat.png"],
            &["models", "-p", "x"],
            &["speak", "-o", "a.mp3", "早上好"],
            &["transcribe", "会议.mp3", "-v"],
        ] {
            let line: Vec<OsString> = ["llm"].iter().chain(line).map(OsString::from).collect();
            assert!(of_usual_line(&line).is_some(), "{line:?}");
        }
        for line in [&["llm"][..], &["llm", "-p", "x", "chat"], &["llm", "chat", "--help"]] {
            assert!(
                of_usual_line(&line.iter().map(OsString::from).collect::<Vec<_>>()).is_none(),
                "{line:?}"
            );
        }
    }
}
