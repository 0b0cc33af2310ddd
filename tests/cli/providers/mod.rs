//! `llm providers`.
mod check;
mod list_and_show;
