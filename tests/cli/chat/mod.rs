//! `llm chat`: what is sent, what comes out, and all that an answer leads to.
pub(crate) mod attachments;
mod attachments_by_url;
mod endings;
mod exit_codes;
mod fallback;
mod field_repair;
mod ignored_fields;
mod made;
mod markdown;
mod output_file;
mod prompt_input;
mod repl;
mod request_fields;
mod responses;
mod retries_and_redirects;
mod rules;
mod saved_prompts;
mod schema;
mod search;
mod several_answers;
mod silent_cuts;
mod sources;
mod streamed_answer;
mod thinking_goes_back;
mod tool_call_formats;
#[cfg(unix)]
mod tool_confirmation;
#[cfg(unix)]
mod tools;
mod ways_out;
