//! Kept conversations: `-c`, `--session` and `llm history`.
#[cfg(unix)]
mod concurrent_runs;
mod conversations;
mod files_of_0_1;
mod kept_files;
