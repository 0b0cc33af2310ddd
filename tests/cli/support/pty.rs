//! Runs the program in a real terminal, by way of `script` from util-linux. It knows nothing of what is
//! shown there.

use std::process::{Command, Stdio};

use super::command::Llm;
use super::running::{Input, Running};

/// Runs the program to its end in a terminal of 80 columns; gives all that it showed.
///
/// Lines end in `\r\n`, and both streams are one. `None` (with a line on standard error) if there is no
/// such `script`: the test should then return.
#[track_caller]
pub(crate) fn in_terminal(llm: &Llm) -> Option<String> {
    Some(spawn_in_terminal(llm)?.wait().stdout_text())
}

/// Starts the program in a terminal of 80 columns.
///
/// What is written to its standard input is typed: `"\r"` is Enter, `"\x03"` is Control-C, `"\x04"` the
/// end of input. The exit code is the program's own; one that a signal ended gives 128 and its number.
#[track_caller]
pub(crate) fn spawn_in_terminal(llm: &Llm) -> Option<Running> {
    if !has_script() {
        skip();
        return None;
    }
    let words: Vec<String> = llm.words().map(|word| quoted(&word)).collect();
    let line = format!("stty cols 80 rows 24; exec {}", words.join(" "));
    let mut command = llm.bare("script");
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.args(["-qec", &line, "/dev/null"]);
    Some(llm.start(command, Input::OpenPipe))
}

/// Only the `script` of util-linux knows these options; the one of the BSDs takes others.
fn has_script() -> bool {
    Command::new("script")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux"))
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skip() {
    eprintln!("SKIPPED: there is no `script` of util-linux to make a terminal with");
}

/// The word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
