//! What is known of a FILE that is whole: by which run it was written, and what each of its rows asked. It lies
//! in the data folder, under a name that is made of FILE's path, and holds hashes alone.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::io::Env;
use crate::journal::{Fingerprint, RowHash};
use crate::private;

/// The folder in the data folder.
const FOLDER: &str = "whole";

/// The bytes of a hash.
const HASH: usize = 16;

/// What is known of a file.
#[derive(Debug)]
pub(super) struct KnownFile {
    /// The requests of its rows, in their order.
    pub(super) hashes: Vec<RowHash>,
    /// Rows without an answer that another try may answer.
    pub(super) passing: u64,
}

/// The first line; hashes follow.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    llm: u32,
    fingerprint: String,
    /// The size of the file.
    bytes: u64,
    passing: u64,
}

impl KnownFile {
    /// What is known of `target`, if it is still as this run wrote it.
    pub(super) fn find(target: &Path, run: &Fingerprint, env: &Env) -> Option<Self> {
        let bytes = std::fs::metadata(target).ok().filter(std::fs::Metadata::is_file)?.len();
        let content = std::fs::read(place(target, env)?).ok()?;
        let end = memchr::memchr(b'\n', &content)?;
        let head: Head = serde_json::from_slice(&content[..end]).ok()?;
        let is_it = head.llm == 1 && head.fingerprint == run.text() && head.bytes == bytes;
        let rows = content[end + 1..].chunks_exact(HASH);
        let is_whole = is_it && rows.remainder().is_empty();
        let hashes = rows.filter_map(|row| row.try_into().ok()).map(RowHash::of_bytes).collect();
        is_whole.then_some(Self { hashes, passing: head.passing })
    }
}

/// Takes note of what a file's rows asked, while it is written.
#[derive(Debug)]
pub(super) struct WholeNote {
    hashes: Vec<u8>,
    place: Option<PathBuf>,
    fingerprint: String,
}

impl WholeNote {
    /// For a file that this run writes.
    pub(super) fn new(target: &Path, run: &Fingerprint, env: &Env) -> Self {
        let fingerprint = run.text().to_owned();
        Self { hashes: Vec::new(), place: place(target, env), fingerprint }
    }

    /// Adds the next row.
    pub(super) fn add(&mut self, hash: RowHash) {
        self.hashes.extend(hash.to_bytes());
    }

    /// Keeps what is known, now that the file is whole. `passing`: rows that another try may answer. A
    /// folder that can't be written only means that the same command asks anew.
    pub(super) fn keep(self, target: &Path, passing: u64) {
        let bytes = std::fs::metadata(target).map(|facts| facts.len());
        let (Some(place), Ok(bytes)) = (self.place, bytes) else { return };
        let head = Head { llm: 1, fingerprint: self.fingerprint, bytes, passing };
        // A struct of texts and numbers always serialises.
        let mut content = serde_json::to_vec(&head).unwrap_or_default();
        content.push(b'\n');
        content.extend(self.hashes);
        let _ = write(&place, &content);
    }
}

/// Writes a file that appears whole.
fn write(place: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = place.parent() {
        private::folder().recursive(true).create(folder)?;
    }
    let part = place.with_extension(format!("{}.part", std::process::id()));
    let mut file = private::file().write(true).create(true).truncate(true).open(&part)?;
    let written = file.write_all(content).and_then(|()| std::fs::rename(&part, place));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Where what is known of a file lies.
fn place(target: &Path, env: &Env) -> Option<PathBuf> {
    let absolute = std::fs::canonicalize(target).ok().or_else(|| {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(target.file_name()?))
    })?;
    let name = Fingerprint::new([absolute.as_os_str().as_encoded_bytes()], None);
    Some(env.data_folder()?.join("batches").join(FOLDER).join(name.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_file_is_known_until_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().display().to_string();
        let env = Env::Table(BTreeMap::from([("XDG_DATA_HOME".to_owned(), data)]));
        let target = folder.path().join("o.jsonl");
        let run = Fingerprint::new([&b"a"[..]], None);
        let mut note = WholeNote::new(&target, &run, &env);
        std::fs::write(&target, "one").expect("written");
        let hash = RowHash::of([&b"x"[..]]);
        note.add(hash);
        note.keep(&target, 2);
        let known = KnownFile::find(&target, &run, &env).expect("known");
        assert_eq!((known.hashes, known.passing), (vec![hash], 2));
        let other = Fingerprint::new([&b"b"[..]], None);
        assert!(KnownFile::find(&target, &other, &env).is_none());
        std::fs::write(&target, "more").expect("written");
        assert!(KnownFile::find(&target, &run, &env).is_none());
    }
}
