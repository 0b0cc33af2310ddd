//! The profile file, and `llm config`.
mod command;
mod keys;
mod mistakes;
mod own_profiles;
mod profile_choice;
