//! `[tools.NAME]`: a program of the user's that a model may call, as the profile file describes it.
//! Runs nothing.

use std::time::Duration;

use serde_json::Value;
use toml::de::DeValue;

use super::read::{Entry, Key, Source, object, plain};
use super::schema::{self, Shape};
use super::{json, words};
use crate::error::Failure;

/// One table of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolTable {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// A JSON Schema of the arguments, as it stands in the file.
    pub(crate) parameters: Option<Value>,
    /// Program and arguments; never empty.
    pub(crate) command: Vec<String>,
    pub(crate) timeout: Option<Duration>,
}

/// Whether a tool may have the name (specification, `FunctionObject.name`).
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

/// Reads a table.
///
/// # Errors
/// An unknown field, a wrong type, a missing command, with file and line.
pub(super) fn table(
    source: &Source<'_>,
    name: Key<'_, '_>,
    value: &Entry<'_>,
) -> Result<ToolTable, Failure> {
    let place = format!("[tools.{}]", name.get_ref());
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.mistyped(&format!("tools.{}", name.get_ref()), value, "a table"));
    };
    if !is_name(name.get_ref()) {
        let what = format!("{place}: the name of a tool is at most 64 of a-z, A-Z, 0-9, _ and -");
        return Err(source.wrong(name.span().start, &what));
    }
    let mut tool = ToolTable {
        name: name.get_ref().to_string(),
        description: None,
        parameters: None,
        command: Vec::new(),
        timeout: None,
    };
    for (key, value) in table {
        match &**key.get_ref() {
            "description" => {
                let text = plain(source, "description", Shape::Text, value)?;
                tool.description = text.as_str().map(str::to_owned);
            }
            "parameters" => {
                tool.parameters = Some(Value::Object(object(source, "parameters", value)?));
            }
            "command" => {
                tool.command = match plain(source, "command", Shape::Texts, value)? {
                    Value::String(line) => words::split(&line).ok_or_else(|| {
                        let what = format!("a quote in the `command` of {place} is not closed");
                        source.wrong(value.span().start, &what)
                    })?,
                    words => texts(&words),
                };
            }
            "timeout" => tool.timeout = Some(seconds(source, value)?),
            _ => return Err(source.unknown(key, &place, schema::TOOL.iter().copied())),
        }
    }
    if tool.command.first().is_none_or(String::is_empty) {
        let what = format!("{place} has no `command`, the program to run");
        return Err(source.wrong(name.span().start, &what));
    }
    Ok(tool)
}

/// A time in seconds, which may be broken.
fn seconds(source: &Source<'_>, value: &Entry<'_>) -> Result<Duration, Failure> {
    let number = json::value(source, "timeout", value)?.as_f64();
    let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let what = "`timeout` must be a number of seconds above 0";
    time.filter(|time| !time.is_zero()).ok_or_else(|| source.wrong(value.span().start, what))
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
