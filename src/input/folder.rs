//! Reads the text files of a folder and its subfolders, in the order of their names, without hidden and
//! ignored files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::kind::{self, InputKind};
use super::text::{fenced, read_file};
use crate::error::{Failure, reason};
use crate::io::Io;

/// The most text of a folder, in bytes. This is beyond a million tokens, more than any model accepts.
const MAX_FOLDER_TEXT: usize = 4 * 1024 * 1024;

/// How many files were read, and how many were left out and why.
#[derive(Debug, Default)]
struct FolderCount {
    read: usize,
    binary: usize,
    empty: usize,
    unreadable: usize,
}

/// The folder's text files, each in a fence after its path. Notes their number on stderr. Hidden files
/// and those that `.gitignore` or `.ignore` lists are skipped.
///
/// # Errors
/// Exit 2: a folder that can't be read, has no text file, or more than [`MAX_FOLDER_TEXT`] of text.
pub(super) fn texts(path: &Path, io: &Io) -> Result<Vec<String>, Failure> {
    let given = path.display().to_string();
    let mut texts = Vec::new();
    let (mut count, mut length) = (FolderCount::default(), 0);
    // A .gitignore counts outside repositories too.
    let walk = WalkBuilder::new(path).require_git(false).sort_by_file_path(Path::cmp).build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == Some(0) => return Err(cannot_read(&given, error)),
            Err(_) => {
                count.unreadable += 1;
                continue;
            }
        };
        if let Some(text) = read_text(&entry, &mut count) {
            length += text.len();
            if length > MAX_FOLDER_TEXT {
                let what =
                    format!("{given} contains more than {} MiB of text", MAX_FOLDER_TEXT >> 20);
                return Err(Failure::usage(what)
                    .hint("name the files or the subfolder that matter; what .gitignore lists is left out"));
            }
            texts.push(fenced(&shown(entry.path()), text));
        }
    }
    if texts.is_empty() {
        let line = format!("the directory {given} contains no text file{}", count.reasons());
        return Err(
            Failure::usage(line).hint("hidden files, and those that .gitignore lists, are skipped")
        );
    }
    io.note(&count.line(&given));
    Ok(texts)
}

/// The text files of a folder that have any text, without those in `skip`. Hidden files and those that
/// `.gitignore` or `.ignore` lists are skipped. Notes on stderr what was left out.
///
/// # Errors
/// Exit 2: a folder that can't be read, or has no text file.
pub(super) fn text_files(path: &Path, skip: &[PathBuf], io: &Io) -> Result<Vec<PathBuf>, Failure> {
    let given = path.display().to_string();
    let (mut files, mut left) = (Vec::new(), 0_u64);
    let walk = WalkBuilder::new(path).require_git(false).sort_by_file_path(Path::cmp).build();
    for entry in walk {
        let entry = match entry {
            Err(error) if error.depth() == Some(0) => return Err(cannot_read(&given, error)),
            Err(_) => {
                left += 1;
                continue;
            }
            Ok(entry) => entry,
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) || is_one_of(entry.path(), skip) {
            continue;
        }
        match read_file(entry.path()) {
            Ok(read) if !read.text.trim().is_empty() => {
                read.told(&shown(entry.path()), io);
                files.push(entry.into_path());
            }
            _ => left += 1,
        }
    }
    if files.is_empty() {
        let line = format!("the directory {given} contains no text file");
        let hint = "hidden files, and those that .gitignore lists, are skipped";
        return Err(Failure::usage(line).hint(hint));
    }
    if left > 0 {
        io.note(&format!("{given}: {left} files without text are left out"));
    }
    Ok(files)
}

/// Whether a path is that of one of these files, however it is written.
fn is_one_of(path: &Path, files: &[PathBuf]) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    files.iter().any(|file| real(file).is_some_and(|file| real(path) == Some(file)))
}

fn cannot_read(given: &str, error: ignore::Error) -> Failure {
    let words = error.to_string();
    let words = error.into_io_error().map_or(words, |error| reason(&error));
    Failure::usage(format!("cannot read {given}: {words}"))
}

/// The text of a regular file. `None` for anything else; files that are left out are counted.
fn read_text(entry: &DirEntry, count: &mut FolderCount) -> Option<String> {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let read = File::open(entry.path()).and_then(|file| {
        let mut bytes = Vec::new();
        let mut file = file.take(MAX_FOLDER_TEXT as u64 + 1);
        file.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut bytes)?;
        // A large binary file is not read to its end.
        if kind::of(&bytes) == InputKind::Text {
            file.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    });
    let Ok(bytes) = read else {
        count.unreadable += 1;
        return None;
    };
    if bytes.is_empty() {
        count.empty += 1;
        return None;
    }
    let is_text = !bytes.contains(&0)
        && kind::of(&bytes[..bytes.len().min(kind::HEAD_BYTES)]) == InputKind::Text;
    // The limit may have cut a character; then the folder is refused as too large anyway.
    let is_cut = bytes.len() > MAX_FOLDER_TEXT;
    let text = match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if is_cut => Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(_) => None,
    };
    let text = text.filter(|_| is_text);
    match &text {
        Some(_) => count.read += 1,
        None => count.binary += 1,
    }
    text
}

impl FolderCount {
    /// The note about what was read. Skipped files are not examined and so not counted.
    fn line(&self, given: &str) -> String {
        let files = if self.read == 1 { "file" } else { "files" };
        let left = self.binary + self.empty + self.unreadable;
        let (read, reasons) = (self.read, self.reasons());
        format!(
            "{given}: {read} text {files} read, {left} left out{reasons}; hidden and ignored files are not counted"
        )
    }

    /// Why files were left out, in parentheses; empty if none was.
    fn reasons(&self) -> String {
        let reasons =
            [(self.binary, "not text"), (self.empty, "empty"), (self.unreadable, "unreadable")];
        let reasons: Vec<String> = reasons
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) }
    }
}

/// A path as a model is told: with `/` on every system.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) { text.replace('\\', "/") } else { text }
}
