//! Rows of a file: lines of text, JSON objects, one a line, or CSV with a head (RFC 4180). Rows are read
//! when they are needed. Knows no endpoint.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::object::RowObject;
use super::text::decoded_row;
use crate::error::{Failure, reason};

/// The longest row in bytes: far more than any model accepts, and far less than a file without line ends
/// may have.
pub(super) const MAX_ROW: usize = 16 << 20;

/// The column of a row that is a line of text.
pub(crate) const LINE_COLUMN: &str = "input";

/// The form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowForm {
    /// Each line is a text; blank ones are no rows.
    Lines,
    Json,
    /// With this sign between columns.
    Csv(u8),
}

impl RowForm {
    /// The form that a file's ending tells.
    pub(crate) fn of_ending(path: &Path) -> Option<Self> {
        match &*path.extension()?.to_str()?.to_ascii_lowercase() {
            "jsonl" | "ndjson" => Some(Self::Json),
            "csv" => Some(Self::Csv(b',')),
            "tsv" => Some(Self::Csv(b'\t')),
            _ => None,
        }
    }

    /// The form of what begins with these bytes.
    pub(super) fn of_start(start: &[u8]) -> Self {
        let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
        match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::Json,
            _ => Self::Csv(b','),
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Row {
    /// A line of text, in the column [`LINE_COLUMN`].
    Line(String),
    Object(RowObject),
    /// Cells, and the names of their columns.
    Cells(Vec<String>, Arc<[String]>),
}

impl Row {
    /// What stands in a column. In an object `a.b` is the member `b` of `a`, unless there is one of that
    /// whole name.
    pub(crate) fn get(&self, column: &str) -> Option<Value> {
        match self {
            Row::Line(line) => (column == LINE_COLUMN).then(|| Value::String(line.clone())),
            Row::Object(object) => object.value(column).cloned(),
            Row::Cells(cells, head) => {
                let index = head.iter().position(|name| name == column)?;
                cells.get(index).map(|cell| Value::String(cell.clone()))
            }
        }
    }

    /// What stands in a column, as text: `null` is an empty one, a list or an object its JSON.
    pub(crate) fn text(&self, column: &str) -> Option<Cow<'_, str>> {
        match self {
            Row::Line(line) => (column == LINE_COLUMN).then_some(Cow::Borrowed(line)),
            Row::Object(object) => object.text(column),
            Row::Cells(cells, head) => {
                let index = head.iter().position(|name| name == column)?;
                cells.get(index).map(|cell| Cow::Borrowed(&**cell))
            }
        }
    }

    /// The JSON of a column of this very name, where that holds a number which would be written otherwise
    /// than it came.
    pub(crate) fn exact(&self, column: &str) -> Option<&str> {
        match self {
            Row::Object(object) => object.exact(column),
            Row::Line(_) | Row::Cells(..) => None,
        }
    }

    /// Whether it has a column of this very name, nested ones apart.
    pub(crate) fn has(&self, column: &str) -> bool {
        match self {
            Row::Line(_) => column == LINE_COLUMN,
            Row::Object(object) => object.contains_key(column),
            Row::Cells(_, head) => head.iter().any(|name| name == column),
        }
    }

    /// The names of its columns.
    pub(crate) fn columns(&self) -> Vec<String> {
        match self {
            Row::Line(_) => vec![LINE_COLUMN.to_owned()],
            Row::Object(object) => object.keys().cloned().collect(),
            Row::Cells(_, head) => head.to_vec(),
        }
    }
}

/// The rows of one file.
pub(crate) struct Rows<R> {
    reader: R,
    form: RowForm,
    /// The file's name in errors.
    name: Arc<str>,
    head: Option<Arc<[String]>>,
    /// Of the last row, from 1; the head of a CSV file is none.
    pub(crate) number: u64,
    has_begun: bool,
}

impl<R: BufRead> Rows<R> {
    /// The rows that `reader` has.
    pub(crate) fn new(reader: R, form: RowForm, name: Arc<str>) -> Self {
        Self { reader, form, name, head: None, number: 0, has_begun: false }
    }

