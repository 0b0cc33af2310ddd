//! Parts of a long piece of work, kept in a hidden folder beside the file that they are for, so that
//! the same command goes on where an earlier one stopped. A part has the name of what was asked for:
//! what is asked in other words is not found.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use crate::error::Failure;
use crate::private;

/// The ending of the folder.
const FOLDER: &str = "llm-parts";

/// The ending of a part.
const PART: &str = "part";

/// A file's name may have 255 bytes on most systems; a longer one than this is not repeated in the
/// folder's.
const MAX_NAME: usize = 200;

/// The parts for one file.
#[derive(Debug, Clone)]
pub(crate) struct KeptParts {
    folder: PathBuf,
}

/// A part as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptPart {
    /// What is to be known of the bytes: one line.
    pub(crate) label: String,
    pub(crate) bytes: Vec<u8>,
}

impl KeptParts {
    /// The parts for `target`; none where that is no regular file. With `fresh` those of earlier runs
    /// are forgotten.
    pub(crate) fn beside(target: Option<&Path>, fresh: bool) -> Option<Self> {
        let target = target.filter(|path| path.as_os_str() != "-")?;
        if fs::metadata(target).is_ok_and(|facts| !facts.is_file()) {
            return None;
        }
        let name = target.file_name()?;
        let name = match name.len() <= MAX_NAME {
            true => name.to_string_lossy().into_owned(),
            false => key(&[name.as_encoded_bytes()]),
        };
        let kept = Self { folder: target.with_file_name(format!(".{name}.{FOLDER}")) };
        if fresh {
            kept.forget();
        }
        Some(kept)
    }

    /// The part of this key, if an earlier run brought it.
    pub(crate) fn get(&self, key: &str) -> Option<KeptPart> {
        let mut bytes = fs::read(self.path(key)).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let label = String::from_utf8(bytes.drain(..=end).take(end).collect()).ok()?;
        Some(KeptPart { label, bytes })
    }

    /// Keeps a part. Where that can't be done the work goes on without.
    pub(crate) fn put(&self, key: &str, label: &str, bytes: &[u8]) {
        let _ = self.try_put(key, label, bytes);
    }

    fn try_put(&self, key: &str, label: &str, bytes: &[u8]) -> std::io::Result<()> {
        if !self.folder.is_dir() {
            private::folder().create(&self.folder)?;
        }
        let path = self.path(key);
        let unfinished = path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        // A label of two lines would not be read back.
        file.write_all(label.replace(['\n', '\r'], " ").as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(bytes)?;
        fs::rename(&unfinished, &path)
    }

    /// How many parts are kept.
    pub(crate) fn count(&self) -> usize {
        self.files().iter().filter(|path| path.extension().is_some_and(|e| e == PART)).count()
    }

    /// Removes all parts, and the folder if nothing else is in it.
    pub(crate) fn forget(&self) {
        for path in self.files() {
            let _ = fs::remove_file(path);
        }
        let _ = fs::remove_dir(&self.folder);
    }

    /// The files in the folder that are ours.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let is_ours = |path: &PathBuf| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            let stem = path.file_stem().map_or(0, |stem| stem.len());
            matches!(ending, Some(PART | "new")) && stem == SHA256.output_len() * 2
        };
        entries.flatten().map(|entry| entry.path()).filter(is_ours).collect()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{PART}"))
    }
}

/// The key of what is asked for by these pieces.
pub(crate) fn key(pieces: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for piece in pieces {
        context.update(&(piece.len() as u64).to_le_bytes());
        context.update(piece);
    }
    hex(context.finish().as_ref())
}

/// The key of a file's bytes.
///
/// # Errors
/// It can't be read.
pub(crate) fn file_key(path: &Path) -> std::io::Result<String> {
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            length => context.update(&buffer[..length]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds to a failure that so many parts are kept.
pub(crate) fn with_hint(mut failure: Failure, there: usize) -> Failure {
    let parts = if there == 1 { "1 part is".to_owned() } else { format!("{there} parts are") };
    let more = format!("{parts} kept: the same command goes on (--fresh begins anew)");
    let hint = failure.hint.take().map_or(more.clone(), |hint| format!("{hint}; {more}"));
    failure.hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_go_away() {
        let place = tempfile::tempdir().expect("a folder");
        let target = place.path().join("书.mp3");
        let kept = KeptParts::beside(Some(&target), false).expect("a place");
        let (one, two) = (key(&[b"one"]), key(&[b"on", b"e"]));
        assert_eq!((kept.get(&one), kept.count()), (None, 0));
        kept.put(&one, "audio/mpeg\n", b"\n\0sound");
        let part = KeptPart { label: "audio/mpeg ".into(), bytes: b"\n\0sound".to_vec() };
        assert_eq!((kept.get(&one), kept.get(&two), kept.count()), (Some(part), None, 1));
        let folder = place.path().join(".书.mp3.llm-parts");
        fs::write(folder.join("notes.txt"), "mine").expect("written");
        kept.forget();
        assert_eq!(kept.count(), 0);
        assert_eq!(fs::read(folder.join("notes.txt")).expect("left alone"), b"mine");
        fs::remove_file(folder.join("notes.txt")).expect("removed");
        kept.put(&one, "", b"");
        drop(KeptParts::beside(Some(&target), true));
        assert!(!folder.exists());
    }

    #[test]
    fn only_a_file_has_parts_beside_it() {
        let place = tempfile::tempdir().expect("a folder");
        for target in [None, Some(Path::new("-")), Some(place.path())] {
            assert!(KeptParts::beside(target, false).is_none());
        }
        let long = place.path().join("长".repeat(80));
        KeptParts::beside(Some(&long), false).expect("a place").put(&key(&[]), "", b"a");
        assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 1);
    }
}
