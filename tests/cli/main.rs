//! The one integration test binary: every module runs the built program, or tests what runs it.
mod bad_config;
mod chat_input;
mod chat_request;
mod image_edit;
mod image_fail;
mod image_files;
mod image_request;
mod image_url;
mod keys;
mod picture_samples;
mod profiles;
mod support;
mod support_run_test;
mod support_test;
mod wire;
