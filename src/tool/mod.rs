//! Programs of the user's that a model may call: what they say of themselves, and how they are run.
//! Knows neither services nor the terminal.

mod definition;
mod describe;
mod run;

pub(crate) use definition::{DEFAULT_TIMEOUT, Tool, no_parameters};
pub(crate) use describe::describe;
pub(crate) use run::{ToolEnd, ToolInvocation, ToolResult, run};
