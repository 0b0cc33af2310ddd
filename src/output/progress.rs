//! Progress bars on stderr. Only on a terminal, and removed at the end. What is written meanwhile, by whomever,
//! stands above the bar.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::io::{Io, Stderr};
use crate::sanitize;

/// A progress bar, which may be invisible.
#[derive(Debug, Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for bytes; `total` if it is known.
    pub(crate) fn bytes(what: &str, total: Option<u64>, io: &Io) -> Self {
        let known = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Self::new(what, total, io, known, "{msg} {spinner} {bytes} {bytes_per_sec}")
    }

    /// A bar for a number of items; `total` if it is known.
    pub(crate) fn items(what: &str, total: Option<u64>, io: &Io) -> Self {
        let known = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
        Self::new(what, total, io, known, "{msg} {spinner} {pos} {per_sec}")
    }

    /// A spinner with the time that has passed.
    pub(crate) fn waiting(what: &str, io: &Io) -> Self {
        Self::new(what, None, io, "", "{msg} {spinner} {elapsed}")
    }

    /// A line of words, which [`Progress::say`] writes.
    pub(crate) fn line(io: &Io) -> Self {
        Self::new("", None, io, "", "{wide_msg}")
    }

    /// Whether anything is shown.
    pub(crate) fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Writes the line anew.
    pub(crate) fn say(&self, line: &str) {
        self.0.set_message(line.to_owned());
    }

    fn new(what: &str, total: Option<u64>, io: &Io, known: &str, unknown: &str) -> Self {
        if !io.stderr.is_terminal || io.stderr.is_quiet {
            return Self(ProgressBar::hidden());
        }
        let terminal = BarTerminal { stderr: io.stderr.clone(), line: Mutex::default() };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal), 10);
        let bar = ProgressBar::with_draw_target(total, target);
        let template = if total.is_some() { known } else { unknown };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(sanitize::one_line(what));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Advances the bar.
    pub(crate) fn add(&self, count: u64) {
        self.0.inc(count);
    }

    /// A function that advances the bar, for a client that reports the bytes it sent.
    pub(crate) fn counter(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let bar = self.0.clone();
        Arc::new(move |count| bar.inc(count))
    }

    /// Removes the bar.
    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// The terminal that a bar is drawn on: one line, which other output keeps clear of.
#[derive(Debug)]
struct BarTerminal {
    stderr: Stderr,
    /// What has been drawn of the line.
    line: Mutex<String>,
}

impl TermLike for BarTerminal {
    fn width(&self) -> u16 {
        self.stderr.columns()
    }

    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn flush(&self) -> std::io::Result<()> {
        let line = std::mem::take(&mut *self.line.lock().unwrap_or_else(PoisonError::into_inner));
        match line.trim_end() {
            "" => self.stderr.end_shown_line(),
            line => self.stderr.show_lasting_line(line),
        }
        Ok(())
    }

    // There is no other line to move to, and each drawing replaces the one before.

    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.write_str(text)
    }

    fn clear_line(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
}
