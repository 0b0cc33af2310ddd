//! What is known of a FILE that is whole: by which run it was written, and what each of its rows asked. It lies
//! in the data folder, under a name that is made of FILE's path, and holds hashes alone.

use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::io::Env;
use crate::journal::{Fingerprint, RowHash};
use crate::private;

/// The folder in the data folder.
const FOLDER: &str = "whole";

/// The bytes of a hash.
const HASH: usize = 16;

/// The bytes of the first line, with blanks at its end.
const HEAD: usize = 256;

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

/// Takes note of what a file's rows asked, while it is written: on the disk, as there may be millions of them.
#[derive(Debug)]
pub(super) struct WholeNote {
    /// None where it can't be written, or could not be any more.
    part: Option<NotePart>,
    fingerprint: String,
}

/// The note under the name that it has until it is whole. It is removed when it is dropped.
#[derive(Debug)]
struct NotePart {
    place: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Drop for NotePart {
    fn drop(&mut self) {
        // Under its own name, if it came that far.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl NotePart {
    fn new(place: PathBuf) -> std::io::Result<Self> {
        if let Some(folder) = place.parent() {
            private::folder().recursive(true).create(folder)?;
        }
        let path = place.with_extension(format!("{}.part", std::process::id()));
        let file = private::file().write(true).create(true).truncate(true).open(&path)?;
        let mut part = Self { place, path, file: BufWriter::new(file) };
        part.file.write_all(&[b' '; HEAD])?;
        Ok(part)
    }

    fn end(mut self, head: &Head) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(head)?;
        // What is known only at the end stands first, before the blanks that kept its place.
        line.resize(HEAD.max(line.len() + 1) - 1, b' ');
        line.push(b'\n');
        if line.len() > HEAD {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&line)?;
        self.file.flush()?;
        std::fs::rename(&self.path, &self.place)
    }
}

impl WholeNote {
    /// For a file that this run writes. A folder that can't be written only means that the same command asks
    /// anew.
    pub(super) fn new(target: &Path, run: &Fingerprint, env: &Env) -> Self {
        let part = place(target, env).and_then(|place| NotePart::new(place).ok());
        Self { part, fingerprint: run.text().to_owned() }
    }

    /// Adds the next row.
    pub(super) fn add(&mut self, hash: RowHash) {
        if let Some(part) = &mut self.part
            && part.file.write_all(&hash.to_bytes()).is_err()
        {
            self.part = None;
        }
    }

    /// Keeps what is known, now that the file is whole. `passing`: rows that another try may answer.
    pub(super) fn keep(self, target: &Path, passing: u64) {
        let bytes = std::fs::metadata(target).map(|facts| facts.len());
        let (Some(part), Ok(bytes)) = (self.part, bytes) else { return };
        let head = Head { llm: 1, fingerprint: self.fingerprint, bytes, passing };
        let _ = part.end(&head);
    }
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
