//! Where links lead.

use std::path::{Path, PathBuf};

/// The path behind symbolic links, of which the last may lead to a file that does not exist yet.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // The bound is the kernel's own for a chain of links.
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => break,
        }
    }
    path
}
