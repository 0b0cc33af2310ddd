//! What the words of a refusal say of a question's form: the system role, a schema, tools, pictures,
//! thinking that is missing. Pure.

use crate::dialect::schema::SchemaForm;
use crate::error::{FailureClass, Refused};
use crate::input::AttachmentGroup;

/// The field in which services want thinking back in words.
const THINKING: &str = "reasoning_content";

/// What such a refusal says of the field (DeepSeek: `must be passed back`; Kimi: `is missing in`).
const WANTING: &[&str] = &[
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

/// Words of which a refusal has some when it is the form that it minds.
const REFUSING: &[&str] = &[
    "not support",
    "t support",
    "unsupported",
    "only support",
    "only user",
    "not available",
    "unavailable",
    "not enabled",
    "enabled only",
    "only enabled",
    "not allowed",
    "not permitted",
    "not accept",
    "not implemented",
    "not one of",
    "must be",
    "must alternate",
    "should be",
    "expected",
    "unknown",
    "unrecognized",
    "unrecognised",
    "unexpected",
    "extra inputs",
    "invalid",
    "can only",
    "不支持",
    "不可用",
    "无效",
];

/// How a refusal speaks of the system message.
const SYSTEM: &[&str] = &[
    "system role",
    "role system",
    "role of system",
    "system message",
    "system prompt",
    "system instruction",
    "system_instruction",
    "developer instruction",
    "variant system",
    "messages0role",
    "roles are supported",
    "roles must alternate",
    "system角色",
    "系统角色",
    "系统提示词",
    "系统消息",
];

/// How a refusal speaks of the request for JSON that fits a schema, and of that for any JSON.
const JSON_SCHEMA: &[&str] =
    &["json_schema", "json schema", "response_format", "response format", "structured output"];
const JSON_OBJECT: &[&str] =
    &["json_object", "json object", "json mode", "response_format", "response format"];

/// What a refusal says that is about the user's own schema: no other form of it is better.
const OWN_SCHEMA: &[&str] = &[
    "invalid schema",
    "invalid json schema",
    "invalid json_schema",
    "invalid jsonschema",
    "json_schema.schema",
    "json_schema.name",
    "in context",
    "additionalproperties",
    "keyword",
    "recursive",
    "$ref",
];

const TOOLS: &[&str] = &[
    "tools",
    "tool use",
    "tool call",
    "tool calls",
    "tool calling",
    "function call",
    "function calls",
    "function calling",
    "工具",
    "函数调用",
];
const PICTURES: &[&str] = &[
    "image",
    "images",
    "image input",
    "image inputs",
    "image content",
    "image_url",
    "vision",
    "picture",
    "pictures",
    "multimodal",
    "multimodal input",
    "图片",
    "图像",
    "视觉",
];
const AUDIO: &[&str] = &["audio", "audio input", "audio inputs", "input_audio", "音频", "语音"];
const PDF: &[&str] = &[
    "pdf",
    "pdfs",
    "pdf input",
    "file",
    "files",
    "file input",
    "file inputs",
    "file content",
    "document",
    "documents",
    "document_url",
    "文件",
    "文档",
];

/// What stands in front of a thing that is not taken.
const BEFORE: &[&str] = &[
    "not support ",
    "t support ",
    "found that support ",
    "supports no ",
    "not accept ",
    "not take ",
    "not process ",
    "not handle ",
    "not use ",
    "t use ",
    "t accept ",
    "unknown variant ",
    "required for ",
    "不支持",
    "不支持 ",
];

/// What stands behind it.
const BEHIND: &[&str] = &[
    " is not supported",
    " are not supported",
    " not supported",
    " is unsupported",
    " are unsupported",
    " is not enabled",
    " are not enabled",
    " is not available",
    " are not available",
    " is not allowed",
    " are not allowed",
    " is not accepted",
    " are not accepted",
    " are not taken",
    " is not implemented",
    " is only supported",
    " are only supported",
];

/// What makes it another thing that is not taken: one format of it.
const OF_IT: &[&str] = &[" format", " type", " of type", " url", " size", " media"];

/// The field in which the service wants the thinking of earlier replies back, if that is what it
/// refused the request for.
pub(super) fn missing_thinking(refused: &Refused) -> Option<&'static str> {
    let words = refused.words.to_lowercase();
    let is_refusal = matches!(refused.status, Some(400 | 422 | 500));
    let is_wanted = words.contains(THINKING) && has(&words, WANTING);
    (is_refusal && is_wanted).then_some(THINKING)
}

