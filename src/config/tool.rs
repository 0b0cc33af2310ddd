//! `[tools.NAME]`: a program of the user's that a model may call, as the profile file describes it.
//! Runs nothing.

use std::time::Duration;

use serde_json::{Map, Value};

use super::source::{Entry, Key, Source};
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
    pub(super) fn read(
        source: &Source<'_>,
        name: Key<'_, '_>,
        value: &Entry<'_>,
    ) -> Result<Self, Failure> {
        let place = format!("tools.{}", name.get_ref());
        let (table, label) = (source.table(&place, value)?, format!("[{place}]"));
        let wrong = |what: &str| source.wrong(name.span().start, &format!("{label}{what}"));
        if !is_name(name.get_ref()) {
            return Err(wrong(": the name of a tool is at most 64 of a-z, A-Z, 0-9, _ and -"));
        }
        let tool = Self { name: name.get_ref().to_string(), ..Self::default() };
        let tool = tool.read_fields(source, &label, table)?;
        match tool.command.first() {
            Some(program) if !program.is_empty() => Ok(tool),
            _ => Err(wrong(" has no `command`, the program to run")),
        }
    }
}

/// Words, or one text that is split into them.
fn command(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Vec<String>, Failure> {
    Ok(match Texts::from_toml(source, name, value)? {
        Texts::One(line) => words::split(&line).ok_or_else(|| {
            let what = format!("a quote in the `{name}` of a tool is not closed");
            source.wrong(value.span().start, &what)
        })?,
        Texts::Several(words) => words,
    })
}

/// A time in seconds, which may be broken.
fn seconds(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
) -> Result<Option<Duration>, Failure> {
    let number = Value::from_toml(source, name, value)?.as_f64();
    let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.filter(|time| !time.is_zero());
    let what = format!("`{name}` must be a number of seconds above 0");
    time.map(Some).ok_or_else(|| source.wrong(value.span().start, &what))
}
