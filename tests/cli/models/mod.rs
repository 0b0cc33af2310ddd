//! `llm models`.
mod list;
mod on_this_machine;
