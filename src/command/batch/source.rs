//! The rows of a run: files that are read from their beginning as often as it takes, a row at a time.
//! What can be read only once (standard input, a pipe) is copied to a temporary file first.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Failure, FailureKind, reason};
use crate::input::copy_stdin;
use crate::input::rows::{Row, RowForm, Rows};
use crate::io::{Io, PlacedReader};
use crate::output::spool::Spool;

/// How much is read from a file at once.
const READ_SIZE: usize = 64 * 1024;

const STDIN: &str = "standard input";

/// The files that hold the rows.
#[derive(Debug)]
pub(super) struct RowFiles {
    files: Vec<RowFile>,
    limit: u64,
}

#[derive(Debug)]
struct RowFile {
    file: Arc<File>,
    /// What errors call it.
    name: Arc<str>,
    form: RowForm,
    /// Length and time of change when the run began; none where nobody else can change it.
    facts: Option<FileFacts>,
    /// Keeps a temporary file in being.
    _spool: Option<Spool>,
}

type FileFacts = (u64, Option<SystemTime>);

/// A row and its place.
#[derive(Debug)]
pub(super) struct NumberedRow {
    /// From 1, over all files.
    pub(super) number: u64,
    pub(super) row: Row,
    /// The file that it stands in, and its number there.
    file: Arc<str>,
    number_there: u64,
}

impl NumberedRow {
    /// Its place in words: `row 7 of a.csv`.
    pub(super) fn place(&self) -> String {
        format!("row {} of {}", self.number_there, self.file)
    }
}

impl RowFiles {
    /// Opens files, standard input for `-` or where none is named. `form` wins over a file's ending; at most
    /// `limit` rows are read.
    ///
    /// # Errors
    /// Exit 2: a file that can't be read, standard input named twice, or nothing to read.
    pub(super) fn open(
        paths: &[PathBuf],
        form: Option<RowForm>,
        limit: Option<u64>,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let stdin = [PathBuf::from("-")];
        let paths = match paths {
            [] if io.stdin_is_terminal => {
                return Err(Failure::usage("there are no rows")
                    .hint("name a file with -f, or give them through a pipe"));
            }
            [] => &stdin,
            paths => paths,
        };
        let files = paths.iter().map(|path| RowFile::open(path, form, io));
        Ok(Self { files: files.collect::<Result<_, _>>()?, limit: limit.unwrap_or(u64::MAX) })
    }

    /// The rows from the first one on.
    pub(super) fn rows(&self) -> RowReader<'_> {
        RowReader { files: self.files.iter(), current: None, number: 0, limit: self.limit }
    }

    /// Fails where a file has changed since the run began: what was read of it first and last would
    /// not fit together.
    ///
    /// # Errors
    /// Exit 1, with the file's name.
    pub(super) fn check_unchanged(&self) -> Result<(), Failure> {
        let has_changed =
            |file: &&RowFile| file.facts.is_some() && facts(&file.file).ok() != file.facts;
        match self.files.iter().find(has_changed) {
            None => Ok(()),
            Some(file) => Err(Failure::new(
                FailureKind::Other,
                format!("{} was changed while its rows were asked", file.name),
            )),
        }
    }

    /// Copies the files into a folder, for their owner alone; gives each copy with the file's name.
    ///
    /// # Errors
    /// Exit 1: a full disk, say.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
        let copied = self.files.iter().enumerate().map(|(index, file)| {
            let ending = match file.form {
                RowForm::Lines => "txt",
                RowForm::Json => "jsonl",
                RowForm::Csv(b'\t') => "tsv",
                RowForm::Csv(_) => "csv",
            };
            let path = folder.join(format!("rows-{}.{ending}", index + 1));
            let copy = || {
                let mut options = crate::private::file();
                let mut copy = options.write(true).create(true).truncate(true).open(&path)?;
                std::io::copy(&mut PlacedReader::new(Arc::clone(&file.file)), &mut copy)
            };
            let failed = |error: std::io::Error| {
                let what = format!("cannot write {}: {}", path.display(), reason(&error));
                Failure::new(FailureKind::Other, what)
            };
            copy().map_err(failed)?;
            Ok((path, file.name.to_string()))
        });
        copied.collect()
    }

    /// Gives the files other names, for errors.
    pub(super) fn rename(&mut self, names: &[String]) {
        for (file, name) in self.files.iter_mut().zip(names) {
            file.name = name.as_str().into();
        }
    }

    /// The names of the files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }
}

