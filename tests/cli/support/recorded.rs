//! A request as the server received it; it knows nothing of how it came in.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use super::multipart::{self, Part};

/// One request that reached the server.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The method, as sent.
    pub(crate) method: String,
    /// The request target: path and query.
    pub(crate) path: String,
    /// The headers in the order and spelling in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its transfer coding; of an aborted upload, what had come.
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end (false while it is being read, and for an early reply).
    pub(crate) whole: bool,
    /// The number of the connection on which it came, from 1.
    pub(crate) connection: usize,
    /// When the head of the request was complete.
    pub(crate) at: Instant,
}

impl Recorded {
    /// Reads a request head, the blank line included.
    ///
    /// A head that is no HTTP panics: the client under test would have to be badly broken.
    pub(super) fn from_head(head: &[u8], connection: usize) -> Self {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let mut target = lines.next().unwrap_or_default().split(' ');
        let mut word = || target.next().unwrap_or_default().to_owned();
        let (method, path) = (word(), word());
        assert!(word().starts_with("HTTP/1."), "no HTTP/1 request: {head}");
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            method,
            path,
            headers,
            body: Vec::new(),
            whole: false,
            connection,
            at: Instant::now(),
        }
    }

    /// The value of the first header of this name, whatever the case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; panics if it is no UTF-8.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        match str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the request body is no UTF-8 ({error}):\n{self}"),
        }
    }

    /// The body as JSON; panics if it is none.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the request body is not JSON ({error}):\n{self}"),
        }
    }

    /// The parts of a `multipart/form-data` body in their order; panics if it is none.
    #[track_caller]
    pub(crate) fn parts(&self) -> Vec<Part> {
        let content_type = self.header("content-type").unwrap_or_default();
        match multipart::parts(content_type, &self.body) {
            Ok(parts) => parts,
            Err(error) => panic!("the request body is no form ({error}):\n{self}"),
        }
    }
}

impl fmt::Display for Recorded {
    /// The request as text for a failure report, a long body cut.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 2000;
        writeln!(out, "{} {}", self.method, self.path)?;
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {value}")?;
        }
        let shown = &self.body[..self.body.len().min(SHOWN)];
        writeln!(out, "\n{}", String::from_utf8_lossy(shown))?;
        if shown.len() < self.body.len() {
            writeln!(out, "({} bytes in all)", self.body.len())?;
        }
        if !self.whole {
            writeln!(out, "(the body was not read to its end)")?;
        }
        Ok(())
    }
}
