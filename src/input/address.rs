//! Addresses in place of files.

use crate::error::Failure;
use crate::http::request::Url;

/// Whether a `-f` is meant as an address.
pub(super) fn is_url(typed: &str) -> bool {
    let starts = |scheme: &str| {
        typed.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts("http://") || starts("https://")
}

/// The address.
///
/// # Errors
/// It is none.
pub(super) fn address(typed: &str) -> Result<Url, Failure> {
    Url::parse(typed)
        .map_err(|error| Failure::usage(format!("the address after -f is not valid: {error}")))
}
