//! What came of a row: an answer, or why there is none. As data that can be kept; no wire format of a
//! service and no format of an output is known here.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Failure, FailureClass, FailureKind};
use crate::ledger::Spent;

/// What came of a row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RowOutcome {
    /// A text, or the JSON that a schema asked for; absent for a row that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Box<RawValue>>,
    /// Why the answer ended, where that is not its usual end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<String>,
    /// It was cut by a limit of tokens that the user did not set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_cut: bool,
    /// The service's count of tokens, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<RowError>,
    /// What the run took for it.
    #[serde(skip)]
    pub(super) spent: Spent,
    /// The reply itself, where the output shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<RowReplyBody>,
}

/// A reply as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RowReplyBody {
    pub(super) status: u16,
    /// The service's id of the exchange.
    pub(super) request_id: Option<String>,
    pub(super) body: Box<RawValue>,
}

/// Why a row has no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RowError {
    pub(super) kind: RowErrorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    pub(super) message: String,
}

/// The causes of failed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowErrorKind {
    RateLimit,
    /// No money or quota left.
    Quota,
    /// The key, or the account's rights.
    Credentials,
    ServerError,
    Network,
    TimeOut,
    /// The service gave up the row before it was asked: a batch that expired or was cancelled.
    NotAsked,
    BadRequest,
    ContentFilter,
    /// The model refuses to answer.
    Refusal,
    /// The reply holds no answer.
    NoAnswer,
    /// The answer does not fit the schema.
    Schema,
}

impl RowErrorKind {
    /// Whether another try may answer the row.
    pub(super) fn is_passing(self) -> bool {
        use RowErrorKind as Kind;
        matches!(
            self,
            Kind::RateLimit
                | Kind::Quota
                | Kind::Credentials
                | Kind::ServerError
                | Kind::Network
                | Kind::TimeOut
                | Kind::NotAsked
        )
    }

    /// The kind as it stands in an output.
    pub(super) fn name(self) -> &'static str {
        use RowErrorKind as Kind;
        match self {
            Kind::RateLimit => "rate_limit",
            Kind::Quota => "quota",
            Kind::Credentials => "credentials",
            Kind::ServerError => "server_error",
            Kind::Network => "network",
            Kind::TimeOut => "time_out",
            Kind::NotAsked => "not_asked",
            Kind::BadRequest => "bad_request",
            Kind::ContentFilter => "content_filter",
            Kind::Refusal => "refusal",
            Kind::NoAnswer => "no_answer",
            Kind::Schema => "schema",
        }
    }

    /// The kind in words, for a summary.
    pub(super) fn words(self) -> String {
        self.name().replace('_', " ")
    }

    /// The kind of these words.
    pub(super) fn of_words(words: &str) -> Option<Self> {
        serde_json::from_value(words.replace(' ', "_").into()).ok()
    }
}

impl RowError {
    /// Why a row failed that was asked for in vain.
    pub(super) fn of(failure: &Failure) -> Self {
        let retry = failure.retry.as_deref();
        let refused = failure.refused.as_deref();
        let status = refused
            .and_then(|refused| refused.status)
            .or_else(|| retry.and_then(|retry| retry.status));
        Self { kind: kind_of(failure), status, message: failure.message.clone() }
    }

    /// A failed row for a reason of our own.
    pub(super) fn new(kind: RowErrorKind, message: impl Into<String>) -> Self {
        Self { kind, status: None, message: message.into() }
    }
}

fn kind_of(failure: &Failure) -> RowErrorKind {
    use RowErrorKind as Kind;
    let refused = failure.refused.as_deref();
    let is_filtered = |refused: &crate::error::Refused| {
        let code = refused.code.as_deref().unwrap_or_default().to_lowercase();
        ["content_filter", "content_policy", "data_inspection"].iter().any(|it| code.contains(it))
    };
    let class = refused
        .map(|refused| refused.class)
        .or_else(|| failure.retry.as_deref().and_then(|retry| retry.class));
    match (failure.kind, class) {
        (FailureKind::Refused, _) if refused.is_some_and(is_filtered) => Kind::ContentFilter,
        (FailureKind::Quota, Some(FailureClass::Rate)) => Kind::RateLimit,
        (FailureKind::Quota, _) => Kind::Quota,
        (FailureKind::Credentials, _) => Kind::Credentials,
        (FailureKind::Network, _) if failure.retry.as_deref().is_some_and(|it| it.is_time_out) => {
            Kind::TimeOut
        }
        (FailureKind::Network, Some(_)) => Kind::ServerError,
        (FailureKind::Network, None) => Kind::Network,
        (FailureKind::Refused, None) => Kind::NoAnswer,
        _ => Kind::BadRequest,
    }
}

