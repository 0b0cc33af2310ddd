//! Progress bars on stderr. Only on a terminal, and removed at the end.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::io::Io;

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
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
        let template = if total.is_some() { known } else { unknown };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
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

    /// Hides the bar while a line of text is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Removes the bar.
    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}
