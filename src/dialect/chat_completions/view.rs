//! Reads one JSON value, a chunk of a stream or a whole answer, as [`ChatEvent`]s. Tolerant: any
//! field may be missing, null or of another type, and what is not understood is passed over.

use serde_json::Value;

use super::ChatEvent;

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
            each(ChatEvent::Finish { index, reason });
        }
    }
    if let Some(usage) = usage(value) {
        each(ChatEvent::Usage(usage));
    }
}

fn message_events<'v>(index: u64, message: &'v Value, each: &mut dyn FnMut(ChatEvent<'v>)) {
    // `reasoning_content` (DeepSeek, DashScope, llama-server …) or `reasoning` (OpenRouter, Ollama,
    // vLLM …); a service that sends both repeats itself.
    let thinking = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|key| message.get(key)?.as_str().filter(|text| !text.is_empty()));
    if let Some(text) = thinking {
        each(ChatEvent::Thinking { index, text });
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
        each(ChatEvent::ToolCall { index, piece: call });
    }
    if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
        each(ChatEvent::ToolCall { index, piece: call });
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
                Some(Value::String(text)) => each(ChatEvent::Thinking { index, text }),
                Some(Value::Array(parts)) => {
                    for text in
                        parts.iter().filter_map(|part| part.get("text").or(Some(part))?.as_str())
                    {
                        each(ChatEvent::Thinking { index, text });
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
                ChatEvent::Thinking { index, text } => format!("{index}~{text}"),
                ChatEvent::Refusal { index, text } => format!("{index}!{text}"),
                ChatEvent::ToolCall { index, piece } => format!("{index}({piece})"),
                ChatEvent::Finish { index, reason } => format!("{index}.{reason}"),
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
                "1({\"index\":1,\"function\":{\"name\":\"查天气\"}})",
                "1({})",
                "1.tool_calls",
                "0!不行",
                "={\"total_tokens\":3}"
            ]
        );
        assert_eq!(seen(&json!({"choices": [], "x_groq": {"usage": {"a": 1}}})), ["={\"a\":1}"]);
        assert_eq!(seen(&choice(json!({"usage": {"a": 1}}))), ["={\"a\":1}"]);
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