impl RowOutcome {
    /// A row that failed.
    pub(super) fn failed(error: RowError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// As it counts where the row's own request may limit the length of the answer.
    pub(super) fn of_limited(mut self, is_limited: bool) -> Self {
        self.is_cut &= !is_limited;
        self
    }

    /// Whether nothing more is to be asked for the row, unless the user wants refused ones asked again.
    pub(super) fn state(&self) -> RowState {
        match &self.error {
            None => RowState::Answered,
            Some(error) if error.kind.is_passing() => RowState::Failed,
            Some(_) => RowState::Refused,
        }
    }

    /// As it is kept: a letter for its state, then JSON.
    pub(super) fn kept(&self) -> Vec<u8> {
        let mut bytes = vec![self.state() as u8];
        // A struct of texts and JSON always serialises, and memory takes all.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes
    }

    /// The outcome that was kept; `None` if these bytes are none.
    pub(super) fn of_kept(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes.get(1..)?).ok()
    }
}

/// How far a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum RowState {
    Answered = b'a',
    /// For good.
    Refused = b'r',
    /// Another try may answer it.
    Failed = b'f',
}

impl RowState {
    /// The state that begins kept bytes.
    pub(super) fn of_letter(letter: u8) -> Option<Self> {
        [Self::Answered, Self::Refused, Self::Failed].into_iter().find(|one| *one as u8 == letter)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Refused, Retry};

    #[test]
    fn what_is_kept_comes_back() {
        let answer = serde_json::value::to_raw_value("一\u{2028}二").expect("JSON");
        let outcome = RowOutcome { answer: Some(answer), ..RowOutcome::default() };
        let kept = outcome.kept();
        assert_eq!(RowState::of_letter(kept[0]), Some(RowState::Answered));
        let back = RowOutcome::of_kept(&kept).expect("is read");
        assert_eq!(
            back.answer.map(|answer| answer.get().to_owned()),
            Some("\"一\u{2028}二\"".into())
        );
        let error = RowError::new(RowErrorKind::Schema, "no");
        assert_eq!(RowOutcome::failed(error).kept()[0], b'r');
        assert!(RowOutcome::of_kept(b"").is_none() && RowOutcome::of_kept(b"a{").is_none());
    }

    #[test]
    fn failures_are_told_by_their_cause() {
        let refused = |kind, class, code: Option<&str>| {
            let code = code.map(str::to_owned);
            Failure::new(kind, "x").refused(Refused { class, code, ..Refused::default() })
        };
        let network = |is_time_out| {
            Failure::new(FailureKind::Network, "x").retry(Retry { is_time_out, ..Retry::default() })
        };
        use FailureClass as Class;
        use RowErrorKind as Kind;
        for (failure, kind) in [
            (refused(FailureKind::Quota, Class::Rate, None), Kind::RateLimit),
            (refused(FailureKind::Quota, Class::Money, None), Kind::Quota),
            (refused(FailureKind::Refused, Class::Request, None), Kind::BadRequest),
            (
                refused(FailureKind::Refused, Class::Request, Some("content_filter")),
                Kind::ContentFilter,
            ),
            (refused(FailureKind::Network, Class::Server, None), Kind::ServerError),
            (network(true), Kind::TimeOut),
            (network(false), Kind::Network),
            (Failure::new(FailureKind::Refused, "x"), Kind::NoAnswer),
        ] {
            assert_eq!(RowError::of(&failure).kind, kind);
        }
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in [RowErrorKind::RateLimit, RowErrorKind::TimeOut, RowErrorKind::NoAnswer] {
            let written = serde_json::to_value(kind).expect("JSON");
            assert_eq!(written, kind.name());
            assert_eq!(RowErrorKind::of_words(&kind.words()), Some(kind));
        }
    }
}
