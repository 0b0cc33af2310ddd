//! Reads one JSON value, a chunk of a stream or a whole answer, as [`ChatEvent`]s. Tolerant: any
//! field may be missing, null or of another type, and what is not understood is passed over.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::{media, sources};
use crate::dialect::event::{ArgumentsDelta, ChatEvent, Finish, ToolCallDelta};

/// What is to be known of the pieces that came before.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The choices of which a piece said something.
    begun: BTreeSet<u64>,
    /// Whether choices have the field for the reason why they end before they do: some that have ended give
    /// it for the first of several answers alone.
    pub(super) has_reason_field: bool,
}

/// Gives every event of `value` to `each`, in the order in which a reader should see them: the end of
/// a choice, so that text behind it can be told from text that only repeats the whole; thinking before
/// text; token counts last.
pub(super) fn events<'v>(
    value: &'v Value,
    before: &mut Before,
    each: &mut dyn FnMut(ChatEvent<'v>),
) {
    let choices = value.get("choices").and_then(Value::as_array);
    let choices = choices.map(Vec::as_slice).unwrap_or_default();
    for (position, choice) in choices.iter().enumerate() {
        let index = index_of(choices, position);
        let reason = choice.get("finish_reason");
        before.has_reason_field |=
            reason.is_some_and(|reason| reason.as_str().unwrap_or("").is_empty());
        end_event(index, choice, each);
        choice_events(index, choice, before, each);
    }
    // Beside the choices stands what belongs to all of them.
    let first = (!choices.is_empty()).then(|| index_of(choices, 0));
    let index = first.or(before.begun.first().copied()).unwrap_or_default();
    sources::found(value, &mut |page| each(ChatEvent::Source { index, page }));
    if let Some(usage) = usage(value) {
        each(ChatEvent::Usage(usage));
    }
}

/// The number of the choice at this position; that of its position where it has none, or that of one
/// before it.
fn index_of(choices: &[Value], position: usize) -> u64 {
    let number = |choice: &Value| choice.get("index").and_then(Value::as_u64);
    let own = number(&choices[position]);
    let is_taken = || choices[..position].iter().any(|other| number(other) == own);
    own.filter(|_| !is_taken()).unwrap_or(position as u64)
}

/// A server that ignores `stream` sends `message`; one that streams sends `delta`; old completion
/// servers send `text`. Perplexity sends all that came so far as `message` beside each `delta`, and a
/// whole answer beside an empty one.
fn choice_events<'v>(
    index: u64,
    choice: &'v Value,
    before: &mut Before,
    each: &mut dyn FnMut(ChatEvent<'v>),
) {
    let object = |name: &str| choice.get(name).filter(|value| value.is_object());
    let (delta, message) = (object("delta"), object("message"));
    let mut is_said = false;
    if let Some(delta) = delta {
        message_events(index, delta, &mut |event| {
            is_said = true;
            each(event);
        });
    }
    if is_said {
        before.begun.insert(index);
    }
    match message {
        Some(message) if before.begun.contains(&index) => made_events(index, message, each),
        Some(message) => message_events(index, message, each),
        None if delta.is_some() => {}
        None => {
            if let Some(text) = choice.get("text").and_then(Value::as_str) {
                each(ChatEvent::Text { index, text, is_thought: false });
            }
        }
    }
}

/// How a choice ended. Gateways put the word of the service behind them beside their own; where it is
/// a bad one it decides, as theirs is `stop` then, or nothing.
fn end_event<'v>(index: u64, choice: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    let word = |name: &str| filled(choice, name).filter(|word| !matches!(word.trim(), "" | "null"));
    let (own, native) = (word("finish_reason"), word("native_finish_reason"));
    let is_bad = |word: &&str| Finish::of(word).is_bad();
    if let Some(word) = own.filter(is_bad).or(native.filter(is_bad)).or(own) {
        each(ChatEvent::Finish { index, finish: Finish::of(word), word });
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
    let list = |name: &str| message.get(name).and_then(Value::as_array).into_iter().flatten();
    // What OpenRouter and those like it want back; the words in it are those of `reasoning`.
    for item in list("reasoning_details").filter(|item| item.is_object()) {
        let words = filled(item, "text").or_else(|| filled(item, "summary"));
        let text = words.filter(|_| thinking.is_none()).unwrap_or_default();
        each(ChatEvent::Thinking { index, text, sealed: Some(item) });
    }
    // Portkey's, of Anthropic's models; the text stands in `content` as well.
    for block in list("content_blocks").filter(|_| thinking.is_none()) {
        let block = block.get("delta").unwrap_or(block);
        if let Some(text) = filled(block, "thinking") {
            each(ChatEvent::Thinking { index, text, sealed: None });
        }
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
    // The older form beside the newer one is the same call.
    let old = message.get("function_call").filter(|call| call.is_object());
    let old = old.filter(|_| list("tool_calls").next().is_none());
    for call in list("tool_calls").chain(old) {
        each(ChatEvent::ToolCall { index, delta: Box::new(tool_call(call)) });
    }
    made_events(index, message, each);
}

/// What the answer cites, and the pictures and sounds that it comes with.
fn made_events<'v>(index: u64, message: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    sources::found(message, &mut |page| each(ChatEvent::Source { index, page }));
    media::found(message, &mut |delta| each(ChatEvent::Media { index, delta }));
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
    // Gateways put a signature into the function too.
    let is_usual = |key: &str| matches!(key, "name" | "arguments" | "input" | "description");
    let has_more = function.as_object().into_iter().flatten();
    let has_more = has_more.clone().any(|(key, value)| !is_usual(key) && !value.is_null());
    let more = (has_more && function != call).then_some(("function", function));
    ToolCallDelta {
        position: call.get("index").and_then(Value::as_u64),
        id: filled(call, "id"),
        name: filled(function, "name"),
        arguments: match function.get("arguments").or_else(|| function.get("input")) {
            None | Some(Value::Null) => ArgumentsDelta::Nothing,
            Some(Value::String(text)) => ArgumentsDelta::More(text),
            Some(other) => ArgumentsDelta::Whole(Cow::Owned(other.to_string())),
        },
        extra: extra.map(|(key, value)| (key.as_str(), value)).chain(more).collect(),
    }
}

/// A text that is not empty.
fn filled<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
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
            if let Some(delta) = media::of_part(kind, part) {
                each(ChatEvent::Media { index, delta });
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
        events(value, &mut Before::default(), &mut |event| {
            seen.push(match event {
                ChatEvent::Text { index, text, is_thought } => {
                    format!("{index}{}:{text}", if is_thought { "?" } else { "" })
                }
                ChatEvent::Thinking { index, text, .. } => format!("{index}~{text}"),
                ChatEvent::Refusal { index, text } => format!("{index}!{text}"),
                ChatEvent::ToolCall { index, delta } => {
                    format!("{index}({:?} {:?})", delta.position, delta.name)
                }
                ChatEvent::Source { index, page } => {
                    format!("{index}[{} {}]", page.url, page.title)
                }
                ChatEvent::Media { index, delta } => format!("{index}*{:?}", delta.content),
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
                "1.Done tool_calls",
                "1(Some(1) Some(\"查天气\"))",
                "1(None None)",
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
