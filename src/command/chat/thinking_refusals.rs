//! What the words of a refusal say of thinking over `/responses`: that it was asked for, or that it was
//! sent back. Pure.

use crate::error::Refused;

/// Whether a word of these stands in the refusal.
fn says(refused: &Refused, words: &[&str]) -> bool {
    let said = refused.words.to_lowercase();
    words.iter().any(|word| said.contains(word))
}

fn names(refused: &Refused, param: &str) -> bool {
    refused.param.as_deref().is_some_and(|named| named.starts_with(param))
}

/// Whether a summary of the thinking is refused: OpenAI gives it to verified organisations alone, and
/// models that do not think have none.
pub(super) fn is_of_summary(refused: &Refused) -> bool {
    names(refused, "reasoning.summary") || says(refused, &["reasoning.summary", "reasoning summar"])
}

/// Whether encrypted thinking is refused that the request asks for.
pub(super) fn is_of_encrypted(refused: &Refused) -> bool {
    let is_refused = says(refused, &["not supported", "unsupported", "unknown", "not permitted"]);
    names(refused, "include")
        || is_refused && says(refused, &["encrypted content", "encrypted_content", "'include'"])
}

/// Whether thinking is refused that the service gave before: it can't read it any more, or never could.
pub(super) fn is_of_sent_thinking(refused: &Refused) -> bool {
    let is_coded = refused.code.as_deref() == Some("invalid_encrypted_content");
    let of_content = says(refused, &["encrypted content", "encrypted_content"])
        && says(
            refused,
            &["verified", "decrypt", "not issued", "parsed", "not supported", "invalid"],
        );
    let of_items = says(refused, &["of type 'reasoning'", "reasoning item", "type: reasoning"])
        || names(refused, "input[") && says(refused, &["reasoning"]);
    is_coded || of_content || of_items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &str, param: Option<&str>, code: Option<&str>) -> Refused {
        Refused {
            words: words.to_owned(),
            param: param.map(str::to_owned),
            code: code.map(str::to_owned),
            status: Some(400),
            class: Default::default(),
        }
    }

    #[test]
    fn each_refusal_is_told_from_the_others() {
        let verified = "Your organization must be verified to generate reasoning summaries.";
        let asked = "Encrypted content is not supported with this model.";
        for (words, param, code, expected) in [
            (verified, Some("reasoning.summary"), Some("unsupported_value"), [true, false, false]),
            (verified, None, None, [true, false, false]),
            (asked, Some("include"), None, [false, true, true]),
            ("Unknown parameter: 'include'.", None, None, [false, true, false]),
            (
                "The encrypted content gAAA... could not be verified.",
                None,
                Some("invalid_encrypted_content"),
                [false, false, true],
            ),
            (
                "reasoning `encrypted_content` was not issued to this caller",
                None,
                None,
                [false, false, true],
            ),
            (
                "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
                Some("input"),
                None,
                [false, false, true],
            ),
            ("Unsupported parameter: 'temperature'", Some("temperature"), None, [false; 3]),
            ("reasoning.effort: unsupported value", Some("reasoning.effort"), None, [false; 3]),
        ] {
            let refused = refused(words, param, code);
            let found =
                [is_of_summary(&refused), is_of_encrypted(&refused), is_of_sent_thinking(&refused)];
            assert_eq!(found, expected, "{words}");
        }
    }
}
