//! Steps that several commands have in common.

use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::exchange::name_demo;
use crate::http::curl;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Composed, Provider};
use crate::sanitize;

/// Tells what a rule changes of the user's request, and fails for one without a model; `what` is what
/// it would have been for.
///
/// # Errors
/// Exit 2: there is no model.
pub(super) fn warn_and_check(
    composed: &Composed,
    what: &str,
    provider: &Provider,
    io: &Io,
) -> Result<(), Failure> {
    composed.warnings.iter().for_each(|warning| io.warn(warning));
    check_model(composed, what, provider)
}

/// Fails for a request without a model; `what` is what it would have been for.
///
/// # Errors
/// Exit 2: there is no model.
pub(super) fn check_model(
    composed: &Composed,
    what: &str,
    provider: &Provider,
) -> Result<(), Failure> {
    let is_right = composed.body.contains_key("model") || !composed.takes_model;
    if is_right || provider.lacks_model() { Ok(()) } else { Err(provider.no_model(what)) }
}

/// With `-o FILE` the result does not go to standard output: whether anybody reads that is no reason
/// to give up then.
pub(super) fn settle_output(output: Option<&Path>, io: &mut Io) {
    if output.is_some_and(|path| path.as_os_str() != "-") {
        io.stdout_handle = None;
    }
}

/// Fails for an output that is also an input.
///
/// # Errors
/// Exit 2, with its name.
pub(super) fn refuse_own_input(output: Option<&Path>, files: &[PathBuf]) -> Result<(), Failure> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let Some(target) = output.and_then(real).filter(|path| path.is_file()) else { return Ok(()) };
    match files.iter().find(|file| real(file).is_some_and(|file| file == target)) {
        Some(file) => {
            let words = format!("{} is read and would be replaced", file.display());
            Err(Failure::usage(words).hint("write to another file"))
        }
        None => Ok(()),
    }
}

/// `--dry-run`: prints a request as a curl command.
///
/// # Errors
/// Those of `request`, and a reader that went away.
pub(super) fn print_request(
    provider: &mut Provider,
    io: &mut Io,
    request: impl FnOnce(&Provider) -> Result<Request, Failure>,
) -> Result<(), Failure> {
    name_demo(provider, io)?;
    let command = as_curl(&request(provider)?, provider, io)?;
    match io.stdout_is_terminal {
        true => to_stdout(sanitize::for_terminal(&command).as_bytes(), io),
        false => to_stdout(command.as_bytes(), io),
    }
}

/// A request to a service as a curl command.
///
/// # Errors
/// Exit 2: a proxy that can't be used.
pub(super) fn as_curl(request: &Request, provider: &Provider, io: &Io) -> Result<String, Failure> {
    curl::command(request, &provider.service(), provider.is_insecure, &io.env)
}
