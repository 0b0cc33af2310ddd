//! A line of results, whoever wrote it: a Batch API (its output and its errors), `vllm run-batch`, a
//! script of Ray Data's, xAI's and OpenRouter's pages. Each becomes what a reply of the endpoint would
//! have been.

use serde_json::{Value, json};

/// What came of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowResult {
    /// The row's id, as it came back: a number that it was made into is a text again.
    pub(crate) id: Option<String>,
    pub(crate) outcome: RowOutcome,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowOutcome {
    /// The endpoint's reply.
    Reply { status: u16, request_id: Option<String>, body: Value },
    /// The row was never asked, or its answer was lost.
    Lost { code: Option<String>, message: String },
}

impl RowOutcome {
    /// Whether it holds a reply that says success.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::Reply { status, .. } if (200..300).contains(status))
    }
}

/// Where forms keep the row's id.
const IDS: [&str; 4] = ["custom_id", "batch_request_id", "customId", "key"];

/// Reads a line; `None` if it is no object of JSON.
pub(crate) fn read(line: &[u8]) -> Option<RowResult> {
    let line: Value = serde_json::from_slice(line).ok().filter(Value::is_object)?;
    Some(of_value(&line))
}

/// Reads an entry of a list of results.
pub(crate) fn of_value(line: &Value) -> RowResult {
    let id = IDS.iter().find_map(|name| id(line.get(*name)?));
    // xAI and Anthropic put the rest into an object of its own.
    let inner = ["batch_result", "result"].iter().find_map(|name| some(line.get(*name)));
    RowResult { id, outcome: outcome(inner.as_ref().unwrap_or(line)) }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A value that says something. Ray writes an object whose keys are all null where there was none, and a
/// text where values of several types would stand in one place.
fn some(value: Option<&Value>) -> Option<Value> {
    let value = match value? {
        Value::String(text) if text.trim_ascii_start().starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        value => value.clone(),
    };
    let is_nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(object) => object.values().all(Value::is_null),
        _ => false,
    };
    (!is_nothing).then_some(value)
}

fn outcome(line: &Value) -> RowOutcome {
    let response = some(line.get("response"));
    let error = some(line.get("error"));
    let told = |name: &str| response.as_ref().or(Some(line)).and_then(|place| place.get(name));
    let status = told("status_code").or_else(|| told("status")).and_then(status);
    let request_id = told("request_id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let request_id = request_id.map(str::to_owned);
    let body = match &response {
        Some(response) => match response.get("body") {
            Some(body) => some(Some(body)),
            // xAI names the job that the reply is of; others leave the frame away.
            None if status.is_none() => {
                some(response.get("chat_get_completion")).or_else(|| Some(response.clone()))
            }
            None => None,
        },
        None => some(line.get("body")),
    };
    match (body, error) {
        (Some(body), _) if status != Some(0) => {
            let status = status.unwrap_or(if body.get("error").is_some() { 400 } else { 200 });
            RowOutcome::Reply { status, request_id, body }
        }
        (_, Some(error)) => failed(error, status, request_id),
        (..) => {
            let status = status.map(|status| format!(" (status {status})")).unwrap_or_default();
            let message = format!("the batch has no answer for this row{status}");
            RowOutcome::Lost { code: None, message }
        }
    }
}

/// Ray makes a float of a number where another row has none.
fn status(value: &Value) -> Option<u16> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    (0.0..1000.0).contains(&number).then_some(number as u16)
}

/// A row whose line has an error and no reply.
fn failed(error: Value, status: Option<u16>, request_id: Option<String>) -> RowOutcome {
    let inner = error.get("error").unwrap_or(&error);
    let message = inner.as_str().or_else(|| inner.get("message")?.as_str());
    let message = message.unwrap_or_default().to_owned();
    let code = inner.get("code").and_then(id);
    let of_code = || http_status(code.as_ref()?.parse().ok()?);
    match status.filter(|status| *status >= 400).or_else(of_code) {
        // A reply of the server's code, or words of `vllm run-batch` itself.
        Some(status) => {
            let body = match error {
                Value::Object(_) if error.get("error").is_some() => error,
                Value::Object(_) => json!({"error": error}),
                _ => json!({"error": {"message": message}}),
            };
            RowOutcome::Reply { status, request_id, body }
        }
        None => RowOutcome::Lost { code, message },
    }
}

/// The HTTP status that a code stands for: itself, or the one of a code of gRPC (xAI).
fn http_status(code: u16) -> Option<u16> {
    Some(match code {
        400..600 => code,
        3 | 9 | 11 => 400,
        16 => 401,
        7 => 403,
        5 => 404,
        6 | 10 => 409,
        8 => 429,
        2 | 13 | 15 => 500,
        14 => 503,
        4 => 504,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
