//! What goes along with rows, and the hash by which a row is known again.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::source::NumberedRow;
use super::template::RowQuestion;
use crate::error::{Failure, reason};
use crate::input::{InputItem, check_kept_file, read_kept_file};
use crate::io::Io;
use crate::journal::RowHash;

/// The hash of a row's request: its texts, and path, size and time of what goes along.
///
/// # Errors
/// Exit 2: a file that is not there.
pub(super) fn row_hash(row: &NumberedRow, question: &RowQuestion) -> Result<RowHash, Failure> {
    let mut parts = vec![question.text.as_bytes().to_vec()];
    parts.extend(question.system.as_ref().map(|system| system.as_bytes().to_vec()));
    let body = question.body.as_ref().map(|body| serde_json::to_vec(body).unwrap_or_default());
    parts.extend(body);
    for path in &question.attachments {
        let facts =
            std::fs::metadata(path).map_err(|error| unreadable(row, path, reason(&error)))?;
        if facts.is_dir() {
            return Err(unreadable(row, path, "it is a directory".to_owned()));
        }
        let time = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let time = time.unwrap_or_default().as_nanos();
        parts.push(path.as_os_str().as_encoded_bytes().to_vec());
        parts.push([&facts.len().to_le_bytes()[..], &time.to_le_bytes()].concat());
    }
    Ok(RowHash::of(parts.iter().map(|part| &**part)))
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
