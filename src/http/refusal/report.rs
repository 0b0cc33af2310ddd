//! What is known of a service's failure.

use crate::error::{FailureClass, Retry};
use crate::http::Service;
use crate::http::class::{Evidence, Verdict};
use crate::http::fault::Fault;
use crate::http::request::{HeaderValue, Request};

/// A service's failure on its way into words.
pub(super) struct Report<'r> {
    pub(super) verdict: Verdict,
    /// The status of the reply, or the one that an error inside a good reply carries.
    pub(super) status: Option<u16>,
    pub(super) fault: Fault,
    pub(super) id: Option<String>,
    pub(super) request: &'r Request,
    pub(super) service: &'r Service,
}

impl<'r> Report<'r> {
    /// `head` is what the head of a reply tells of trying again; without one, the error stands in a good
    /// reply.
    pub(super) fn new(
        mut fault: Fault,
        status: Option<u16>,
        head: Option<&Retry>,
        id: Option<&str>,
        request: &'r Request,
        service: &'r Service,
    ) -> Self {
        fault.message = crate::secret::mask(&request.secrets(), &fault.message);
        let id = id.or(fault.request_id.as_deref()).map(str::to_owned);
        let names_wait = |head: &Retry| head.retry_after.is_some() || head.retry_after_ms.is_some();
        let verdict = Verdict::of(&Evidence {
            status,
            is_carried: head.is_none(),
            fault: &fault,
            has_wait: head.is_some_and(names_wait),
            host: request.url.host_str().unwrap_or_default(),
            model: request.body.model().unwrap_or_default(),
            slow_down_codes: &service.slow_down_codes,
        });
        Self { verdict, status, fault, id, request, service }
    }

    /// What kind of failure it is.
    pub(super) fn class(&self) -> FailureClass {
        self.verdict.class
    }

    /// Whether the request carried a key, or anything that may be one.
    pub(super) fn sent_key(&self) -> bool {
        let is_key = |value: &HeaderValue| matches!(value, HeaderValue::Key { .. });
        self.request.headers.iter().any(|header| is_key(&header.value))
            || !self.request.secrets().is_empty()
    }
}
