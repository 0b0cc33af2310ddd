//! Files of results, whoever wrote them and in whatever order: where in them the line of a row is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::api::batch::result::{self, RowOutcome, RowResult};
use crate::error::{Failure, FailureKind, reason};

/// How much is read at once.
const READ_SIZE: usize = 256 * 1024;

/// A line may be this long: a row, and its answer with all that a service says beside.
const MAX_LINE: u64 = 64 << 20;

/// The results of a batch.
#[derive(Debug)]
pub(super) struct Results {
    files: Vec<(File, String)>,
    places: HashMap<String, Place>,
    model: Option<String>,
    /// Lines that are no result.
    pub(super) unreadable: u64,
    /// Results that name no row.
    pub(super) nameless: u64,
    /// Rows that are answered more than once.
    pub(super) twice: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    at: u64,
    length: u64,
    is_good: bool,
    is_taken: bool,
}

impl Results {
    /// Finds the lines in a file, or in the files of a folder as a program of data frames writes one.
    ///
    /// # Errors
    /// Exit 2: it can't be read, or holds no result at all.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut results = Self::none();
        for path in files_of(path)? {
            let name = path.display().to_string();
            let file = File::open(&path).map_err(|error| unreadable(&name, &error))?;
            results.add(file, name)?;
        }
        if results.places.is_empty() {
            let path = path.display();
            let what = match results.nameless {
                0 => format!("{path} holds no results"),
                _ => {
                    format!("the results in {path} have no custom_id, so nothing tells their rows")
                }
            };
            return Err(Failure::usage(what).hint(
                "each line is to be an object with `custom_id` and `response`, as `vllm run-batch` and Batch APIs write it",
            ));
        }
        Ok(results)
    }

    /// No results yet.
    pub(super) fn none() -> Self {
        Self {
            files: Vec::new(),
            places: HashMap::new(),
            model: None,
            unreadable: 0,
            nameless: 0,
            twice: 0,
        }
    }

    /// Adds the lines of a file, from its beginning.
    ///
    /// # Errors
    /// Exit 2: it can't be read.
    pub(super) fn add(&mut self, file: File, name: String) -> Result<(), Failure> {
        let index = self.files.len();
        let failed = |error: std::io::Error| unreadable(&name, &error);
        let mut reader = BufReader::with_capacity(READ_SIZE, &file);
        reader.seek(SeekFrom::Start(0)).map_err(failed)?;
        let (mut at, mut line) = (0, Vec::new());
        loop {
            line.clear();
            // Split at LF alone: other ends of lines stand inside of texts.
            let mut limited = reader.by_ref().take(MAX_LINE + 1);
            let length = limited.read_until(b'\n', &mut line).map_err(failed)? as u64;
            if length == 0 {
                break;
            }
            if length > MAX_LINE {
                return Err(Failure::usage(format!("{name} has a line longer than 64 MiB")));
            }
            self.add_line(
                &line,
                Place { file: index, at, length, is_good: false, is_taken: false },
            );
            at += length;
        }
        self.files.push((file, name));
        Ok(())
    }

    fn add_line(&mut self, line: &[u8], place: Place) {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        let Some(RowResult { id, outcome }) = result::read(line) else {
            self.unreadable += 1;
            return;
        };
        let Some(id) = id else {
            self.nameless += 1;
            return;
        };
        if self.model.is_none()
            && let RowOutcome::Reply { body, .. } = &outcome
        {
            self.model = body["model"].as_str().map(str::to_owned);
        }
        let place = Place { is_good: outcome.is_good(), ..place };
        match self.places.get_mut(&id) {
            None => {
                self.places.insert(id, place);
            }
            Some(known) if known.is_good && place.is_good => self.twice += 1,
            // What was tried again, or stands in the file of errors as well.
            Some(known) if !known.is_good => *known = place,
            Some(_) => {}
        }
    }

    /// What came of a row that goes by one of these ids; the first that is known counts.
    ///
    /// # Errors
    /// Exit 2: the file can't be read any more.
    pub(super) fn take(&mut self, ids: &[&str]) -> Result<Option<RowResult>, Failure> {
        let found = ids.iter().find_map(|id| self.place(id));
        let Some(Place { file, at, length, .. }) = found else { return Ok(None) };
        let (file, name) = &mut self.files[file];
        let mut line = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut line));
        read.map_err(|error| unreadable(name, &error))?;
        Ok(result::read(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line)))
    }

    /// The line of an id as it is, or as a program that takes digits for a number has changed it.
    fn place(&mut self, id: &str) -> Option<Place> {
        let key = match self.places.contains_key(id) {
            true => id.to_owned(),
            false => as_number(id).into_iter().find(|key| self.places.contains_key(key))?,
        };
        let place = self.places.get_mut(&key)?;
        // Two ids may have become one number.
        (!std::mem::replace(&mut place.is_taken, true)).then_some(*place)
    }

    /// The model that answered, as far as the results tell.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Results that no row has asked for.
    pub(super) fn left(&self) -> u64 {
        self.places.values().filter(|place| !place.is_taken).count() as u64
    }
}

