//! `llm models`.
mod dead_defaults;
mod list;
mod on_this_machine;
