//! Whether an endpoint exists, told from a request that nobody can carry out: its fields, and what
//! the reply means. Sends nothing.

use serde_json::{Map, Value, json};

use crate::http::fault::{self, Fault};

/// What a reply says of the endpoint that it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Endpoint {
    /// It is there: it minded the request's fields, or its key.
    There,
    /// It is not there, in the service's words.
    Absent(String),
    /// The reply tells nothing, for this reason.
    Unclear(String),
}

/// Fields that are no valid request of any job: every one has a wrong type, so that no server can
/// take a default for what is missing and make a picture or speech that nobody wants.
pub(crate) fn fields() -> Map<String, Value> {
    let body = json!({"model": [], "input": {}, "prompt": {}, "voice": []});
    body.as_object().cloned().unwrap_or_default()
}

/// Reads a reply to [`fields`], or to a form without its file.
///
/// 404 and 405 mean absent, unless the words are about a model: then an endpoint has spoken. So
/// does 501 (llama-server without `--embeddings`, vLLM's missing handlers), and LM Studio's 200
/// with an error for a path that it does not know.
pub(crate) fn read(status: u16, body: &[u8]) -> Endpoint {
    let fault = fault::read(body);
    match status {
        200..=299 => {
            let carried = serde_json::from_slice(body).ok();
            match carried.as_ref().and_then(fault::in_reply) {
                Some(fault) if says_no_path(&fault) => Endpoint::Absent(fault.message),
                _ => Endpoint::There,
            }
        }
        404 if says_model(&fault) => Endpoint::There,
        404 | 405 | 410 | 501 => Endpoint::Absent(words(status, &fault)),
        400.. if says_unsupported(&fault) => Endpoint::Absent(words(status, &fault)),
        400 | 406..=428 => Endpoint::There,
        // Malformed fields are an internal error to llama.cpp and its relatives.
        500 if says_form(&fault) => Endpoint::There,
        _ => Endpoint::Unclear(words(status, &fault)),
    }
}

fn words(status: u16, fault: &Fault) -> String {
    match fault.message.as_str() {
        "" => status.to_string(),
        words => format!("{status}: {words}"),
    }
}

/// Whether it is the job that the server can't do, and not a field that it minds: Portkey's
/// `imageGenerate is not supported by ollama`.
fn says_unsupported(fault: &Fault) -> bool {
    let message = fault.message.to_lowercase();
    let is_so = ["not supported", "not support ", "not implemented", "不支持"]
        .iter()
        .any(|words| message.contains(words));
    let of_field = ["field", "parameter", "type", "format", "value", "model", "参数", "模型"]
        .iter()
        .any(|words| message.contains(words));
    is_so && !of_field
}

/// Whether the words are about the form of the request.
fn says_form(fault: &Fault) -> bool {
    let message = fault.message.to_lowercase();
    let words =
        ["json", "type", "field", "pars", "marshal", "valid", "missing", "required", "expected"];
    words.iter().any(|word| message.contains(word))
}

/// LM Studio: `Unexpected endpoint or method. (POST /v1/x)`.
fn says_no_path(fault: &Fault) -> bool {
    fault.message.to_lowercase().contains("unexpected endpoint")
}

fn says_model(fault: &Fault) -> bool {
    let message = fault.message.to_lowercase();
    let code = fault.code.as_deref().unwrap_or_default();
    // A page that repeats the path speaks of `/v1/models` too, but of no model.
    code.contains("model")
        || message.replace("/models", "").contains("model")
        || message.contains("模型")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_there(status: u16, body: &str) {
        assert_eq!(read(status, body.as_bytes()), Endpoint::There, "{status} {body}");
    }

    #[track_caller]
    fn is_absent(status: u16, body: &str) {
        let found = read(status, body.as_bytes());
        assert!(matches!(found, Endpoint::Absent(_)), "{status} {body}: {found:?}");
    }

    #[test]
    fn an_endpoint_that_minds_its_fields_is_there() {
        is_there(400, r#"{"error":{"message":"you must provide a model parameter"}}"#);
        is_there(422, r#"{"detail":[{"loc":["body","input"],"msg":"field required"}]}"#);
        is_there(415, "");
        is_there(500, r#"{"error":{"code":500,"message":"[json.exception.type_error.302]"}}"#);
        is_there(
            404,
            r#"{"error":{"message":"The model `` does not exist","code":"model_not_found"}}"#,
        );
        is_there(404, r#"{"detail":"Model '' is not installed locally."}"#);
        is_there(404, r#"{"error":{"code":"1211","message":"模型不存在"}}"#);
        is_there(200, r#"{"error":"no 'file' field in the request"}"#);
        is_there(200, r#"{"data":[]}"#);
        is_there(400, r#"{"error":{"message":"a list is not supported for the field input"}}"#);
    }

    #[test]
    fn a_path_that_nobody_knows_is_absent() {
        is_absent(404, "404 page not found");
        is_absent(404, r#"{"detail":"Not Found"}"#);
        is_absent(404, r#"{"error":{"message":"Invalid URL (POST /v1/audio/speech)"}}"#);
        is_absent(404, "<html><title>Not Found</title><p>/v1/models/x</p></html>");
        is_absent(404, "");
        is_absent(405, r#"{"detail":"Method Not Allowed"}"#);
        is_absent(500, r#"{"status":"failure","message":"imageGenerate is not supported by x"}"#);
        is_absent(400, r#"{"error":{"message":"该接口不支持"}}"#);
        is_absent(501, r#"{"error":{"message":"This server does not support embeddings."}}"#);
        is_absent(
            200,
            r#"{"error":"Unexpected endpoint or method. (POST /v1/images/generations)"}"#,
        );
    }

    #[test]
    fn a_refused_key_or_a_broken_gateway_tells_nothing() {
        for status in [401, 402, 403, 429, 502, 503, 302] {
            assert!(matches!(read(status, b"x"), Endpoint::Unclear(_)), "{status}");
        }
        assert!(matches!(read(500, b"Internal Server Error"), Endpoint::Unclear(_)));
    }

    #[test]
    fn no_field_of_the_request_is_of_a_type_that_a_job_takes() {
        assert!(fields().values().all(|value| !value.is_string() && !value.is_null()));
    }
}
