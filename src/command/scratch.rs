//! A private folder for what must lie on the disk for a while. Gone when its owner is.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::{Failure, FailureKind, reason};
use crate::io::Env;
use crate::private;

/// A folder that nobody else can look into, removed with all its files.
#[derive(Debug)]
pub(in crate::command) struct ScratchFolder {
    folder: PathBuf,
}

impl ScratchFolder {
    /// Makes the folder where the system wants such things (`TMPDIR`; `TEMP` on Windows).
    ///
    /// # Errors
    /// Exit 1 when it can't be made.
    pub(in crate::command) fn new(env: &Env) -> Result<Self, Failure> {
        let named = ["TMPDIR", "TEMP", "TMP"].iter().find_map(|name| env.get(name));
        let place = named.map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
        let mut number = 0;
        loop {
            let folder = place.join(format!("llm-{}-{number}", std::process::id()));
            match private::folder().create(&folder) {
                Ok(()) => return Ok(Self { folder }),
                Err(error)
                    if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 =>
                {
                    number += 1;
                }
                Err(error) => return Err(cannot(&folder, &error)),
            }
        }
    }

    /// The path of a file in the folder.
    pub(in crate::command) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A new file in the folder.
    ///
    /// # Errors
    /// Exit 1 when it can't be made.
    pub(in crate::command) fn file(&self, name: &str) -> Result<File, Failure> {
        let path = self.path(name);
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        opened.map_err(|error| cannot(&path, &error))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    let words = format!("cannot make the temporary {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, words).hint("TMPDIR names another folder for temporary files")
}

#[cfg(unix)]
const DEFAULT: &str = "/tmp";
#[cfg(not(unix))]
const DEFAULT: &str = ".";
