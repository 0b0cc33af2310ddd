//! The ways to hold a conversation over HTTP. A dialect makes the fields of a request out of a
//! conversation and reads a reply, streamed or whole, as events; nobody else looks into either. No I/O
//! here.

pub(crate) mod answers;
mod by_api;
mod calls;
mod chat_completions;
mod chat_dialect;
mod choice;
mod cited;
mod either;
mod event;
mod finish;
mod kept;
mod media;
mod question;
pub(crate) mod reader;
mod responses;
mod result_files;
pub(crate) mod schema;
mod sealed;
mod since;
#[cfg(test)]
mod tests;
mod think;
mod tool_schema;
pub(crate) mod usage;

pub(crate) use by_api::of;
pub(crate) use chat_completions::{exported, steps};
pub(crate) use chat_dialect::{AskedFor, ChatDialect};
pub(crate) use event::{ChatEvent, MediaKind};
pub(crate) use media::{MediaSource, ReplyMedia};
pub(crate) use question::{
    ChatQuestion, ModelOptions, ResponsesTraits, ServiceTraits, ToolDefinition, addressee,
};
