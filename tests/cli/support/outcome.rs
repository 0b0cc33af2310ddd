//! What a run of the program left behind, and assertions about it that print all of it when they fail.
//! It knows nothing of how the run was made.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::command::Place;
use super::server::Log;

/// How a run was started, for reports.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) args: Vec<String>,
    pub(super) place: Arc<Place>,
    pub(super) log: Option<Log>,
}

/// The end of a run.
#[must_use]
pub(crate) struct Outcome {
    /// All that was read from standard output.
    pub(crate) stdout: Vec<u8>,
    /// All of standard error.
    pub(crate) stderr: Vec<u8>,
    /// The exit code; `None` if a signal ended the process.
    pub(crate) code: Option<i32>,
    /// The signal that ended the process (Unix alone).
    pub(crate) signal: Option<i32>,
    /// From the start of the process to its end.
    pub(crate) elapsed: Duration,
    origin: Origin,
}

impl Outcome {
    pub(super) fn new(
        origin: Origin,
        status: Option<ExitStatus>,
        elapsed: Duration,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    ) -> Self {
        Self {
            stdout,
            stderr,
            code: status.and_then(|status| status.code()),
            signal: status.and_then(signal),
            elapsed,
            origin,
        }
    }

    /// The folder that the program ran in.
    pub(crate) fn dir(&self) -> PathBuf {
        self.origin.place.dir()
    }

    /// The names in [`Outcome::dir`], sorted; a part file that was left behind would be among them.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.dir())
    }

    /// The content of a file in [`Outcome::dir`]; fails the test if it can't be read.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        match std::fs::read(self.dir().join(name)) {
            Ok(bytes) => bytes,
            Err(error) => self.fail(&format!("`{name}` can't be read: {error}")),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(&self, expected: i32) -> &Self {
        self.check(self.code == Some(expected), || format!("expected exit code {expected}"))
    }

    /// Asserts the whole of standard output.
    #[track_caller]
    pub(crate) fn stdout(&self, expected: &str) -> &Self {
        self.check(self.stdout == expected.as_bytes(), || {
            format!("expected this standard output:\n{}", block(expected))
        })
    }

    /// Asserts the whole of standard output, for data that is no text.
    #[track_caller]
    pub(crate) fn stdout_bytes(&self, expected: &[u8]) -> &Self {
        self.check(self.stdout == expected, || {
            let at = self.stdout.iter().zip(expected);
            let at = at.take_while(|(left, right)| left == right).count();
            let (got, wanted) = (self.stdout.len(), expected.len());
            format!(
                "standard output has {got} bytes, expected {wanted}; they differ from byte {at} on"
            )
        })
    }

    /// Asserts that standard output contains `expected`.
    #[track_caller]
    pub(crate) fn stdout_has(&self, expected: &str) -> &Self {
        self.check(self.stdout_text().contains(expected), || {
            format!("expected in standard output: `{expected}`")
        })
    }

    /// Asserts that nothing came on standard output.
    #[track_caller]
    pub(crate) fn stdout_empty(&self) -> &Self {
        self.check(self.stdout.is_empty(), || "expected no standard output".to_owned())
    }

    /// Asserts the whole of standard error.
    #[track_caller]
    pub(crate) fn stderr(&self, expected: &str) -> &Self {
        self.check(self.stderr == expected.as_bytes(), || {
            format!("expected this standard error:\n{}", block(expected))
        })
    }

    /// Asserts that standard error contains `expected`.
    #[track_caller]
    pub(crate) fn stderr_has(&self, expected: &str) -> &Self {
        self.check(self.stderr_text().contains(expected), || {
            format!("expected in standard error: `{expected}`")
        })
    }

    /// Asserts that standard error does not contain `unwanted` (a secret, say).
    #[track_caller]
    pub(crate) fn stderr_lacks(&self, unwanted: &str) -> &Self {
        self.check(!self.stderr_text().contains(unwanted), || {
            format!("not expected in standard error: `{unwanted}`")
        })
    }

    /// Asserts that nothing came on standard error.
    #[track_caller]
    pub(crate) fn stderr_empty(&self) -> &Self {
        self.check(self.stderr.is_empty(), || "expected no standard error".to_owned())
    }

    /// Standard output as text, what is no UTF-8 replaced.
    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text, what is no UTF-8 replaced.
    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The lines of standard error, without their ends.
    pub(crate) fn stderr_lines(&self) -> Vec<String> {
        self.stderr_text().lines().map(str::to_owned).collect()
    }

    /// Standard output as JSON; fails the test if it is none.
    #[track_caller]
    pub(crate) fn stdout_json(&self) -> Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("standard output is not JSON: {error}")),
        }
    }

    /// Fails the test with `problem` and everything known about the run.
    #[track_caller]
    pub(crate) fn fail(&self, problem: &str) -> ! {
        panic!("{problem}\n{self}")
    }

    #[track_caller]
    fn check(&self, holds: bool, problem: impl FnOnce() -> String) -> &Self {
        if !holds {
            self.fail(&problem());
        }
        self
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

impl fmt::Display for Outcome {
    /// The report of a failed assertion.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "--- arguments: {:?}", self.origin.args)?;
        let (code, signal, elapsed) = (self.code, self.signal, self.elapsed);
        writeln!(out, "--- code: {code:?}, signal: {signal:?}, after {elapsed:?}")?;
        writeln!(out, "--- standard output:\n{}", block(&self.stdout_text()))?;
        writeln!(out, "--- standard error:\n{}", block(&self.stderr_text()))?;
        match &self.origin.log {
            Some(log) => writeln!(out, "{}", log.report()),
            None => Ok(()),
        }
    }
}

/// The text with its line ends and control characters made visible.
fn block(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let visible: String = line
            .chars()
            .flat_map(|c| {
                let plain = (!c.is_control()).then_some(c);
                plain.into_iter().chain(c.escape_default().filter(move |_| plain.is_none()))
            })
            .collect();
        format!("| {visible}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}
