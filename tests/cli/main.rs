//! The one integration test binary: every module runs the built program, or tests what runs it.
mod batch;
mod chat;
mod config;
mod embed;
mod every_command;
mod history;
mod image;
mod mcp;
mod models;
mod providers;
mod similar;
mod speak;
mod support;
mod transcribe;
mod usage;
