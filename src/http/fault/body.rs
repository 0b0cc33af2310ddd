//! Finds words and codes of a failure in a body of any kind: JSON, an event stream, a page, plain
//! text. A text in JSON may hold a further body. It does not know whether there is a failure.

use serde_json::Value;

use super::codes::{
    INNER, MOST_ENTRIES, Object, WORDS, codes, http_code, is_code_word, is_hollow, layers, place,
};
use super::embedded;
use super::fields::Fault;
use super::markup::from_markup;
use crate::http::sse::Decoder;

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
    let message = from_markup(text).or_else(|| text_words(text, nesting)).unwrap_or_default();
    let mut fault = Fault { message, ..Fault::default() };
    fault.add_inner(&inner_fault(text, nesting).unwrap_or_default());
    fault
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
    let layers = layers(value);
    let mut fault = codes(&layers);
    for text in layers.iter().flat_map(|map| texts(map)) {
        fault.add_inner(&inner_fault(text, nesting).unwrap_or_default());
    }
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
    let text = embedded::without_trace(text);
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let Some(nesting) = nesting.checked_sub(1) else { return Some(text.to_owned()) };
    let whole = if text.starts_with(['{', '[']) { parse(text) } else { None };
    if let Some(value) = whole {
        return Some(fault(&value, nesting).message);
    }
    let body = embedded::body(text).map(|(before, value)| (before, fault(&value, nesting).message));
    Some(match body.or_else(|| embedded::page(text)) {
        Some((before, inner)) => {
            let before = before.trim_end().trim_end_matches([':', '-']).trim_end();
            if before.is_empty() { inner } else { join(before.to_owned(), &inner) }
        }
        None => text.to_owned(),
    })
}

/// The error of another service that a text holds.
fn inner_fault(text: &str, nesting: u8) -> Option<Fault> {
    let nesting = nesting.checked_sub(1)?;
    embedded::body(text).map(|(_, value)| fault(&value, nesting))
}

/// The texts of an object that may hold the body of another service.
fn texts(map: &Object) -> impl Iterator<Item = &str> {
    let raw = || map.get("metadata")?.get("raw")?.as_str();
    let named = WORDS.iter().chain(&["error"]).filter_map(|name| map.get(*name)?.as_str());
    named.chain(raw())
}

/// Members whose texts are no words.
const NO_WORDS: [&str; 5] = ["object", "type", "code", "status", "model"];

/// The only text in an object, however deep, beside names and codes.
fn only_text(map: &Object) -> Option<&str> {
    fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::String(text) if !text.trim().is_empty() => found.push(text),
            Value::Array(list) => list.iter().for_each(|entry| collect(entry, found)),
            Value::Object(map) => members(map, found),
            _ => {}
        }
    }
    fn members<'v>(map: &'v Object, found: &mut Vec<&'v str>) {
        let is_name =
            |name: &str| NO_WORDS.contains(&name) || name.ends_with("id") || name.ends_with("Id");
        let named = map.iter().filter(|(name, _)| !is_name(name));
        named.for_each(|(_, value)| collect(value, found));
    }
    let mut found = Vec::new();
    members(map, &mut found);
    match found[..] {
        [text] => Some(text),
        _ => None,
    }
}

fn object_words(map: &Object, nesting: u8) -> Option<String> {
    let own = || WORDS.iter().find_map(|name| words(map.get(*name)?, nesting));
    let full = |name: &str| map.get(name).filter(|value| !is_hollow(value));
    let said = match full("error").or_else(|| full("errors")) {
        Some(Value::String(error)) if !error.trim().is_empty() => match own() {
            Some(own) if is_code_word(error) => Some(own),
            Some(own) => Some(join(text_words(error, nesting)?, &own)),
            None => text_words(error, nesting),
        },
        // Portkey lists what is wrong beside its message.
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let list = words(&Value::Array(list.clone()), nesting);
            match (own(), list) {
                (Some(own), Some(list)) => Some(join(own, &list)),
                (own, list) => own.or(list),
            }
        }
        Some(error) => words(error, nesting).or_else(own),
        None => own(),
    };
    let said = said
        .or_else(|| INNER.iter().find_map(|name| words(full(name)?, nesting)))
        .or_else(|| text_words(only_text(map)?, nesting));
    let said = match (said, explanations(map)) {
        (Some(said), Some(why)) => Some(join(said, &why)),
        (said, why) => said.or(why),
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

/// Why the checks of a guardrail failed (Portkey: `hook_results`).
fn explanations(map: &Object) -> Option<String> {
    let hooks =
        map.get("hook_results")?.as_object()?.values().filter_map(Value::as_array).flatten();
    let checks = hooks.filter_map(|hook| hook.get("checks")?.as_array()).flatten();
    let failed = checks.filter(|check| check.get("verdict") == Some(&Value::Bool(false)));
    let words = failed.filter_map(|check| check.pointer("/data/explanation")?.as_str());
    let words: Vec<&str> = words.take(MOST_ENTRIES).collect();
    (!words.is_empty()).then(|| words.join("; "))
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
