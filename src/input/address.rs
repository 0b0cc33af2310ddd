//! Addresses of inputs.

use crate::error::Failure;
use crate::http::request::Url;

/// Whether the argument of a `-f` is an address.
pub(super) fn is_url(typed: &str) -> bool {
    let starts = |scheme: &str| {
        typed.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts("http://") || starts("https://")
}

/// Parses an address.
///
/// # Errors
/// Exit 2: it is not valid.
pub(super) fn parse_address(typed: &str) -> Result<Url, Failure> {
    Url::parse(typed)
        .map_err(|error| Failure::usage(format!("the address after -f is not valid: {error}")))
}
