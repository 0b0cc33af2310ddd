//! Reads one JSON value, a chunk of a stream or a whole answer, as [`ChatEvent`]s. Tolerant: any
//! field may be missing, null or of another type, and what is not understood is passed over.

use std::borrow::Cow;

use serde_json::Value;

use crate::dialect::event::{ArgumentsDelta, ChatEvent, Finish, ToolCallDelta};

/// Gives every event of `value` to `each`, in the order in which a reader should see them: thinking
/// before text, the end of a choice after its text, token counts last.
pub(super) fn events<'v>(value: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    let choices = value.get("choices").and_then(Value::as_array);
    for (position, choice) in choices.into_iter().flatten().enumerate() {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(position as u64);
        // A server that ignores `stream` sends `message`; one that streams sends `delta`; old
        // completion servers send `text`.
        let message = choice.get("delta").or_else(|| choice.get("message"));
        match message.filter(|message| message.is_object()) {
            Some(message) => message_events(index, message, each),
            None => {
                if let Some(text) = choice.get("text").and_then(Value::as_str) {
                    each(ChatEvent::Text { index, text, is_thought: false });
                }
            }
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            each(ChatEvent::Finish { index, finish: finish(reason), word: reason });
        }
    }
    if let Some(usage) = usage(value) {
        each(ChatEvent::Usage(usage));
    }
}

/// `model`, and `provider` (OpenRouter); a broken stream of Ollama's ends with an empty model.
pub(super) fn replied(value: &Value) -> Option<String> {
    let words = ["model", "provider"].map(|name| filled(value, name));
    let words: Vec<&str> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn message_events<'v>(index: u64, message: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    // `reasoning_content` (DeepSeek, DashScope, llama-server …) or `reasoning` (OpenRouter, Ollama,
    // vLLM …); a service that sends both repeats itself.
    let thinking = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|key| message.get(key)?.as_str().filter(|text| !text.is_empty()));
    if let Some(text) = thinking {
        each(ChatEvent::Thinking { index, text, sealed: None });
    }
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => {
            let flag = message.pointer("/extra_content/google/thought").and_then(Value::as_bool);
            each(ChatEvent::Text { index, text, is_thought: flag.unwrap_or(false) });
        }
        Some(Value::Array(parts)) => parts.iter().for_each(|part| part_events(index, part, each)),
        Some(part @ Value::Object(_)) => part_events(index, part, each),
        _ => {}
    }
    if let Some(text) =
        message.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty())
    {
        each(ChatEvent::Refusal { index, text });
    }
    // A transcript is what a spoken answer says (gpt-audio).
    if let Some(text) = message.pointer("/audio/transcript").and_then(Value::as_str) {
        each(ChatEvent::Text { index, text, is_thought: false });
    }
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        each(ChatEvent::ToolCall { index, delta: Box::new(tool_call(call)) });
    }
    if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
        each(ChatEvent::ToolCall { index, delta: Box::new(tool_call(call)) });
    }
    for note in message.get("annotations").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| note.pointer(key).and_then(Value::as_str);
        if let Some(url) = text("/url_citation/url").filter(|url| !url.is_empty()) {
            let title = text("/url_citation/title").unwrap_or_default();
            each(ChatEvent::Source { index, url, title });
        }
    }
}

/// An element of `tool_calls`, or a `function_call` (the specification's older form).
///
/// DashScope repeats `"id": ""`, Together `null`; Ollama's own form has objects for arguments.
fn tool_call(call: &Value) -> ToolCallDelta<'_> {
    let function = ["function", "custom"].iter().find_map(|key| call.get(key));
    let function = function.filter(|function| function.is_object()).unwrap_or(call);
    let is_own = |key: &str| {
        matches!(key, "id" | "index" | "function" | "custom" | "type" | "name" | "arguments")
    };
    let fields = call.as_object().into_iter().flatten();
    let extra = fields.filter(|(key, value)| !is_own(key) && !value.is_null());
    ToolCallDelta {
        position: call.get("index").and_then(Value::as_u64),
        id: filled(call, "id"),
        name: filled(function, "name"),
        arguments: match function.get("arguments").or_else(|| function.get("input")) {
            None | Some(Value::Null) => ArgumentsDelta::Nothing,
            Some(Value::String(text)) => ArgumentsDelta::More(text),
            Some(other) => ArgumentsDelta::Whole(Cow::Owned(other.to_string())),
        },
        extra: extra.map(|(key, value)| (key.as_str(), value)).collect(),
    }
}

/// A text that is not empty.
fn filled<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The class of a `finish_reason`. Beyond the specification's own: `max_tokens`, `model_length`
/// (Mistral), `model_context_window_exceeded`, `sensitive`, `network_error` (Zhipu), `error`
/// (OpenRouter), `abort` (SGLang), `insufficient_system_resource` (DeepSeek).
fn finish(reason: &str) -> Finish {
    match reason.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
            Finish::Length
        }
        "content_filter" | "sensitive" | "safety" | "prohibited_content" => Finish::Filter,
        "error" | "network_error" | "abort" | "insufficient_system_resource" => Finish::Failed,
        _ => Finish::Done,
    }
}

