//! Finds what a gateway put into a message: the body of another service's error, a page, a stack trace.

use serde_json::{Map, Value};

use super::markup::from_markup;

/// How many beginnings of a body are looked at in one text.
const MOST_BEGINNINGS: usize = 8;

/// How deep a body may be nested that is written as Python writes it.
const MOST_BRACKETS: usize = 4_000;

/// The text without the stack trace at its end. Of Python's the last line is kept, which says what
/// failed.
pub(super) fn without_trace(text: &str) -> String {
    if let Some((before, trace)) = text.split_once("Traceback (most recent call last)") {
        let last = trace.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return format!("{} {}", before.trim_end(), last.trim()).trim().to_owned();
    }
    let is_frame =
        |line: &str| line.trim_start().starts_with("at ") && line.starts_with([' ', '\t']);
    let kept: Vec<&str> = text.lines().take_while(|line| !is_frame(line)).collect();
    if kept.is_empty() { text.to_owned() } else { kept.join("\n") }
}

/// A body of an error in a text, and the text in front of it.
pub(super) fn body(text: &str) -> Option<(&str, Value)> {
    // A list that Python printed, and nothing else, is the message: pydantic words what it refuses so.
    if text.trim_start().starts_with("[{'") {
        return None;
    }
    let beginnings = text.match_indices(['{', '[']).take(MOST_BEGINNINGS);
    beginnings.into_iter().find_map(|(at, _)| {
        let value = json(&text[at..]).or_else(|| python(&text[at..]))?;
        is_error(&value).then(|| (&text[..at], value))
    })
}

/// The words of a page in a text, and the text in front of it.
pub(super) fn page(text: &str) -> Option<(&str, String)> {
    let lower = text.to_ascii_lowercase();
    let beginnings = ["<!doctype html", "<html", "<?xml"];
    let at = beginnings.iter().filter_map(|tag| lower.find(tag)).min()?;
    Some((&text[..at], from_markup(&text[at..])?))
}

/// Whether a value may be an error's body, and not a list or an object that is quoted.
fn is_error(value: &Value) -> bool {
    let says = |map: &Map<String, Value>| {
        ["error", "message", "msg", "detail", "errorMessage"]
            .iter()
            .any(|name| map.contains_key(*name))
    };
    match value {
        Value::Object(map) => says(map),
        Value::Array(list) => list.iter().any(|entry| entry.as_object().is_some_and(says)),
        _ => false,
    }
}

/// The JSON value that a text begins with.
fn json(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// The same of a value as Python prints it: `{'error': {'code': None}}`.
fn python(text: &str) -> Option<Value> {
    let mut json = String::new();
    let mut letters = text.char_indices().peekable();
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' | '"' => {
                json.push('"');
                loop {
                    match letters.next()?.1 {
                        end if end == letter => break,
                        '"' => json.push_str("\\\""),
                        '\\' => match letters.next()?.1 {
                            '\'' => json.push('\''),
                            other => json.extend(['\\', other]),
                        },
                        other => json.push(other),
                    }
                }
                json.push('"');
            }
            '{' | '[' | '(' => {
                (depth, brackets) = (depth + 1, brackets + 1);
                if brackets > MOST_BRACKETS {
                    return None;
                }
                json.push(if letter == '(' { '[' } else { letter });
            }
            '}' | ']' | ')' => {
                depth = depth.checked_sub(1)?;
                json.push(if letter == ')' { ']' } else { letter });
                if depth == 0 {
                    return serde_json::from_str(&json).ok();
                }
            }
            'N' | 'T' | 'F' => {
                let words = [("None", "null"), ("True", "true"), ("False", "false")];
                let (word, own) = words.iter().find(|(word, _)| text[at..].starts_with(word))?;
                json.push_str(own);
                letters.nth(word.len() - 2);
            }
            other => json.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_found_in_texts() {
        let error = json!({"error": {"message": "it's \"x\"", "code": null, "is": true}});
        let python = r#"Error code: 400 - {'error': {'message': 'it\'s "x"', 'code': None, 'is': True}} end"#;
        assert_eq!(body(python), Some(("Error code: 400 - ", error.clone())));
        let json = format!("a {{b}} c: {error}Error: tail");
        assert_eq!(body(&json), Some(("a {b} c: ", error)));
        let list = r#"[{"type":"missing","loc":["body","input"],"msg":"Field required"}]"#;
        assert!(body(list).is_some());
        let printed = "[{'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required'}]";
        assert_eq!(body(printed), None);
        for text in
            ["no {x} here", "[1, 2]", "{'a': 1}", "{\"error\": ", "{'error': N", "[[[[", "汉{字"]
        {
            assert_eq!(body(text), None, "{text}");
        }
        assert_eq!(body(&"[(".repeat(100_000)), None);
    }

    #[test]
    fn traces_and_pages_are_cut() {
        assert_eq!(without_trace("boom\n    at f (/a.js:1:2)\n    at g"), "boom");
        assert_eq!(without_trace("boom\n\tat a.b.C.d(C.java:1)"), "boom");
        assert_eq!(without_trace("look at this\nand at that"), "look at this\nand at that");
        let python =
            "failed: Traceback (most recent call last):\n  File \"a\", line 1\nValueError: no\n";
        assert_eq!(without_trace(python), "failed: ValueError: no");
        let text = "bad response: <HTML><head><title>502 Bad Gateway</title></head></HTML>";
        assert_eq!(page(text), Some(("bad response: ", "502 Bad Gateway".to_owned())));
        assert_eq!(page("a < b"), None);
    }
}
