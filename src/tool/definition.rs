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
    /// How many bytes of its output go to the model.
    pub(crate) most: usize,
}

/// How many bytes of a tool's output go to the model if the tool has no bound of its own.
pub(crate) const DEFAULT_MOST: usize = 256 * 1024;

/// How long a call may take if the tool has no timeout of its own.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The parameters of a tool without any.
pub(crate) fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}
