//! `llm image`.
mod downloads;
mod edit_request;
mod output_files;
mod replies_without_picture;
mod request_fields;
pub(crate) mod samples;
pub(crate) mod service_formats;
mod streams_and_gaps;
