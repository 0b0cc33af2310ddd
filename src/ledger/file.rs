//! The file that notes are appended to, by any number of runs at once: whole lines in one write each.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::note::Note;
use crate::error::reason;
use crate::history::Store;
use crate::io::{Env, Stderr};

const NAME: &str = "usage.jsonl";

/// A warning was given: a conversation notes each turn, and one is enough.
static HAS_WARNED: AtomicBool = AtomicBool::new(false);

/// The notes of all runs.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    store: Store,
    path: PathBuf,
}

impl Ledger {
    /// The user's. Looks at no file; `None` where there is no home directory.
    pub(crate) fn find(env: &Env) -> Option<Self> {
        let store = Store::find(env)?;
        Some(Self { path: store.file(NAME), store })
    }

    /// Where it is, whether it exists or not.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds notes to the user's. What can't be written earns one warning: the run itself has done its work.
    pub(crate) fn add_all(notes: &[Note], env: &Env, stderr: Option<&Stderr>) {
        if notes.is_empty() {
            return;
        }
        let Some(ledger) = Self::find(env) else { return };
        let Err(error) = notes.iter().try_for_each(|note| ledger.store.append(&ledger.path, note))
        else {
            return;
        };
        if let Some(stderr) = stderr.filter(|_| !HAS_WARNED.swap(true, Relaxed)) {
            let path = ledger.path.display();
            stderr.warn(&format!("usage is not noted: cannot write {path}: {}", reason(&error)));
        }
    }
}
