//! Reads fields of a request body, and refuses wrong types as OpenAI does.
//!
//! Form fields arrive as text, so a number or a boolean may also be written as a string.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::reply::DemoReply;

/// The field `name` of `body`, where `null` counts as absent.
pub(crate) fn field<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// A boolean field; absent is `false`. Anything else is a 400.
pub(crate) fn flag(body: &Value, name: &str) -> Result<bool, DemoReply> {
    match field(body, name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(other) => Err(wrong_type(name, "a boolean", other)),
    }
}

/// A text field; absent is `None`. Anything else is a 400.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, DemoReply> {
    match field(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(name, "a string", other)),
    }
}

/// A whole number within `range`; absent is `None`. Anything else is a 400.
pub(crate) fn whole(
    body: &Value,
    name: &str,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, DemoReply> {
    let Some(value) = field(body, name) else {
        return Ok(None);
    };
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    match number {
        Some(number) if range.contains(&number) => Ok(Some(number)),
        Some(number) => {
            let (least, most) = (range.start(), range.end());
            let problem = format_args!("is {number}, it must be from {least} to {most}");
            Err(DemoReply::refused(name, problem))
        }
        None => Err(wrong_type(name, "a non-negative integer", value)),
    }
}

/// A text field that must be one of `choices`; absent is the first of them. Anything else is a 400
/// that lists them.
pub(crate) fn choice(
    body: &Value,
    name: &str,
    choices: &[&'static str],
) -> Result<&'static str, DemoReply> {
    let Some(given) = text(body, name)? else {
        return Ok(choices[0]);
    };
    choices.iter().copied().find(|choice| *choice == given).ok_or_else(|| {
        let known = choices.join(", ");
        DemoReply::refused(name, format_args!("is '{given}', the demo supports {known}"))
    })
}

fn wrong_type(name: &str, expected: &str, found: &Value) -> DemoReply {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("invalid type for '{name}': expected {expected}, but got {kind} instead");
    DemoReply::error(400, message, Some(name), Some("invalid_type"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message<T>(result: Result<T, DemoReply>) -> String {
        let error = result.err().expect("a refusal").into_json();
        error["error"]["message"].as_str().expect("a message").to_owned()
    }

    #[test]
    fn fields_are_read_as_json_and_as_form_text() {
        let body = json!({"a": true, "b": "true", "c": 7, "d": "7", "e": null, "f": "文"});
        assert!(flag(&body, "a").is_ok_and(|value| value));
        assert!(flag(&body, "b").is_ok_and(|value| value));
        assert!(flag(&body, "e").is_ok_and(|value| !value));
        assert!(whole(&body, "c", 1..=9).is_ok_and(|value| value == Some(7)));
        assert!(whole(&body, "d", 1..=9).is_ok_and(|value| value == Some(7)));
        assert!(whole(&body, "missing", 1..=9).is_ok_and(|value| value.is_none()));
        assert!(text(&body, "f").is_ok_and(|value| value == Some("文")));
        assert!(choice(&body, "e", &["png", "jpeg"]).is_ok_and(|value| value == "png"));
    }

    #[test]
    fn refusals_name_the_field_and_what_is_allowed() {
        let body = json!({"n": 0, "size": [], "format": "gif", "stream": 1});
        assert!(message(whole(&body, "n", 1..=10)).contains("'n' is 0, it must be from 1 to 10"));
        assert!(message(text(&body, "size")).contains("expected a string, but got an array"));
        assert!(
            message(choice(&body, "format", &["png"]))
                .contains("'format' is 'gif', the demo supports png")
        );
        assert!(message(flag(&body, "stream")).contains("'stream': expected a boolean"));
        assert!(message(whole(&json!({"n": -1}), "n", 1..=10)).contains("non-negative"));
    }
}
