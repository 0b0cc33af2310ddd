//! What a failed request for vectors tells: whether it may be the fault of one text, of their number, or
//! of the form that was asked for. Pure: a failure in, a decision out.

use crate::api::embed::request::ENCODING;
use crate::error::{Failure, FailureKind};

/// Words about the length of a text, or about how much there is of it.
const LENGTH_WORDS: [&str; 12] = [
    "token",
    "too long",
    "too large",
    "length",
    "context",
    "exceed",
    "maximum",
    "at most",
    "太长",
    "过长",
    "超",
    "长度",
];

/// The HTTP status of a failure that the service itself told.
fn status(failure: &Failure) -> Option<u16> {
    failure.refused.as_ref()?.status
}

/// Whether a refusal may be the fault of a single text: then others can still get vectors. `fields` are
/// the request's fields beside the texts: a refusal that names one is not about a text.
pub(super) fn is_about_text(failure: &Failure, fields: &[String]) -> bool {
    match status(failure) {
        Some(400 | 413 | 422) => {
            failure.kind == FailureKind::Refused
                && !names_field(failure, fields)
                && !failure.message.contains(ENCODING)
        }
        _ => says_too_large(failure),
    }
}

fn names_field(failure: &Failure, fields: &[String]) -> bool {
    failure.field.as_ref().is_some_and(|field| fields.contains(field))
}

/// Whether it is too much text, in words that go with another status than 400: llama.cpp answers 500 to
/// a text that is longer than its batch of tokens, OpenAI 429 to one that is beyond the limit of a minute.
pub(super) fn says_too_large(failure: &Failure) -> bool {
    let message = failure.message.to_lowercase();
    let words: &[&str] = match status(failure) {
        Some(500) => &["too large", "too long", "not fit", "exceed"],
        Some(429) => &["request too large"],
        _ => return false,
    };
    message.contains("tokens") && words.iter().any(|words| message.contains(words))
}

/// Whether the server failed in a way that a text can bring about: an error of its own, or a crash that
/// broke the connection. An overload, a time-out and a server that can't be reached are none.
pub(super) fn is_of_server(failure: &Failure) -> bool {
    if failure.kind != FailureKind::Network || failure.is_loading() {
        return false;
    }
    match status(failure) {
        Some(status) => status >= 500 && status != 501 && !is_overload(status),
        None => is_broken_off(failure),
    }
}

/// Whether the connection broke while the server worked.
fn is_broken_off(failure: &Failure) -> bool {
    let message = &failure.message;
    !message.contains("cannot connect")
        && ["closed", "broke off", "reset"].iter().any(|words| message.contains(words))
}

fn is_overload(status: u16) -> bool {
    matches!(status, 503 | 504 | 524 | 529)
}

/// Whether the service takes one text as `input`, and no list (Portkey in front of Ollama).
pub(super) fn refuses_list(failure: &Failure) -> bool {
    says_of_form(
        failure,
        &[
            "unmarshal array",
            "invalid type: sequence",
            "expected a string",
            "expected string",
            "must be a string",
            "must be string",
            "should be a string",
            "should be a valid string",
            "is not a string",
            "not of type 'string'",
            "batch input",
            "batch is not supported",
            "only one input",
            "only one text",
            "single input",
            "single text",
            "single string",
        ],
    )
}

/// Whether the service takes a list of texts as `input`, and no text.
pub(super) fn refuses_text(failure: &Failure) -> bool {
    says_of_form(
        failure,
        &[
            "unmarshal string",
            "invalid type: string",
            "expected a sequence",
            "expected an array",
            "expected array",
            "expected a list",
            "expected list",
            "must be an array",
            "must be array",
            "must be a list",
            "should be an array",
            "should be a list",
            "should be a valid list",
            "should be a valid array",
            "is not an array",
            "is not a list",
            "not of type 'array'",
        ],
    )
}

/// Whether a refusal that is not about another field has one of these.
fn says_of_form(failure: &Failure, words: &[&str]) -> bool {
    let may_be = matches!(status(failure), None | Some(400 | 415 | 422 | 500));
    let is_other = failure.field.as_deref().is_some_and(|field| !is_input(field));
    let said = failure.refused.as_ref().map(|refused| refused.words.to_lowercase());
    may_be && !is_other && said.is_some_and(|said| words.iter().any(|part| said.contains(part)))
}

/// Whether a field's name, as a refusal writes it, is that of the texts: `body.input.str`.
fn is_input(field: &str) -> bool {
    field.split(['.', '[', ']']).any(|part| part == "input")
}

