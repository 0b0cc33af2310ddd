//! What is known of a FILE that is whole: by which run it was written, and what each of its rows asked. It lies
//! in the data folder, under a name that is made of FILE's path, and holds hashes alone.

use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::AnswerPlaces;
use crate::io::{Env, resolved};
use crate::journal::{Fingerprint, RowHash};
use crate::private;

/// The folder in the data folder.
const FOLDER: &str = "whole";

/// The bytes of a hash. One byte follows: whether the answer was cut.
const HASH: usize = 16;

/// The bytes of the first line, with blanks at its end.
const HEAD: usize = 1024;

/// The number of this form, in the first line; and of an older one, which has hashes alone.
const FORM: u32 = 2;
const OLD_FORM: u32 = 1;

/// What is known of a file.
#[derive(Debug)]
pub(super) enum FileKnowledge {
    Nothing,
    /// It was written by a run that asked otherwise.
    OfAnother,
    Known(KnownFile),
}

/// What is known of a file that this run wrote.
#[derive(Debug)]
pub(super) struct KnownFile {
    /// Its rows, in their order.
    pub(super) rows: Vec<KnownRow>,
    /// Where the answers stand in it; none if an older version wrote it.
    pub(super) places: Option<AnswerPlaces>,
    pub(super) failed: FailedRows,
}

/// What is known of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct KnownRow {
    /// Its request.
    pub(super) hash: RowHash,
    /// Whether its answer was cut by a limit that the user did not set; none where only the file tells.
    pub(super) is_cut: Option<bool>,
}

/// Rows without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct FailedRows {
    /// Those that another try may answer.
    pub(super) passing: u64,
    /// Those that were refused for good.
    #[serde(default)]
    pub(super) refused: u64,
}

/// The first line; rows follow.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    llm: u32,
    fingerprint: String,
    /// The size of the file.
    bytes: u64,
    #[serde(flatten)]
    failed: FailedRows,
    #[serde(default)]
    places: Option<AnswerPlaces>,
}

impl FileKnowledge {
    /// What is known of `target`, if it is still as it was written.
    pub(super) fn find(target: &Path, run: &Fingerprint, env: &Env) -> Self {
        read(target, run, env).unwrap_or(Self::Nothing)
    }
}

fn read(target: &Path, run: &Fingerprint, env: &Env) -> Option<FileKnowledge> {
    let bytes = std::fs::metadata(target).ok().filter(std::fs::Metadata::is_file)?.len();
    let content = std::fs::read(place(target, env)?).ok()?;
    let end = memchr::memchr(b'\n', &content)?;
    let head: Head = serde_json::from_slice(&content[..end]).ok()?;
    let length = match head.llm {
        OLD_FORM => HASH,
        FORM => HASH + 1,
        _ => return None,
    };
    if head.bytes != bytes {
        return None;
    }
    if head.fingerprint != run.text() {
        return Some(FileKnowledge::OfAnother);
    }
    let rows = content[end + 1..].chunks_exact(length);
    if !rows.remainder().is_empty() {
        return None;
    }
    let known = |row: &[u8]| {
        let (hash, facts) = row.split_at(HASH);
        let hash = RowHash::of_bytes(hash.try_into().ok()?);
        Some(KnownRow { hash, is_cut: facts.first().map(|is_cut| *is_cut != 0) })
    };
    let rows = rows.filter_map(known).collect();
    Some(FileKnowledge::Known(KnownFile { rows, places: head.places, failed: head.failed }))
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
    pub(super) fn add(&mut self, hash: RowHash, is_cut: bool) {
        let mut row = [u8::from(is_cut); HASH + 1];
        row[..HASH].copy_from_slice(&hash.to_bytes());
        if let Some(part) = &mut self.part
            && part.file.write_all(&row).is_err()
        {
            self.part = None;
        }
    }

    /// Keeps what is known, now that the file is whole.
    pub(super) fn keep(self, target: &Path, places: AnswerPlaces, failed: FailedRows) {
        let bytes = std::fs::metadata(target).map(|facts| facts.len());
        let (Some(part), Ok(bytes)) = (self.part, bytes) else { return };
        let head =
            Head { llm: FORM, fingerprint: self.fingerprint, bytes, failed, places: Some(places) };
        let _ = part.end(&head);
    }
}

/// Where what is known of a file lies.
fn place(target: &Path, env: &Env) -> Option<PathBuf> {
    // A link may lead to a file that is not there yet.
    let target = &resolved(target);
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
    use super::super::record::AnswerNames;
    use super::*;
    use crate::cli::batch::AnswerFormat;
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
        let rows = [false, true].map(|is_cut| {
            let hash = RowHash::of([&b"x"[..]]);
            note.add(hash, is_cut);
            KnownRow { hash, is_cut: Some(is_cut) }
        });
        let names = ["answer", "error", "finish_reason", "usage"].map(str::to_owned);
        let [answer, error, finish_reason, usage] = names;
        let names = AnswerNames { answer, error, finish_reason, usage };
        let places = AnswerPlaces { format: AnswerFormat::Csv, names };
        let failed = FailedRows { passing: 2, refused: 1 };
        note.keep(&target, places.clone(), failed);
        let FileKnowledge::Known(known) = FileKnowledge::find(&target, &run, &env) else {
            panic!("it is known");
        };
        assert_eq!(
            (&known.rows[..], known.places, known.failed),
            (&rows[..], Some(places), failed)
        );
        let other = Fingerprint::new([&b"b"[..]], None);
        let find = |run| FileKnowledge::find(&target, run, &env);
        assert!(matches!(find(&other), FileKnowledge::OfAnother));
        std::fs::write(&target, "more").expect("written");
        assert!(matches!(find(&run), FileKnowledge::Nothing));
    }
}
