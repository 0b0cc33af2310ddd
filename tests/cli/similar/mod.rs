//! `llm similar`.
mod rerank;
mod vectors;
