//! A tool as it is offered to the model, whatever carries it out.

use serde_json::Value;

use crate::dialect::ToolDefinition;
use crate::sanitize;
use crate::tool::{Tool, repaired};

/// How much is told of the conditions that a schema has beside types, in bytes.
const MOST_CONDITIONS: usize = 2 * 1024;

/// A tool that is offered.
#[derive(Debug)]
pub(super) struct OfferedTool {
    pub(super) definition: ToolDefinition,
    /// What messages call it: its name, with that of its server.
    pub(super) shown: String,
    pub(super) source: ToolSource,
    /// It runs without asking.
    pub(super) runs_unasked: bool,
}

/// What carries a call out.
#[derive(Debug)]
pub(super) enum ToolSource {
    Program(Tool),
    Server {
        /// Which one of the run's servers.
        at: usize,
        /// The server's own name for the tool.
        tool: String,
        /// How many bytes of an answer go to the model.
        most: usize,
    },
}

impl OfferedTool {
    /// A program that is offered.
    ///
    /// # Errors
    /// Why it can't be, in words that go on after "its schema".
    pub(super) fn of_program(program: Tool) -> Result<Self, String> {
        let description = program.description.clone();
        Ok(Self {
            definition: definition(&program.name, description, &program.parameters)?,
            shown: program.name.clone(),
            source: ToolSource::Program(program),
            runs_unasked: false,
        })
    }

    /// What messages call a tool of a server.
    pub(super) fn shown_as(server: &str, tool: &str) -> String {
        format!("{}/{}", sanitize::revealed(server), sanitize::revealed(tool))
    }
}

/// What the model is told of a tool: its schema as services take it, and what has no place in that in the
/// description.
///
/// # Errors
/// Why it can't be offered, in words that go on after "its schema".
pub(super) fn definition(
    name: &str,
    description: Option<String>,
    schema: &Value,
) -> Result<ToolDefinition, String> {
    let repaired = repaired(schema)?;
    let description = match repaired.conditions {
        Some(conditions) => {
            let conditions = conditions.to_string();
            let end = conditions.floor_char_boundary(MOST_CONDITIONS);
            let more = if end < conditions.len() { " …" } else { "" };
            let conditions = format!("The arguments must also fit: {}{more}", &conditions[..end]);
            Some(description.map_or(conditions.clone(), |text| format!("{text}\n\n{conditions}")))
        }
        None => description,
    };
    Ok(ToolDefinition { name: name.to_owned(), description, parameters: repaired.schema })
}
