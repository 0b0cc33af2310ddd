//! `llm similar`.
mod dimensions;
mod files;
mod rerank;
mod usage;
mod vectors;
