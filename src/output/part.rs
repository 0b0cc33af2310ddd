//! Files under a name that is free, until they are whole. Each is locked while it is written, so that those
//! of a process that was killed can be told from the others, and are removed by the next one.

use crate::private;
use std::fs::{File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The ending of files that are being written.
const ENDING: &str = "part";

/// Folders in which leftovers were looked for.
static SEARCHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Creates a file in the folder of `target`, which nobody else can read.
///
/// # Errors
/// Those of creating a file in the folder.
pub(super) fn create_beside(target: &Path) -> std::io::Result<(File, PathBuf)> {
    let folder = folder_of(target);
    let is_new = {
        let mut searched = SEARCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !searched.iter().any(|known| known == folder);
        searched.extend(is_new.then(|| folder.to_owned()));
        is_new
    };
    if is_new {
        remove_leftovers(folder);
    }
    loop {
        let (file, path) = create(folder, ENDING, private::file().write(true))?;
        // Another process may have taken it for a leftover before it was locked.
        if lock(&file) && is_at(&file, &path) {
            return Ok((file, path));
        }
    }
}

/// What a file that is created at `target` may be used for, as the user wants it.
///
/// # Errors
/// As [`create_beside`].
pub(super) fn usual_permissions(target: &Path) -> std::io::Result<Permissions> {
    // Nothing else tells it safely: the mask can only be read by setting it.
    let (file, path) = create(folder_of(target), ENDING, OpenOptions::new().write(true))?;
    let facts = file.metadata();
    std::fs::remove_file(path)?;
    Ok(facts?.permissions())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a file with a name that is free. The name is not made of the target's, which may be as long as
/// a name can be.
///
/// # Errors
/// Those of creating a file in the folder.
pub(super) fn create(
    folder: &Path,
    ending: &str,
    options: &mut OpenOptions,
) -> std::io::Result<(File, PathBuf)> {
    let mut number = 0;
    loop {
        let path = folder.join(format!(".llm-{}-{number}.{ending}", std::process::id()));
        match options.create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether this is a name that [`create`] gives to a part file: nothing else is ever removed.
fn is_part(name: &str) -> bool {
    let middle = name.strip_prefix(".llm-").and_then(|name| name.strip_suffix(".part"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    middle
        .and_then(|middle| middle.split_once('-'))
        .is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// Removes what processes that were killed have left in a folder.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if !entry.file_name().to_str().is_some_and(is_part) || !is_file() {
            continue;
        }
        let path = entry.path();
        // What is in use stays, and so does what can't be looked at.
        if let Ok(file) = OpenOptions::new().write(true).open(&path)
            && lock(&file)
            && is_at(&file, &path)
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Locks a file until it is closed; false if another process has. A file system that knows no locks has
/// no leftovers either, as far as anybody can tell.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(rustix::io::Errno::WOULDBLOCK)
}

#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    true
}

/// Whether a file still has this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let facts = (file.metadata(), std::fs::symlink_metadata(path));
    matches!(facts, (Ok(file), Ok(named)) if (file.dev(), file.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_what_nobody_writes_any_more_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let named = |name: &str| folder.path().join(name);
        for name in
            [".llm-1-0.part", ".llm-77-12.part", ".llm-a-0.part", ".llm-1-0.parts", "a.jsonl.part"]
        {
            std::fs::write(named(name), "x").expect("written");
        }
        let held = File::open(named(".llm-77-12.part")).expect("there");
        assert!(lock(&held));
        let (file, path) = create_beside(&named("a.txt")).expect("created");
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        let own = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let mut expected =
            [".llm-77-12.part", &own, ".llm-1-0.parts", ".llm-a-0.part", "a.jsonl.part"];
        expected.sort_unstable();
        assert_eq!(left, expected);
        let mode = |file: &File| file.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert!(!lock(&File::open(&path).expect("there")), "it is in use");
    }
}
