//! `[tools.NAME]`: a program of the user's that a model may call, as the profile file describes it.
//! Runs nothing.

use std::time::Duration;

use serde_json::{Map, Value};

use super::source::Item;
use super::table::table;
use super::value::{FromToml, Texts};
use super::words;
use crate::error::Failure;

table! {
    /// One table of a tool.
    struct ToolTable { name: String } reads {
        description: Option<String>,
        /// A JSON Schema of the arguments, as it stands in the file.
        parameters: Option<Map<String, Value>>,
        /// Program and arguments; never empty.
        command: Vec<String> = command,
        timeout: Option<Duration> = seconds,
        /// How many bytes of its answer go to the model.
        most: Option<usize> = bytes,
    }
}

/// Whether a tool may have the name (specification, `FunctionObject.name`).
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

impl ToolTable {
    /// Reads a table.
    ///
    /// # Errors
    /// An unknown field, a wrong type, a missing command, with file and line.
    pub(super) fn read(name: &str, item: &Item<'_>) -> Result<Self, Failure> {
        let label = format!("[{}]", item.name);
        item.members("")?;
        if !is_name(name) {
            let what = "a tool name has at most 64 characters of a-z, A-Z, 0-9, _ and -";
            return Err(item.wrong_key(&format!("{label}: {what}")));
        }
        let tool = Self { name: name.to_owned(), ..Self::default() }.read_fields(&label, item)?;
        match tool.command.first() {
            Some(program) if !program.is_empty() => Ok(tool),
            _ => Err(item.wrong_key(&format!("{label} has no `command`, the program to run"))),
        }
    }
}

/// Words, or one text that is split into them.
///
/// # Errors
/// Another value, an open quote.
pub(super) fn command(item: &Item<'_>) -> Result<Vec<String>, Failure> {
    Ok(match Texts::from_toml(item)? {
        Texts::One(line) => words::split(&line)
            .ok_or_else(|| item.wrong(&format!("a quote in `{}` is not closed", item.name)))?,
        Texts::Several(words) => words,
    })
}

/// A number of bytes.
///
/// # Errors
/// Another value, or less than one byte.
pub(super) fn bytes(item: &Item<'_>) -> Result<Option<usize>, Failure> {
    let number = Value::from_toml(item)?.as_u64().and_then(|bytes| usize::try_from(bytes).ok());
    let what = format!("`{}` must be a number of bytes greater than 0", item.name);
    number.filter(|bytes| *bytes > 0).map(Some).ok_or_else(|| item.wrong(&what))
}

/// A time in seconds, which may be broken.
///
/// # Errors
/// Another value, or no time at all.
pub(super) fn seconds(item: &Item<'_>) -> Result<Option<Duration>, Failure> {
    let number = Value::from_toml(item)?.as_f64();
    let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let what = format!("`{}` must be a number of seconds greater than 0", item.name);
    time.filter(|time| !time.is_zero()).map(Some).ok_or_else(|| item.wrong(&what))
}
