//! A text that a service refuses as too long: what the refusal names, and what is said of it.

use crate::api::speech::refusal;
use crate::api::speech::split::TextLimit;
use crate::error::Failure;
use crate::io::Io;

/// The status and the words of a refusal.
pub(super) fn said(failure: &Failure) -> Option<(u16, &str)> {
    let refused = failure.refused.as_ref()?;
    Some((refused.status?, &refused.words))
}

/// The length of text that a refusal names.
pub(super) fn smaller(failure: &Failure, text: &str) -> Option<TextLimit> {
    let (status, words) = said(failure)?;
    refusal::is_too_long(status, words).then(|| refusal::text_limit(words, text)).flatten()
}

/// Says that the text goes out in smaller parts.
pub(super) fn say_smaller(limit: TextLimit, text: &str, service: &str, io: &Io) {
    let most = match limit {
        TextLimit::Characters(most) => format!("{most} characters"),
        TextLimit::Bytes(most) => format!("{most} bytes"),
    };
    let line = limit_line(limit, text);
    io.warn(&format!(
        "{service} takes at most {most} at once, so the text is sent in smaller parts; with {line} \
         in the profile it is from the start"
    ));
}

/// The profile's line for a limit.
fn limit_line(limit: TextLimit, text: &str) -> String {
    format!("`limits = {{ speech_characters = {} }}`", limit.characters(text))
}

/// Adds to a refusal of a text as too long what helps.
pub(super) fn too_long(failure: Failure, limit: Option<TextLimit>, text: &str) -> Failure {
    let is_too_long =
        said(&failure).is_some_and(|(status, words)| refusal::is_too_long(status, words));
    let line = match limit {
        Some(limit) => limit_line(limit, text),
        None if is_too_long => "`limits = { speech_characters = 1000 }` (here 1,000)".to_owned(),
        None => return failure,
    };
    failure.hint(format!("with {line} in the profile a long text is sent in parts"))
}
