//! `llm models`.
mod list;
