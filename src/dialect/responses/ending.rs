//! How a reply ended: its status decides, whatever event brought it.

use serde_json::{Value, json};

use crate::dialect::event::Finish;
use crate::dialect::usage::{is_over, number};
use crate::http::fault::{self, Fault};

/// How a reply ended, and the word for it. `event` is what the event that brought it says of that; it
/// counts where the reply has no status.
pub(super) fn of(response: &Value, event: &str, limit: Option<u64>) -> (Finish, String) {
    let reason = text(response, "/incomplete_details/reason");
    let status = status(response, event);
    let word = if reason.is_empty() { status } else { reason };
    let finish = match status {
        "" if !reason.is_empty() => Finish::of(reason),
        // Some servers say so of answers too that their limit cut.
        "completed" | "" if is_at_limit(response, limit) => Finish::Length,
        "completed" | "" => Finish::Done,
        "queued" | "in_progress" => Finish::Pending,
        "incomplete" if reason.is_empty() && is_at_limit(response, limit) => Finish::Length,
        _ => Finish::of(word),
    };
    (finish, if word.is_empty() { "completed".to_owned() } else { word.to_owned() })
}

fn text<'v>(response: &'v Value, path: &str) -> &'v str {
    response.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A reply's status. Without one of its own it is what the event says: that it ended as it should is
/// known of no reply that gives a reason why it did not.
fn status<'v>(response: &'v Value, event: &'v str) -> &'v str {
    match text(response, "/status") {
        "" if event == "completed" => "",
        "" => event,
        own => own,
    }
}

/// Whether the count of tokens says that the limit cut the answer. Some count thinking into the limit,
/// some do not. One that counts far more was not held to it.
fn is_at_limit(response: &Value, limit: Option<u64>) -> bool {
    let count = |path: &str| response.pointer(path).and_then(number);
    let Some((limit, output)) = limit.zip(count("/usage/output_tokens")) else { return false };
    let thinking = count("/usage/output_tokens_details/reasoning_tokens").unwrap_or(0);
    let answer = output.saturating_sub(thinking);
    output == limit || answer >= limit && !is_over(answer, limit)
}

/// The failure that a reply, or the event that brought it, tells.
pub(super) fn failure(response: &Value, event: &str) -> Option<Fault> {
    if let Some(fault) = fault::in_reply(&json!({"error": response.get("error")})) {
        return Some(fault);
    }
    let message = "the service failed and does not say why".to_owned();
    (status(response, event) == "failed").then(|| Fault { message, ..Fault::default() })
}

/// Token counts under the names that they have in `/chat/completions`: a conversation may go on there.
pub(super) fn usage(response: &Value) -> Option<Value> {
    let counts = response.get("usage")?.as_object().filter(|counts| !counts.is_empty())?;
    let name = |name: &str| match name {
        "input_tokens" => "prompt_tokens".to_owned(),
        "output_tokens" => "completion_tokens".to_owned(),
        "input_tokens_details" => "prompt_tokens_details".to_owned(),
        "output_tokens_details" => "completion_tokens_details".to_owned(),
        other => other.to_owned(),
    };
    Some(counts.iter().map(|(own, count)| (name(own), count.clone())).collect())
}
