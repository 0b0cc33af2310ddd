//! Messages to the user, and the line that is shown below them for a while.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthChar as _;

use super::shown::ShownLine;
use crate::sanitize;
use crate::secret::{self, Secret};

/// Stderr, for messages to the user. Clones write to the same stream, so that concurrent work can use
/// it.
#[derive(Clone)]
pub(crate) struct Stderr {
    shared: Arc<Mutex<StderrState>>,
    pub(crate) is_terminal: bool,
    /// `--quiet`: no warnings, no notes.
    pub(crate) is_quiet: bool,
}

/// What all clones of a [`Stderr`] have in common.
struct StderrState {
    err: Box<dyn Write + Send>,
    /// What requests contain and a server may echo. Written as `***`.
    secrets: Vec<Secret>,
    shown: ShownLine,
}

impl StderrState {
    /// Writes bytes. A failed write is ignored, as there is no better place to report it.
    fn write(&mut self, bytes: &[u8]) {
        let hidden = self.shown.hide();
        let back = self.shown.back_after(bytes);
        for piece in [hidden.as_bytes(), bytes, back.as_bytes()] {
            let _ = self.err.write_all(piece);
        }
    }
}

impl Stderr {
    pub(super) fn new(err: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        let shared = StderrState { err, secrets: Vec::new(), shown: ShownLine::default() };
        Self { shared: Arc::new(Mutex::new(shared)), is_terminal, is_quiet: false }
    }

    /// Writes a line that begins with `llm: `.
    pub(crate) fn say(&self, text: &str) {
        self.line("llm: ", text);
    }

    /// Writes a note, unless `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_quiet {
            self.say(text);
        }
    }

    /// Writes a warning, unless `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        if !self.is_quiet {
            self.line("llm: warning: ", text);
        }
    }

    /// Writes what the user can do about the previous message.
    pub(crate) fn hint(&self, text: &str) {
        self.line("hint: ", text);
    }

    /// Masks these secrets in all lines from now on: a server may echo them.
    pub(crate) fn conceal(&self, secrets: Vec<Secret>) {
        let mut shared = self.shared();
        for secret in secrets {
            if !shared.secrets.contains(&secret) {
                shared.secrets.push(secret);
            }
        }
    }

    fn line(&self, prefix: &str, text: &str) {
        let mut shared = self.shared();
        let text = secret::mask(&shared.secrets, text);
        let mut line = String::from(prefix);
        if self.is_terminal {
            line.push_str(&sanitize::one_line(&text));
        } else {
            line.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        }
        line.push('\n');
        // One write per line, so that lines of concurrent runs don't mix.
        shared.write(line.as_bytes());
    }

    /// A text with all secrets masked.
    pub(crate) fn masked(&self, text: &str) -> String {
        secret::mask(&self.shared().secrets, text)
    }

    /// Writes bytes unchanged.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        self.shared().write(bytes);
    }

    /// Shows a line until other bytes are written, where stderr is a terminal.
    pub(crate) fn show_passing_line(&self, text: &str) {
        self.show(text, false);
    }

    /// Shows a line behind all that is written, until [`Stderr::end_shown_line`], where stderr is a terminal.
    pub(crate) fn show_lasting_line(&self, text: &str) {
        self.show(text, true);
    }

    /// Takes the shown line away.
    pub(crate) fn end_shown_line(&self) {
        let mut shared = self.shared();
        let hidden = shared.shown.end();
        let _ = shared.err.write_all(hidden.as_bytes());
    }

    fn show(&self, text: &str, is_lasting: bool) {
        if self.is_terminal && !self.is_quiet {
            let mut shared = self.shared();
            // A line that wraps can't be taken away.
            let text = start_of(text, self.columns());
            let line = shared.shown.show(text, is_lasting);
            let _ = shared.err.write_all(line.as_bytes());
        }
    }

    /// How wide the terminal is.
    pub(crate) fn columns(&self) -> u16 {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        size.map(|(columns, _)| columns.0).filter(|columns| *columns > 0).unwrap_or(80)
    }

    /// Another stream to the same terminal: what is written to it does not run into the shown line.
    pub(super) fn beside(&self, out: Box<dyn Write + Send + Sync>) -> Box<dyn Write + Send + Sync> {
        match self.is_terminal {
            true => Box::new(Beside { out, shared: Arc::clone(&self.shared) }),
            false => out,
        }
    }

    /// The user has ended the line.
    pub(super) fn line_was_typed(&self) {
        self.shared().shown.back_after(b"\n");
    }

    fn shared(&self) -> MutexGuard<'_, StderrState> {
        locked(&self.shared)
    }
}

impl fmt::Debug for Stderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stderr").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

/// See [`Stderr::beside`].
struct Beside {
    out: Box<dyn Write + Send + Sync>,
    shared: Arc<Mutex<StderrState>>,
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut shared = locked(&self.shared);
        let StderrState { err, shown, .. } = &mut *shared;
        let _ = err.write_all(shown.hide().as_bytes());
        let length = self.out.write(bytes)?;
        let _ = err.write_all(shown.back_after(&bytes[..length]).as_bytes());
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// As much of a text as fits into so many columns.
fn start_of(text: &str, columns: u16) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used > usize::from(columns)
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn locked(shared: &Mutex<StderrState>) -> MutexGuard<'_, StderrState> {
    // Messages are written even if another thread panicked while it wrote one.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::start_of;

    #[test]
    fn a_line_ends_at_its_last_column() {
        assert_eq!(start_of("ab中文", 4), "ab中");
        assert_eq!(start_of("ab中文", 5), "ab中");
        assert_eq!(start_of("ab中文", 6), "ab中文");
    }
}
