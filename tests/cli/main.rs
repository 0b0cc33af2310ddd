//! The one integration test binary: every module runs the built program, or tests what runs it.
mod attach;
mod attach_url;
mod bad_config;
mod bounds;
mod chat_ends;
mod chat_input;
mod chat_markdown;
mod chat_net;
mod chat_output;
mod chat_repl;
mod chat_request;
mod chat_retry;
mod chat_stream;
mod citizen;
mod config;
mod connections;
mod dry_run;
mod embed;
mod embed_refused;
mod faults;
mod generate;
mod help;
mod history;
mod history_files;
mod history_old;
mod image_edit;
mod image_fail;
mod image_files;
mod image_request;
mod image_url;
mod keys;
#[cfg(unix)]
mod many;
mod models;
mod net_jobs;
mod picture_samples;
mod profiles;
mod prompts;
mod providers;
mod providers_check;
mod readme;
mod replies;
mod requests;
mod schema;
mod shapes;
mod shapes_speak;
mod shapes_transcribe;
mod speak;
mod speak_parts;
#[cfg(unix)]
mod stop;
mod support;
mod support_run_test;
mod support_test;
mod tls;
#[cfg(unix)]
mod tools;
#[cfg(unix)]
mod tools_ask;
mod tools_wire;
mod transcribe;
mod transcribe_files;
#[cfg(unix)]
mod transcribe_parts;
mod wire;
