//! A reply out of a file, as an exchange would have told its failure.

use super::bad_reply::{self, ReplyWords};
use crate::error::Failure;
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::http::{Service, refusal};

/// The head of such a reply, as far as it was kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptHead<'a> {
    pub(crate) status: u16,
    /// The service's id of the exchange.
    pub(crate) request_id: Option<&'a str>,
}

impl KeptHead<'_> {
    /// Whether the status says success.
    pub(crate) fn is_good(self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The failure of a reply whose status is an error.
    pub(crate) fn refusal(self, body: &[u8], request: &Request, service: &Service) -> Failure {
        refusal::of_kept(self.status, self.request_id, body, request, service)
    }

    /// The failure of a good reply that holds no answer.
    pub(crate) fn no_answer(self, bad: &BadReply, request: &Request, service: &Service) -> Failure {
        let words = ReplyWords::new("answer", "is not an answer");
        bad_reply::failure(bad, &words, self.request_id, request, service)
    }
}
