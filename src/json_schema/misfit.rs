//! What does not fit, in words.

use std::fmt;

use serde_json::Value;

/// How many characters of a text are quoted.
const MAX_QUOTED: usize = 40;

/// The first thing that does not fit a schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Misfit {
    what: String,
    /// The names and indexes that lead to the value.
    path: Vec<String>,
}

impl Misfit {
    pub(super) fn new(what: String, path: Vec<String>) -> Self {
        Self { what, path }
    }

    /// How deep in the value it lies.
    pub(super) fn depth(&self) -> usize {
        self.path.len()
    }
}

/// The words and the place as a JSON Pointer (RFC 6901); none where it is the whole value.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.path.is_empty() {
            f.write_str(" at ")?;
        }
        self.path.iter().try_for_each(|name| write!(f, "/{}", escaped(name)))
    }
}

/// A name as a part of a JSON Pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A value in few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().nth(MAX_QUOTED).is_some() => {
            let begin: String = text.chars().take(MAX_QUOTED).collect();
            Value::String(begin + "…").to_string()
        }
        value => value.to_string(),
    }
}

/// Values in few words, one behind the other.
pub(super) fn listed(values: &[Value]) -> String {
    values.iter().map(shown).collect::<Vec<_>>().join(", ")
}
