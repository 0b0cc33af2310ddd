//! Tells whether a reply that HTTP calls a success carries an error; it does not know the request.

use serde_json::{Map, Value};

use super::body::{self, NESTING};
use super::codes;
use super::fields::Fault;

/// Members that an answer has and an error has not; null does not count.
const ANSWER: [&str; 12] = [
    "choices",
    "output",
    "data",
    "text",
    "content",
    "embeddings",
    "images",
    "audio",
    "segments",
    "results",
    "models",
    "delta",
];
/// Members that hold the words of a flat error.
const FLAT_WORDS: [&str; 4] = ["message", "msg", "error_msg", "errorMessage"];

/// The error that the JSON of a 200 reply or of a stream event carries, if it carries one.
///
/// Known carriers: `error` (OpenAI and nearly all others, LM Studio for a wrong path), also within
/// a choice (OpenRouter), in an array of one (Gemini); `error_code` beside `text` (FastChat); flat
/// `code` and `message` (DashScope's own protocol, Zhipu); `"object":"error"` (Mistral, SGLang);
/// `"type":"error"` (Anthropic, OpenAI's audio events); `detail` alone (FastAPI); `base_resp` with
/// a code other than 0 (MiniMax).
pub(crate) fn in_reply(value: &Value) -> Option<Fault> {
    match value {
        Value::Object(map) => {
            carrier(map, value).map(|carrier| body::fault(carrier, NESTING).folded())
        }
        Value::Array(list) => match list.as_slice() {
            [only] if only.get("error").is_some() => in_reply(only),
            _ => None,
        },
        _ => None,
    }
}

/// The part of the reply that tells the error: the whole of it, or a choice of it.
fn carrier<'v>(map: &'v Map<String, Value>, whole: &'v Value) -> Option<&'v Value> {
    let full = |name: &str| map.get(name).filter(|value| !codes::is_hollow(value));
    let refused =
        |base: &Value| base.get("status_code").is_some_and(|code| !codes::is_hollow(code));
    if full("error").is_some() || map.get("base_resp").is_some_and(refused) {
        return Some(whole);
    }
    if let Some(choices) = map.get("choices").and_then(Value::as_array) {
        return choices
            .iter()
            .find(|choice| choice.get("error").is_some_and(|error| !codes::is_hollow(error)));
    }
    let named_so = |name: &str| {
        map.get(name).and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("error"))
    };
    let worker =
        full("error_code").is_some() && (map.contains_key("text") || map.contains_key("error_msg"));
    let alone = map.len() == 1 && full("detail").is_some();
    let is_error = named_so("object") || named_so("type") || worker || alone || is_flat(map);
    is_error.then_some(whole)
}

/// Whether this is a bare code with a message, as DashScope's own protocol reports a failure.
fn is_flat(map: &Map<String, Value>) -> bool {
    if ANSWER.iter().any(|name| map.get(*name).is_some_and(|value| !value.is_null())) {
        return false;
    }
    let is_text = |words: &Value| words.as_str().is_some_and(|words| !words.trim().is_empty());
    let words = FLAT_WORDS.iter().any(|name| map.get(*name).is_some_and(is_text));
    let status = ["status", "statusCode", "status_code"]
        .iter()
        .any(|name| map.get(*name).and_then(codes::http_code).is_some());
    words && (status || map.get("code").is_some_and(|code| !means_success(code)))
}

fn means_success(code: &Value) -> bool {
    const SUCCESS: [&str; 5] = ["0", "200", "ok", "success", "succeeded"];
    let words = code
        .as_str()
        .is_some_and(|code| SUCCESS.iter().any(|word| code.eq_ignore_ascii_case(word)));
    codes::is_hollow(code) || code == &Value::Bool(true) || code.as_u64() == Some(200) || words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(body: Value) -> Option<String> {
        in_reply(&body).map(|fault| fault.message)
    }

    #[test]
    fn replies_that_carry_an_error() {
        for body in [
            json!({"error": "x"}),
            json!({"error": {"message": "x"}, "choices": [{"delta": {"content": ""}}]}),
            json!({"error": {"message": "x"}, "type": "error"}),
            json!([{"error": {"message": "x"}}]),
            json!({"choices": [{"delta": {}, "error": {"code": 502, "message": "x"}, "finish_reason": "error"}]}),
            json!({"text": "x", "error_code": 50002}),
            json!({"code": "InvalidApiKey", "message": "x", "request_id": "1"}),
            json!({"code": 20012, "message": "x", "data": null}),
            json!({"code": 500, "msg": "x", "success": false}),
            json!({"status": 404, "message": "x"}),
            json!({"object": "error", "message": "x"}),
            json!({"type": "error", "message": "x", "code": "c"}),
            json!({"detail": "x"}),
            json!({"choices": [], "base_resp": {"status_code": 1008, "status_msg": "x"}}),
        ] {
            assert_eq!(reply(body.clone()), Some("x".to_owned()), "{body}");
        }
    }

    #[test]
    fn answers_are_no_errors() {
        let hollow = json!({"message": "", "type": "", "param": "", "code": null});
        for body in [
            json!({"choices": [{"message": {"content": "error"}}], "error": null}),
            json!({"choices": [{"delta": {"content": "error: 404"}, "error": null}], "error": hollow}),
            json!({"choices": [], "error": false, "code": "x", "message": "y"}),
            json!({"error": ""}),
            json!({"error": {}}),
            json!({"text": "出错了", "error_code": 0}),
            json!({"text": "出错了"}),
            json!({"text": "a", "code": 500, "message": "x"}),
            json!({"data": [{"embedding": [0.5]}], "object": "list"}),
            json!({"object": "list", "data": null}),
            json!({"output": {"text": "a"}, "code": "", "message": ""}),
            json!({"output": {"text": "a"}, "code": "c", "message": "m"}),
            json!({"code": 200, "message": "成功"}),
            json!({"code": "Success", "message": "ok"}),
            json!({"id": "1", "status": "queued", "message": "waiting"}),
            json!({"message": {"role": "assistant", "content": "好"}, "done": true}),
            json!({"detail": "high", "url": "https://a.example"}),
            json!({"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}}),
            json!({"type": "transcript.text.delta", "delta": "error"}),
            json!([{"id": "a", "error": "x"}, {"id": "b"}]),
            json!([{"id": "a"}]),
            json!("error"),
            json!(404),
            json!({}),
        ] {
            assert_eq!(reply(body.clone()), None, "{body}");
        }
    }
}
