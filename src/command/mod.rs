//! The commands: each resolves what was asked, gets its input, opens its output, sends, and writes.

pub(crate) mod batch;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod config;
mod editor;
pub(crate) mod embed;
mod ffmpeg;
pub(crate) mod history;
pub(crate) mod image;
mod listed;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod models;
pub(crate) mod options;
pub(crate) mod providers;
mod scratch;
pub(crate) mod similar;
pub(crate) mod speak;
mod spent;
mod steps;
mod tally;
pub(crate) mod transcribe;
pub(crate) mod usage;
