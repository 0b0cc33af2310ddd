//! What the network did, in words: turns a failed exchange's chain of causes into one line.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use super::outgoing::Unreadable;
use super::request::{Url, shown};
use super::tls_words;
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
    origin: ErrorOrigin,
    /// Another try would meet the same.
    is_settled: bool,
    hint: Option<String>,
    /// The server's certificate, or the client's, is the matter.
    is_about_certificate: bool,
    /// The connection had been used before, and ended before a byte of the reply came.
    is_stale: bool,
    /// TLS was the matter, whoever is to blame.
    is_about_tls: bool,
}

/// Where the cause lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorOrigin {
    /// There was no connection at all.
    Connecting,
    /// At the proxy that was to make one.
    Proxy,
    /// On a connection.
    Exchanging,
    /// Not in the network: a file that is sent can't be read, or the system has no room for a
    /// connection.
    Machine,
}

impl NetworkError {
    /// For this cause.
    pub(super) fn of_words(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            origin: ErrorOrigin::Exchanging,
            is_settled: false,
            hint: None,
            is_about_certificate: false,
            is_stale: false,
            is_about_tls: false,
        }
    }

    /// No connection, for a cause that another try would meet again.
    pub(super) fn settled(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { is_settled: true, hint, ..Self::of_words(cause).connecting() }
    }

    /// What the system, or TLS, says of a connection.
    pub(super) fn of_io(error: &std::io::Error) -> Self {
        Self::of_chain(error)
    }

    /// A file that can't be read while it is sent.
    pub(super) fn of_file(error: &Unreadable) -> Self {
        Self { origin: ErrorOrigin::Machine, ..Self::of_words(error.to_string()) }
    }

    pub(super) fn name_not_found() -> Self {
        Self::of_words("the name was not found").connecting()
    }

    pub(super) fn no_connection_within(patience: Duration) -> Self {
        Self::of_words(format!("no connection within {} s", patience.as_secs())).connecting()
    }

    /// For an error of a library and its causes.
    fn of_chain(error: &(dyn Error + 'static)) -> Self {
        let causes = || chain(error).map(inside);
        if let Some(file) = causes().find_map(|inner| inner.downcast_ref()) {
            return Self::of_file(file);
        }
        if let Some(error) = causes().find_map(|inner| inner.downcast_ref::<rustls::Error>()) {
            let (cause, hint) = tls_words::words(error);
            let is_ours = matches!(error, rustls::Error::InvalidCertificate(_));
            return Self {
                is_settled: true,
                hint: hint.map(str::to_owned),
                is_about_tls: true,
                is_about_certificate: !is_ours && matches!(error, rustls::Error::AlertReceived(_)),
                ..Self::of_words(cause).connecting()
            };
        }
        let of_system = || chain(error).find_map(|inner| inner.downcast_ref::<std::io::Error>());
        if of_system().is_some_and(is_shortage) {
            let what =
                "this machine has no room for another connection (too many open files or threads)";
            let hint = Some("`ulimit -n 1024` and `ulimit -u` in this shell allow more".to_owned());
            return Self { origin: ErrorOrigin::Machine, hint, ..Self::of_words(what) };
        }
        Self::of_words(cause(error))
    }

    /// The same, of a connection that did not come about.
    pub(super) fn connecting(self) -> Self {
        match self.origin {
            ErrorOrigin::Exchanging => Self { origin: ErrorOrigin::Connecting, ..self },
            _ => self,
        }
    }

    /// The same, as a failure of the proxy that `place` describes.
    pub(super) fn of_proxy(self, place: &str, hint: &str) -> Self {
        if self.origin == ErrorOrigin::Machine {
            return self;
        }
        let cause = format!("the proxy {place}: {}", self.cause);
        let hint = self.hint.or_else(|| Some(hint.to_owned()));
        Self { cause, hint, origin: ErrorOrigin::Proxy, ..self }
    }

    /// The same, on a connection that leads through the proxy that `place` describes.
    pub(super) fn through(self, place: &str) -> Self {
        match self.origin {
            ErrorOrigin::Proxy | ErrorOrigin::Machine => self,
            _ => Self { cause: format!("{} (through the proxy {place})", self.cause), ..self },
        }
    }

    /// The same, of a connection that had been used before and on which no byte of the reply came.
    pub(super) fn stale(self) -> Self {
        Self { is_stale: self.origin == ErrorOrigin::Exchanging, ..self }
    }

    /// The same, with what can be done about it, unless that is known better.
    pub(super) fn hinted(self, hint: &str) -> Self {
        Self { hint: self.hint.or_else(|| Some(hint.to_owned())), ..self }
    }

    /// Whether a new connection may do what this one, which was kept too long, did not.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Whether there was no connection to the service at all.
    pub(super) fn is_connect(&self) -> bool {
        matches!(self.origin, ErrorOrigin::Connecting | ErrorOrigin::Proxy)
    }

    /// Whether TLS was the matter.
    pub(super) fn is_about_tls(&self) -> bool {
        self.is_about_tls
    }

    /// Whether the other side says that TLS ends, which may be for a certificate.
    pub(super) fn is_about_certificate(&self) -> bool {
        self.is_about_certificate
    }
}

