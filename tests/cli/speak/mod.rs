//! `llm speak`.
mod long_texts_and_players;
mod request_and_output;
mod service_formats;
