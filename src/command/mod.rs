//! The commands: each resolves what was asked, gets its input, opens its output, sends, and writes.

pub(crate) mod chat;
pub(crate) mod config;
pub(crate) mod embed;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod models;
mod online;
pub(crate) mod providers;
pub(crate) mod speak;
pub(crate) mod transcribe;

use crate::cli::Common;
use crate::error::Failure;
use crate::http::curl;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::sink::to_stdout;

/// Prints the request as a curl command when `--dry-run` asks for it. True if that was all.
fn was_dry_run(common: &Common, request: &Request, io: &mut Io) -> Result<bool, Failure> {
    if common.dry_run {
        to_stdout(curl::command(request).as_bytes(), io)?;
    }
    Ok(common.dry_run)
}