impl From<&hyper::Error> for NetworkError {
    fn from(error: &hyper::Error) -> Self {
        let broken = Self::of_chain(error);
        // What came can't be read: the server has answered, and would give the same answer again.
        let is_malformed = error.is_parse()
            || chain(error).filter_map(|inner| inner.downcast_ref()).any(is_malformed);
        Self { is_settled: broken.is_settled || is_malformed, ..broken }
    }
}

impl From<&reqwest::Error> for NetworkError {
    fn from(error: &reqwest::Error) -> Self {
        // The outermost error names the address, in which any word may stand.
        let causes: &(dyn Error + 'static) = error.source().unwrap_or(error);
        let broken = match texts(error).iter().any(|text| text.contains("dns error")) {
            true => Self::name_not_found(),
            false => match chain(causes).find_map(|inner| inner.downcast_ref::<hyper::Error>()) {
                Some(error) => Self::from(error),
                None => Self::of_chain(causes),
            },
        };
        if error.is_connect() { broken.connecting() } else { broken }
    }
}

/// What an error of the library and its causes say, but for the outermost, which names the address.
pub(super) fn texts(error: &reqwest::Error) -> Vec<String> {
    let causes = error.source().map(chain).into_iter().flatten();
    causes.map(|error| inside(error).to_string()).collect()
}

fn is_malformed(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData)
}

/// Whether the system has no room for another open file or thread.
fn is_shortage(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    // Windows has one limit, of the sockets.
    #[cfg(windows)]
    let errnos = [Errno::MFILE];
    #[cfg(unix)]
    let errnos = [Errno::MFILE, Errno::NFILE, Errno::AGAIN];
    let code = error.raw_os_error();
    errnos.iter().any(|errno| code == Some(errno.raw_os_error()))
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
    let message = match (broken.origin, phase) {
        (ErrorOrigin::Machine, _) => {
            let message = format!("cannot send the request to {service}: {cause}");
            let failure = Failure::new(FailureKind::Other, message);
            return Failure { hint: broken.hint.clone(), ..failure };
        }
        (_, ExchangePhase::Reading) => format!("the answer from {service} broke off: {cause}"),
        (ErrorOrigin::Exchanging, ExchangePhase::Sending) => {
            format!("no reply from {service} at {host}: {cause}")
        }
        (_, ExchangePhase::Sending) => format!("cannot connect to {service} at {host}: {cause}"),
    };
    let failure = Failure::new(FailureKind::Network, message);
    let failure = Failure { hint: broken.hint.clone(), ..failure };
    if broken.is_settled { failure } else { failure.retry(Retry::default()) }
}

/// `https://host:port`, which is what a connection is made to.
fn host(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { shown(url) }
}

/// The innermost cause that says something, in plain words.
fn cause(error: &(dyn Error + 'static)) -> String {
    let chain = || chain(error);
    if let Some(words) = chain().find_map(|inner| inner.downcast_ref()).and_then(io_cause) {
        return words;
    }
    if let Some(words) = chain().find_map(|inner| inner.downcast_ref()).and_then(http_cause) {
        return words.to_owned();
    }
    let innermost = chain().last().unwrap_or(error);
    match innermost.downcast_ref() {
        Some(error) => reason(error),
        None => innermost.to_string(),
    }
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
