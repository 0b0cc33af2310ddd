//! The definition of a tool.

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
    /// How long a call may take.
    pub(crate) timeout: Duration,
}

/// How long a call may take if the tool has no timeout of its own.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The parameters of a tool without any.
pub(crate) fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}
