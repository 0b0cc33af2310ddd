//! What the network did, in words: turns a failed exchange's chain of causes into one line.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use super::outgoing::Unreadable;
use super::request::{Url, shown};
use crate::error::{Failure, FailureKind, Retry, reason};

/// Where in the exchange it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExchangePhase {
    /// Before the reply's head was read.
    Sending,
    /// In the reply's body.
    Reading,
}

const NO_REPLY: &str = "the connection was closed before a reply came";

/// What ended an exchange.
#[derive(Debug)]
pub(super) struct NetworkError {
    /// In plain words.
    cause: String,
    kind: ErrorOrigin,
}

/// Where the cause lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorOrigin {
    /// There was no connection at all.
    Connecting,
    /// A certificate: another try would meet it again.
    Certificate,
    /// On a connection.
    Exchanging,
    /// Not in the network: a file that is sent can't be read.
    File,
}

impl NetworkError {
    /// For this cause.
    pub(super) fn of_words(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), kind: ErrorOrigin::Exchanging }
    }

    /// What the system says of a connection.
    pub(super) fn of_io(error: &std::io::Error) -> Self {
        Self::of_words(io_cause(error).unwrap_or_else(|| reason(error)))
    }

    /// A file that can't be read while it is sent.
    pub(super) fn of_file(error: &Unreadable) -> Self {
        Self { cause: error.to_string(), kind: ErrorOrigin::File }
    }

    pub(super) fn name_not_found() -> Self {
        Self::of_words("the name was not found").connecting()
    }

    pub(super) fn no_connection_within(patience: Duration) -> Self {
        Self::of_words(format!("no connection within {} s", patience.as_secs())).connecting()
    }

    /// For an error of a library and its causes.
    fn of_chain(error: &(dyn Error + 'static), kind: ErrorOrigin) -> Self {
        if let Some(file) = chain(error).find_map(|inner| inside(inner).downcast_ref()) {
            return Self::of_file(file);
        }
        let cause = cause(error);
        let is_certificate =
            kind == ErrorOrigin::Connecting && cause.starts_with("its certificate");
        Self { cause, kind: if is_certificate { ErrorOrigin::Certificate } else { kind } }
    }

    /// The same, of a connection that did not come about.
    pub(super) fn connecting(self) -> Self {
        Self { kind: ErrorOrigin::Connecting, ..self }
    }

    /// Whether there was no connection at all.
    pub(super) fn is_connect(&self) -> bool {
        matches!(self.kind, ErrorOrigin::Connecting | ErrorOrigin::Certificate)
    }
}

impl From<&hyper::Error> for NetworkError {
    fn from(error: &hyper::Error) -> Self {
        Self::of_chain(error, ErrorOrigin::Exchanging)
    }
}

impl From<&reqwest::Error> for NetworkError {
    fn from(error: &reqwest::Error) -> Self {
        if error.is_timeout() && error.is_connect() {
            return Self::of_words("no connection within 10 s").connecting();
        }
        let kind =
            if error.is_connect() { ErrorOrigin::Connecting } else { ErrorOrigin::Exchanging };
        // The outermost error names the address, in which any word may stand.
        Self::of_chain(error.source().unwrap_or(error), kind)
    }
}

/// The failure for an exchange with `service` that the network ended. May be tried again, unless
/// the next try would meet the same.
pub(super) fn failure(
    broken: &NetworkError,
    phase: ExchangePhase,
    service: &str,
    url: &Url,
) -> Failure {
    let (host, cause) = (host(url), &broken.cause);
    let message = match (broken.kind, phase) {
        (ErrorOrigin::File, _) => {
            let message = format!("cannot send the request to {service}: {cause}");
            return Failure::new(FailureKind::Other, message);
        }
        (_, ExchangePhase::Reading) => format!("the answer from {service} broke off: {cause}"),
        (ErrorOrigin::Exchanging, ExchangePhase::Sending) => {
            format!("no reply from {service} at {host}: {cause}")
        }
        (_, ExchangePhase::Sending) => format!("cannot connect to {service} at {host}: {cause}"),
    };
    let failure = Failure::new(FailureKind::Network, message);
    if broken.kind == ErrorOrigin::Certificate { failure } else { failure.retry(Retry::default()) }
}

/// `https://host:port`, which is what a connection is made to.
fn host(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { shown(url) }
}

/// The innermost cause that says something, in plain words.
fn cause(error: &(dyn Error + 'static)) -> String {
    let chain = || chain(error);
    if let Some(tls) = chain().find_map(tls_cause) {
        return tls;
    }
    let texts: Vec<String> = chain().map(ToString::to_string).collect();
    if texts.iter().any(|text| text.contains("dns error")) {
        return "the name was not found".to_owned();
    }
    if let Some(words) = chain().find_map(|inner| inner.downcast_ref()).and_then(io_cause) {
        return words;
    }
    if texts.iter().any(|text| text.contains("tunnel") || text.contains("proxy")) {
        let words = texts.last().map_or("", String::as_str);
        return format!("the proxy did not connect: {words}");
    }
    if let Some(words) = chain().find_map(|inner| inner.downcast_ref()).and_then(http_cause) {
        return words.to_owned();
    }
    let plain = texts.into_iter().next_back().unwrap_or_else(|| error.to_string());
    plain.split(" (os error").next().unwrap_or_default().to_owned()
}

/// What is wrong with a reply that can't be read as HTTP.
fn http_cause(error: &hyper::Error) -> Option<&'static str> {
    if error.is_incomplete_message() {
        Some(NO_REPLY)
    } else if error.is_parse_too_large() {
        Some("the head of the reply has no end")
    } else if error.is_parse() {
        Some("what came is no HTTP")
    } else {
        None
    }
}

fn io_cause(error: &std::io::Error) -> Option<String> {
    let words = match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "the connection was reset",
        ErrorKind::ConnectionAborted => "the connection was aborted",
        ErrorKind::UnexpectedEof => "the connection was closed early",
        ErrorKind::BrokenPipe => "the connection was closed while sending",
        ErrorKind::NetworkUnreachable => "the network is unreachable",
        ErrorKind::HostUnreachable => "the host is unreachable",
        ErrorKind::TimedOut => "the connection timed out",
        ErrorKind::InvalidInput | ErrorKind::InvalidData => "its chunked encoding is not valid",
        _ => return None,
    };
    Some(words.to_owned())
}

/// An error and its causes, from the outermost on.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |inner| (*inner).source())
}

/// What an `io::Error` holds, which `source` passes over; it may be another one.
fn inside<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut inner = error;
    while let Some(next) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
    {
        inner = next;
    }
    inner
}

fn tls_cause(error: &(dyn Error + 'static)) -> Option<String> {
    let found = inside(error).downcast_ref::<rustls::Error>();
    found.map(|tls| match tls {
        rustls::Error::InvalidCertificate(reason) => {
            format!("its certificate is not valid: {}", plain(reason))
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS; is `http://` meant?".to_owned(),
        other => format!("TLS failed: {other}"),
    })
}

fn plain(reason: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Reason;
    match reason {
        Reason::Expired | Reason::ExpiredContext { .. } => "it has expired".to_owned(),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Reason::UnknownIssuer => "nobody known to this machine signed it".to_owned(),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
            "it is made out to another name".to_owned()
        }
        Reason::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}
