//! `llm speak`.
mod kept_parts;
mod long_texts;
#[cfg(unix)]
mod missing_sound;
#[cfg(unix)]
mod players;
mod request_and_output;
mod service_formats;
