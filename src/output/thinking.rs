//! Shows a model's thinking on standard error, apart from the answer.

use crate::io::Io;
use crate::sanitize;

/// What tells thinking from the answer on a terminal without colour.
const THINKING: &str = "llm: thinking:\n";
const ANSWER: &str = "llm: answer:\n";

/// Writes thinking, dimmed where colours are used.
#[derive(Debug)]
pub(crate) struct ThinkingWriter {
    is_shown: bool,
    is_open: bool,
    is_touched: bool,
}

impl ThinkingWriter {
    /// A writer that shows thinking or drops it.
    pub(crate) fn new(is_shown: bool) -> Self {
        Self { is_shown, is_open: false, is_touched: false }
    }

    /// Shows a piece. Write errors are ignored: the answer matters more.
    pub(crate) fn write(&mut self, text: &str, io: &mut Io) {
        if !self.is_shown || text.is_empty() {
            return;
        }
        let mut piece = String::new();
        if !self.is_open {
            piece.push_str(match io.colors_stderr() {
                true => "\u{1b}[2m",
                false if io.stderr.is_terminal => THINKING,
                false => "",
            });
        }
        (self.is_open, self.is_touched) = (true, true);
        match io.stderr.is_terminal {
            true => piece.push_str(&sanitize::for_terminal(text)),
            false => piece.push_str(text),
        }
        io.stderr.raw(piece.as_bytes());
    }

    /// Ends the thinking before answer text or a message of ours follows.
    pub(crate) fn close(&mut self, io: &mut Io) {
        if std::mem::take(&mut self.is_open) {
            let end = if io.colors_stderr() { "\u{1b}[0m\n\n" } else { "\n\n" };
            let is_marked = io.stderr.is_terminal && io.stdout_is_terminal && !io.colors_stderr();
            let mark = if is_marked { ANSWER } else { "" };
            io.stderr.raw(format!("{end}{mark}").as_bytes());
        }
    }

    /// Whether the user has seen any of it.
    pub(crate) fn is_touched(&self) -> bool {
        self.is_touched
    }
}
