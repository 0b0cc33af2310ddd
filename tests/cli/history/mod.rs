//! Kept conversations: `-c`, `--session` and `llm history`.
#[cfg(unix)]
mod concurrent_runs;
mod conversations;
mod kept_files;