    /// The next row; blank lines are none.
    ///
    /// # Errors
    /// Exit 2: a row that can't be read, with its number.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Failure> {
        match self.form {
            RowForm::Lines => self.text_line(),
            RowForm::Json => self.object(),
            RowForm::Csv(sign) => self.cells(sign),
        }
    }

    fn text_line(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            let Some(mut line) = self.line()? else { return Ok(None) };
            let end = line.strip_suffix('\n').unwrap_or(&line);
            line.truncate(end.strip_suffix('\r').unwrap_or(end).len());
            if !line.trim().is_empty() {
                self.number += 1;
                return Ok(Some(Row::Line(line)));
            }
        }
    }

    fn object(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if line.trim().is_empty() {
                continue;
            }
            self.number += 1;
            return match serde_json::from_str(&line) {
                Ok(Value::Object(object)) => Ok(Some(Row::Object(RowObject::of(object, &line)))),
                Ok(_) => Err(self.bad("is no JSON object")),
                Err(error) => Err(self.bad(&format!("is not JSON: {error}"))),
            };
        }
    }

    fn cells(&mut self, sign: u8) -> Result<Option<Row>, Failure> {
        loop {
            let Some(cells) = self.record(sign)? else { return Ok(None) };
            let Some(head) = &self.head else {
                let double =
                    cells.iter().enumerate().find(|(at, name)| cells[..*at].contains(name));
                if let Some((_, name)) = double {
                    let message =
                        format!("the head of {} names the column `{name}` twice", self.name);
                    return Err(Failure::usage(message));
                }
                self.head = Some(cells.into());
                continue;
            };
            let head = Arc::clone(head);
            self.number += 1;
            if cells.len() != head.len() {
                let (found, wanted) = (cells.len(), head.len());
                return Err(self.bad(&format!("has {found} columns, the head has {wanted}")));
            }
            return Ok(Some(Row::Cells(cells, head)));
        }
    }

    /// One record of a CSV file. A quoted cell may hold line ends.
    fn record(&mut self, sign: u8) -> Result<Option<Vec<String>>, Failure> {
        let mut text = String::new();
        loop {
            let Some(line) = self.line()? else {
                return match text.is_empty() {
                    true => Ok(None),
                    false => Err(self.bad_next("has a quote that does not end")),
                };
            };
            if text.is_empty() && line.trim_end_matches(['\r', '\n']).is_empty() {
                continue;
            }
            text.push_str(&line);
            if text.len() > MAX_ROW {
                return Err(self.bad_next("is longer than 16 MiB"));
            }
            if let Some(cells) = cells(&text, sign as char) {
                return Ok(Some(cells));
            }
        }
    }

    /// The next line with its end.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = Vec::new();
        let mut limited = self.reader.by_ref().take(MAX_ROW as u64 + 1);
        let read = limited.read_until(b'\n', &mut line);
        if read.map_err(|error| self.bad_next(&format!("can't be read: {}", reason(&error))))? == 0
        {
            return Ok(None);
        }
        if line.len() > MAX_ROW {
            return Err(self.bad_next("is longer than 16 MiB"));
        }
        let number = self.number + 1;
        let mut line = decoded_row(line, format_args!("row {number} of {}", self.name))?;
        if !std::mem::replace(&mut self.has_begun, true) && line.starts_with('\u{feff}') {
            line.remove(0);
        }
        Ok(Some(line))
    }

    fn bad(&self, what: &str) -> Failure {
        Failure::usage(format!("row {} of {} {what}", self.number, self.name))
    }

    fn bad_next(&self, what: &str) -> Failure {
        Failure::usage(format!("row {} of {} {what}", self.number + 1, self.name))
    }
}