/// Whether a tool call lacks the signature that Gemini gives its own.
pub(super) fn is_of_missing_signature(refused: &Refused) -> bool {
    let words = plain(&refused.words);
    let is_named = has(&words, &["thought_signature", "thoughtsignature", "thought signature"]);
    may_be_of_form(refused) && is_named && has(&words, WANTING)
}

/// Whether the system message is what is refused.
pub(super) fn is_of_system(refused: &Refused) -> bool {
    let words = with_param(refused);
    let is_content = has(&words, &["content_filter", "policy", "safety", "moderation"]);
    may_be_of_form(refused) && !is_content && has(&words, SYSTEM) && has(&words, REFUSING)
}

/// Whether the way in which the schema was told is refused, and not the schema itself.
pub(super) fn is_of_schema_form(refused: &Refused, form: SchemaForm) -> bool {
    let words = with_param(refused);
    let names = if form == SchemaForm::JsonSchema { JSON_SCHEMA } else { JSON_OBJECT };
    let is_own = form == SchemaForm::JsonSchema && has(&words, OWN_SCHEMA);
    may_be_of_form(refused) && !is_own && has(&words, names) && has(&words, REFUSING)
}

/// Whether tools are what the model does not take at all.
pub(super) fn is_of_tools(refused: &Refused) -> bool {
    may_be_of_form(refused) && says_no(&plain(&refused.words), TOOLS)
}

/// Whether attachments of this group are what the model does not take at all.
pub(super) fn is_of_group(refused: &Refused, group: AttachmentGroup) -> bool {
    let names = match group {
        AttachmentGroup::Picture => PICTURES,
        AttachmentGroup::Audio => AUDIO,
        AttachmentGroup::Pdf => PDF,
    };
    may_be_of_form(refused) && says_no(&plain(&refused.words), names)
}

/// Whether the failure may be about the form of the request at all.
pub(super) fn may_be_of_form(refused: &Refused) -> bool {
    use FailureClass as Class;
    let is_other = matches!(
        refused.class,
        Class::Money
            | Class::MoneyOrRate
            | Class::DayQuota
            | Class::Rate
            | Class::Key
            | Class::Access
            | Class::TooLong
            | Class::Loading
    );
    // A 403 is of a key, unless its words are of the model: words win over the number.
    let is_of_key = refused.status == Some(403) && refused.class != Class::Model;
    !is_other && !is_of_key && !matches!(refused.status, Some(401 | 402 | 407..=409 | 429))
}

/// The words of a refusal, the field that it names and its code.
pub(super) fn with_param(refused: &Refused) -> String {
    let param = refused.param.as_deref().unwrap_or_default();
    let code = refused.code.as_deref().unwrap_or_default();
    let said = plain(&format!("{} {param} {code}", refused.words));
    // `messages[0].role`, `body.messages.0.role`
    let joined: String = said.chars().filter(|c| !matches!(c, '[' | ']' | '.')).collect();
    format!("{said} {joined}")
}

/// Words in lower case, without quotation marks, with single blanks.
pub(super) fn plain(words: &str) -> String {
    let is_mark = |c: char| "'\"`“”‘’「」*".contains(c);
    let kept = words.chars().filter(|c| !is_mark(*c));
    let spaced: String = kept.map(|c| if matches!(c, ':' | '=') { ' ' } else { c }).collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn has(words: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| words.contains(part))
}

