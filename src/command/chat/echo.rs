//! A service that refuses a conversation because a model's thinking is missing in it: which field it
//! wants, and what the user is told. Sends nothing.

use crate::error::Failure;
use crate::provider::Provider;

/// The field in which services want thinking back in words.
const FIELD: &str = "reasoning_content";

/// What such a refusal says of the field (DeepSeek: `must be passed back`; Kimi: `is missing in`).
const WANTING: [&str; 10] = [
    "missing",
    "must be pass",
    "must pass",
    "pass back",
    "passed back",
    "required",
    "must include",
    "must be included",
    "must be provided",
    "缺少",
];

/// The field in which the service wants the thinking of earlier replies back, if that is what it
/// refused the request for.
pub(super) fn wanted(failure: &Failure) -> Option<&'static str> {
    let refused = failure.refused.as_deref()?;
    let words = refused.words.to_lowercase();
    let is_refusal = matches!(refused.status, Some(400 | 422 | 500));
    let is_wanted = words.contains(FIELD) && WANTING.iter().any(|part| words.contains(part));
    (is_refusal && is_wanted).then_some(FIELD)
}

/// What the user is told, with the line for the profile that spares the refused request.
pub(super) fn warning(field: &str, provider: &Provider) -> String {
    let name = &provider.name;
    let did =
        format!("{name} wants the model's earlier thinking back in `{field}`; sent again with it");
    if provider.choice.starts_with("--base-url") {
        return did;
    }
    let line = format!("echo_reasoning = \"{field}\"");
    format!("{did}; this line in [providers.{name}] avoids the refused request: {line}")
}
