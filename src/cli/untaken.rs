//! Common options that a command can't carry out. Before the command's name they may come from an alias
//! (`llm -p work`), and are left alone; behind it they are meant for the command, and it would not do what
//! was asked.

use std::ffi::OsString;

use clap::Command as Description;

use super::Command;
use super::description::{description, taken};
use crate::error::Failure;

/// Understood by every command: they change nothing of what it does.
const HARMLESS: [&str; 5] = ["color", "config", "no_log", "quiet", "verbose"];

/// The refusal of an option that stands behind a command which has no use for it, in a command line (the
/// program's name first) that was read as `command`.
pub(crate) fn refusal(command: &Command, line: &[OsString]) -> Option<Failure> {
    taken(command.name())?;
    let words: Vec<&str> = line.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let typed = Typed::read(&words, &description());
    let path = typed.path.join(" ");
    // A command below another takes what that one does, unless it has a row of its own.
    let taken = taken(&path).or_else(|| taken(typed.path.first()?))?;
    let is_refused = |id: &&String| {
        let id = id.as_str();
        // `llm config --json` says itself what prints JSON.
        let is_told = (typed.path.first().copied(), id) == (Some("config"), "json");
        !taken.contains(&id) && !HARMLESS.contains(&id) && !is_told
    };
    let flag = typed.common.iter().find(is_refused)?.replace('_', "-");
    let failure = Failure::usage(format!("`llm {path}` takes no --{flag}"));
    Some(failure.hint(format!("see `llm {path} --help`")))
}

/// What was typed: the command with those below it, and the common options behind its name.
#[derive(Debug, Default, PartialEq)]
struct Typed<'a> {
    path: Vec<&'a str>,
    common: Vec<String>,
}

impl<'a> Typed<'a> {
    fn read(words: &[&'a str], root: &Description) -> Self {
        let mut typed = Self::default();
        let mut command = root;
        let mut is_path = true;
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            if word.len() < 2 || !word.starts_with('-') {
                let below = command.find_subcommand(word).filter(|_| is_path);
                is_path = below.is_some();
                if let Some(below) = below {
                    command = below;
                    typed.path.push(word);
                }
                continue;
            }
            let (args, takes_next) = arguments(word, command, root);
            if !typed.path.is_empty() {
                let is_common = |arg: &&&clap::Arg| is_common(arg, root);
                typed
                    .common
                    .extend(args.iter().filter(is_common).map(|arg| arg.get_id().to_string()));
            }
            if takes_next {
                words.next();
            }
        }
        typed
    }
}

fn is_common(arg: &clap::Arg, root: &Description) -> bool {
    root.get_arguments().any(|common| common.is_global_set() && common.get_id() == arg.get_id())
}

/// What a word such as `--model`, `--model=x`, `-mx` or `-qv` stands for, and whether the next word is its
/// value.
fn arguments<'d>(
    word: &str,
    command: &'d Description,
    root: &'d Description,
) -> (Vec<&'d clap::Arg>, bool) {
    let find = |is_meant: &dyn Fn(&clap::Arg) -> bool| {
        let all = command.get_arguments().chain(root.get_arguments());
        all.into_iter().find(|arg| is_meant(arg))
    };
    let takes_value = |arg: &clap::Arg| arg.get_action().takes_values();
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) =
            long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let is_meant = |arg: &clap::Arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        };
        let found = find(&is_meant);
        let takes_next = value.is_none() && found.is_some_and(takes_value);
        return (found.into_iter().collect(), takes_next);
    }
    let mut found = Vec::new();
    let mut letters = word.chars().skip(1).peekable();
    while let Some(letter) = letters.next() {
        let Some(arg) = find(&|arg| arg.get_short() == Some(letter)) else { break };
        found.push(arg);
        if takes_value(arg) {
            return (found, letters.peek().is_none());
        }
    }
    (found, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> (String, String) {
        let typed = Typed::read(words, &description());
        (typed.path.join(" "), typed.common.join(" "))
    }

    #[test]
    fn options_behind_a_command_are_found() {
        for (words, path, common) in [
            (&["history"][..], "history", ""),
            (&["-p", "history", "history", "list"], "history list", ""),
            (&["history", "-m", "rm", "rm", "x"], "history rm", "model"),
            (&["history", "search", "--model=x", "rm"], "history search", "model"),
            (&["history", "search", "list"], "history search", ""),
            (
                &["history", "search", "a", "-qpx", "--dry-run"],
                "history search",
                "quiet provider dry_run",
            ),
            (&["history", "-n", "3", "list", "--profile", "x"], "history list", "provider"),
            (&["completions", "zsh", "--", "llm", "-m"], "completions", ""),
            (&["history", "search", "-"], "history search", ""),
        ] {
            assert_eq!(typed(words), (path.to_owned(), common.to_owned()), "{words:?}");
        }
    }
}
