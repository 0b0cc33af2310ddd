//! `llm embed`.
mod inputs_and_formats;
mod refusals_and_failures;
mod silent_cuts;