/// Whether the service may mind that vectors are asked for as base64. Words that name the field are not
/// meant: the repair of fields knows those.
pub(super) fn may_be_encoding(failure: &Failure, fields: &[String]) -> bool {
    let Some(refused) = &failure.refused else { return false };
    let message = failure.message.to_lowercase();
    let is_named = message.contains(ENCODING) || failure.field.as_deref() == Some(ENCODING);
    let is_of_account = matches!(failure.kind, FailureKind::Credentials | FailureKind::Quota);
    if is_named || is_of_account || names_field(failure, fields) {
        return false;
    }
    let names_model = refused.code.as_ref().is_some_and(|code| code.contains("model"));
    match refused.status {
        _ if message.contains("base64") => true,
        Some(400 | 405 | 406 | 415 | 422) => {
            failure.kind == FailureKind::Refused
                && !names_model
                && !LENGTH_WORDS.iter().any(|words| message.contains(words))
        }
        Some(500..) => {
            let waits = failure
                .retry
                .as_ref()
                .is_some_and(|facts| facts.retry_after.is_some() || facts.retry_after_ms.is_some());
            !waits
                && !failure.is_loading()
                && !refused.status.is_some_and(is_overload)
                && !says_too_large(failure)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Refused, Retry};

    fn told(status: u16, words: &str) -> Failure {
        let refused = Refused { status: Some(status), words: words.into(), ..Refused::default() };
        let kind = match status {
            401 => FailureKind::Credentials,
            429 => FailureKind::Quota,
            500.. => FailureKind::Network,
            _ => FailureKind::Refused,
        };
        let failure = Failure::new(kind, words).refused(refused);
        match status {
            429 | 500.. => failure.retry(Retry { status: Some(status), ..Retry::default() }),
            _ => failure,
        }
    }

    #[test]
    fn any_words_may_be_about_base64_but_those_about_something_else() {
        let fields = ["dimensions".to_owned()];
        for (status, words, expected) in [
            (400, "base64 encoding is not currently supported", true),
            (400, "Bad Request", true),
            (422, "坏", true),
            (415, "unsupported format", true),
            (404, "base64 is not served here", true),
            (500, "Internal Server Error", true),
            (501, "not implemented", true),
            (502, "upstream failed", true),
            (503, "overloaded", false),
            (504, "gateway time-out", false),
            (429, "slow down", false),
            (401, "no key", false),
            (404, "no such model", false),
            (400, "This model's maximum context length is 512 tokens", false),
            (400, "输入太长", false),
            (500, "input (3002 tokens) is too large to process", false),
            (400, "unknown field encoding_format", false),
        ] {
            assert_eq!(
                may_be_encoding(&told(status, words), &fields),
                expected,
                "{status} {words}"
            );
        }
        let mut failure = told(400, "must be positive");
        failure.field = Some("dimensions".into());
        assert!(!may_be_encoding(&failure, &fields));
    }

    #[test]
    fn the_form_of_the_input_is_told_from_other_errors() {
        let list = "ollama error: json: cannot unmarshal array into Go struct field EmbeddingRequest.prompt of type string";
        for words in [list, "input must be a string", "Input should be a valid string"] {
            assert!(refuses_list(&told(400, words)) && !refuses_text(&told(400, words)), "{words}");
        }
        for words in [
            "json: cannot unmarshal string into Go struct field .input of type []string",
            "input must be an array",
            "Input should be a valid list",
            "invalid type: string \"a\", expected a sequence",
        ] {
            assert!(refuses_text(&told(400, words)) && !refuses_list(&told(422, words)), "{words}");
        }
        assert!(!refuses_list(&told(429, list)));
        let mut other = told(400, "must be a string");
        other.field = Some("user".into());
        assert!(!refuses_list(&other));
    }

    #[test]
    fn a_server_that_fails_is_told_from_one_that_is_away() {
        for (status, expected) in
            [(500, true), (502, true), (503, false), (504, false), (400, false)]
        {
            assert_eq!(is_of_server(&told(status, "x")), expected, "{status}");
        }
        for (message, expected) in [
            ("cannot connect to h: connection refused", false),
            ("no answer from h within 5 s", false),
            ("the connection to test broke: the connection was closed before a reply came", true),
        ] {
            let failure = Failure::new(FailureKind::Network, message).retry(Retry::default());
            assert_eq!(is_of_server(&failure), expected, "{message}");
        }
    }

    #[test]
    fn too_much_text_is_told_by_its_words() {
        let openai =
            "Request too large for text-embedding-3-small on tokens per min (TPM): Limit 40000";
        assert!(says_too_large(&told(429, openai)));
        assert!(!says_too_large(&told(429, "Rate limit reached on tokens per min (TPM)")));
        assert!(says_too_large(&told(500, "input (3002 tokens) is too large to process")));
        assert!(!says_too_large(&told(503, "3002 tokens, too large")));
    }
}
