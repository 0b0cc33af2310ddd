//! The first look at all rows, before anything is sent: how many there are, what names them, and
//! whether all can be asked.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::Value;

use super::source::{NumberedRow, RowFiles};
use super::template::{RowQuestion, RowTemplate};
use crate::error::Failure;
use crate::input::rows::{LINE_COLUMN, Row};

/// Columns that name a row without the user's saying so.
const USUAL_IDS: [&str; 2] = ["custom_id", "id"];

/// What names a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RowIds {
    /// A column; whether its texts may be `custom_id`s as they are.
    Column(String, bool),
    Number,
}

impl RowIds {
    /// The name of a row: what stands in its column, else its number as text.
    pub(super) fn id(&self, row: &NumberedRow) -> Value {
        match self {
            Self::Column(column, _) => row.row.get(column).unwrap_or_default(),
            Self::Number => Value::String(row.number.to_string()),
        }
    }

    /// The name of a row in requests of a Batch API: `row-N` for all of them where one of their own
    /// would not do.
    pub(super) fn custom_id(&self, row: &NumberedRow) -> String {
        match self {
            Self::Column(column, true) => row.row.text(column).unwrap_or_default().into_owned(),
            Self::Column(..) | Self::Number => format!("row-{}", row.number),
        }
    }

    /// The column that names the rows.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Self::Column(column, _) => Some(column),
            Self::Number => None,
        }
    }
}

/// What is known of all rows.
#[derive(Debug)]
pub(super) struct RowSurvey {
    pub(super) count: u64,
    pub(super) ids: RowIds,
    /// All columns of all rows, in the order in which they come up.
    pub(super) columns: Vec<String>,
}

/// A column whose texts name the rows, as far as it was looked at.
struct IdColumn {
    name: String,
    /// The user wants this one: a row without it is an error.
    is_asked: bool,
    hashes: Vec<u64>,
    is_safe: bool,
}

impl IdColumn {
    fn new(name: &str, is_asked: bool) -> Self {
        Self { name: name.to_owned(), is_asked, hashes: Vec::new(), is_safe: true }
    }

    /// Takes note of a row. False if it has no name in this column.
    ///
    /// # Errors
    /// Exit 2 where the user wants this column.
    fn add(&mut self, row: &NumberedRow) -> Result<bool, Failure> {
        match row.row.get(&self.name) {
            Some(Value::String(text)) if !text.is_empty() => self.take(&text),
            Some(Value::Number(_)) => self.take(&row.row.text(&self.name).unwrap_or_default()),
            found if self.is_asked => {
                let lack = if found.is_some() { "has no name in" } else { "has no column" };
                let message = format!("{} {lack} `{}`, which --id names", row.place(), self.name);
                return Err(Failure::usage(message)
                    .hint(format!("it has {}", row.row.columns().join(", "))));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, id: &str) {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        self.hashes.push(hasher.finish());
        self.is_safe &= is_safe(id);
    }

    /// A hash that two rows have.
    fn double(mut self) -> Option<u64> {
        self.hashes.sort_unstable();
        self.hashes.windows(2).find(|two| two[0] == two[1]).map(|two| two[0])
    }
}

/// Whether an id can be a `custom_id` everywhere: readers of data frames turn digits into numbers.
fn is_safe(id: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&id.len())
        && id.bytes().all(is_sign)
        && !id.bytes().all(|byte| byte.is_ascii_digit())
}

impl RowSurvey {
    /// Looks at all rows. `id` is the column that the user wants them named by. `each` gets every row with
    /// its question.
    ///
    /// # Errors
    /// Exit 2: no row at all, one that can't be read or asked, two with one name; and those of `each`.
    pub(super) fn of(
        files: &RowFiles,
        template: &RowTemplate,
        id: Option<&str>,
        each: &mut dyn FnMut(&NumberedRow, &RowQuestion) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut ids = id.map(|id| IdColumn::new(id, true));
        let (mut count, mut columns) = (0, Columns::default());
        let mut usual = USUAL_IDS.map(|_| true);
        let mut rows = files.rows();
        while let Some(row) = rows.next()? {
            count += 1;
            let question = template.fill(&row)?;
            columns.add(&row);
            for (name, is_everywhere) in USUAL_IDS.iter().zip(&mut usual) {
                *is_everywhere = *is_everywhere && row.row.has(name);
            }
            if count == 1 && ids.is_none() {
                let name = USUAL_IDS.iter().find(|name| row.row.has(name));
                ids = name.map(|name| IdColumn::new(name, false));
            }
            if let Some(column) = &mut ids
                && !column.add(&row)?
            {
                ids = None;
            }
            each(&row, &question)?;
        }
        if count == 0 {
            let names: Vec<&str> = files.names().collect();
            return Err(Failure::usage(format!("there are no rows in {}", names.join(", "))));
        }
        if ids.is_none() && id.is_none() {
            ids = other_ids(files, usual)?;
        }
        let ids = match ids {
            None => RowIds::Number,
            Some(column) => {
                let ids = RowIds::Column(column.name.clone(), column.is_safe);
                column.double().map_or(Ok(()), |hash| Err(double(files, &ids, hash)))?;
                ids
            }
        };
        Ok(Self { count, ids, columns: columns.names })
    }
}

/// The ids of a usual column that all rows have, where that is another one than the first row's.
fn other_ids(files: &RowFiles, usual: [bool; 2]) -> Result<Option<IdColumn>, Failure> {
    for (name, _) in USUAL_IDS.iter().zip(usual).filter(|(_, is_everywhere)| *is_everywhere) {
        let mut column = IdColumn::new(name, false);
        let mut rows = files.rows();
        loop {
            match rows.next()? {
                None => return Ok(Some(column)),
                Some(row) if column.add(&row)? => {}
                Some(_) => break,
            }
        }
    }
    Ok(None)
}

/// The failure for two rows with one name.
fn double(files: &RowFiles, ids: &RowIds, hash: u64) -> Failure {
    let mut first: Option<(String, String)> = None;
    let mut rows = files.rows();
    while let Ok(Some(row)) = rows.next() {
        let text = row.row.text(ids.column().unwrap_or_default()).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        match &first {
            _ if hasher.finish() != hash => {}
            None => first = Some((text.into_owned(), row.place())),
            Some((name, place)) => {
                let message = format!("{place} and {} have the same id, `{name}`", row.place());
                return Failure::usage(message)
                    .hint("--id COLUMN names another column for the rows");
            }
        }
    }
    Failure::usage("two rows have the same id")
}

/// The names of columns, each once.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    /// The head of the last CSV row, which is mostly that of the next one.
    head: Option<Arc<[String]>>,
}

