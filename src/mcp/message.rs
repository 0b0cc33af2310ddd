//! Messages of JSON-RPC 2.0 as bytes and as values. Sends nothing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::json_repair;

/// "No such method".
pub(super) const METHOD_NOT_FOUND: i64 = -32601;

/// A message of a server's.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    /// The answer to the request of this number.
    Response {
        id: u64,
        outcome: Result<Value, RpcError>,
    },
    /// Something that it wants to know, and waits for.
    Request {
        id: Value,
        method: String,
    },
    Notification {
        method: String,
        params: Value,
    },
    /// An error that it does not say the request of.
    Stray(RpcError),
    /// The answer to the request of this number, whose JSON can't be read, and why.
    Unreadable {
        id: u64,
        why: String,
    },
}

/// What can be told of a message of which nothing else can.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Value,
    method: Option<String>,
}

/// An error as a server reports it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Value,
}

/// Reads what stands in one line or event: a message, or a list of them. `None` if it is neither.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Incoming>> {
    let value = serde_json::from_slice(bytes).or_else(|error| {
        json_repair::mend_alone(bytes)
            .and_then(|mended| serde_json::from_slice(&mended).ok())
            .ok_or(error)
    });
    match value {
        Ok(Value::Array(messages)) => messages.into_iter().map(of_value).collect(),
        Ok(message) => of_value(message).map(|message| vec![message]),
        Err(error) => of_envelope(bytes, &error).map(|message| vec![message]),
    }
}

/// A message that is nested too deep, or has numbers that are too large: whoever waits for it is told at
/// once. What is not looked at may be nested as deep as it wants.
fn of_envelope(bytes: &[u8], error: &serde_json::Error) -> Option<Incoming> {
    // A list would be read as the members in their order.
    let bytes = bytes.trim_ascii_start().starts_with(b"{").then_some(bytes)?;
    let Envelope { id, method } = serde_json::from_slice(bytes).ok()?;
    match method {
        Some(method) => Some(calling(id, method, Value::Null)),
        None => number(&id).map(|id| Incoming::Unreadable { id, why: error.to_string() }),
    }
}

fn of_value(message: Value) -> Option<Incoming> {
    let Value::Object(mut message) = message else { return None };
    let id = message.remove("id").unwrap_or_default();
    if let Some(Value::String(method)) = message.remove("method") {
        return Some(calling(id, method, message.remove("params").unwrap_or_default()));
    }
    let outcome = match (message.remove("result"), message.remove("error")) {
        (_, Some(error)) if !error.is_null() => Err(RpcError::of(&error)),
        (Some(result), _) => Ok(result),
        (None, _) => return None,
    };
    Some(match (number(&id), outcome) {
        (Some(id), outcome) => Incoming::Response { id, outcome },
        (None, Err(error)) => Incoming::Stray(error),
        (None, Ok(_)) => return None,
    })
}

/// A message with a method: a request, unless it has no id.
fn calling(id: Value, method: String, params: Value) -> Incoming {
    match id {
        Value::Null => Incoming::Notification { method, params },
        id => Incoming::Request { id, method },
    }
}

/// An id of ours, which some servers give back as a text or with a point.
fn number(id: &Value) -> Option<u64> {
    let of_text = || id.as_str().and_then(|text| text.parse().ok());
    let of_float = || id.as_f64().filter(|id| id.fract() == 0.0 && *id >= 0.0).map(|id| id as u64);
    id.as_u64().or_else(of_text).or_else(of_float)
}

impl RpcError {
    fn of(error: &Value) -> Self {
        let message = match error {
            Value::String(words) => words.clone(),
            error => match error.get("message") {
                Some(Value::String(words)) => words.clone(),
                _ => error.to_string(),
            },
        };
        Self {
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message,
            data: error.get("data").cloned().unwrap_or_default(),
        }
    }
}

/// A request.
pub(super) fn request(id: u64, method: &str, params: Map<String, Value>) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A notification, which gets no answer.
pub(super) fn notification(method: &str, params: Map<String, Value>) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    if !params.is_empty() {
        message["params"] = params.into();
    }
    message
}

/// The answer to a request of a server's: none may stay without one, as the call of a tool may wait for it.
/// We can tell it that we are here, and that the user is asked nothing.
pub(super) fn reply(id: &Value, method: &str) -> Value {
    let result = match method {
        "ping" => json!({}),
        "elicitation/create" => json!({"action": "decline"}),
        _ => {
            let error = json!({"code": METHOD_NOT_FOUND, "message": "Method not found"});
            return json!({"jsonrpc": "2.0", "id": id, "error": error});
        }
    };
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<Incoming> {
        read(text.as_bytes()).and_then(|mut messages| messages.pop())
    }

    #[test]
    fn messages_are_told_apart() {
        let response = |id, outcome| Some(Incoming::Response { id, outcome });
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), response(1, Ok(json!({}))));
        assert_eq!(one(r#"{"id":"7","result":null,"error":null}"#), response(7, Ok(Value::Null)));
        assert_eq!(one(r#"{"id":2.0,"result":1}"#), response(2, Ok(json!(1))));
        let error = RpcError { code: -32602, message: "bad".to_owned(), data: json!([1]) };
        let text = r#"{"id":1,"error":{"code":-32602,"message":"bad","data":[1]}}"#;
        assert_eq!(one(text), response(1, Err(error)));
        let text = r#"{"id":null,"error":{"code":-32600,"message":"bad"}}"#;
        assert!(matches!(one(text), Some(Incoming::Stray(error)) if error.code == -32600));
        let text = r#"{"id":1,"method":"elicitation/create","params":{}}"#;
        let method = "elicitation/create".to_owned();
        assert_eq!(one(text), Some(Incoming::Request { id: json!(1), method }));
        let text = r#"{"method":"notifications/progress","params":{"progress":1}}"#;
        let method = "notifications/progress".to_owned();
        let params = json!({"progress": 1});
        assert_eq!(one(text), Some(Incoming::Notification { method, params }));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(300), "]".repeat(300));
        let Some(Incoming::Unreadable { id: 3, why }) =
            one(&format!(r#"{{"result":{deep},"id":3}}"#))
        else {
            panic!("an answer that is nested too deep")
        };
        assert!(why.starts_with("recursion limit"), "{why}");
        let asked = one(&format!(r#"{{"id":3,"method":"ping","params":{deep}}}"#));
        assert_eq!(asked, Some(Incoming::Request { id: json!(3), method: "ping".to_owned() }));
        assert_eq!(one(&format!(r#"{{"id":3,"result":{deep}"#)), None, "it is cut");
        assert_eq!(one(r#"{"id":1,"result":"\ud83d"}"#), response(1, Ok(json!("\u{fffd}"))));
        let both = r#"[{"id":1,"result":1},{"id":2,"result":2}]"#;
        assert_eq!(read(both.as_bytes()).map(|all| all.len()), Some(2));
        for junk in ["", "npm warn x", "1", "\"x\"", "{}", "[1]", "{\"id\":\"x\",\"result\":1}"] {
            assert_eq!(one(junk), None, "{junk}");
        }
    }

    #[test]
    fn every_request_of_a_server_gets_an_answer() {
        assert_eq!(reply(&json!("a"), "ping")["result"], json!({}));
        assert_eq!(reply(&json!(1), "elicitation/create")["result"]["action"], "decline");
        for method in ["roots/list", "sampling/createMessage", "x"] {
            assert_eq!(reply(&json!(1), method)["error"]["code"], METHOD_NOT_FOUND);
        }
    }
}
