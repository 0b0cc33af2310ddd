//! Answers a completion script: what the last word of a command line can become.

use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::known::{ANY_FILE, Known, values_of};
use crate::cli::description::description;
use crate::cli::generate::CompletionShell;
use crate::io::Io;

/// The answer to a script: `files` in the first line if the shell shall complete names of files too, else
/// `words`; then a candidate a line, with a tab and what it is.
pub(super) fn answer(shell: CompletionShell, words: &[OsString], io: &mut Io) -> String {
    let mut words: Vec<OsString> = words.to_vec();
    if let Some(last) = words.last_mut().filter(|_| shell == CompletionShell::Powershell) {
        // Windows PowerShell drops empty words, so its script puts a dot behind the last one.
        let text = last.to_string_lossy().into_owned();
        *last = text.strip_suffix('.').unwrap_or(&text).into();
    }
    let Some((last, before)) = words.split_last() else { return String::new() };
    let is_empty = last.is_empty();
    let before: Vec<String> =
        before.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let known = Arc::new(Mutex::new(Known::new(&before, io)));
    let mut command = with_values(description(), "", &known);
    let index = words.len() - 1;
    let found = clap_complete::engine::complete(&mut command, words, index, None);
    let found = found.unwrap_or_default();
    let (files, mut found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|candidate| text_of(candidate).ends_with(ANY_FILE));
    // Flags are offered to who has typed a dash, or where there is nothing else.
    let is_flag = |candidate: &CompletionCandidate| text_of(candidate).starts_with('-');
    if is_empty && (!files.is_empty() || found.iter().any(|candidate| !is_flag(candidate))) {
        found.retain(|candidate| !is_flag(candidate));
    }
    let mut text = String::from(if files.is_empty() { "words\n" } else { "files\n" });
    for candidate in &found {
        let value = text_of(candidate);
        if value.chars().any(char::is_control) {
            continue;
        }
        let about = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let about = about.lines().next().unwrap_or_default().replace('\t', " ");
        text.push_str(&format!("{value}\t{about}\n"));
    }
    text
}

fn text_of(candidate: &CompletionCandidate) -> String {
    candidate.get_value().to_string_lossy().into_owned()
}

/// The description with what is known of values; `path` are the command's words.
fn with_values(command: Command, path: &str, known: &Arc<Mutex<Known>>) -> Command {
    let command = command.mut_args(|arg| match values_of(path, &arg) {
        Some(values) => {
            let known = Arc::clone(known);
            let fitting = move |typed: &OsStr| {
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                fitting(known.all(values), &typed.to_string_lossy())
            };
            arg.add(ArgValueCompleter::new(fitting))
        }
        None => arg,
    });
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        with_values(below, path.trim_start(), known)
    })
}

/// Those that begin as what was typed, and the word for a file of any name.
fn fitting(mut all: Vec<CompletionCandidate>, typed: &str) -> Vec<CompletionCandidate> {
    all.retain(|candidate| {
        let value = text_of(candidate);
        value == ANY_FILE || value.starts_with(typed)
    });
    all
}
