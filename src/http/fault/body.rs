//! Finds words and codes of a failure in a body of any kind: JSON, an event stream, a page, plain
//! text. A text in JSON may hold a further body. It does not know whether there is a failure.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Fault;
use super::markup::from_markup;
use crate::http::sse::Decoder;

type Object = Map<String, Value>;

/// Members that hold the words, the best first.
const WORDS: [&str; 13] = [
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
const INNER: [&str; 5] = ["error", "errors", "detail", "message", "base_resp"];
/// Members that may carry an HTTP code.
const STATUS: [&str; 6] =
    ["code", "status", "status_code", "statusCode", "error_code", "raw_status_code"];
/// Members that may carry the service's own code.
const CODE: [&str; 4] = ["code", "error_code", "errorCode", "status_code"];
/// How many entries of a list are told; FastAPI sends one for every field that it refuses.
const MOST_ENTRIES: usize = 10;
/// How far inwards codes are searched for; the deepest known body has three objects.
const MOST_LAYERS: usize = 8;

/// How often a text may hold a further body (OpenRouter's `metadata.raw`, JSON in a message).
pub(super) const NESTING: u8 = 3;

/// Reads a body of any kind; `nesting` says how many texts within texts may still be opened.
pub(super) fn from_text(text: &str, nesting: u8) -> Fault {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(value) = parse(text).or_else(|| parse_first(text)) {
        return fault(&value, nesting);
    }
    if let Some(fault) = from_events(text, nesting) {
        return fault;
    }
    let message = from_markup(text).unwrap_or_else(|| text.to_owned());
    Fault { message, ..Fault::default() }
}

/// Reads a body that is framed as an event stream, as DashScope's when a stream was asked for.
fn from_events(text: &str, nesting: u8) -> Option<Fault> {
    if !["data:", "event:", "error:", "id:", "retry:", ":"]
        .iter()
        .any(|field| text.starts_with(field))
    {
        return None;
    }
    let mut decoder = Decoder::default();
    let mut found = None;
    let mut plain = None;
    let mut each = |data: &[u8]| {
        let data = String::from_utf8_lossy(data);
        match parse(&data) {
            Some(value) if found.is_none() => found = Some(fault(&value, nesting)),
            None if plain.is_none() && !data.trim().is_empty() => plain = Some(data.into_owned()),
            _ => {}
        }
    };
    decoder.push(text.as_bytes(), |event| each(event.data)).ok()?;
    decoder.finish(|event| each(event.data));
    // Plain text may begin with `error:` or `id:` too; `data:` is a sure sign.
    let plain = plain.filter(|_| text.lines().any(|line| line.starts_with("data:")));
    found.or_else(|| plain.map(|message| Fault { message, ..Fault::default() }))
}

/// The JSON value that a text is.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The JSON object that a text begins with, whatever is behind it.
fn parse_first(text: &str) -> Option<Value> {
    if !text.starts_with('{') {
        return None;
    }
    let first = serde_json::Deserializer::from_str(text).into_iter().next()?.ok()?;
    Some(Value::Object(first)).filter(|value| !is_hollow(value))
}

/// The fault that a JSON body tells; without words, its code or the body itself is the message.
pub(super) fn fault(value: &Value, nesting: u8) -> Fault {
    if let (Value::String(text), Some(nesting)) = (value, nesting.checked_sub(1)) {
        return from_text(text, nesting);
    }
    let mut fault = codes(&layers(value));
    fault.message =
        words(value, nesting).or_else(|| fault.code.clone()).unwrap_or_else(|| value.to_string());
    fault.status = fault.status.or_else(|| leading_status(&fault.message));
    fault
}

/// The HTTP code that DashScope puts before its words: `<400> InternalError.Algo: …`.
fn leading_status(message: &str) -> Option<u16> {
    let (code, _) = message.strip_prefix('<')?.split_once('>')?;
    http_code(&Value::from(code))
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

fn words(value: &Value, nesting: u8) -> Option<String> {
    match value {
        Value::String(text) => text_words(text, nesting),
        Value::Array(list) => {
            let entries = list.iter().filter_map(|entry| words(entry, nesting));
            let told: Vec<_> = entries.take(MOST_ENTRIES).collect();
            (!told.is_empty()).then(|| told.join("; "))
        }
        Value::Object(map) => object_words(map, nesting),
        _ => None,
    }
}

/// The words in a string, which may hold a JSON body of another service.
fn text_words(text: &str, nesting: u8) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let inner = if text.starts_with(['{', '[']) { nesting.checked_sub(1) } else { None };
    let body = inner.and_then(|nesting| Some((parse(text)?, nesting)));
    Some(body.map_or_else(|| text.to_owned(), |(value, nesting)| fault(&value, nesting).message))
}

fn object_words(map: &Object, nesting: u8) -> Option<String> {
    let own = || WORDS.iter().find_map(|name| words(map.get(*name)?, nesting));
    let said = match map.get("error").or_else(|| map.get("errors")) {
        Some(Value::String(error)) if !error.trim().is_empty() => match own() {
            Some(own) if is_code_word(error) => Some(own),
            Some(own) => Some(join(text_words(error, nesting)?, &own)),
            None => text_words(error, nesting),
        },
        Some(error) => words(error, nesting).or_else(own),
        None => own(),
    };
    let said = match upstream(map, nesting) {
        Some(inner) => Some(said.map_or(inner.clone(), |outer| join(outer, &inner))),
        None => said,
    }?;
    Some(match (place(map), filtered(map)) {
        (Some(place), _) => format!("{place}: {said}"),
        (None, Some(categories)) => format!("{said} (filtered: {categories})"),
        (None, None) => said,
    })
}

/// Outer and inner words, unless one holds the other.
fn join(outer: String, inner: &str) -> String {
    if outer.contains(inner) {
        outer
    } else if inner.contains(&outer) {
        inner.to_owned()
    } else {
        format!("{}: {inner}", outer.trim_end_matches(['.', ':', '。']))
    }
}

/// What the service behind OpenRouter said: `metadata.raw`, a text or a body.
fn upstream(map: &Object, nesting: u8) -> Option<String> {
    let raw = map.get("metadata")?.get("raw").filter(|raw| !is_hollow(raw))?;
    Some(match (raw, nesting.checked_sub(1)) {
        (Value::String(text), Some(nesting)) => from_text(text, nesting).message,
        (Value::String(text), None) => text.clone(),
        _ => words(raw, nesting).unwrap_or_else(|| raw.to_string()),
    })
}

/// Where FastAPI found the mistake: `loc`, joined by dots.
fn place(map: &Object) -> Option<String> {
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

/// The categories for which Azure's content filter stopped the prompt.
fn filtered(map: &Object) -> Option<String> {
    let inner = map.get("innererror")?;
    let result =
        inner.get("content_filter_result").or_else(|| inner.get("content_filter_results"))?;
    let is_filtered = |category: &Value| category.get("filtered") == Some(&Value::Bool(true));
    let categories = result.as_object()?.iter().filter(|(_, category)| is_filtered(category));
    let names: Vec<_> = categories.map(|(name, _)| name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The objects from the outermost to the one with the words.
fn layers(value: &Value) -> Vec<&Object> {
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
fn codes(layers: &[&Object]) -> Fault {
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
        param: (whole.iter().find_map(|map| member(map, "param")))
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

fn is_code_word(text: &str) -> bool {
    text.trim()
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
}

/// The first text of this name in the `details` list of a Google error.
fn details<'v>(layers: &[&'v Object], name: &str) -> Option<&'v str> {
    let lists = layers.iter().filter_map(|map| map.get("details")?.as_array());
    lists.flatten().find_map(|entry| entry.get(name)?.as_str())
}

/// A duration as Protocol Buffers write it in JSON: seconds with a fraction, then `s`.
fn delay(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{in_reply, read};
    use super::*;

    #[test]
    fn deep_bodies_do_not_overflow() {
        for (open, close) in
            [("[", "]"), ("{\"error\":", "}"), ("{\"message\":[", "]}"), ("{\"detail\":", "}")]
        {
            let nested =
                |depth: usize, core: &str| open.repeat(depth) + core + &close.repeat(depth);
            let mut body = nested(60, "\"x\"");
            for _ in 0..4 {
                body = nested(60, &Value::String(body).to_string());
            }
            assert!(!read(body.as_bytes()).message.is_empty());
            assert!(!read(nested(100_000, "1").as_bytes()).message.is_empty());
            if let Ok(value) = serde_json::from_str(&nested(60, "\"x\"")) {
                in_reply(&value);
            }
        }
    }
}
