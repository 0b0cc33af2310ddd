//! The only access to the standard streams and the environment.
#![expect(clippy::disallowed_methods, reason = "this module is what the rule points to")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::OnceLock;

use crate::stop::StopSignal;

mod folders;
mod links;
mod placed;
mod shown;
mod stderr;
mod typed;

pub(crate) use links::resolved;
pub(crate) use placed::PlacedReader;
pub(crate) use stderr::Stderr;

/// The environment variables: those of the process, or a table in tests.
#[derive(Debug, Clone)]
pub(crate) enum Env {
    System,
    Table(BTreeMap<String, String>),
}

impl Env {
    /// The variable's value. Empty and non-Unicode values count as unset.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = match self {
            Env::System => std::env::var(name).ok(),
            Env::Table(table) => table.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The variables whose names are wanted, with their values; those that are not Unicode are left out.
    pub(crate) fn named(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let all: Vec<(String, String)> = match self {
            Env::System => std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            Env::Table(table) => table.clone().into_iter().collect(),
        };
        all.into_iter().filter(|(name, _)| is_wanted(name)).collect()
    }

    /// The user's own folder.
    pub(crate) fn home(&self) -> Option<String> {
        let of_windows = || self.get("USERPROFILE").filter(|_| cfg!(windows));
        self.get("HOME").or_else(of_windows)
    }

    /// A path from a file or a flag. `~/` at its beginning stands for the home directory.
    pub(crate) fn expand_home(&self, path: &str) -> PathBuf {
        let home = path.strip_prefix("~/").zip(self.home());
        home.map_or_else(|| path.into(), |(rest, home)| Path::new(&home).join(rest))
    }
}

/// The longest text that is held whole: keys and configuration.
pub(crate) const MOST_TEXT: usize = 64 * 1024 * 1024;

/// All that a reader gives; `None` if that is more than [`MOST_TEXT`] bytes.
///
/// # Errors
/// Those of the reader.
pub(crate) fn read_text(reader: impl std::io::Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut reader.take(MOST_TEXT as u64 + 1), &mut bytes)?;
    Ok((bytes.len() <= MOST_TEXT).then_some(bytes))
}

/// When colour is used: the values of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// The program's streams and what is known about them. All output goes through here.
pub struct Io {
    /// Taken by the one reader of standard input.
    pub(crate) stdin: Option<Box<dyn Read + Send + Sync>>,
    /// Unbuffered: each write is one system call.
    pub(crate) stdout: Box<dyn Write + Send + Sync>,
    pub(crate) stderr: Stderr,
    pub(crate) env: Env,
    pub(crate) stdin_is_terminal: bool,
    /// Stdin is a regular file, whose end is certain to come.
    pub(crate) stdin_is_file: bool,
    /// Something of that file was read by whoever started the program.
    pub(crate) stdin_was_read: bool,
    pub(crate) stdout_is_terminal: bool,
    /// Stdout is a regular file, so that a write never waits for a reader.
    pub(crate) stdout_is_file: bool,
    pub(crate) color: ColorWhen,
    /// The signal that was received, once signals are watched.
    pub(crate) stop: Option<StopSignal>,
    /// A duplicate of stdout, to notice that its reader is gone while nothing is written.
    pub(crate) stdout_handle: Option<File>,
    /// See [`Io::nonblocking_stdout`].
    #[cfg(unix)]
    nonblocking_stdout: OnceLock<Option<File>>,
}

impl Io {
    /// The streams and the environment of the process.
    pub fn system() -> Self {
        // An old console shows colours only where it is asked to.
        #[cfg(windows)]
        let _ = anstyle_query::windows::enable_ansi_colors();
        let stdout_handle = duplicate_stdout();
        let stdin_file = stdin_file();
        // The duplicate has no line buffer.
        let stdout: Box<dyn Write + Send + Sync> =
            match stdout_handle.as_ref().and_then(|file| file.try_clone().ok()) {
                Some(file) => Box::new(file),
                None => Box::new(std::io::stdout()),
            };
        let stderr = Stderr::new(Box::new(std::io::stderr()), std::io::stderr().is_terminal());
        let stdout_is_terminal = std::io::stdout().is_terminal();
        Self {
            stdin: Some(Box::new(std::io::stdin())),
            stdout: if stdout_is_terminal { stderr.beside(stdout) } else { stdout },
            stderr,
            env: Env::System,
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdin_is_file: stdin_file.is_some(),
            stdin_was_read: stdin_file.is_some_and(is_in_the_middle),
            stdout_is_terminal,
            stdout_is_file: is_file(stdout_handle.as_ref()),
            color: ColorWhen::Auto,
            stop: None,
            stdout_handle,
            #[cfg(unix)]
            nonblocking_stdout: OnceLock::new(),
        }
    }

