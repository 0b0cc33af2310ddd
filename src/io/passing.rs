//! A line on stderr that goes away by itself as soon as something else is written.

use super::Stderr;

impl Stderr {
    /// Shows a line in place of the passing one before, where stderr is a terminal.
    pub(crate) fn show_passing_line(&self, text: &str) {
        if self.is_terminal && !self.is_quiet {
            let mut shared = self.shared();
            shared.write(text.as_bytes());
            shared.has_passing_line = true;
        }
    }

    /// Takes the passing line away.
    pub(crate) fn end_passing_line(&self) {
        self.shared().write(b"");
    }
}
