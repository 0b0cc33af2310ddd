//! The texts in one column of a file's rows, and a second column that names them.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use serde_json::Value;

use super::rows::{RowForm, Rows};
use crate::error::Failure;

/// Which columns of rows are read.
#[derive(Debug, Clone)]
pub(crate) struct RowColumns {
    /// The column of the texts.
    pub(crate) text: String,
    /// The column that names a row.
    pub(crate) id: Option<String>,
}

/// The text of a row.
#[derive(Debug)]
pub(super) struct FieldText {
    pub(super) text: String,
    pub(super) id: Option<Value>,
    /// The row, from 1.
    pub(super) number: u64,
}

/// The texts of one file.
pub(super) struct FieldTexts {
    rows: Rows<BufReader<Box<dyn Read + Send + Sync>>>,
    columns: RowColumns,
    name: Arc<str>,
}

impl FieldTexts {
    /// `form` where the file's ending tells it; else its first bytes do.
    ///
    /// # Errors
    /// Exit 2: the file can't be read.
    pub(super) fn new(
        mut reader: BufReader<Box<dyn Read + Send + Sync>>,
        form: Option<RowForm>,
        name: Arc<str>,
        columns: RowColumns,
    ) -> Result<Self, Failure> {
        let form = match form {
            Some(form) => form,
            None => RowForm::of_start(reader.fill_buf().map_err(|error| {
                let reason = crate::error::reason(&error);
                Failure::usage(format!("cannot read {name}: {reason}"))
            })?),
        };
        Ok(Self { rows: Rows::new(reader, form, Arc::clone(&name)), columns, name })
    }

    /// The text of the next row. One that is `null` counts as empty; a number is taken as it is written.
    ///
    /// # Errors
    /// Exit 2: a row that can't be read, lacks a column, or has a list or an object for a text.
    pub(super) fn next(&mut self) -> Result<Option<FieldText>, Failure> {
        let Some(row) = self.rows.next()? else { return Ok(None) };
        let number = self.rows.number;
        let lacks = |column: &str| {
            let (name, all) = (&self.name, row.columns().join(", "));
            Failure::usage(format!("row {number} of {name} has no `{column}`"))
                .hint(format!("it has {all}"))
        };
        let column = &self.columns.text;
        let text = match row.get(column).ok_or_else(|| lacks(column))? {
            Value::String(text) => text,
            Value::Null => String::new(),
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                let message = format!("`{column}` in row {number} of {} is no text", self.name);
                return Err(Failure::usage(message));
            }
        };
        let id = match &self.columns.id {
            Some(column) => Some(row.get(column).ok_or_else(|| lacks(column))?),
            None => None,
        };
        Ok(Some(FieldText { text, id, number }))
    }
}