    /// Stdout opened again without blocking, if it is a pipe and the system supports that. Making stdout
    /// itself nonblocking would affect all programs that share it.
    #[cfg(unix)]
    pub(crate) fn nonblocking_stdout(&self) -> Option<&File> {
        self.nonblocking_stdout
            .get_or_init(|| self.stdout_handle.as_ref().and_then(open_nonblocking))
            .as_ref()
    }

    /// Streams without input that discard all output: what stays behind while a task has the real ones.
    pub(crate) fn nowhere() -> Self {
        Self {
            stdin: None,
            stdout: Box::new(std::io::sink()),
            stderr: Stderr::new(Box::new(std::io::sink()), false),
            env: Env::Table(BTreeMap::new()),
            stdin_is_terminal: false,
            stdin_is_file: false,
            stdin_was_read: false,
            stdout_is_terminal: false,
            stdout_is_file: false,
            color: ColorWhen::Never,
            stop: None,
            stdout_handle: None,
            #[cfg(unix)]
            nonblocking_stdout: OnceLock::new(),
        }
    }

    /// The folder for temporary files.
    pub(crate) fn temporary_folder(&self) -> std::path::PathBuf {
        match &self.env {
            Env::System => std::env::temp_dir(),
            Env::Table(_) => self.env.get("TMPDIR").unwrap_or_else(|| ".".to_owned()).into(),
        }
    }

    /// Whether text on stderr may be coloured (<https://no-color.org>, `CLICOLOR_FORCE`).
    pub(crate) fn colors_stderr(&self) -> bool {
        self.colors(self.stderr.is_terminal)
    }

    /// Whether text on stdout may be coloured.
    pub(crate) fn colors_stdout(&self) -> bool {
        self.colors(self.stdout_is_terminal)
    }

    fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                let forced = self.env.get("CLICOLOR_FORCE").is_some_and(|value| value != "0");
                self.env.get("NO_COLOR").is_none()
                    && (forced || (is_terminal && self.env.get("TERM").as_deref() != Some("dumb")))
            }
        }
    }

    /// [`Stderr::say`].
    pub(crate) fn say(&self, text: &str) {
        self.stderr.say(text);
    }

    /// What went wrong, and what the user can do about it.
    pub(crate) fn say_failure(&self, message: &str, hint: Option<&str>) {
        self.stderr.say(message);
        if let Some(hint) = hint {
            self.stderr.hint(hint);
        }
    }

    /// [`Stderr::note`].
    pub(crate) fn note(&self, text: &str) {
        self.stderr.note(text);
    }

    /// [`Stderr::warn`].
    pub(crate) fn warn(&self, text: &str) {
        self.stderr.warn(text);
    }

    /// What the user can do about the warning before, unless `--quiet`.
    pub(crate) fn warning_hint(&self, text: &str) {
        if !self.stderr.is_quiet {
            self.stderr.hint(text);
        }
    }

    /// [`Stderr::hint`].
    pub(crate) fn hint(&self, text: &str) {
        self.stderr.hint(text);
    }
}

#[cfg(unix)]
fn duplicate_stdout() -> Option<File> {
    use std::os::fd::AsFd;
    std::io::stdout().as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(target_os = "linux")]
fn open_nonblocking(pipe: &File) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::FileTypeExt as _;
    let is_pipe = pipe.metadata().is_ok_and(|facts| facts.file_type().is_fifo());
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    is_pipe.then(|| open(path, flags, Mode::empty()).ok()).flatten().map(File::from)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn open_nonblocking(_: &File) -> Option<File> {
    None
}

fn is_file(file: Option<&File>) -> bool {
    file.is_some_and(|file| file.metadata().is_ok_and(|facts| facts.is_file()))
}

/// Stdin, if it is a regular file.
#[cfg(unix)]
fn stdin_file() -> Option<File> {
    use std::os::fd::AsFd;
    let file = std::io::stdin().as_fd().try_clone_to_owned().map(File::from).ok();
    file.filter(|file| is_file(Some(file)))
}

#[cfg(not(unix))]
fn stdin_file() -> Option<File> {
    None
}

/// Whether the next read of a file begins behind its beginning and before its end.
fn is_in_the_middle(mut file: File) -> bool {
    let length = file.metadata().map_or(0, |facts| facts.len());
    file.stream_position().is_ok_and(|at| at > 0 && at < length)
}

#[cfg(not(unix))]
fn duplicate_stdout() -> Option<File> {
    None
}

#[cfg(test)]
mod tests;
