//! Hints that a profile has for failures of its service.

use crate::error::{Failure, FailureKind};
use crate::provider::Provider;

/// A failure with the profile's hint, where the service says that its context is too small.
pub(super) fn hinted(failure: Failure, provider: &Provider) -> Failure {
    match provider.profile.context_hint.get() {
        Some(hint) if is_about_context(&failure) => failure.hint(hint),
        _ => failure,
    }
}

fn is_about_context(failure: &Failure) -> bool {
    let Some(refused) = failure.refused.as_deref() else { return false };
    let code = refused.code.as_deref().unwrap_or_default();
    let words = format!("{code} {}", refused.words).to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    matches!(failure.kind, FailureKind::Refused | FailureKind::Network)
        && has(&["context length", "context size", "context window", "context_length", "context_size"])
        // Ollama's words for an empty text.
        && !has(&["cannot be truncated"])
}
