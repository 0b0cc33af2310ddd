//! `llm similar`.
mod files;
mod rerank;
mod vectors;