/// A typed part of a content list: `text`, `output_text`, or Mistral's `thinking`, whose inner list
/// is made of parts again.
fn part_events<'v>(index: u64, part: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    if let Some(text) = part.as_str() {
        each(ChatEvent::Text { index, text, is_thought: false });
        return;
    }
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
    match kind {
        "thinking" | "reasoning" => {
            let inner =
                part.get("thinking").or_else(|| part.get("text")).or_else(|| part.get("reasoning"));
            match inner {
                Some(Value::String(text)) => {
                    each(ChatEvent::Thinking { index, text, sealed: None });
                }
                Some(Value::Array(parts)) => {
                    for text in
                        parts.iter().filter_map(|part| part.get("text").or(Some(part))?.as_str())
                    {
                        each(ChatEvent::Thinking { index, text, sealed: None });
                    }
                }
                _ => {}
            }
        }
        "refusal" => {
            if let Some(text) = part.get("refusal").and_then(Value::as_str) {
                each(ChatEvent::Refusal { index, text });
            }
        }
        _ => {
            if let Some(text) = part.get("text").and_then(Value::as_str) {
                each(ChatEvent::Text { index, text, is_thought: false });
            }
        }
    }
}

/// Token counts: `usage`, Groq's `x_groq.usage`, Moonshot's `choices[0].usage`.
fn usage(value: &Value) -> Option<&Value> {
    let places = ["/usage", "/x_groq/usage", "/choices/0/usage"];
    let filled = |usage: &&Value| usage.as_object().is_some_and(|usage| !usage.is_empty());
    places.iter().filter_map(|place| value.pointer(place)).find(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(value: &Value) -> Vec<String> {
        let mut seen = Vec::new();
        events(value, &mut |event| {
            seen.push(match event {
                ChatEvent::Text { index, text, is_thought } => {
                    format!("{index}{}:{text}", if is_thought { "?" } else { "" })
                }
                ChatEvent::Thinking { index, text, .. } => format!("{index}~{text}"),
                ChatEvent::Refusal { index, text } => format!("{index}!{text}"),
                ChatEvent::ToolCall { index, delta } => {
                    format!("{index}({:?} {:?})", delta.position, delta.name)
                }
                ChatEvent::Source { index, url, title } => format!("{index}[{url} {title}]"),
                ChatEvent::Finish { index, finish, word } => format!("{index}.{finish:?} {word}"),
                ChatEvent::Usage(usage) => format!("={usage}"),
            });
        });
        seen
    }

    fn choice(choice: Value) -> Value {
        json!({"choices": [choice]})
    }

    #[test]
    fn text_stands_in_many_places() {
        let same = ["0:你好"];
        assert_eq!(seen(&choice(json!({"index": 0, "delta": {"content": "你好"}}))), same);
        assert_eq!(seen(&choice(json!({"message": {"content": "你好"}}))), same);
        assert_eq!(
            seen(&choice(json!({"delta": {"content": [{"type": "text", "text": "你好"}]}}))),
            same
        );
        assert_eq!(seen(&choice(json!({"delta": {"content": [{"text": "你好"}]}}))), same);
        assert_eq!(seen(&choice(json!({"delta": {"content": ["你好"]}}))), same);
        assert_eq!(seen(&choice(json!({"text": "你好"}))), same);
        assert_eq!(seen(&choice(json!({"delta": {"audio": {"transcript": "你好"}}}))), same);
    }

    #[test]
    fn thinking_stands_in_many_places() {
        let same = ["0~嗯"];
        assert_eq!(
            seen(&choice(json!({"delta": {"reasoning_content": "嗯", "content": null}}))),
            same
        );
        assert_eq!(seen(&choice(json!({"delta": {"reasoning": "嗯", "content": ""}}))), same);
        assert_eq!(
            seen(&choice(json!({"delta": {"reasoning": "嗯", "reasoning_content": "嗯"}}))),
            same
        );
        let mistral = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "嗯"}]}]);
        assert_eq!(seen(&choice(json!({"delta": {"content": mistral}}))), same);
        let gemini = json!({"content": "嗯", "extra_content": {"google": {"thought": true}}});
        assert_eq!(seen(&choice(json!({"delta": gemini}))), ["0?:嗯"]);
    }

    #[test]
    fn ends_calls_refusals_and_counts() {
        let value = json!({
            "choices": [
                {"index": 1, "delta": {"tool_calls": [{"index": 1, "function": {"name": "查天气"}}, {}]}, "finish_reason": "tool_calls"},
                {"index": 0, "delta": {"refusal": "不行"}, "finish_reason": ""}
            ],
            "usage": {"total_tokens": 3}
        });
        assert_eq!(
            seen(&value),
            [
                "1(Some(1) Some(\"查天气\"))",
                "1(None None)",
                "1.Done tool_calls",
                "0!不行",
                "={\"total_tokens\":3}"
            ]
        );
        assert_eq!(seen(&json!({"choices": [], "x_groq": {"usage": {"a": 1}}})), ["={\"a\":1}"]);
        assert_eq!(seen(&choice(json!({"usage": {"a": 1}}))), ["={\"a\":1}"]);
    }

    #[test]
    fn what_is_cited_is_told() {
        let cited = json!({"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "甲", "start_index": 0}});
        let bare = json!({"type": "url_citation", "url_citation": {"url": "https://b.example"}});
        let delta = json!({"content": "见", "annotations": [cited, bare, {"type": "file"}, 3]});
        assert_eq!(
            seen(&choice(json!({"delta": delta}))),
            ["0:见", "0[https://a.example 甲]", "0[https://b.example ]"]
        );
    }

    #[test]
    fn anything_else_is_passed_over() {
        for value in [
            json!(null),
            json!([]),
            json!({"choices": null}),
            json!({"choices": [null, 1, {}]}),
            json!({"choices": [{"delta": {"content": 5, "tool_calls": {}}}], "usage": {}}),
            json!({"choices": {"0": 1}}),
        ] {
            assert!(seen(&value).is_empty(), "{value}");
        }
    }
}
