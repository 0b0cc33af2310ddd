//! The head of a reply, whoever read it off the wire. Knows no sockets.

use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderName, HeaderValue};

/// How this program names itself (RFC 9110, section 10.1.5).
pub(super) const USER_AGENT: &str = concat!("llm/", env!("CARGO_PKG_VERSION"));

/// Status and headers of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyHead {
    /// `HTTP/1.1`.
    version: String,
    pub(super) status: u16,
    /// The words behind the status; often none.
    reason: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl ReplyHead {
    /// The head of a reply.
    pub(super) fn of<B>(reply: &hyper::Response<B>) -> Self {
        let words = reply.extensions().get::<ReasonPhrase>();
        let words = words.map(|words| String::from_utf8_lossy(words.as_bytes()).into_owned());
        let usual = || reply.status().canonical_reason().unwrap_or_default().to_owned();
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), value.as_bytes().to_vec())
        };
        Self {
            version: format!("{:?}", reply.version()),
            status: reply.status().as_u16(),
            reason: words.unwrap_or_else(usual),
            headers: reply.headers().iter().map(header).collect(),
        }
    }

    /// The first value of a header, if it is text. `name` is in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a header that is text. `name` is in lower case.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.headers.iter().filter(move |(found, _)| found == name);
        values.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Name and value of every header.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// `HTTP/1.1 200 OK`.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.version, self.status, self.reason).trim_end().to_owned()
    }
}
