//! What an error's body tells beside its words: codes, types, statuses, the field, the wait.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Fault;

/// An object of JSON.
pub(super) type Object = Map<String, Value>;

/// Members that hold the words, the best first.
pub(super) const WORDS: [&str; 13] = [
    "message",
    "detail",
    "msg",
    "error_message",
    "errorMessage",
    "error_msg",
    "error_description",
    "status_msg",
    "description",
    "reason",
    "title",
    "text",
    "base_resp",
];
/// Members that may hold the object with the words, and so the one with the codes.
pub(super) const INNER: [&str; 8] =
    ["error", "errors", "detail", "message", "base_resp", "data", "result", "response"];
/// Members that may carry an HTTP code.
const STATUS: [&str; 6] =
    ["code", "status", "status_code", "statusCode", "error_code", "raw_status_code"];
/// Members that may carry the service's own code.
const CODE: [&str; 4] = ["code", "error_code", "errorCode", "status_code"];
/// How far inwards codes are searched for; the deepest known body has three objects.
const MOST_LAYERS: usize = 8;
/// How many entries of a list are told; FastAPI sends one for every field that it refuses.
pub(super) const MOST_ENTRIES: usize = 10;

/// The objects from the outermost to the one with the words.
pub(super) fn layers(value: &Value) -> Vec<&Object> {
    let mut found = Vec::new();
    let mut next = Some(value);
    while let Some(value) = next.take().filter(|_| found.len() < MOST_LAYERS) {
        match value {
            Value::Array(list) => next = list.iter().find(|entry| entry.is_object()),
            Value::Object(map) => {
                found.push(map);
                next = INNER
                    .iter()
                    .filter_map(|name| map.get(*name))
                    .find(|inner| inner.is_object() || inner.is_array());
            }
            _ => {}
        }
    }
    found
}

/// What the layers tell apart from the words, the innermost first.
pub(super) fn codes(layers: &[&Object]) -> Fault {
    // An entry of FastAPI's list tells about one field: its type counts if there is no other.
    let (entries, whole): (Vec<&Object>, Vec<_>) =
        layers.iter().rev().partition(|map| map.contains_key("loc"));
    let member = |map: &Object, name: &str| map.get(name).and_then(named);
    Fault {
        message: String::new(),
        code: (whole.iter().find_map(|map| CODE.iter().find_map(|name| own_code(map.get(*name)?))))
            .or_else(|| whole.iter().find_map(|map| code_word(map)))
            .or_else(|| details(&whole, "reason").map(str::to_owned)),
        kind: (whole.iter().chain(&entries)).find_map(|map| kind(map)),
        inner_codes: Vec::new(),
        quotas: quotas(&whole),
        // Gateways write the status of the service behind them there.
        param: (whole.iter().find_map(|map| member(map, "param")))
            .filter(|param| !param.bytes().all(|byte| byte.is_ascii_digit()))
            .or_else(|| entries.iter().find_map(|map| place(map)).map(without_part)),
        request_id: whole
            .iter()
            .find_map(|map| member(map, "request_id").or_else(|| member(map, "requestId"))),
        status: (whole.iter())
            .find_map(|map| STATUS.iter().find_map(|name| http_code(map.get(*name)?))),
        retry_after: details(&whole, "retryDelay").and_then(delay),
    }
}

/// A text that is not empty.
fn named(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn kind(map: &Object) -> Option<String> {
    // The type `error` (Anthropic's outer object) says nothing.
    let says_more = |kind: &&Value| http_code(kind).is_none() && kind.as_str() != Some("error");
    let member = |name: &str| map.get(name).filter(says_more).and_then(named);
    let upstream = || map.get("metadata")?.get("error_type").and_then(named);
    ["type", "status", "error_type"].iter().find_map(|name| member(name)).or_else(upstream)
}

/// FastAPI names the part of the request first (`body`, `query`): no part of the field's name.
fn without_part(place: String) -> String {
    let parts = ["body.", "query.", "form."];
    parts.iter().find_map(|part| place.strip_prefix(part)).map_or(place.clone(), str::to_owned)
}

/// An HTTP code of a failure: an integer or a string of three digits.
pub(super) fn http_code(value: &Value) -> Option<u16> {
    let code = match value {
        Value::String(text) if text.len() == 3 => text.parse().ok()?,
        _ => u16::try_from(value.as_u64()?).ok()?,
    };
    (400..=599).contains(&code).then_some(code)
}

fn own_code(value: &Value) -> Option<String> {
    if http_code(value).is_some() || is_hollow(value) {
        return None;
    }
    named(value).or_else(|| value.as_i64().map(|code| code.to_string()))
}

/// Kokoro and OAuth have a code in `error` beside the words.
fn code_word(map: &Object) -> Option<String> {
    let word = named(map.get("error")?).filter(|word| is_code_word(word))?;
    WORDS.iter().any(|name| map.get(*name).is_some_and(|words| !is_hollow(words))).then_some(word)
}

pub(super) fn is_code_word(text: &str) -> bool {
    text.trim()
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
}

/// The first text of this name in the `details` list of a Google error.
fn details<'v>(layers: &[&'v Object], name: &str) -> Option<&'v str> {
    let lists = layers.iter().filter_map(|map| map.get("details")?.as_array());
    lists.flatten().find_map(|entry| entry.get(name)?.as_str())
}

/// The limits that a Google error says were reached.
fn quotas(layers: &[&Object]) -> Vec<String> {
    let details = layers.iter().filter_map(|map| map.get("details")?.as_array()).flatten();
    let reached = details.filter_map(|entry| entry.get("violations")?.as_array()).flatten();
    let names = reached.filter_map(|one| one.get("quotaId").or_else(|| one.get("quotaMetric")));
    names.filter_map(named).take(MOST_ENTRIES).collect()
}

/// A duration as Protocol Buffers write it in JSON: seconds with a fraction, then `s`.
fn delay(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Where FastAPI found the mistake: `loc`, joined by dots.
pub(super) fn place(map: &Object) -> Option<String> {
    let place = match map.get("loc")? {
        Value::String(place) => place.clone(),
        Value::Array(steps) => {
            let steps = steps
                .iter()
                .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
            steps.collect::<Vec<_>>().join(".")
        }
        _ => return None,
    };
    (!place.is_empty()).then_some(place)
}

/// Whether a value says nothing: null, false, zero, or empty through and through.
pub(super) fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_hollow),
        Value::Object(map) => map.values().all(is_hollow),
    }
}
