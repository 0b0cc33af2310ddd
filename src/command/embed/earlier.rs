//! `--update FILE`: the vectors that FILE has already. Only their places are held in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::journal::RowHash;

/// The vectors of a file that is updated.
#[derive(Debug)]
pub(super) struct EarlierVectors {
    file: Option<File>,
    path: PathBuf,
    /// Where the numbers of the vector for a text stand: offset and length.
    places: HashMap<RowHash, (u64, usize)>,
    /// How many numbers each vector has.
    pub(super) dimensions: Option<usize>,
}

/// A line of the file, as far as it matters.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
    #[serde(borrow)]
    embedding: &'a RawValue,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
}

impl EarlierVectors {
    /// Reads which texts the file has vectors for. A missing file has none. `model` is the one that is
    /// asked, `dimensions` the length that it is asked for.
    ///
    /// # Errors
    /// Exit 2: a line that `embed` did not write, or vectors of another model.
    pub(super) fn read(
        path: &Path,
        model: Option<&str>,
        dimensions: Option<usize>,
        io: &Io,
    ) -> Result<Self, Failure> {
        let mut found =
            Self { file: None, path: path.to_owned(), places: HashMap::new(), dimensions: None };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(unreadable(path, &error, FailureKind::Usage)),
        };
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let (mut line, mut start, mut number, mut is_unnamed) = (Vec::new(), 0, 0_u64, false);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            let length = read.map_err(|error| unreadable(path, &error, FailureKind::Usage))?;
            if length == 0 {
                break;
            }
            number += 1;
            is_unnamed |= found.add(&line, start, number, model)?;
            start += length as u64;
        }
        if let (Some(length), Some(asked)) = (found.dimensions, dimensions)
            && length != asked
        {
            let path = path.display();
            let words = format!("{path} has vectors of {length} numbers, {asked} are asked for");
            return Err(Failure::usage(words).hint("-o makes a file anew"));
        }
        if is_unnamed {
            io.warn(&format!(
                "{} does not say which model made its vectors; only their length is compared",
                path.display()
            ));
        }
        found.file = Some(reader.into_inner());
        Ok(found)
    }

    /// Takes note of a line. True if it has a vector and does not say of which model.
    fn add(
        &mut self,
        line: &[u8],
        start: u64,
        number: u64,
        model: Option<&str>,
    ) -> Result<bool, Failure> {
        let path = self.path.display();
        if line.trim_ascii().is_empty() {
            return Ok(false);
        }
        let bad = || {
            Failure::usage(format!(
                "line {number} of {path} is none that `llm embed` writes as jsonl"
            ))
            .hint("--update takes what `llm embed --format jsonl` wrote")
        };
        let read: Line<'_> = serde_json::from_slice(line).map_err(|_| bad())?;
        let vector = read.embedding.get();
        if vector == "null" {
            return Ok(false);
        }
        let digits = vector.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let digits = digits.filter(|digits| is_numbers(digits)).ok_or_else(bad)?;
        if let (Some(theirs), Some(ours)) = (&read.model, model)
            && *theirs != ours
        {
            let words = format!("{path} has vectors of the model {theirs}, and {ours} is asked");
            return Err(Failure::usage(words)
                .hint(format!("-m {theirs} asks the same; -o makes a file anew")));
        }
        let length = digits.split(',').count();
        match self.dimensions {
            Some(other) if other != length => {
                let words = format!(
                    "line {number} of {path} has {length} numbers, those before it have {other}"
                );
                return Err(Failure::usage(words));
            }
            _ => self.dimensions = Some(length),
        }
        // The vector stands within the line.
        let offset = digits.as_ptr() as usize - line.as_ptr() as usize;
        let hash = RowHash::of([read.input.as_bytes()]);
        self.places.insert(hash, (start + offset as u64, digits.len()));
        Ok(read.model.is_none())
    }

    /// The numbers of the vector for a text, as they stand in the file.
    ///
    /// # Errors
    /// Exit 1: the file can't be read any more.
    pub(super) fn digits(&mut self, hash: RowHash) -> Result<Option<Vec<u8>>, Failure> {
        let (Some((at, length)), Some(file)) = (self.places.get(&hash), &mut self.file) else {
            return Ok(None);
        };
        let mut digits = vec![0; *length];
        let read = file.seek(SeekFrom::Start(*at)).and_then(|_| file.read_exact(&mut digits));
        read.map_err(|error| unreadable(&self.path, &error, FailureKind::Other))?;
        Ok(Some(digits))
    }
}

/// Whether this is a list of numbers, without its brackets. It is JSON already.
fn is_numbers(text: &str) -> bool {
    !text.trim().is_empty() && text.bytes().all(|byte| b"+-.0123456789eE, \t".contains(&byte))
}

fn unreadable(path: &Path, error: &std::io::Error, kind: FailureKind) -> Failure {
    Failure::new(kind, format!("cannot read {}: {}", path.display(), reason(error)))
}
