//! `llm speak`.
mod long_texts;
#[cfg(unix)]
mod players;
mod request_and_output;
mod service_formats;