/// What becomes of digits that are read as a number.
fn as_number(id: &str) -> Vec<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let whole = id.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let float = id.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    [Some(whole.to_owned()), float.map(|float| float.to_string())].into_iter().flatten().collect()
}

/// The file, or those of the folder that may hold results, in the order of their names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = path.display().to_string();
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| unreadable(&name, &error))?;
    let is_results = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')));
        !is_hidden && path.is_file() && matches!(ending, "json" | "jsonl" | "ndjson")
    };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_results).collect();
    files.sort();
    match files.is_empty() {
        true => Err(Failure::usage(format!("{name} holds no .json or .jsonl file"))),
        false => Ok(files),
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => FailureKind::Usage,
        _ => FailureKind::Other,
    };
    Failure::new(kind, format!("cannot read {name}: {}", reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, status: u16, text: &str) -> String {
        format!(
            "{{\"custom_id\":{id},\"response\":{{\"status_code\":{status},\"body\":{{\"t\":\"{text}\"}}}}}}\n"
        )
    }

    fn text(result: Option<RowResult>) -> String {
        match result.map(|result| result.outcome) {
            Some(RowOutcome::Reply { body, .. }) => {
                body["t"].as_str().unwrap_or_default().to_owned()
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_found_in_any_order_and_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("written")
        };
        put(
            "2.json",
            format!(
                "\u{feff}{}\n  \n{}",
                line("\"b\"", 200, "乙\u{2028}\u{85}"),
                line("7", 200, "seven")
            ),
        );
        put("1.jsonl", line("\"a\"", 500, "no") + &line("null", 200, "x") + "broken\n");
        put(
            "3.json",
            line("\"a\"", 200, "甲") + &line("\"a\"", 200, "again") + &line("\"b\"", 400, "late"),
        );
        put("_SUCCESS.json", "{}".into());
        put("notes.txt", line("\"b\"", 200, "not this"));
        let mut results = Results::open(folder.path()).expect("opens");
        assert_eq!((results.unreadable, results.nameless, results.twice), (1, 1, 1));
        assert_eq!(text(results.take(&["row-1", "a"]).expect("is read")), "甲");
        assert_eq!(text(results.take(&["b"]).expect("is read")), "乙\u{2028}\u{85}");
        assert_eq!(results.left(), 1);
        assert_eq!(text(results.take(&["007"]).expect("is read")), "seven");
        assert_eq!(results.take(&["7"]).expect("is read"), None);
        assert_eq!(results.take(&["c"]).expect("is read"), None);
        assert_eq!(results.left(), 0);
    }

    #[test]
    fn digits_that_became_numbers_are_found() {
        assert_eq!(as_number("007"), ["7", "7.0"]);
        assert_eq!(as_number("000"), ["0", "0.0"]);
        assert_eq!(as_number("12345678901234567890")[1], "1.2345678901234567e+19");
        assert!(as_number("7a").is_empty() && as_number("").is_empty());
    }

    #[test]
    fn what_holds_no_results_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let told = || Results::open(&path).expect_err("is refused").message;
        assert!(told().contains("cannot read"));
        std::fs::write(&path, "x\n").expect("written");
        assert!(told().contains("holds no results"));
        std::fs::write(&path, line("null", 200, "x")).expect("written");
        assert!(told().contains("have no custom_id"));
        std::fs::remove_file(&path).expect("removed");
        assert!(Results::open(folder.path()).expect_err("is refused").message.contains("no .json"));
    }
}