impl Columns {
    fn add(&mut self, row: &NumberedRow) {
        let add = |names: &mut Vec<String>, name: &str| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        };
        match &row.row {
            Row::Cells(_, head) => {
                let is_known = self.head.as_ref().is_some_and(|known| Arc::ptr_eq(known, head));
                if !is_known {
                    head.iter().for_each(|name| add(&mut self.names, name));
                    self.head = Some(Arc::clone(head));
                }
            }
            Row::Object(object) => object.keys().for_each(|name| add(&mut self.names, name)),
            Row::Line(_) => add(&mut self.names, LINE_COLUMN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::TemplateSources;
    use super::*;
    use crate::io::Io;

    fn survey(text: &str, id: Option<&str>) -> Result<RowSurvey, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.jsonl");
        std::fs::write(&path, text).expect("written");
        let files = RowFiles::open(&[path], None, None, &mut Io::nowhere()).expect("opens");
        let first = files.rows().next().expect("is read").expect("a row");
        let words = "{{t}}".to_owned();
        let template = RowTemplate::new(&TemplateSources { words, ..Default::default() }, &first);
        RowSurvey::of(&files, &template.expect("a template"), id, &mut |_, _| Ok(()))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn rows_are_named_by_a_column_that_all_have() {
        let column = |name: &str, is_safe| RowIds::Column(name.to_owned(), is_safe);
        for (text, id, expected) in [
            ("{\"t\":1}\n{\"t\":2}", None, RowIds::Number),
            ("{\"t\":1,\"id\":\"a\"}\n{\"t\":2,\"id\":\"b\"}", None, column("id", true)),
            ("{\"t\":1,\"id\":\"a\"}\n{\"t\":2}", None, RowIds::Number),
            ("{\"t\":1,\"id\":1}\n{\"t\":2,\"id\":2}", None, column("id", false)),
            ("{\"t\":1,\"id\":\"a\",\"custom_id\":\"x y\"}", None, column("custom_id", false)),
            (
                "{\"t\":1,\"id\":\"a\",\"custom_id\":\"x\"}\n{\"t\":1,\"id\":\"b\"}",
                None,
                column("id", true),
            ),
            ("{\"t\":\"甲\",\"id\":1}", Some("t"), column("t", false)),
        ] {
            assert_eq!(survey(text, id).expect(text).ids, expected, "{text}");
        }
    }

    #[test]
    fn rows_that_can_not_be_told_apart_or_asked_are_named() {
        for (text, id, expected) in [
            ("{\"t\":1,\"id\":1}\n{\"t\":1,\"id\":2}\n{\"t\":1,\"id\":\"1\"}", None, "row 1"),
            ("{\"t\":1}\n{\"x\":1}", None, "row 2 of"),
            ("{\"t\":1}\n[1]", None, "row 2 of"),
            ("{\"t\":1}\n{\"t\":\"\"}", Some("t"), "row 2 of"),
        ] {
            let told = survey(text, id).expect_err(text);
            assert!(told.contains(expected), "{told}");
        }
        let double = survey("{\"t\":1,\"id\":\"x\"}\n{\"t\":1,\"id\":\"x\"}", None).unwrap_err();
        assert!(
            double.contains("row 1") && double.contains("row 2") && double.contains("`x`"),
            "{double}"
        );
    }
}
