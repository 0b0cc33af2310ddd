//! Texts to embed: arguments, whole files, or the lines of a file. Lines are read when they are needed.
//! Knows no endpoint.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::field_texts::{FieldTexts, RowColumns};
use super::folder;
use super::rows::RowForm;
use super::stdin::{self, STDIN, is_stdin};
use super::text::{DecodedText, decoded, decoded_row, read_file};
use crate::error::{Failure, reason};
use crate::io::Io;

/// The longest line in bytes: far more than any model accepts, and far less than a file without line
/// ends may have.
const MAX_LINE: usize = 16 << 20;

/// How much is read from a file at once.
const READ_SIZE: usize = 256 * 1024;

/// Where the texts come from.
#[derive(Debug, Default)]
pub(crate) struct TextSources<'a> {
    /// Each of them is a text.
    pub(crate) words: &'a [String],
    /// `-` is standard input, which is also read if there are no words and no files.
    pub(crate) files: &'a [PathBuf],
    /// Each line is a text, not each file.
    pub(crate) lines: bool,
    /// Each row is a text: this column of it.
    pub(crate) columns: Option<RowColumns>,
    /// Files that are no input where they lie in a folder: those that the command writes.
    pub(crate) skip: Vec<PathBuf>,
}

/// One text and its place.
#[derive(Debug, PartialEq)]
pub(crate) struct InputText {
    pub(crate) text: String,
    /// The name of its row, if rows have one.
    pub(crate) id: Option<Value>,
    pub(crate) place: TextPlace,
}

/// The place of a text, for messages: `input 2`, `line 7`, `row 7 of a.csv`, `a.txt`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextPlace {
    /// The file, if the number alone is not enough.
    file: Option<Arc<str>>,
    /// From 1; 0 for a whole file.
    number: u64,
    /// What the number counts.
    unit: &'static str,
}

impl fmt::Display for TextPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.number) {
            (Some(file), 0) => write!(out, "{file}"),
            (Some(file), number) => write!(out, "{} {number} of {file}", self.unit),
            (None, number) => write!(out, "{} {number}", self.unit),
        }
    }
}

/// What is known before the first text is read.
#[derive(Debug, Default, Clone)]
pub(crate) struct KnownTexts {
    /// The number of texts, unless some are in standard input or a pipe.
    pub(crate) count: Option<u64>,
    /// The first empty line.
    pub(crate) empty: Option<TextPlace>,
}

/// The texts, one after the other.
pub(crate) struct InputTexts {
    sources: VecDeque<TextSource>,
    current: Option<FileTexts>,
    columns: Option<RowColumns>,
    pub(crate) known: KnownTexts,
}

/// A source of further texts.
enum TextSource {
    Text(InputText),
    /// A file that is one text.
    Whole(PathBuf),
    /// A file whose lines are texts; its name if there are several files.
    Lines(PathBuf, Option<Arc<str>>),
    Stdin(Box<dyn Read + Send + Sync>, Option<Arc<str>>),
}

