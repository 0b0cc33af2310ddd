//! What is kept in the data folder of the batches that were handed over: `batches/ID.json`, and beside it
//! a copy of the rows, so that their answers can be put to them later.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::kept_prompt::KeptPrompt;
use crate::cli::batch::BatchRowArgs;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Env;
use crate::private;

/// The folder of batches in the data folder.
const FOLDER: &str = "batches";

const ENDING: &str = "json";

/// A batch that was handed over, in one part or several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptBatch {
    /// The version of this file.
    pub(super) llm: u32,
    /// What the user calls it by: the service's id of its first part.
    pub(super) id: String,
    /// What its requests are, as a hash; the service keeps it with each part.
    pub(super) fingerprint: String,
    pub(super) service: KeptService,
    /// The endpoint of its rows.
    #[serde(default)]
    pub(super) url: String,
    pub(super) model: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) rows: u64,
    pub(super) parts: Vec<KeptPart>,
    /// What was asked for which rows; these stand in copies.
    pub(super) args: BatchRowArgs,
    /// What it took stands among the notes of usage.
    #[serde(default)]
    pub(super) is_noted: bool,
    /// What the user called the files of rows.
    pub(super) names: Vec<String>,
    /// The prompt of the profile file, as it was.
    #[serde(default)]
    pub(super) prompt: Option<KeptPrompt>,
}

/// The service that has it, as it was chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptService {
    pub(super) provider: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) api_key_env: Option<String>,
    /// `-O`, as it is typed.
    pub(super) settings: Vec<String>,
}

/// One batch of the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptPart {
    /// The service's id; none while it may be being made.
    pub(super) batch: Option<String>,
    /// The uploaded file.
    pub(super) input: Option<String>,
    /// The first row of it, from 1, and how many there are.
    pub(super) first: u64,
    pub(super) rows: u64,
    /// The service's word for its state, as it was told last.
    pub(super) state: String,
}

impl KeptBatch {
    /// What the user calls it by: its id, or its hash as long as the service gave none.
    pub(super) fn name(&self) -> &str {
        if self.id.is_empty() { &self.fingerprint } else { &self.id }
    }

    /// Whether the service has made none of its parts.
    pub(super) fn has_none(&self) -> bool {
        self.parts.iter().all(|part| part.batch.is_none())
    }
}

/// The folder with all of them.
#[derive(Debug, Clone)]
pub(super) struct BatchStore {
    folder: PathBuf,
}

impl BatchStore {
    /// That of the user.
    ///
    /// # Errors
    /// Exit 1: there is no data folder.
    pub(super) fn find(env: &Env) -> Result<Self, Failure> {
        let folder = env.data_folder().ok_or_else(|| {
            let what = "there is no data folder to keep batches in";
            Failure::new(FailureKind::Other, what).hint("set HOME or XDG_DATA_HOME")
        })?;
        Ok(Self { folder: folder.join(FOLDER) })
    }

    /// The folder of what belongs to a batch; it is made, for its owner alone.
    ///
    /// # Errors
    /// Exit 1: it can't be made.
    pub(super) fn folder_of(&self, fingerprint: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(fingerprint);
        private::folder()
            .recursive(true)
            .create(&folder)
            .map_err(|error| cannot_write(&folder, &error))?;
        Ok(folder)
    }

    /// All of them, the oldest first. What can't be read is left out.
    pub(super) fn all(&self) -> Vec<KeptBatch> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_ours = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
        let files = entries.map(|entry| entry.path()).filter(is_ours);
        let read = |path: PathBuf| serde_json::from_slice(&std::fs::read(path).ok()?).ok();
        let mut batches: Vec<KeptBatch> = files.filter_map(read).collect();
        batches.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        batches
    }

    /// The batch that the user calls by this id, which may be that of any of its parts.
    pub(super) fn get(&self, id: &str) -> Option<KeptBatch> {
        let has_id = |batch: &KeptBatch| {
            batch.name() == id || batch.parts.iter().any(|part| part.batch.as_deref() == Some(id))
        };
        self.all().into_iter().rev().find(has_id)
    }

    /// The newest one of these requests.
    pub(super) fn of_fingerprint(&self, fingerprint: &str) -> Option<KeptBatch> {
        self.all().into_iter().rev().find(|batch| batch.fingerprint == fingerprint)
    }

    /// Keeps a batch; the file appears whole. Before the service gave an id it goes by its fingerprint.
    ///
    /// # Errors
    /// Exit 1: it can't be written.
    pub(super) fn put(&self, batch: &KeptBatch) -> Result<(), Failure> {
        let path = self.path(batch);
        let unfinished = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            private::folder().recursive(true).create(&self.folder)?;
            let mut file = private_file(&unfinished)?;
            file.write_all(&serde_json::to_vec(batch)?)?;
            // Losing this file would lose a batch that is paid for.
            file.sync_data()?;
            std::fs::rename(&unfinished, &path)
        };
        write().map_err(|error| cannot_write(&path, &error))?;
        if !batch.id.is_empty() {
            let _ = std::fs::remove_file(self.pending(&batch.fingerprint));
        }
        Ok(())
    }

    /// Forgets a batch and the copies of its rows.
    pub(super) fn remove(&self, batch: &KeptBatch) {
        self.forget(batch);
        let is_needed = self.all().iter().any(|other| other.fingerprint == batch.fingerprint);
        if !is_needed {
            let _ = std::fs::remove_dir_all(self.folder.join(&batch.fingerprint));
        }
    }

    /// Forgets what is kept under the name of a batch, but for the copies of its rows.
    pub(super) fn forget(&self, batch: &KeptBatch) {
        let _ = std::fs::remove_file(self.path(batch));
    }

    fn path(&self, batch: &KeptBatch) -> PathBuf {
        match &*batch.id {
            "" => self.pending(&batch.fingerprint),
            id => {
                // A service's id may be no name of a file.
                let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
                let name: String =
                    id.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
                self.folder.join(format!("{name}.{ENDING}"))
            }
        }
    }

    fn pending(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(format!("pending-{fingerprint}.{ENDING}"))
    }
}

/// A new file for its owner alone.
///
/// # Errors
/// Those of making it.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    private::file().read(true).write(true).create(true).truncate(true).open(path)
}

/// The failure for a file of ours that can't be written.
pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_found_by_any_of_their_ids() {
        let place = tempfile::tempdir().expect("a folder");
        let store = BatchStore { folder: place.path().join("batches") };
        assert!(store.all().is_empty());
        let part = |id: &str| KeptPart { batch: Some(id.to_owned()), ..KeptPart::default() };
        let mut one = KeptBatch { fingerprint: "f".into(), created: 1, ..KeptBatch::default() };
        store.put(&one).expect("kept");
        assert!(store.of_fingerprint("f").is_some_and(|batch| batch.id.is_empty()));
        one.id = "a/b".into();
        one.parts = vec![part("a/b"), part("c")];
        store.put(&one).expect("kept");
        let two = KeptBatch { id: "d".into(), created: 2, ..KeptBatch::default() };
        store.put(&two).expect("kept");
        let ids: Vec<String> = store.all().into_iter().map(|batch| batch.id).collect();
        assert_eq!(ids, ["a/b", "d"]);
        assert_eq!(store.get("c").as_ref(), Some(&one));
        assert_eq!(store.get("x"), None);
        let rows = store.folder_of("f").expect("made").join("1.csv");
        std::fs::write(&rows, "x").expect("written");
        store.remove(&one);
        assert!(!rows.exists() && store.get("c").is_none());
        assert_eq!(store.all(), [two]);
    }
}
