//! Which class a service's failure belongs to: the one place that decides it, from code, type and words;
//! the HTTP status is the last resort. Pure: facts in, a verdict out.
//!
//! What services write is in the tables of [`codes`] and [`phrases`]; which of them win over which is in
//! [`decide`].

mod codes;
mod decide;
mod evidence;
mod phrases;
mod status;
mod wait;
mod words;

use std::time::Duration;

use crate::error::{FailureClass, FailureKind};
pub(super) use evidence::Evidence;
pub(super) use wait::from_headers;

/// What a failure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) class: FailureClass,
    /// The status that counts: one that stands in the words, where ours says nothing.
    pub(super) status: Option<u16>,
    /// The time to wait that the words name.
    pub(super) wait: Option<Duration>,
}

impl Verdict {
    /// The verdict on a failure.
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        let message = &evidence.fault.message;
        let is_vague = evidence.is_carried || evidence.status.is_some_and(|status| status >= 500);
        let said = if is_vague { status::in_words(message) } else { None };
        let status = said.or(evidence.status);
        let wait = wait::in_words(message);
        let evidence = Evidence { status, ..*evidence };
        let class = decide::class(&evidence, wait.or(evidence.fault.retry_after).is_some());
        Self { class, status, wait }
    }

    /// The exit code's kind.
    pub(super) fn kind(&self) -> FailureKind {
        match self.class {
            FailureClass::TooLong if self.status.is_some_and(|status| status >= 500) => {
                FailureKind::Network
            }
            class => FailureKind::of_class(class),
        }
    }
}

#[cfg(test)]
mod tests;
