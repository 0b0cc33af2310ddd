//! Files of results, whoever wrote them and in whatever order: where in them the line of a row is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::api::batch::line::numbered_id;
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
    claim: Option<Claim>,
}

/// Who a result belongs to.
#[derive(Debug, Clone, Copy)]
struct Claim {
    /// None where several rows go by its name, so that nothing tells which it is.
    row: Option<u64>,
    /// By which of its names.
    way: usize,
}

/// What a row may go by in results.
#[derive(Debug)]
pub(super) struct RowNames {
    /// Its number, from 1.
    pub(super) row: u64,
    pub(super) custom_id: String,
    /// What stands in its column of ids.
    pub(super) own: String,
}

/// How many ways there are to name a row.
const WAYS: usize = 4;

impl RowNames {
    /// The names of one way; the first way is the surest.
    fn by(&self, way: usize) -> Vec<String> {
        match way {
            0 => vec![self.custom_id.clone()],
            1 => vec![self.own.clone()],
            // A program that takes digits for a number has changed it.
            2 => as_number(&self.own),
            _ => vec![numbered_id(self.row)],
        }
    }
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
            self.add_line(&line, Place { file: index, at, length, is_good: false, claim: None });
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

    /// Settles which row each result belongs to. `next` gives the names of all rows. A result goes to the row
    /// that it names most surely: where the line of a row is missing, another one's is not taken for it.
    ///
    /// # Errors
    /// Those of `next`.
    pub(super) fn join(
        &mut self,
        next: &mut dyn FnMut() -> Result<Option<RowNames>, Failure>,
    ) -> Result<(), Failure> {
        let mut without = Vec::new();
        while let Some(names) = next()? {
            if !self.claim(&names, 0) {
                without.push(names);
            }
        }
        for way in 1..WAYS {
            without.retain(|names| !self.claim(names, way));
        }
        Ok(())
    }

    /// Gives a row the result that it names in this way; false if there is none for it.
    fn claim(&mut self, names: &RowNames, way: usize) -> bool {
        let found = names.by(way).into_iter().find(|name| self.places.contains_key(name));
        let Some(place) = found.and_then(|name| self.places.get_mut(&name)) else { return false };
        match &mut place.claim {
            None => place.claim = Some(Claim { row: Some(names.row), way }),
            // Two ids may have become one number.
            Some(claim) if claim.way == way => claim.row = None,
            Some(_) => return false,
        }
        true
    }

    /// What came of a row.
    ///
    /// # Errors
    /// Exit 2: the file can't be read any more.
    pub(super) fn of(&mut self, names: &RowNames) -> Result<Option<RowResult>, Failure> {
        let is_its = |place: &&Place| place.claim.is_some_and(|it| it.row == Some(names.row));
        let found = (0..WAYS)
            .flat_map(|way| names.by(way))
            .find_map(|name| self.places.get(&name).filter(is_its).copied());
        let Some(Place { file, at, length, .. }) = found else { return Ok(None) };
        let (file, name) = &mut self.files[file];
        let mut line = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut line));
        read.map_err(|error| unreadable(name, &error))?;
        Ok(result::read(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line)))
    }

    /// The model that answered, as far as the results tell.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Results that belong to no row.
    pub(super) fn left(&self) -> u64 {
        let is_of_none = |place: &&Place| place.claim.and_then(|claim| claim.row).is_none();
        self.places.values().filter(is_of_none).count() as u64
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
///
/// # Errors
/// Exit 2: a folder that can't be read or holds none.
pub(super) fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
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
        assert_eq!(of(&mut results, &["a", "b", "c"]), ["甲", "乙\u{2028}\u{85}", "None"]);
        assert_eq!(results.left(), 1);
    }

    /// What came of rows whose ids stand as they are in their requests.
    fn of(results: &mut Results, ids: &[&str]) -> Vec<String> {
        let names = |(row, id): (u64, &&str)| {
            let (custom_id, own) = ((*id).to_owned(), (*id).to_owned());
            RowNames { row, custom_id, own }
        };
        let rows: Vec<RowNames> = (1..).zip(ids).map(names).collect();
        let mut next = (1..).zip(ids).map(names);
        results.join(&mut || Ok(next.next())).expect("is joined");
        rows.iter().map(|names| text(results.of(names).expect("is read"))).collect()
    }

    #[test]
    fn a_result_goes_to_the_row_that_it_names_most_surely() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.jsonl");
        for (results, ids, expected, left) in [
            (
                &["row-1", "row-3"][..],
                &["row-2", "row-1", "row-3"][..],
                ["None", "row-1", "row-3"],
                0,
            ),
            (&["row-1", "row-2", "x"], &["x", "b", "c"], ["x", "row-2", "None"], 1),
            (&["7", "row-2"], &["007", "b", "7"], ["None", "row-2", "7"], 0),
            (&["7"], &["007", "07", "b"], ["None", "None", "None"], 1),
            (&["7", "8.0"], &["007", "8", "row-1"], ["7", "8.0", "None"], 0),
        ] {
            let lines = results.iter().map(|id| line(&format!("\"{id}\""), 200, id));
            std::fs::write(&path, lines.collect::<String>()).expect("written");
            let mut results = Results::open(&path).expect("opens");
            assert_eq!(of(&mut results, ids), expected, "{ids:?}");
            assert_eq!(results.left(), left, "{ids:?}");
        }
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
