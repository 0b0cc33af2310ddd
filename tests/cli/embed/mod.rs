//! `llm embed`.
mod going_on;
mod input_forms;
mod inputs_and_formats;
mod pace;
mod refusals_and_failures;
mod rows_and_updates;
mod services;
mod silent_cuts;
