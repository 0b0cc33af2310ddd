//! The files that conversations are kept in: appended to by any number of runs at once, whole lines
//! in one write each, and never locked.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Value, json};

use super::line::HistoryLine;
use super::name::ConversationKey;
use crate::conversation::Turn;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Env;
use crate::private;

/// The user's data folder of this program.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// A conversation out of its file.
#[derive(Debug)]
pub(crate) struct StoredConversation {
    pub(crate) key: ConversationKey,
    /// Oldest first, without those that were taken back.
    pub(crate) turns: Vec<Turn>,
    /// The numbers of lines that can't be read, from 1.
    pub(crate) broken: Vec<usize>,
}

/// How often a last line without an end is looked at before it counts as cut.
const LOOKS: u32 = 25;
const BETWEEN_LOOKS: Duration = Duration::from_millis(4);

/// The list of what was used last is started again at this size; the one before is kept beside it.
const MAX_RECENT_BYTES: u64 = 1024 * 1024;

const ENDING: &str = "jsonl";

/// The conversations that were used last.
pub(super) const RECENT: &str = "recent.jsonl";

/// The older half of them.
pub(super) const RECENT_BEFORE: &str = "recent.old.jsonl";

impl Store {
    /// The data folder. Looks at no file.
    pub(crate) fn find(env: &Env) -> Option<Self> {
        Some(Self { folder: env.data_folder()? })
    }

    /// The data folder, whether it exists or not.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the data folder that is not a conversation.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The file of a conversation.
    pub(crate) fn path(&self, key: &ConversationKey) -> PathBuf {
        self.conversations().join(format!("{}.{ENDING}", key.as_str()))
    }

    pub(super) fn conversations(&self) -> PathBuf {
        self.folder.join("history")
    }

    /// Makes the folder that conversations are in.
    ///
    /// # Errors
    /// A folder that can't be made.
    pub(crate) fn make(&self) -> std::io::Result<()> {
        make_private(&self.conversations())
    }

