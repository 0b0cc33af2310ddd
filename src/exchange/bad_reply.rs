//! A reply that holds no answer, as a failure: the one place that has the words for it.

use crate::error::{Failure, FailureKind, Retry};
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::http::{Service, refusal};

/// How messages speak of an operation's reply.
#[derive(Debug, Clone)]
pub(crate) struct ReplyWords {
    /// What a good reply holds: `answer`, `transcript`.
    pub(crate) answer: &'static str,
    /// What is said of a reply without it, behind `the reply of NAME`: `is not a transcript`.
    pub(crate) lack: &'static str,
    /// What it was asked for, with a space in front; mostly nothing.
    pub(crate) about: String,
}

impl ReplyWords {
    /// Words for a reply about nothing in particular.
    pub(crate) fn new(answer: &'static str, lack: &'static str) -> Self {
        Self { answer, lack, about: String::new() }
    }
}

/// The failure for a reply that holds no answer. `id` is the one that the service gave the exchange;
/// the secrets of the `request` are masked in the service's words.
pub(super) fn failure(
    bad: &BadReply,
    words: &ReplyWords,
    id: Option<&str>,
    request: &Request,
    service: &Service,
) -> Failure {
    let (name, ReplyWords { answer, lack, about }) = (&service.name, words);
    let refused = |what: String| Failure::new(FailureKind::Refused, what);
    match bad {
        BadReply::Fault(fault) => refusal::carried(fault, id, request, service),
        BadReply::Empty => refused(format!("the reply from {name}{about} is empty")),
        BadReply::BrokenOff => {
            let what = format!("the {answer} from {name}{about} ended early");
            Failure::new(FailureKind::Network, what).retry(Retry::default())
        }
        BadReply::Unfinished => {
            let what = format!("the {answer} from {name}{about} ended without a finish_reason");
            let hint = format!(
                "the service behind {name} may have failed; if {name} never gives a reason, put \
                 `finish_reason = \"never\"` into its profile"
            );
            Failure::new(FailureKind::Network, what).hint(hint).retry(Retry::default())
        }
        BadReply::Failed(word) => {
            let what =
                format!("{name} failed in the middle of the {answer} (finish_reason `{word}`)");
            Failure::new(FailureKind::Network, what).retry(Retry::default())
        }
        BadReply::NotAnAnswer(words) => {
            let colon = if words.is_empty() { "" } else { ": " };
            refused(format!("the reply from {name}{about} {lack}{colon}{words}")).hint(
                refusal::address_hint(request, service)
                    .unwrap_or_else(|| "check the base URL; `-v` shows the exchange".to_owned()),
            )
        }
        BadReply::Lacks(what) => refused(format!("the reply from {name}{about} has no {what}"))
            .hint("--json prints the reply as it came"),
        BadReply::Unreadable(why) => {
            let what = format!("the {answer} from {name}{about} can't be read: {why}");
            Failure::new(FailureKind::Network, what)
        }
    }
}
