//! The profile file, and `llm config`.
mod command;
mod keys;
mod mistakes;
mod profile_choice;
