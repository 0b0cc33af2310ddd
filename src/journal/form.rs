//! The bytes of a journal: its first line and its rows, written and read. Whatever was cut off anywhere
//! reads as the rows before.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _, SeekFrom};

use serde::{Deserialize, Serialize};

use super::hash::{Fingerprint, RowHash};
use super::index::{FoundRow, RowIndex};
use crate::io::PlacedReader;

/// What every journal begins with.
const BEGIN: &[u8] = b"{\"llm\":1,\"fingerprint\":\"";

/// The first line and the heads of rows are shorter, by far.
const MOST_HEAD: u64 = 4096;

/// How much is read at once.
const READ_SIZE: usize = 64 * 1024;

/// A row to be kept.
#[derive(Debug)]
pub(crate) struct KeptRow<'a> {
    /// Its number; what it counts from is the run's business.
    pub(crate) row: u64,
    pub(crate) hash: RowHash,
    /// What is kept for it, in pieces that follow each other.
    pub(crate) parts: [&'a [u8]; 2],
}

/// The first line of a journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    llm: u32,
    pub(super) fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) copy: Option<Copied>,
}

/// How far the copy is of rows that stand elsewhere too, where a journal begins with one. Both words are
/// equally long, so that one can be written over the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Copied {
    Begun,
    Whole,
}

/// Whose file it is.
#[derive(Debug)]
pub(super) enum Owner {
    /// Nothing stands in it, or less than a first line of ours.
    Nobody,
    /// A journal, and where its rows begin.
    Ours(Head, u64),
    Foreign,
}

impl Head {
    /// The head for a run.
    pub(super) fn new(run: &Fingerprint, copy: Option<Copied>) -> Self {
        let (fingerprint, model) = (run.fingerprint.clone(), run.model.clone());
        Self { llm: 1, fingerprint, model, copy }
    }

    /// Writes the first line.
    pub(super) fn write(&self, mut file: &File) -> std::io::Result<()> {
        file.seek(SeekFrom::Start(0))?;
        // A struct of texts always serialises.
        let line = format!("{}\n", serde_json::to_string(self).unwrap_or_default());
        std::io::Write::write_all(&mut file, line.as_bytes())
    }
}

/// Looks at the beginning of a file.
pub(super) fn owner(file: &mut File) -> std::io::Result<Owner> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.by_ref().take(MOST_HEAD).read_to_end(&mut start)?;
    let common = start.len().min(BEGIN.len());
    if start[..common] != BEGIN[..common] {
        return Ok(Owner::Foreign);
    }
    let Some(end) = memchr::memchr(b'\n', &start) else {
        // Only what was killed while it wrote its first line looks like this.
        let is_torn = (start.len() as u64) < MOST_HEAD;
        return Ok(if is_torn { Owner::Nobody } else { Owner::Foreign });
    };
    match serde_json::from_slice::<Head>(&start[..end]) {
        Ok(head) => Ok(Owner::Ours(head, end as u64 + 1)),
        Err(_) => Ok(Owner::Foreign),
    }
}

/// The head of a row.
#[derive(Debug, Serialize, Deserialize)]
struct RowHead<'a> {
    row: u64,
    hash: &'a str,
    bytes: u64,
}

/// How much is read at once of rows that are wanted one by one.
pub(super) const ROW_READ_SIZE: usize = 16 * 1024;

/// Adds a row.
pub(super) fn push_row(row: &KeptRow<'_>, out: &mut Vec<u8>) {
    let bytes = row.parts.iter().map(|part| part.len() as u64).sum();
    let head = RowHead { row: row.row, hash: &format!("{:032x}", row.hash.0), bytes };
    // Writing into memory can't fail, and such a struct always serialises.
    let _ = serde_json::to_writer(&mut *out, &head);
    out.push(b'\n');
    row.parts.iter().for_each(|part| out.extend_from_slice(part));
    out.push(b'\n');
}

/// Reads which rows stand behind `start`, and where the last whole one ends.
pub(super) fn read_index(file: &mut File, start: u64) -> std::io::Result<(RowIndex, u64)> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::with_capacity(READ_SIZE, file);
    let (mut found, mut at) = (RowIndex::default(), start);
    let mut line = Vec::new();
    loop {
        line.clear();
        let head = reader.by_ref().take(MOST_HEAD).read_until(b'\n', &mut line)? as u64;
        let Some((row, hash, bytes)) = row_head(&line) else { break };
        let Some(end) = (at + head).checked_add(bytes).filter(|end| *end < length) else { break };
        let mut mark = [0];
        if bytes > 0 {
            reader.read_exact(&mut mark)?;
            // A length is far below the largest number with a sign: the file has as many bytes.
            reader.seek_relative(i64::try_from(bytes - 1).unwrap_or(i64::MAX))?;
        }
        let mut last = [0];
        if reader.read(&mut last)? != 1 || last != *b"\n" {
            break;
        }
        found.add(row, hash, FoundRow { at, mark: mark[0] });
        at = end + 1;
    }
    found.seal();
    Ok((found, at))
}

/// Takes note that the copy is whole which the journal with this head begins with.
pub(super) fn end_copy(head: Head, file: &File) -> std::io::Result<()> {
    // Else a power cut might leave the note without the rows.
    file.sync_data()?;
    Head { copy: Some(Copied::Whole), ..head }.write(file)
}

/// The rows of a journal that is ours, all of which were copied into it.
pub(super) fn copied(file: &File) -> std::io::Result<RowIndex> {
    let mut file = file.try_clone()?;
    match owner(&mut file)? {
        Owner::Ours(head, start) => {
            end_copy(head, &file)?;
            Ok(read_index(&mut file, start)?.0)
        }
        Owner::Nobody | Owner::Foreign => Ok(RowIndex::default()),
    }
}

/// Reads what is kept for the row whose head stands at a place.
pub(super) fn read_row(
    reader: &mut BufReader<PlacedReader>,
    at: u64,
    kept: &mut Vec<u8>,
) -> std::io::Result<()> {
    // What is near is in the buffer already.
    let now = reader.get_ref().place() - reader.buffer().len() as u64;
    reader.seek_relative(at.wrapping_sub(now).cast_signed())?;
    let mut line = Vec::new();
    reader.by_ref().take(MOST_HEAD).read_until(b'\n', &mut line)?;
    let (_, _, bytes) = row_head(&line).ok_or(std::io::ErrorKind::InvalidData)?;
    kept.clear();
    let length = reader.by_ref().take(bytes).read_to_end(kept)?;
    if length as u64 == bytes { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

fn row_head(line: &[u8]) -> Option<(u64, RowHash, u64)> {
    let head: RowHead<'_> = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let hash = u128::from_str_radix(head.hash, 16).ok()?;
    Some((head.row, RowHash(hash), head.bytes))
}
