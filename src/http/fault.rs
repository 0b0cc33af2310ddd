//! Finds the service's own words in an error body; it does not know the request, the provider or
//! what the caller makes of the error.
//!
//! The shapes are those met in the replies of the services: OpenAI's `error` object and its many
//! relatives, FastAPI's `detail`, Gemini's array, event streams, HTML pages of proxies, plain text.

mod body;
mod codes;
mod embedded;
mod fields;
mod markup;
mod reply;

use body::NESTING;
pub(crate) use fields::Fault;
pub(crate) use reply::in_reply;

/// Reads the body of a reply whose HTTP code says that it failed.
///
/// The content type is not asked for, since several services send JSON under a wrong one. Bytes
/// that are not UTF-8 become U+FFFD.
pub(crate) fn read(bytes: &[u8]) -> Fault {
    body::from_text(&String::from_utf8_lossy(bytes), NESTING).folded()
}

/// Whether a body is JSON that broke off: a connection that is closed may be the only end that a
/// server marks.
pub(crate) fn is_cut(body: &[u8]) -> bool {
    let begins = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    let read = || serde_json::from_slice::<serde::de::IgnoredAny>(body);
    begins && read().is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests;
