//! What a service says about a failure, as fields.

use std::time::Duration;

/// The longest message, in characters.
pub(super) const LONGEST_MESSAGE: usize = 2_000;
/// The longest code, type, parameter or request id, in characters.
pub(super) const LONGEST_FIELD: usize = 200;

/// What a service says about a failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fault {
    /// The service's words in one line of at most 2,000 characters; empty if the body is empty.
    pub(crate) message: String,
    /// The service's code for the failure, unless it only repeats an HTTP code.
    pub(crate) code: Option<String>,
    /// The body's `type`, or Gemini's `status`.
    pub(crate) kind: Option<String>,
    /// Codes and types of a further error that the message holds, as a gateway quotes it.
    pub(crate) inner_codes: Vec<String>,
    /// Names of the limits that were reached (google.rpc.QuotaFailure).
    pub(crate) quotas: Vec<String>,
    /// The request field that the failure is about.
    pub(crate) param: Option<String>,
    /// The name under which the service knows the request.
    pub(crate) request_id: Option<String>,
    /// The HTTP code (400 to 599) that the body itself carries.
    pub(crate) status: Option<u16>,
    /// The wait that the body asks for: `retryDelay` of Gemini (google.rpc.RetryInfo).
    pub(crate) retry_after: Option<Duration>,
}

impl Fault {
    /// Takes what an error that stands in the message tells, where this one does not.
    pub(super) fn add_inner(&mut self, inner: &Fault) {
        let codes = inner.code.iter().chain(&inner.kind).chain(&inner.inner_codes);
        self.inner_codes.extend(codes.cloned());
        self.quotas.extend(inner.quotas.iter().cloned());
        self.retry_after = self.retry_after.or(inner.retry_after);
    }

    /// The same with its texts in one line each, cut to their longest length.
    pub(super) fn folded(self) -> Self {
        let fault = self;
        let field = |text: Option<String>| text.map(|text| fold(&text, LONGEST_FIELD));
        Fault {
            message: fold(&fault.message, LONGEST_MESSAGE),
            code: field(fault.code),
            kind: field(fault.kind),
            param: field(fault.param),
            request_id: field(fault.request_id),
            inner_codes: fault.inner_codes.iter().map(|code| fold(code, LONGEST_FIELD)).collect(),
            quotas: fault.quotas.iter().map(|quota| fold(quota, LONGEST_FIELD)).collect(),
            ..fault
        }
    }
}

/// The text with each run of white space as one space, cut to `most` characters, then ending in `…`.
fn fold(text: &str, most: usize) -> String {
    let mut characters = text
        .split_whitespace()
        .enumerate()
        .flat_map(|(number, word)| (number > 0).then_some(' ').into_iter().chain(word.chars()));
    let mut folded: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        folded.pop();
        folded.push('…');
    }
    folded
}
