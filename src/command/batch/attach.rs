//! What goes along with rows, and the hash by which a row is known again.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::convert::Infallible;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::source::NumberedRow;
use super::template::RowQuestion;
use crate::error::{Failure, reason};
use crate::input::{InputItem, check_kept_file, read_kept_file};
use crate::io::Io;
use crate::journal::RowHash;

/// What of a file tells whether it is still the same: its size and its time.
type FileFacts = [u8; 24];

/// Stands for a file that is gone.
const GONE: FileFacts = [0xff; 24];

/// The hash of a row's request: its texts, and path, size and time of what goes along.
///
/// # Errors
/// Exit 2: a file that is not there.
pub(super) fn row_hash(row: &NumberedRow, question: &RowQuestion) -> Result<RowHash, Failure> {
    hash(question, &|path| facts(row, path))
}

/// The hash of a row that was asked already: what went along may be gone by now.
pub(super) fn past_row_hash(row: &NumberedRow, question: &RowQuestion) -> RowHash {
    let facts = |path: &Path| Ok::<_, Infallible>(facts(row, path).unwrap_or(GONE));
    let Ok(hash) = hash(question, &facts);
    hash
}

fn hash<E>(
    question: &RowQuestion,
    facts: &dyn Fn(&Path) -> Result<FileFacts, E>,
) -> Result<RowHash, E> {
    let mut parts = vec![question.text.as_bytes().to_vec()];
    parts.extend(question.system.as_ref().map(|system| system.as_bytes().to_vec()));
    let body = question.body.as_ref().map(|body| serde_json::to_vec(body).unwrap_or_default());
    parts.extend(body);
    for path in &question.attachments {
        parts.push(path.as_os_str().as_encoded_bytes().to_vec());
        parts.push(facts(path)?.to_vec());
    }
    Ok(RowHash::of(parts.iter().map(|part| &**part)))
}

fn facts(row: &NumberedRow, path: &Path) -> Result<FileFacts, Failure> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(row, path, reason(&error)))?;
    if found.is_dir() {
        return Err(unreadable(row, path, "it is a directory".to_owned()));
    }
    let time = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut facts = [0; 24];
    facts[..8].copy_from_slice(&found.len().to_le_bytes());
    facts[8..].copy_from_slice(&time.unwrap_or_default().as_nanos().to_le_bytes());
    Ok(facts)
}

/// Looks at each file once that goes along with rows.
#[derive(Debug, Default)]
pub(super) struct AttachmentCheck {
    /// Hashes of the paths that were looked at.
    seen: HashSet<u64>,
}

impl AttachmentCheck {
    /// Looks at what goes along with a row.
    ///
    /// # Errors
    /// Exit 2: a file that can't be read or attached.
    pub(super) fn look_at(
        &mut self,
        row: &NumberedRow,
        question: &RowQuestion,
    ) -> Result<(), Failure> {
        for path in &question.attachments {
            let mut hasher = DefaultHasher::new();
            path.hash(&mut hasher);
            if self.seen.insert(hasher.finish()) {
                let checked = check_kept_file(path, &path.display().to_string());
                checked.map_err(|failure| in_row(row, failure))?;
            }
        }
        Ok(())
    }
}

/// A failure that names the row.
fn in_row(row: &NumberedRow, failure: Failure) -> Failure {
    Failure { message: format!("{}: {}", row.place(), failure.message), ..failure }
}

/// Opens what goes along with a row.
///
/// # Errors
/// Exit 2: a file that can't be read or attached.
pub(super) fn items(
    row: &NumberedRow,
    question: &RowQuestion,
    io: &Io,
) -> Result<Vec<InputItem>, Failure> {
    let item = |path: &std::path::PathBuf| {
        let item = read_kept_file(path, &path.display().to_string(), io);
        item.map_err(|failure| in_row(row, failure))
    };
    question.attachments.iter().map(item).collect()
}

fn unreadable(row: &NumberedRow, path: &Path, why: String) -> Failure {
    let path = path.display();
    if path.to_string().starts_with("http") {
        let what =
            format!("{}: {path} is an address, and only files go along with rows", row.place());
        return Failure::usage(what).hint("save it to a file, and name that in the row");
    }
    Failure::usage(format!("{}: cannot read {path}: {why}", row.place()))
}
