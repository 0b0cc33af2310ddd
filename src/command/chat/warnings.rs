//! Warnings that a conversation of many questions gives once.

use crate::io::Io;

/// The warnings that were given.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<String>);

impl Warnings {
    /// Warns, unless it did so before.
    pub(super) fn warn(&mut self, text: &str, io: &Io) {
        if self.0.iter().all(|known| known != text) {
            io.warn(text);
            self.0.push(text.to_owned());
        }
    }
}
