//! What the network did, in words: turns a failed exchange's chain of causes into one line.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use super::request::{Url, shown};
use crate::error::{Failure, Kind, Retry, reason};

/// Where in the exchange it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the reply's head was read.
    Sending,
    /// In the reply's body.
    Reading,
}

const NO_REPLY: &str = "the connection was closed before a reply came";

/// What ended an exchange.
#[derive(Debug)]
pub(super) struct Broken {
    /// In plain words.
    cause: String,
    /// There was no connection at all.
    pub(super) is_connect: bool,
    /// Another try would meet the same: a certificate.
    is_final: bool,
}

impl Broken {
    /// For this cause.
    pub(super) fn of_words(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), is_connect: false, is_final: false }
    }

    /// What the system says of a connection.
    pub(super) fn of_io(error: &std::io::Error) -> Self {
        Self::of_words(io_cause(error).unwrap_or_else(|| reason(error)))
    }

    /// A file that can't be read while it is sent.
    pub(super) fn of_file(error: &std::io::Error) -> Self {
        let cause = match error.kind() {
            ErrorKind::UnexpectedEof => "it is shorter than it was".to_owned(),
            _ => reason(error),
        };
        Self::of_words(format!("the file that is sent can't be read: {cause}"))
    }

    pub(super) fn no_reply() -> Self {
        Self::of_words(NO_REPLY)
    }

    pub(super) fn name_not_found() -> Self {
        Self::of_words("the name was not found").connecting()
    }

    pub(super) fn no_connection_within(patience: Duration) -> Self {
        Self::of_words(format!("no connection within {} s", patience.as_secs())).connecting()
    }

    /// The same, of a connection that did not come about.
    pub(super) fn connecting(self) -> Self {
        Self { is_connect: true, ..self }
    }
}

impl From<&reqwest::Error> for Broken {
    fn from(error: &reqwest::Error) -> Self {
        let cause = cause(error);
        let is_final = cause.starts_with("its certificate");
        Self { cause, is_connect: error.is_connect(), is_final }
    }
}

/// The failure for an exchange with `service` that the network ended. May be tried again, unless
/// the cause lies in a certificate, which the next try would meet again.
pub(super) fn failure(broken: &Broken, phase: Phase, service: &str, url: &Url) -> Failure {
    let (host, cause) = (host(url), &broken.cause);
    let message = match phase {
        Phase::Reading => format!("the answer of {service} broke off: {cause}"),
        Phase::Sending if broken.is_connect => {
            format!("cannot connect to {service} at {host}: {cause}")
        }
        Phase::Sending => format!("no reply from {service} at {host}: {cause}"),
    };
    let failure = Failure::new(Kind::Network, message);
    if broken.is_final { failure } else { failure.retry(Retry::default()) }
}

/// `https://host:port`, which is what a connection is made to.
fn host(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { shown(url) }
}

/// The innermost cause that says something, in plain words.
fn cause(error: &reqwest::Error) -> String {
    let first: Option<&(dyn Error + 'static)> = error.source();
    let chain = || std::iter::successors(first, |inner| (*inner).source());
    if error.is_timeout() && error.is_connect() {
        return "no connection within 10 s".to_owned();
    }
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
    if texts.iter().any(|text| text.contains("connection closed before message completed")) {
        return NO_REPLY.to_owned();
    }
    let plain = texts.into_iter().next_back().unwrap_or_else(|| error.to_string());
    plain.split(" (os error").next().unwrap_or_default().to_owned()
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
        _ => return None,
    };
    Some(words.to_owned())
}

fn tls_cause(error: &(dyn Error + 'static)) -> Option<String> {
    // rustls sits inside an `io::Error`, which `source` passes over; and that inside another one.
    let mut inner = error;
    while let Some(next) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
    {
        inner = next;
    }
    let found = inner.downcast_ref::<rustls::Error>();
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
