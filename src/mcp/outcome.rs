//! What came of a request, in words: for whoever made a call, and for whoever started a server.

use serde_json::Value;

use super::answer::{self, ToolAnswer};
use super::http::HttpError;
use super::link::LinkError;
use super::message::RpcError;
use super::stdio::Ended;
use crate::error::{Failure, FailureKind};

/// Why a call has no answer, in words that go on after the server's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallFailed {
    /// The server refuses the call.
    Refused(String),
    /// It did not come to an answer.
    Broken(String),
}

/// What an answer means to whoever made the call.
pub(super) fn outcome_of(
    outcome: Result<Result<Value, RpcError>, LinkError>,
) -> Result<ToolAnswer, CallFailed> {
    let broken = |why: String| Err(CallFailed::Broken(why));
    match outcome {
        Ok(Ok(result)) => answer::read(result).or_else(|why| broken(format!("it {why}"))),
        Ok(Err(error)) => Err(CallFailed::Refused(error.message)),
        Err(LinkError::Ended(ended)) => broken(told(&ended, " in the middle of the call")),
        Err(LinkError::Http(HttpError::Failed(failure))) => broken(failure.message),
        Err(LinkError::Http(HttpError::Broken(why))) => broken(format!("it {why}")),
        Err(LinkError::Http(HttpError::SessionLost)) => {
            broken("it has lost the session".to_owned())
        }
    }
}

/// The failure of a server at an address that does not start.
pub(super) fn of_http(name: &str, error: HttpError) -> Failure {
    match error {
        HttpError::Failed(failure) => {
            let message = format!("mcp {name}: {}", failure.message);
            // There the field has another name.
            let hint = failure.hint.map(|hint| hint.replace("`base_url`", "`url`"));
            Failure { message, hint, ..failure }
        }
        HttpError::Broken(why) => {
            Failure::new(FailureKind::Refused, format!("mcp {name}: it {why}"))
        }
        HttpError::SessionLost => {
            Failure::new(FailureKind::Refused, format!("mcp {name}: it has lost the session"))
        }
    }
}

/// Why a program gives no answer: `it ended while starting (exit 1): …`.
pub(super) fn told(ended: &Ended, when: &str) -> String {
    let Ended { what, how, last } = ended;
    let how = how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
    let last = last.as_ref().map(|last| format!(": {last}")).unwrap_or_default();
    format!("{what}{when}{how}{last}")
}