/// Whether the words say that one of these things is not taken.
fn says_no(words: &str, names: &[&str]) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    names.iter().any(|name| {
        words.match_indices(name).any(|(at, _)| {
            let (before, rest) = (&words[..at], &words[at + name.len()..]);
            let is_other_model = before.ends_with("not a ") && rest.starts_with(" model");
            let before = ["any ", "the ", "a ", "an "]
                .iter()
                .find_map(|article| before.strip_suffix(article))
                .unwrap_or(before);
            let is_refused = BEFORE.iter().any(|part| before.ends_with(part))
                || BEHIND.iter().any(|part| rest.starts_with(part));
            is_end(rest)
                && (is_refused || is_other_model)
                && !OF_IT.iter().any(|part| rest.starts_with(part))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str, param: Option<&str>) -> Refused {
        let param = param.map(str::to_owned);
        Refused { status: Some(400), param, words: words.to_owned(), ..Refused::default() }
    }

    #[test]
    fn the_system_role_is_refused_in_many_words() {
        for words in [
            "System role not supported",
            "system role is not supported",
            "This model does not support system messages.",
            "Developer instruction is not enabled for models/gemma-3-27b-it",
            "messages with role 'system' are not allowed",
            "Template error: invalid operation: System role not supported (in <string>:1)",
            "'system' is not one of ['user', 'assistant'] - 'messages.0.role'",
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "Only user and assistant roles are supported!",
            "messages[0].role: unknown variant `system`, expected `user` or `assistant`",
            "The input system_instruction is not supported.",
            "该模型不支持system角色",
        ] {
            assert!(is_of_system(&said(words, None)), "{words}");
        }
        assert!(is_of_system(&said("Unsupported value", Some("messages[0].role"))));
        assert!(is_of_system(&said("Input should be 'user'", Some("body.messages.0.role"))));
        for words in [
            "The system is not available right now",
            "Your system prompt is not allowed by our content policy",
            "temperature is not supported",
        ] {
            assert!(!is_of_system(&said(words, None)), "{words}");
        }
    }

    #[test]
    fn a_schema_form_is_told_from_a_bad_schema() {
        for words in [
            "This response_format type is unavailable now",
            "'response_format' of type 'json_schema' is not supported with this model.",
            "This model does not support response format `json_schema`",
            "response_format.type: unknown variant `json_schema`, expected `text` or `json_object`",
            "Unrecognized request argument supplied: response_format",
        ] {
            assert!(is_of_schema_form(&said(words, None), SchemaForm::JsonSchema), "{words}");
        }
        for words in [
            "Invalid schema for response_format 'answer': In context=(), 'oneOf' is not permitted.",
            "'response_format.json_schema.schema' must be an object",
            "seed is not supported",
        ] {
            assert!(!is_of_schema_form(&said(words, None), SchemaForm::JsonSchema), "{words}");
        }
        let words = "Json mode response is not supported when enable_thinking is true";
        assert!(is_of_schema_form(&said(words, None), SchemaForm::JsonObject));
    }

    #[test]
    fn what_is_not_taken_is_told_from_what_is_wrong_with_it() {
        for words in [
            "registry.ollama.ai/library/gemma:2b does not support tools",
            "No endpoints found that support tool use. Try disabling \"x\".",
            "tool use is not supported",
            "`tools` is not supported by this model",
            "Function calling is not enabled for models/gemma-3-27b-it",
            "x cannot use tools",
        ] {
            assert!(is_of_tools(&said(words, None)), "{words}");
        }
        for words in ["tools[0].function.strict is not supported", "tool_choice is not supported"] {
            assert!(!is_of_tools(&said(words, None)), "{words}");
        }
        for words in [
            "No endpoints found that support image input",
            "image input is not supported - hint: you may need to provide the mmproj",
            "Invalid content type. image_url is only supported by certain models.",
            "messages[0]: unknown variant `image_url`, expected `text`",
            "This model does not support vision",
            "m is not a multimodal model",
            "该模型不支持图片输入",
        ] {
            assert!(is_of_group(&said(words, None), AttachmentGroup::Picture), "{words}");
        }
        for words in ["does not support image format bmp", "the image is not valid base64"] {
            assert!(!is_of_group(&said(words, None), AttachmentGroup::Picture), "{words}");
        }
        assert!(is_of_group(&said("audio input is not supported", None), AttachmentGroup::Audio));
        assert!(is_of_group(&said("PDF is not supported", None), AttachmentGroup::Pdf));
    }
}