impl InputTexts {
    /// Finds the sources, and checks those that can be read twice.
    ///
    /// # Errors
    /// Exit 2: no text at all, an empty argument, a file that is missing, empty or not text.
    pub(crate) fn find(wanted: &TextSources<'_>, io: &mut Io) -> Result<Self, Failure> {
        let stdin = [PathBuf::from("-")];
        let files = match (wanted.words, wanted.files) {
            ([], []) if io.stdin_is_terminal => return Err(no_text()),
            ([], []) => &stdin,
            (_, files) => files,
        };
        let mut all = Vec::new();
        for path in files {
            match path.is_dir() {
                true => all.extend(folder::text_files(path, &wanted.skip, io)?),
                false => all.push(path.clone()),
            }
        }
        let files = &all;
        if files.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("standard input is named twice, but can be read only once"));
        }
        let mut texts = Self {
            sources: VecDeque::new(),
            current: None,
            columns: wanted.columns.clone(),
            known: KnownTexts::default(),
        };
        for (word, number) in wanted.words.iter().zip(1..) {
            let place = TextPlace { file: None, number, unit: "input" };
            if word.is_empty() {
                return Err(Failure::usage(format!("{place} is empty")));
            }
            texts.sources.push_back(TextSource::Text(InputText {
                text: word.clone(),
                id: None,
                place,
            }));
        }
        let mut count = Some(wanted.words.len() as u64);
        for path in files {
            let is_split = wanted.lines || wanted.columns.is_some();
            let found = texts.add(path, is_split, files.len() > 1, io)?;
            count = count.zip(found).map(|(count, found)| count + found);
        }
        texts.known.count = count;
        if count == Some(0) { Err(no_text()) } else { Ok(texts) }
    }

    /// Adds a file. Returns the number of its texts, if it is known.
    fn add(
        &mut self,
        path: &Path,
        is_split: bool,
        is_named: bool,
        io: &mut Io,
    ) -> Result<Option<u64>, Failure> {
        let name = || is_named.then(|| name_of(path));
        match (is_stdin(path), is_split) {
            (true, true) => {
                if let Some(stdin) = io.stdin.take() {
                    self.sources.push_back(TextSource::Stdin(stdin, name()));
                }
                Ok(None)
            }
            (true, false) => {
                let text = read_stdin(io)?;
                let place = TextPlace { file: Some(name_of(path)), number: 0, unit: "input" };
                self.sources.push_back(TextSource::Text(InputText { text, id: None, place }));
                Ok(Some(1))
            }
            (false, true) => {
                let count = if is_regular(path)? { Some(self.check(path, name())?) } else { None };
                self.sources.push_back(TextSource::Lines(path.to_owned(), name()));
                Ok(count)
            }
            (false, false) => {
                if is_regular(path)? {
                    read_whole(path)?.told(&name_of(path), io);
                }
                self.sources.push_back(TextSource::Whole(path.to_owned()));
                Ok(Some(1))
            }
        }
    }

    /// Reads all lines once, so that errors in them are found before anything is sent.
    fn check(&mut self, path: &Path, name: Option<Arc<str>>) -> Result<u64, Failure> {
        let mut texts = self.open(path, name)?;
        let mut count = 0;
        while let Some(text) = texts.next()? {
            count += 1;
            if text.text.is_empty() && self.known.empty.is_none() {
                self.known.empty = Some(text.place);
            }
        }
        Ok(count)
    }

    /// The texts of a file, each line or each row one.
    fn open(&self, path: &Path, shown: Option<Arc<str>>) -> Result<FileTexts, Failure> {
        let name = name_of(path);
        let file = File::open(path).map_err(|error| cannot_read(&name, &error))?;
        self.texts_of(Box::new(file), RowForm::of_ending(path), name, shown)
    }

    fn texts_of(
        &self,
        reader: Box<dyn Read + Send + Sync>,
        form: Option<RowForm>,
        name: Arc<str>,
        shown: Option<Arc<str>>,
    ) -> Result<FileTexts, Failure> {
        let Some(columns) = self.columns.clone() else {
            return Ok(FileTexts::Lines(FileLines::new(reader, name, shown)));
        };
        let reader = BufReader::with_capacity(READ_SIZE, reader);
        Ok(FileTexts::Rows(FieldTexts::new(reader, form, name, columns)?, shown))
    }

    /// The next text; `None` at the end. Waits for standard input.
    ///
    /// # Errors
    /// Exit 2: a file that can't be read, or a line that is not text.
    pub(crate) fn next(&mut self) -> Result<Option<InputText>, Failure> {
        loop {
            if let Some(texts) = &mut self.current {
                match texts.next()? {
                    Some(text) => return Ok(Some(text)),
                    None => self.current = None,
                }
            }
            match self.sources.pop_front() {
                None => return Ok(None),
                Some(TextSource::Text(text)) => return Ok(Some(text)),
                Some(TextSource::Whole(path)) => {
                    let place = TextPlace { file: Some(name_of(&path)), number: 0, unit: "input" };
                    return Ok(Some(InputText { text: read_whole(&path)?.text, id: None, place }));
                }
                Some(TextSource::Lines(path, name)) => {
                    self.current = Some(self.open(&path, name)?);
                }
                Some(TextSource::Stdin(stdin, name)) => {
                    self.current = Some(self.texts_of(stdin, None, STDIN.into(), name)?);
                }
            }
        }
    }
}