impl RowFile {
    fn open(path: &Path, form: Option<RowForm>, io: &mut Io) -> Result<Self, Failure> {
        let form = form.or_else(|| RowForm::of_ending(path)).unwrap_or(RowForm::Lines);
        if path.as_os_str() == "-" {
            let mut spool = Spool::open(io)?;
            if !copy_stdin(io, &mut |piece| spool.write(piece))? {
                let words = "standard input is named twice, but can be read only once";
                return Err(Failure::usage(words));
            }
            return Self::of_spool(spool, form, STDIN.into());
        }
        let name: Arc<str> = path.display().to_string().into();
        let cannot = |error: std::io::Error| {
            Failure::usage(format!("cannot read {name}: {}", reason(&error)))
        };
        if path.is_dir() {
            return Err(Failure::usage(format!("cannot read {name}: it is a directory")));
        }
        let mut file = File::open(path).map_err(cannot)?;
        if file.metadata().map_err(cannot)?.is_file() {
            let facts = Some(facts(&file).map_err(cannot)?);
            return Ok(Self { file: Arc::new(file), name, form, facts, _spool: None });
        }
        let mut spool = Spool::open(io)?;
        let mut piece = vec![0; READ_SIZE];
        loop {
            match file.read(&mut piece).map_err(cannot)? {
                0 => return Self::of_spool(spool, form, Arc::clone(&name)),
                length => spool.write(&piece[..length])?,
            }
        }
    }

    fn of_spool(spool: Spool, form: RowForm, name: Arc<str>) -> Result<Self, Failure> {
        let file = Arc::new(spool.handle()?);
        Ok(Self { file, name, form, facts: None, _spool: Some(spool) })
    }
}

fn facts(file: &File) -> std::io::Result<FileFacts> {
    let facts = file.metadata()?;
    Ok((facts.len(), facts.modified().ok()))
}

/// Rows, one after the other.
pub(super) struct RowReader<'a> {
    files: std::slice::Iter<'a, RowFile>,
    current: Option<(Rows<BufReader<PlacedReader>>, Arc<str>)>,
    number: u64,
    limit: u64,
}

impl RowReader<'_> {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// Exit 2: a row that can't be read, with its place.
    pub(super) fn next(&mut self) -> Result<Option<NumberedRow>, Failure> {
        if self.number >= self.limit {
            return Ok(None);
        }
        loop {
            if let Some((rows, name)) = &mut self.current
                && let Some(row) = rows.next()?
            {
                self.number += 1;
                let (file, number_there) = (Arc::clone(name), rows.number);
                return Ok(Some(NumberedRow { number: self.number, row, file, number_there }));
            }
            let Some(file) = self.files.next() else { return Ok(None) };
            let reader = PlacedReader::new(Arc::clone(&file.file));
            let reader = BufReader::with_capacity(READ_SIZE, reader);
            let name = Arc::clone(&file.name);
            self.current = Some((Rows::new(reader, file.form, Arc::clone(&name)), name));
        }
    }
}

/// A row alone in its file.
#[cfg(test)]
pub(super) fn of_row(row: Row) -> NumberedRow {
    NumberedRow { number: 1, row, file: "x".into(), number_there: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(files: &RowFiles) -> Result<Vec<(u64, String, String)>, String> {
        let mut reader = files.rows();
        let mut found = Vec::new();
        while let Some(row) = reader.next().map_err(|failure| failure.message)? {
            let place = row.place();
            found.push((row.number, row.row.text("input").unwrap_or_default().into_owned(), place));
        }
        Ok(found)
    }

    #[test]
    fn rows_count_on_over_files_and_can_be_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lines, objects) = (folder.path().join("a.txt"), folder.path().join("b.jsonl"));
        std::fs::write(&lines, "一\n二\n").expect("written");
        std::fs::write(&objects, "{\"input\":\"三\"}\n").expect("written");
        let mut io = Io::nowhere();
        io.stdin = Some(Box::new("四\n五\n".as_bytes()));
        let paths = [lines.clone(), "-".into(), objects];
        let files = RowFiles::open(&paths, None, Some(4), &mut io).expect("opens");
        for _ in 0..2 {
            let found = all(&files).expect("is read");
            let texts: Vec<(u64, &str)> =
                found.iter().map(|(number, text, _)| (*number, &**text)).collect();
            assert_eq!(texts, [(1, "一"), (2, "二"), (3, "四"), (4, "五")]);
            assert_eq!(found[3].2, "row 2 of standard input");
        }
        assert!(files.check_unchanged().is_ok());
        std::fs::write(&lines, "一\n二\n三\n").expect("written");
        assert!(files.check_unchanged().is_err());
        assert!(RowFiles::open(&["-".into()], None, None, &mut io).is_err());
    }
}
