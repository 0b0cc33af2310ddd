//! What became of the files of a run: one that fails does not stop the others.

use crate::error::{Failure, FailureKind};
use crate::io::Io;

/// What became of the files of a run.
#[derive(Debug)]
pub(super) struct Tally {
    files: usize,
    failed: usize,
    first: Option<FailureKind>,
}

impl Tally {
    pub(super) fn new(files: usize) -> Self {
        Self { files, failed: 0, first: None }
    }

    /// Takes note of a file that failed, and says so where others follow.
    ///
    /// # Errors
    /// The failure itself where it ends the run: the only file, an interruption, a reader that went
    /// away.
    pub(super) fn failed(&mut self, failure: Failure, name: &str, io: &Io) -> Result<(), Failure> {
        if self.files == 1 || failure.is_silent() {
            return Err(failure);
        }
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        io.say_failure(&format!("{name}{}", failure.message), failure.hint.as_deref());
        self.failed += 1;
        self.first.get_or_insert(failure.kind);
        Ok(())
    }

    /// The run's outcome: the first failure decides the exit code.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let Some(kind) = self.first else { return Ok(()) };
        let words = format!("{} of {} files were not transcribed", self.failed, self.files);
        Err(Failure::new(kind, words))
    }
}
