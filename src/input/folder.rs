//! A folder as its text files: recursively, in the order of their names, without what is hidden or
//! ignored. Knows nothing about prompts.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::kind::{self, InputKind};
use super::text::fenced;
use crate::error::{Failure, reason};
use crate::io::Io;

/// The most text that a folder may bring, in bytes: beyond a million tokens, which no model takes.
const MAX_FOLDER_TEXT: usize = 4 * 1024 * 1024;

/// How many files were taken, and how many left out and why.
#[derive(Debug, Default)]
struct FolderCount {
    taken: usize,
    binary: usize,
    empty: usize,
    unreadable: usize,
}

/// The folder's text files, each with its path in a fence, and a word on standard error about how
/// many they are. What `.gitignore` and `.ignore` name, and hidden files, are passed over.
///
/// # Errors
/// A folder that can't be read, has no text file, or more text than any model takes.
pub(super) fn texts(path: &Path, io: &Io) -> Result<Vec<String>, Failure> {
    let given = path.display().to_string();
    let mut texts = Vec::new();
    let (mut count, mut length) = (FolderCount::default(), 0);
    // A folder need not be a repository for its .gitignore to be meant.
    let walk = WalkBuilder::new(path).require_git(false).sort_by_file_path(Path::cmp).build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == Some(0) => return Err(unreadable(&given, error)),
            Err(_) => {
                count.unreadable += 1;
                continue;
            }
        };
        if let Some(text) = text(&entry, &mut count) {
            length += text.len();
            if length > MAX_FOLDER_TEXT {
                let what =
                    format!("{given} contains more than {} MiB of text", MAX_FOLDER_TEXT >> 20);
                return Err(Failure::usage(what)
                    .hint("name the files or the subfolder that matter; what .gitignore lists is left out"));
            }
            texts.push(fenced(&entry.path().display().to_string(), &text));
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

fn unreadable(given: &str, error: ignore::Error) -> Failure {
    let words = error.to_string();
    let words = error.into_io_error().map_or(words, |error| reason(&error));
    Failure::usage(format!("cannot read {given}: {words}"))
}

/// The text of a regular file; `None` for anything else, which is counted.
fn text(entry: &DirEntry, count: &mut FolderCount) -> Option<String> {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let read = File::open(entry.path()).and_then(|file| {
        let mut bytes = Vec::new();
        let mut file = file.take(MAX_FOLDER_TEXT as u64 + 1);
        file.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut bytes)?;
        // A large file that is no text need not be read to its end.
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
    // The bound may have cut a letter; then the folder is refused for its size anyway.
    let is_cut = bytes.len() > MAX_FOLDER_TEXT;
    let text = match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if is_cut => Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(_) => None,
    };
    let text = text.filter(|_| is_text);
    match &text {
        Some(_) => count.taken += 1,
        None => count.binary += 1,
    }
    text
}

impl FolderCount {
    /// What was taken and what not. What the walk passes over is not looked at and so not counted.
    fn line(&self, given: &str) -> String {
        let files = if self.taken == 1 { "file" } else { "files" };
        let left = self.binary + self.empty + self.unreadable;
        let (taken, reasons) = (self.taken, self.reasons());
        format!(
            "{given}: {taken} text {files} read, {left} left out{reasons}; hidden and ignored files are not counted"
        )
    }

    /// Why files were left out, in brackets; empty if none was.
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
