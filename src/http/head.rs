//! The head of a reply, whoever read it off the wire. Knows no sockets.

/// How this program names itself (RFC 9110, section 10.1.5).
pub(super) const USER_AGENT: &str = concat!("llm/", env!("CARGO_PKG_VERSION"));

/// Status and headers of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// `HTTP/1.1`.
    version: String,
    pub(super) status: u16,
    /// The words behind the status; often none.
    reason: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// A head with these headers, in their order.
    pub(super) fn new<'h>(
        version: &str,
        status: u16,
        reason: &str,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> Self {
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()));
        let (version, reason) = (version.to_owned(), reason.to_owned());
        Self { version, status, reason, headers: headers.collect() }
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

    /// Whether a header that is a list holds this word, in any case.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        let words = self.all(name).flat_map(|value| value.split(','));
        words.map(str::trim).any(|found| found.eq_ignore_ascii_case(word))
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