/// The cells of a record; `None` if a quote is still open at its end.
fn cells(record: &str, sign: char) -> Option<Vec<String>> {
    let record = record.strip_suffix('\n').unwrap_or(record);
    let record = record.strip_suffix('\r').unwrap_or(record);
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = record.chars().peekable();
    while let Some(letter) = letters.next() {
        let cell = cells.last_mut()?;
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            letter if letter == sign && !is_quoted => cells.push(String::new()),
            letter => cell.push(letter),
        }
    }
    (!is_quoted).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, form: RowForm, column: &str) -> Result<Vec<Option<Value>>, String> {
        let mut rows = Rows::new(text.as_bytes(), form, "x".into());
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|failure| failure.message)? {
            all.push(row.get(column));
        }
        Ok(all)
    }

    #[test]
    fn csv_is_read_as_its_standard_has_it() {
        let text =
            "\u{feff}id,text\r\n1,\"a \"\"b\"\", c\"\r\n\r\n2,\"two\nlines\"\n3,一\u{2028}二\n4,";
        let found = read(text, RowForm::Csv(b','), "text").expect("is read");
        let texts = ["a \"b\", c", "two\nlines", "一\u{2028}二", ""];
        assert_eq!(found, texts.map(|text| Some(Value::from(text))));
        assert_eq!(read("a\tb\n1\t2", RowForm::Csv(b'\t'), "b"), Ok(vec![Some("2".into())]));
        assert_eq!(
            read("a,b\n1", RowForm::Csv(b','), "b").unwrap_err(),
            "row 1 of x has 1 columns, the head has 2"
        );
        let open = read("a\n1\n\"x\n", RowForm::Csv(b','), "a").unwrap_err();
        assert_eq!(open, "row 2 of x has a quote that does not end");
    }

    #[test]
    fn lines_are_texts_and_blank_ones_are_no_rows() {
        let text = "\u{feff}一\u{2028}二\r\n\n \t\nb \u{85}c\n";
        let found = read(text, RowForm::Lines, LINE_COLUMN).expect("is read");
        assert_eq!(found, ["一\u{2028}二", "b \u{85}c"].map(|text| Some(Value::from(text))));
        let double = read("a,b,a\n1,2,3\n", RowForm::Csv(b','), "a").unwrap_err();
        assert_eq!(double, "the head of x names the column `a` twice");
    }

    #[test]
    fn columns_are_told_as_text() {
        let object = serde_json::json!({"a": null, "b": 1.50, "c": ["x"], "d": {"e": "f"}});
        let Value::Object(object) = object else { unreachable!("an object") };
        let row = Row::Object(object.into());
        let texts = ["a", "b", "c", "d.e", "d.x", "x"].map(|column| row.text(column));
        let expected = [Some(""), Some("1.5"), Some("[\"x\"]"), Some("f"), None, None];
        assert_eq!(texts.each_ref().map(Option::as_deref), expected);
        assert!(row.has("d") && !row.has("d.e"));
    }

    #[test]
    fn objects_are_read_line_by_line() {
        let text = "{\"a\":{\"b\":1},\"a.c\":2}\r\n\n{\"a\":null}";
        assert_eq!(read(text, RowForm::Json, "a.b"), Ok(vec![Some(1.into()), None]));
        assert_eq!(read(text, RowForm::Json, "a.c"), Ok(vec![Some(2.into()), None]));
        assert_eq!(read("[1]", RowForm::Json, "a").unwrap_err(), "row 1 of x is no JSON object");
        assert!(
            read("{\"a\":1}\n{", RowForm::Json, "a")
                .unwrap_err()
                .starts_with("row 2 of x is not JSON")
        );
    }

    #[test]
    fn the_form_is_told_by_the_name_or_by_the_start() {
        for (name, form) in [
            ("a.JSONL", Some(RowForm::Json)),
            ("a.tsv", Some(RowForm::Csv(b'\t'))),
            ("a.txt", None),
        ] {
            assert_eq!(RowForm::of_ending(Path::new(name)), form);
        }
        assert_eq!(RowForm::of_start(b" \n{\"a\""), RowForm::Json);
        assert_eq!(RowForm::of_start("\u{feff}id,{".as_bytes()), RowForm::Csv(b','));
    }
}