/// The texts of one file.
enum FileTexts {
    Lines(FileLines),
    /// Its name if places need it.
    Rows(FieldTexts, Option<Arc<str>>),
}

impl FileTexts {
    fn next(&mut self) -> Result<Option<InputText>, Failure> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Rows(rows, shown) => Ok(rows.next()?.map(|row| {
                let place = TextPlace { file: shown.clone(), number: row.number, unit: "row" };
                InputText { text: row.text, id: row.id, place }
            })),
        }
    }
}

/// The lines of one file.
struct FileLines {
    reader: BufReader<Box<dyn Read + Send + Sync>>,
    /// The file's name in errors.
    name: Arc<str>,
    /// The file's name in the places of lines.
    shown: Option<Arc<str>>,
    number: u64,
}

impl FileLines {
    fn new(reader: Box<dyn Read + Send + Sync>, name: Arc<str>, shown: Option<Arc<str>>) -> Self {
        Self { reader: BufReader::with_capacity(READ_SIZE, reader), name, shown, number: 0 }
    }

    /// The next line without its end, which is `\n` or `\r\n`.
    fn next(&mut self) -> Result<Option<InputText>, Failure> {
        let mut line = Vec::new();
        // One byte more than allowed shows that the line is too long.
        let mut limited = self.reader.by_ref().take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut line);
        if read.map_err(|error| cannot_read(&self.name, &error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        let place = TextPlace { file: self.shown.clone(), number: self.number, unit: "line" };
        let (number, name) = (self.number, &self.name);
        if line.len() > MAX_LINE {
            return Err(Failure::usage(format!("line {number} of {name} is longer than 16 MiB")));
        }
        let mut text = decoded_row(line, format_args!("line {number} of {name}"))?;
        // The byte order mark of editors on Windows does not belong to the first line.
        if self.number == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        Ok(Some(InputText { text, id: None, place }))
    }
}

fn no_text() -> Failure {
    Failure::usage("there is no text to embed")
        .hint("give it as an argument or through a pipe: llm embed \"hello\"")
}

fn name_of(path: &Path) -> Arc<str> {
    match is_stdin(path) {
        true => STDIN.into(),
        false => path.display().to_string().into(),
    }
}

fn cannot_read(name: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read {name}: {}", reason(error)))
}

/// Whether the file can be read twice, unlike a pipe.
fn is_regular(path: &Path) -> Result<bool, Failure> {
    let facts = std::fs::metadata(path).map_err(|error| cannot_read(&name_of(path), &error))?;
    if facts.is_dir() {
        return Err(Failure::usage(format!("cannot read {}: it is a directory", path.display())));
    }
    Ok(facts.is_file())
}

/// The whole of standard input as one text.
fn read_stdin(io: &mut Io) -> Result<String, Failure> {
    let bytes = stdin::read_to_end(io, "")?.ok_or_else(no_text)?;
    let text = without_line_ends(decoded(bytes, STDIN)?.told(STDIN, io));
    if text.trim().is_empty() { Err(no_text()) } else { Ok(text) }
}

/// A whole file as one text.
fn read_whole(path: &Path) -> Result<DecodedText, Failure> {
    let mut read = read_file(path)?;
    read.text = without_line_ends(read.text);
    if read.text.trim().is_empty() {
        return Err(Failure::usage(format!("{} is empty", path.display())));
    }
    Ok(read)
}

/// A text without the line ends behind it, which are not part of it.
fn without_line_ends(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}

#[cfg(test)]
mod tests;
