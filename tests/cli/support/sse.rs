//! The usual chat bodies, as text to put into replies; it knows nothing of HTTP.

use serde_json::{Value, json};

/// One `chat.completion.chunk` of choice 0 as JSON text, with the `delta` and `finish_reason` given.
pub(crate) fn chunk(delta: Value, finish_reason: Option<&str>) -> String {
    json!({
        "id": "chatcmpl-0001",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "test-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
    .to_string()
}

/// The events of a whole answer: the role, each text, `finish_reason` `stop`, `[DONE]`.
pub(crate) fn chat_events(texts: &[&str]) -> Vec<String> {
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(texts.iter().map(|text| chunk(json!({"content": text}), None)));
    events.push(chunk(json!({}), Some("stop")));
    events.push("[DONE]".to_owned());
    events
}

/// A whole `chat.completion` with one choice that says `text` and stopped by itself.
pub(crate) fn chat_body(text: &str) -> Value {
    json!({
        "id": "chatcmpl-0001",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "test-model",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
    })
}

/// The bytes of one event on the wire: `data: `, the text, a blank line.
pub(super) fn event_bytes(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}
