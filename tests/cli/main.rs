//! The one integration test binary: every module runs the built program, or tests what runs it.
mod bad_config;
mod chat_input;
mod chat_request;
mod keys;
mod profiles;
mod support;
mod support_run_test;
mod support_test;
mod transcribe;
mod transcribe_files;
#[cfg(unix)]
mod transcribe_parts;
mod wire;
