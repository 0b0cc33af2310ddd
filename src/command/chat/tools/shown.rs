//! The arguments of a call as they are shown before it is made: all of them, with whatever a terminal
//! would not show made visible. A long value is folded, and its length is told.

use serde_json::{Map, Value};

use crate::sanitize;

/// A text longer than this is folded; so much of it is shown, from its beginning and from its end. In
/// characters.
const LONG_TEXT: usize = 2000;
const SHOWN_START: usize = 1200;
const SHOWN_END: usize = 400;

/// All arguments together are folded beyond this length, which holds several folded texts.
const LONG_CALL: usize = 8 * LONG_TEXT;

/// The length of a longer argument is told, in characters: about a line of a terminal.
const LONG_ARGUMENT: usize = 80;

/// Arguments as they are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShownArguments {
    pub(super) text: String,
    /// Something of them was left out.
    pub(super) is_folded: bool,
}

/// Arguments (JSON, in one line) in full, or folded where they are long.
pub(super) fn arguments(json: &str, is_whole: bool) -> ShownArguments {
    let whole = sanitize::revealed(json);
    if is_whole || json.chars().count() <= LONG_TEXT {
        return ShownArguments { text: whole, is_folded: false };
    }
    let Ok(mut value) = serde_json::from_str::<Value>(json) else {
        return folded_text(&whole, LONG_TEXT);
    };
    let is_folded = fold(&mut value);
    let all = folded_text(&sanitize::revealed(&value.to_string()), LONG_CALL);
    ShownArguments { is_folded: is_folded || all.is_folded, ..all }
}

/// Folds the long texts in a value.
fn fold(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let folded = folded_text(text, LONG_TEXT);
            *text = folded.text;
            folded.is_folded
        }
        Value::Array(items) => {
            items.iter_mut().fold(false, |is_folded, item| fold(item) | is_folded)
        }
        Value::Object(members) => {
            members.values_mut().fold(false, |is_folded, member| fold(member) | is_folded)
        }
        _ => false,
    }
}

fn folded_text(text: &str, longest: usize) -> ShownArguments {
    let length = text.chars().count();
    if length <= longest {
        return ShownArguments { text: text.to_owned(), is_folded: false };
    }
    let scale = longest / LONG_TEXT;
    let (start, end) = (SHOWN_START * scale, SHOWN_END * scale);
    let head: String = text.chars().take(start).collect();
    let tail: String = text.chars().skip(length - end).collect();
    let hidden = length - start - end;
    ShownArguments { text: format!("{head} […{hidden} characters…] {tail}"), is_folded: true }
}

/// How long the long arguments of a call are: what stands at their end may have left the screen.
pub(super) fn lengths(json: &str) -> Option<String> {
    let arguments: Map<String, Value> = serde_json::from_str(json).ok()?;
    let length = |value: &Value| match value {
        Value::String(text) => text.chars().count(),
        other => other.to_string().chars().count(),
    };
    let long: Vec<String> = arguments
        .iter()
        .map(|(name, value)| (sanitize::revealed(name), length(value)))
        .filter(|(_, length)| *length > LONG_ARGUMENT)
        .map(|(name, length)| format!("`{name}` is {length} characters long"))
        .collect();
    (!long.is_empty()).then(|| long.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_arguments_are_shown_as_they_are() {
        let shown = arguments("{\"a\":\"rm\u{202e}\u{200b}甲\"}", false);
        assert_eq!(shown.text, r#"{"a":"rm\u{202e}\u{200b}甲"}"#);
        assert!(!shown.is_folded);
    }

    #[test]
    fn long_texts_are_folded_with_a_word() {
        let text = format!("头{}尾", "x".repeat(5000));
        let json = json!({"path": "/etc/passwd", "edits": [{"text": text}]}).to_string();
        let shown = arguments(&json, false);
        assert!(shown.is_folded && shown.text.contains("/etc/passwd"), "{}", shown.text);
        assert!(shown.text.contains("头xxx") && shown.text.contains("xxx尾"));
        assert!(shown.text.contains(" […3402 characters…] "), "{}", shown.text);
        let whole = arguments(&json, true);
        assert!(!whole.is_folded && whole.text == json);
        assert_eq!(lengths(&json).as_deref(), Some("`edits` is 5015 characters long"));
    }

    #[test]
    fn many_values_are_folded_too() {
        let json = json!({"list": vec!["value"; 20_000]}).to_string();
        let shown = arguments(&json, false);
        assert!(shown.is_folded && shown.text.chars().count() < LONG_CALL, "{}", shown.text.len());
        let not_json = arguments(&"y".repeat(9000), false);
        assert!(not_json.is_folded);
    }
}
