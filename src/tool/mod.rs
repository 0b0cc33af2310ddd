//! Tools: programs of the user that a model may call. Describes and runs them; knows neither services nor
//! the terminal.

mod definition;
mod describe;
mod name;
mod run;
mod schema;

pub(crate) use definition::{DEFAULT_MOST, DEFAULT_TIMEOUT, Tool, no_parameters};
pub(crate) use describe::describe;
pub(crate) use name::{ServerTool, names};
pub(crate) use run::{ToolEnd, ToolInvocation, ToolResult, run};
pub(crate) use schema::repaired;
