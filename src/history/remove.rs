//! Conversations that go for good, with all that was kept for them.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde_json::Value;

use super::inputs::INPUTS;
use super::name::{ConversationKey, new_id};
use super::store::{RECENT, RECENT_BEFORE, Store};
use crate::error::{Failure, FailureKind, reason};
use crate::private;

impl Store {
    /// Removes conversations: what was typed in them, and the files that went along with them and with no
    /// other one.
    ///
    /// # Errors
    /// Exit 1: a file that can't be removed or written.
    pub(crate) fn remove(&self, keys: &[ConversationKey]) -> Result<(), Failure> {
        for key in keys {
            let path = self.path(key);
            let contents = std::fs::read(&path).unwrap_or_default();
            std::fs::remove_file(&path).map_err(|error| cannot_remove(&path, &error))?;
            self.remove_files(&contents).map_err(|error| cannot_remove(&path, &error))?;
        }
        let gone: BTreeSet<&str> = keys.iter().map(ConversationKey::as_str).collect();
        for name in [INPUTS, RECENT, RECENT_BEFORE] {
            let path = self.file(name);
            without(&path, &gone).map_err(|error| cannot_remove(&path, &error))?;
        }
        Ok(())
    }

    /// Removes all conversations, their files and all that was typed.
    ///
    /// # Errors
    /// As those of [`Store::remove`].
    pub(crate) fn remove_all(&self) -> Result<(), Failure> {
        let folder = self.conversations();
        for key in self.keys().map_err(|error| cannot_remove(&folder, &error))? {
            remove_file(&self.path(&key))?;
        }
        self.remove_all_files()?;
        [INPUTS, RECENT, RECENT_BEFORE].iter().try_for_each(|name| remove_file(&self.file(name)))
    }

    /// Removes all kept files, and parts of such files that a run left behind.
    ///
    /// # Errors
    /// Exit 1: a file that can't be removed.
    fn remove_all_files(&self) -> Result<(), Failure> {
        let entries = std::fs::read_dir(self.files()).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("part-") || self.kept_file(&name).is_some() {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Removes a file; one that is not there is gone already.
fn remove_file(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot_remove(path, &error)),
        _ => Ok(()),
    }
}

/// Writes a file anew without the lines of these conversations.
fn without(path: &Path, gone: &BTreeSet<&str>) -> std::io::Result<()> {
    let lines = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    let is_gone = |line: &[u8]| {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let key = value.as_ref().and_then(|value| value.get("conversation")?.as_str());
        key.is_some_and(|key| gone.contains(key))
    };
    let all = || lines.split_inclusive(|byte| *byte == b'\n');
    if !all().any(is_gone) {
        return Ok(());
    }
    let kept: Vec<u8> = all().filter(|line| !is_gone(line)).flatten().copied().collect();
    let part = path.with_extension(format!("part-{}", new_id()));
    let opened = private::file().write(true).create_new(true).open(&part);
    let written = opened.and_then(|mut file| file.write_all(&kept));
    written.and_then(|()| std::fs::rename(&part, path)).inspect_err(|_| {
        let _ = std::fs::remove_file(&part);
    })
}

fn cannot_remove(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot remove {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, message)
}
