//! `llm transcribe`.
mod files_and_outputs;
#[cfg(unix)]
mod large_files;
mod one_file;
mod service_formats;
