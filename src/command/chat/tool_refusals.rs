//! What the words of a refusal say of tools: the schema of one, and what came with a result. Pure.

use super::refusals::{has, is_of_group, may_be_of_form, with_param};
use crate::error::Refused;
use crate::input::AttachmentGroup;

/// How Gemini, and gateways in front of it, speak of the schema of a tool, and what of it they mind.
const SCHEMA: &[&str] = &["function_declaration", "functiondeclaration"];
const MINDED: &[&str] = &[
    "cannot find field",
    "unknown name",
    "unknown field",
    "any_of",
    "only allowed for",
    "only supported for",
    "non-empty for object",
    "missing field",
    "schema",
];

/// How services speak of a message behind the result of a tool (Mistral's), and of a result that is no
/// text.
const RESULTS: &[&str] = &[
    "role user after role tool",
    "toolmessage",
    "tool message",
    "tool_message",
    "tool role",
    "role tool",
    "tool result",
    "tool_result",
    "function_call_output",
];
const NO_TEXT: &[&str] = &[
    "unexpected role",
    "must be a string",
    "must be string",
    "should be a valid string",
    "expected a string",
    "expected string",
    "be string",
    "only text",
    "text only",
    "image",
    "content type",
    "input should be",
];

/// Whether a word in the schema of a tool is refused, as Gemini does with those that OpenAPI lacks.
pub(super) fn is_of_schema(refused: &Refused) -> bool {
    let words = with_param(refused);
    may_be_of_form(refused) && has(&words, SCHEMA) && has(&words, MINDED)
}

/// What of that which tools gave beside text may be refused: pictures, recordings, documents; or, without
/// a group, the place where they stand. `None` if it is something else.
pub(super) fn of_result_files(refused: &Refused) -> Option<Option<AttachmentGroup>> {
    let groups = [AttachmentGroup::Picture, AttachmentGroup::Audio, AttachmentGroup::Pdf];
    let words = with_param(refused);
    if may_be_of_form(refused) && has(&words, RESULTS) && has(&words, NO_TEXT) {
        return Some(None);
    }
    groups.into_iter().find(|group| is_of_group(refused, *group)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Refused {
        Refused { words: words.to_owned(), status: Some(400), ..Refused::default() }
    }

    #[test]
    fn words_of_a_schema_that_are_refused_are_known() {
        for words in [
            "Invalid JSON payload received. Unknown name \"const\" at 'tools[0].function_declarations[5].parameters.properties[8].value': Cannot find field.",
            "Unable to submit request because `x` functionDeclaration `parameters.a` schema specified other fields alongside any_of.",
            "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type",
        ] {
            assert!(is_of_schema(&said(words)), "{words}");
        }
        for words in ["Function calling is not enabled", "Invalid schema for function 'echo'"] {
            assert!(!is_of_schema(&said(words)), "{words}");
        }
    }

    #[test]
    fn pictures_in_results_that_are_refused_are_known() {
        for (words, expected) in [
            ("Unexpected role 'user' after role 'tool'", Some(None)),
            (
                "3 validation errors for ToolMessage content.list[TextChunk].1.type Input should be <ChunkTypes.text: 'text'>",
                Some(None),
            ),
            (
                "Invalid type for 'input[2].output': function_call_output must be a string",
                Some(None),
            ),
            (
                "image input is not supported - hint: you may need to provide the mmproj",
                Some(Some(AttachmentGroup::Picture)),
            ),
            ("seed is not supported", None),
            ("tool call id not found for role tool", None),
        ] {
            assert_eq!(of_result_files(&said(words)), expected, "{words}");
        }
    }
}
