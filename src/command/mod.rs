//! The commands: each resolves what was asked, gets its input, opens its output, sends, and writes.

pub(crate) mod chat;
pub(crate) mod config;
pub(crate) mod embed;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod models;
pub(crate) mod providers;
pub(crate) mod speak;
pub(crate) mod transcribe;

use std::path::Path;
use std::time::Duration;

use crate::cli::Common;
use crate::error::Failure;
use crate::exchange::ExchangeOptions;
use crate::http::curl;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Composed, Provider};

/// Fails for a request without a model; `what` is what it would have been for.
fn with_model(composed: &Composed, what: &str, provider: &Provider) -> Result<(), Failure> {
    if composed.body.contains_key("model") || !composed.takes_model {
        return Ok(());
    }
    let (name, choice) = (&provider.name, &provider.choice);
    Err(Failure::usage(format!("there is no model for {what} at {name}"))
        .hint(format!("name one with -m MODEL; `llm models {choice}` lists them")))
}

/// With `-o FILE` the result does not go to standard output: whether anybody reads that is no reason
/// to give up then.
fn settle_output(output: Option<&Path>, io: &mut Io) {
    if output.is_some_and(|path| path.as_os_str() != "-") {
        io.stdout_handle = None;
    }
}

/// Prints the request as a curl command when `--dry-run` asks for it. True if that was all.
fn was_dry_run(common: &Common, request: &Request, io: &mut Io) -> Result<bool, Failure> {
    if common.dry_run {
        to_stdout(curl::command(request).as_bytes(), io)?;
    }
    Ok(common.dry_run)
}

/// What the user allows an exchange, with the defaults of what was not given.
fn exchange_options(common: &Common) -> ExchangeOptions {
    ExchangeOptions {
        silence: common.timeout.unwrap_or(Duration::from_secs(300)),
        max_time: common.max_time,
        retries: common.retries.unwrap_or(2),
        max_wait: common.max_wait.unwrap_or(Duration::from_secs(60)),
        verbose: common.verbose,
    }
}
