//! `llm embed`.
mod going_on;
mod inputs_and_formats;
mod pace;
mod refusals_and_failures;
mod services;
mod silent_cuts;