    /// Writes a small file of the data folder that is not a conversation, in place of the one before.
    ///
    /// # Errors
    /// A folder or a file that can't be written.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.file(name);
        make_private(path.parent().unwrap_or(&self.folder))?;
        let part = path.with_extension(format!("part-{}", std::process::id()));
        private::file().write(true).create(true).truncate(true).open(&part)?.write_all(bytes)?;
        std::fs::rename(&part, &path)
    }

    /// Adds a turn to a conversation, and remembers it as this terminal's last one.
    ///
    /// # Errors
    /// A folder or a file that can't be written.
    pub(crate) fn add(
        &self,
        key: &ConversationKey,
        turn: &Turn,
        terminal: Option<&str>,
    ) -> std::io::Result<()> {
        self.append(&self.path(key), turn)?;
        let recent = self.file(RECENT);
        if std::fs::metadata(&recent).is_ok_and(|facts| facts.len() > MAX_RECENT_BYTES) {
            // Who has it open writes on into the old one, which is looked at too; another run may
            // have been first.
            let _ = std::fs::rename(&recent, self.file(RECENT_BEFORE));
        }
        self.append(&recent, &json!({"conversation": key.as_str(), "terminal": terminal}))
    }

    /// Takes a turn back.
    ///
    /// # Errors
    /// A file that can't be written.
    pub(crate) fn undo(&self, key: &ConversationKey, turn: &str) -> std::io::Result<()> {
        self.append(&self.path(key), &HistoryLine::undo(turn))
    }

    /// Appends a line in one write, which the system does not mix with those of others.
    ///
    /// # Errors
    /// A folder or a file that can't be written.
    pub(crate) fn append(&self, path: &Path, line: &impl Serialize) -> std::io::Result<()> {
        let mut options = private::file();
        options.read(true).append(true).create(true);
        let mut file = match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make()?;
                options.open(path)?
            }
            opened => opened?,
        };
        let mut bytes = Vec::new();
        if is_torn(&mut file) {
            bytes.push(b'\n');
        }
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
        file.write_all(&bytes)
    }

    /// The conversation of a key.
    ///
    /// # Errors
    /// A file that is not there or can't be read.
    pub(crate) fn read(&self, key: &ConversationKey) -> std::io::Result<StoredConversation> {
        let bytes = std::fs::read(self.path(key))?;
        let mut conversation =
            StoredConversation { key: key.clone(), turns: Vec::new(), broken: Vec::new() };
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            match HistoryLine::read(line) {
                Some(HistoryLine::Turn(turn)) => conversation.turns.push(*turn),
                Some(HistoryLine::Undo(id)) => conversation.turns.retain(|turn| turn.turn != id),
                None if line.trim_ascii().is_empty() => {}
                None => conversation.broken.push(index + 1),
            }
        }
        Ok(conversation)
    }

    /// The conversation that was used last in this terminal, else anywhere.
    pub(crate) fn last(&self, terminal: Option<&str>) -> Option<ConversationKey> {
        let mut keys = Vec::new();
        for name in [RECENT_BEFORE, RECENT] {
            let bytes = std::fs::read(self.file(name)).unwrap_or_default();
            for line in bytes.split(|byte| *byte == b'\n') {
                let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
                let key = value
                    .get("conversation")
                    .and_then(Value::as_str)
                    .and_then(ConversationKey::of_stem);
                let place = value.get("terminal").and_then(Value::as_str).map(str::to_owned);
                keys.extend(key.map(|key| (key, place)));
            }
        }
        let is_there = |key: &&ConversationKey| self.path(key).exists();
        let of_terminal = keys
            .iter()
            .rev()
            .filter(|(_, place)| terminal.is_some() && place.as_deref() == terminal);
        let mut of_terminal = of_terminal.map(|(key, _)| key);
        let mut of_all = keys.iter().rev().map(|(key, _)| key);
        let found = of_terminal.find(is_there).or_else(|| of_all.find(is_there)).cloned();
        found.or_else(|| self.keys().ok()?.into_iter().next())
    }

    /// All conversations, the one used last first.
    ///
    /// # Errors
    /// A folder that can't be read; one that is not there is empty.
    pub(crate) fn keys(&self) -> std::io::Result<Vec<ConversationKey>> {
        let entries = match std::fs::read_dir(self.conversations()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found: Vec<(SystemTime, ConversationKey)> = Vec::new();
        for entry in entries {
            let entry = entry?;
            let path = PathBuf::from(entry.file_name());
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let is_ours = path.extension().is_some_and(|ending| ending == ENDING);
            let Some(key) = stem.filter(|_| is_ours).and_then(ConversationKey::of_stem) else {
                continue;
            };
            // One that was removed meanwhile is gone from the list too.
            let Ok(time) = entry.metadata().and_then(|facts| facts.modified()) else { continue };
            found.push((time, key));
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }

    /// The conversation that a user means: its name, its id, or the beginning of its id.
    ///
    /// # Errors
    /// Exit 2: none, or several.
    pub(crate) fn find_key(&self, text: &str) -> Result<ConversationKey, Failure> {
        let is_there = |key: &ConversationKey| self.path(key).exists();
        if let Some(key) = ConversationKey::named(text).ok().filter(is_there) {
            return Ok(key);
        }
        if let Some(key) = ConversationKey::of_stem(text).filter(is_there) {
            return Ok(key);
        }
        let mut keys = self.keys().map_err(|error| cannot_read(&self.conversations(), &error))?;
        keys.retain(|key| !text.is_empty() && key.as_str().starts_with(text));
        let hint = "`llm history` lists the conversations";
        match &keys[..] {
            [key] => Ok(key.clone()),
            [] => Err(Failure::usage(format!("there is no conversation `{text}`")).hint(hint)),
            several => {
                let ids: Vec<&str> = several.iter().take(5).map(ConversationKey::as_str).collect();
                let more = if several.len() > 5 { " …" } else { "" };
                let what = format!("{} conversations begin with `{text}`", several.len());
                Err(Failure::usage(what).hint(format!("{}{more}", ids.join(", "))))
            }
        }
    }
}

impl StoredConversation {
    /// A conversation of which nothing is kept yet.
    pub(crate) fn new(key: ConversationKey) -> Self {
        Self { key, turns: Vec::new(), broken: Vec::new() }
    }

    /// The name that the user gave it.
    pub(crate) fn session(&self) -> Option<&str> {
        self.turns.iter().find_map(|turn| turn.session.as_deref())
    }

    /// What a user types to mean it: its name, or its id.
    pub(crate) fn id(&self) -> &str {
        self.session().unwrap_or(self.key.as_str())
    }

    /// What the user should know of lines that can't be read; they stay where they are.
    pub(crate) fn complaint(&self, store: &Store) -> Option<String> {
        let (first, more) = self.broken.split_first()?;
        let path = store.path(&self.key);
        let place = more.iter().fold(first.to_string(), |text, line| format!("{text}, {line}"));
        let (lines, are) = if more.is_empty() { ("line", "is") } else { ("lines", "are") };
        Some(format!("{}: {lines} {place} can't be read and {are} skipped", path.display()))
    }

    /// Its system message.
    pub(crate) fn system(&self) -> Option<&str> {
        Turn::system_of(&self.turns)
    }
}

/// Makes a folder, and those that it is in, for the user alone.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    private::folder().recursive(true).create(folder)
}

/// The failure for a file or folder that can't be read: exit 1.
fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot read {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, message)
}

/// Whether the file's last line was cut, by a full disk say: then the next one must not hang on it.
///
/// What another run is writing right now can be seen in part, where it crosses a page of the file. So a
/// line without an end is looked at again.
fn is_torn(file: &mut File) -> bool {
    let mut looks = (0..LOOKS).map(|look| {
        if look > 0 {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        let mut last = [0];
        let read = file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last));
        read.is_ok() && last != *b"\n"
    });
    looks.all(|is_torn| is_torn)
}

#[cfg(test)]
mod tests;
