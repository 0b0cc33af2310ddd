//! Opens a file for one run alone.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{Failure, FailureKind, reason};
use crate::private;

/// How often the file may vanish while it is opened, as the run that had it ends.
const TRIES: u32 = 5;

/// Opens a file to be read and written, makes it if it is missing, and locks it.
///
/// # Errors
/// Exit 1: another run has it, or it can't be written.
pub(super) fn open_locked(path: &Path) -> Result<File, Failure> {
    for _ in 0..TRIES {
        let file = open(path).map_err(|error| cannot_write(path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path)),
            // A file system without locks: then the user has to keep runs apart.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
        if is_still_there(&file, path) {
            return Ok(file);
        }
    }
    Err(in_use(path))
}

fn open(path: &Path) -> std::io::Result<File> {
    private::file().read(true).write(true).create(true).truncate(false).open(path)
}

/// Whether the name still belongs to the file that was opened: the run before may have removed it.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |facts: std::fs::Metadata| (facts.dev(), facts.ino());
    let (opened, named) = (file.metadata().map(number), std::fs::metadata(path).map(number));
    matches!((opened, named), (Ok(opened), Ok(named)) if opened == named)
}

#[cfg(not(unix))]
fn is_still_there(_: &File, _: &Path) -> bool {
    true
}

/// The failure for a FILE.part that another run has.
pub(super) fn in_use(path: &Path) -> Failure {
    let message = format!("another run is writing {} now", path.display());
    Failure::new(FailureKind::Other, message)
        .hint("wait for it to end, or name another file with -o")
}

/// The failure for a file that can't be written.
pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, message)
}
