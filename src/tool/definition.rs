//! What a model is told of a tool, and how it is run, as data.

use std::time::Duration;

use serde_json::{Value, json};

/// A tool that can be offered to a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// A JSON Schema of the arguments.
    pub(crate) parameters: Value,
    /// Program and arguments; never empty.
    pub(crate) command: Vec<String>,
    /// The longest that a call may take.
    pub(crate) timeout: Duration,
}

/// The longest that a call may take, unless the tool has a limit of its own.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The parameters of a tool that names none.
pub(crate) fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}
