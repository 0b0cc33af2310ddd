//! `llm transcribe`.
mod beside;
mod files_and_outputs;
#[cfg(unix)]
mod large_files;
#[cfg(unix)]
mod learnt_limits;
mod one_file;
mod service_formats;
mod speakers_and_words;
