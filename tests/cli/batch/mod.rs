//! `llm batch`.
mod answers;
mod going_on;
mod pace;
mod rows;
mod service;
