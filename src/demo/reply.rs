//! A reply of an endpoint as data: status, content type, body.

use std::fmt::Display;

use serde_json::{Value, json};

/// The name of the demo's only model.
pub(crate) const MODEL: &str = "demo";

/// What replies carry besides their content: the request's number since the start, its time in seconds
/// (Unix time), and the base URL of this server.
pub(crate) struct Stamp {
    pub(crate) number: u64,
    pub(crate) created: u64,
    pub(crate) base: String,
}

/// A body, whole or in pieces that are sent at the server's pace.
pub(crate) enum DemoBody {
    Whole(Vec<u8>),
    Stream(Box<dyn Iterator<Item = Vec<u8>> + Send>),
}

/// A complete answer to one request.
pub(crate) struct DemoReply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// The `Allow` header, which a 405 must have (RFC 9110, section 15.5.6).
    pub(crate) allow: Option<&'static str>,
    /// The `Retry-After` header, in seconds.
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) body: DemoBody,
}

impl DemoReply {
    fn good(content_type: &'static str, body: DemoBody) -> Self {
        Self { status: 200, content_type, allow: None, retry_after: None, body }
    }

    /// A 200 with any content.
    pub(crate) fn content(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self::good(content_type, DemoBody::Whole(bytes))
    }

    /// A 200 with a JSON document.
    pub(crate) fn json(document: &Value) -> Self {
        Self::content("application/json", document.to_string().into_bytes())
    }

    /// A 200 whose content is sent piece by piece.
    pub(crate) fn stream(
        content_type: &'static str,
        pieces: impl Iterator<Item = Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::good(content_type, DemoBody::Stream(Box::new(pieces)))
    }

    /// A 200 with server-sent events, one per document, without event names.
    pub(crate) fn events(documents: impl Iterator<Item = Value> + Send + 'static) -> Self {
        Self::stream("text/event-stream", documents.map(|document| event(&document.to_string())))
    }

    /// A 200 with server-sent events, one per document, and `[DONE]` after them, as in streams
    /// of chat.
    pub(crate) fn events_until_done(
        documents: impl Iterator<Item = Value> + Send + 'static,
    ) -> Self {
        let events = documents.map(|document| event(&document.to_string()));
        Self::stream("text/event-stream", events.chain(std::iter::once(event("[DONE]"))))
    }

    /// An error in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.
    pub(crate) fn error(
        status: u16,
        message: impl Display,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        let document = json!({"error": {
            "message": format!("{message} (this is the demo inside llm)"),
            "type": "invalid_request_error", "param": param, "code": code,
        }});
        Self { status, ..Self::json(&document) }
    }

    /// A 400 about the body as a whole.
    pub(crate) fn unreadable(message: impl Display) -> Self {
        Self::error(400, message, None, None)
    }

    /// A 400 about the field `param`; `problem` goes on after its name.
    pub(crate) fn refused(param: &str, problem: impl Display) -> Self {
        let message = format_args!("'{param}' {problem}");
        Self::error(400, message, Some(param), Some("invalid_value"))
    }

    /// A 400 for the field `param`, which is required.
    pub(crate) fn missing(param: &str) -> Self {
        let message = format_args!("missing required parameter: '{param}'");
        Self::error(400, message, Some(param), Some("missing_required_parameter"))
    }
}

fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

#[cfg(test)]
impl DemoReply {
    /// The content as text, a stream's pieces joined.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self.body {
            DemoBody::Whole(bytes) => bytes,
            DemoBody::Stream(pieces) => pieces.flatten().collect(),
        }
    }

    /// The content as a JSON document.
    pub(crate) fn into_json(self) -> Value {
        serde_json::from_slice(&self.into_bytes()).expect("the content is JSON")
    }

    /// The data of the events of a stream, in order.
    pub(crate) fn into_events(self) -> Vec<String> {
        let text = String::from_utf8(self.into_bytes()).expect("events are text");
        assert!(text.ends_with("\n\n"), "the last event is complete");
        let events = text.trim_end_matches('\n').split("\n\n");
        events.map(|event| event.strip_prefix("data: ").expect("a data line").to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_of_openai() {
        let reply = DemoReply::missing("messages");
        assert_eq!((reply.status, reply.content_type), (400, "application/json"));
        let error = &reply.into_json()["error"];
        assert_eq!(
            error["message"],
            "missing required parameter: 'messages' (this is the demo inside llm)"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["param"], "messages");
        assert_eq!(error["code"], "missing_required_parameter");
    }

    #[test]
    fn events_end_with_done_only_where_asked() {
        let documents = || vec![json!({"文": 1}), json!(2)].into_iter();
        assert_eq!(DemoReply::events(documents()).into_events(), [r#"{"文":1}"#, "2"]);
        assert_eq!(
            DemoReply::events_until_done(documents()).into_events(),
            [r#"{"文":1}"#, "2", "[DONE]"]
        );
    }
}
