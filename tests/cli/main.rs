//! The one integration test binary: every module runs the built program, or tests what runs it.
mod bad_config;
mod chat_input;
mod chat_request;
mod embed;
mod embed_refused;
mod keys;
mod profiles;
mod support;
mod support_run_test;
mod support_test;
mod wire;
