//! A provider's refusal as a failure: class, words, hint, and whether trying again makes sense.

use std::time::{Duration, SystemTime};

use super::Service;
use super::class::{self, Verdict};
use super::fault::{self, Fault};
use super::head::ReplyHead;
use super::request::{Request, shown};
use crate::error::{Failure, FailureClass, Refused, Retry};

mod hint;
mod report;

pub(crate) use hint::address as address_hint;
use report::Report;

/// Headers in which services give an exchange's id.
pub(super) const REQUEST_IDS: [&str; 6] = [
    "x-request-id",
    "request-id",
    "apim-request-id",
    "mistral-correlation-id",
    "eagleeye-traceid",
    "x-oneapi-request-id",
];

/// The parts of a reply's head that a refusal is told from.
#[derive(Debug)]
pub(super) struct RefusalHead {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry: Retry,
}

/// The time until a limit of which nothing is left starts anew, as the head of a reply tells it.
pub(super) fn limit_reset(head: &ReplyHead) -> Option<Duration> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let texts = head
        .headers()
        .filter_map(|(name, value)| std::str::from_utf8(value).ok().map(|value| (name, value)));
    class::from_headers(texts, now.as_secs_f64())
}

impl RefusalHead {
    /// Those parts of this head.
    pub(super) fn of(head: &ReplyHead) -> Self {
        let header = |name: &str| head.header(name).map(str::to_owned);
        let reset = limit_reset(head).filter(|_| head.status == 429);
        Self {
            status: head.status,
            request_id: REQUEST_IDS.iter().find_map(|name| header(name)),
            retry: Retry {
                status: Some(head.status),
                should_retry: header("x-should-retry"),
                retry_after_ms: header("retry-after-ms"),
                retry_after: header("retry-after"),
                reset,
                ..Retry::default()
            },
        }
    }
}

/// The failure for a reply whose status is an error.
pub(super) fn failure(
    head: &RefusalHead,
    body: &[u8],
    request: &Request,
    service: &Service,
) -> Failure {
    let fault = fault::read(body);
    let id = head.request_id.as_deref();
    Report::new(fault, Some(head.status), Some(&head.retry), id, request, service)
        .failure(head.retry.clone())
}

/// The failure for a reply that was kept in a file: its status is an error, its head is gone.
pub(crate) fn of_kept(
    status: u16,
    id: Option<&str>,
    body: &[u8],
    request: &Request,
    service: &Service,
) -> Failure {
    let retry = Retry { status: Some(status), ..Retry::default() };
    let head = RefusalHead { status, request_id: id.map(str::to_owned), retry };
    failure(&head, body, request, service)
}

/// The failure for an error that came inside a reply whose status said success. It is tried again as
/// one with the status that it carries.
pub(crate) fn carried(
    fault: &Fault,
    id: Option<&str>,
    request: &Request,
    service: &Service,
) -> Failure {
    Report::new(fault.clone(), fault.status, None, id, request, service).failure(Retry::default())
}

impl Report<'_> {
    fn failure(self, retry: Retry) -> Failure {
        let Verdict { class, wait, .. } = self.verdict;
        let mut failure = Failure::new(self.verdict.kind(), self.sentence()).refused(self.said());
        failure.hint = self.hint();
        failure.field = self.field();
        failure.retry(Retry {
            status: self.status,
            class: Some(class),
            body_delay: self.fault.retry_after.or(wait),
            ..retry
        })
    }

    /// The parts of a fault that a program can act on.
    fn said(&self) -> Refused {
        let fault = &self.fault;
        Refused {
            class: self.class(),
            status: self.status,
            code: fault.code.clone().or_else(|| fault.kind.clone()),
            param: fault.param.clone(),
            words: fault.message.clone(),
        }
    }

    /// `openai refused the request (400): words (request id …)`.
    fn sentence(&self) -> String {
        use FailureClass as Class;
        let name = &self.service.name;
        let did = match (self.class(), self.status) {
            (Class::Money, _) => "has no money or quota left for this key",
            (Class::MoneyOrRate, _) => "asks to slow down, or the quota is used up",
            (Class::DayQuota, _) => "says that a quota is used up",
            (Class::Rate, _) => "asks to slow down",
            (Class::Key, Some(403)) | (Class::Access, _) => "refused access",
            (Class::Key, _) => "refused the key",
            (Class::Model, _) => "refused the model",
            (Class::TooLong, status) if status.is_none_or(|status| status < 500) => {
                "refused the input as too long"
            }
            (Class::Endpoint | Class::Request | Class::Conflict, _) => "refused the request",
            (Class::Impossible, _) => "can't do this",
            (Class::Server, Some(408)) => "timed out",
            (Class::Loading | Class::Server | Class::TooLong | Class::Unknown, _) => "failed",
        };
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        let words = match (&*self.fault.message, &self.fault.code) {
            ("", Some(code)) => format!(": {code}"),
            ("", None) => String::new(),
            (message, _) => format!(": {message}"),
        };
        let id = self.id.as_ref().filter(|id| !words.contains(*id));
        let id = id.map(|id| format!(" (request id {id})")).unwrap_or_default();
        let is_absent = self.class() == Class::Endpoint || self.verdict.status == Some(404);
        let asked = match is_absent {
            true => {
                format!("; {} {} was asked", self.request.method.name(), shown(&self.request.url))
            }
            false => String::new(),
        };
        format!("{name} {did}{status}{words}{id}{asked}")
    }

    /// The field of the request that the refusal is about. Many services name none where the model is
    /// unknown.
    fn field(&self) -> Option<String> {
        match self.class() {
            FailureClass::Model => Some("model".to_owned()),
            _ => self.fault.param.clone().filter(|param| !param.is_empty()),
        }
    }
}
