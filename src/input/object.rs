//! A row that is a JSON object. A number that this program would write otherwise (`1.10`, `1e3`, more digits
//! than it can hold) keeps the text that it came as.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::{Deref, Range};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A decimal number of so many letters, without an exponent, is one that a float holds.
const SAFE_LENGTH: usize = 16;

/// The members of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RowObject {
    members: Map<String, Value>,
    /// The JSON of those members that hold a number which would be written otherwise.
    exact: Vec<(String, String)>,
}

impl From<Map<String, Value>> for RowObject {
    fn from(members: Map<String, Value>) -> Self {
        Self { members, exact: Vec::new() }
    }
}

impl Deref for RowObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.members
    }
}

impl RowObject {
    /// An object that was read from this JSON.
    pub(super) fn of(members: Map<String, Value>, json: &str) -> Self {
        // Whole numbers are either held as they are or as floats.
        let is_plain =
            !members.values().any(has_float) || numbers(json).all(|number| is_safe(&json[number]));
        let exact = if is_plain { Vec::new() } else { exact(&members, json) };
        Self { members, exact }
    }

    /// What stands in a column. `a.b` is the member `b` of `a`, unless there is one of that whole name.
    pub(super) fn value(&self, column: &str) -> Option<&Value> {
        self.members.get(column).or_else(|| {
            let mut names = column.split('.');
            let first = self.members.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        })
    }

    /// What stands in a column, as text: `null` is an empty one, a list or an object its JSON.
    pub(super) fn text(&self, column: &str) -> Option<Cow<'_, str>> {
        Some(match self.value(column)? {
            Value::String(text) => Cow::Borrowed(text),
            Value::Null => Cow::Borrowed(""),
            value if has_float(value) => {
                self.exact_at(column).unwrap_or_else(|| Cow::Owned(value.to_string()))
            }
            value => Cow::Owned(value.to_string()),
        })
    }

    /// The JSON of a member that holds a number which would be written otherwise.
    pub(crate) fn exact(&self, name: &str) -> Option<&str> {
        let found = self.exact.iter().find(|(known, _)| known == name);
        found.map(|(_, json)| &**json)
    }

    /// As [`RowObject::exact`], for a column.
    fn exact_at(&self, column: &str) -> Option<Cow<'_, str>> {
        if self.exact.is_empty() {
            return None;
        }
        if self.members.contains_key(column) {
            return self.exact(column).map(Cow::Borrowed);
        }
        let mut names = column.split('.');
        let mut json = self.exact(names.next()?)?;
        for name in names {
            let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json).ok()?;
            json = members.get(name)?.get();
        }
        Some(Cow::Owned(json.to_owned()))
    }
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether a number is surely written as it stands there.
fn is_safe(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_whole = !digits.contains('.');
    let is_usual = (is_whole && number != "-0") || digits.ends_with(".0") || !digits.ends_with('0');
    is_plain && digits.len() <= SAFE_LENGTH && is_usual && !digits.starts_with("0.000")
}

/// The JSON of members whose numbers would be written otherwise.
fn exact(members: &Map<String, Value>, json: &str) -> Vec<(String, String)> {
    let Ok(written) = serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(json) else {
        return Vec::new();
    };
    let floats = members.iter().filter(|(_, value)| has_float(value));
    let exact = floats.filter_map(|(name, value)| {
        let ours = value.to_string();
        let exact = with_numbers_of(&ours, written.get(&**name)?.get())?;
        (exact != ours).then(|| (name.clone(), exact))
    });
    exact.collect()
}

/// JSON with the numbers of other JSON, in their order; `None` if that has more or less of them, as where a
/// member stands twice.
fn with_numbers_of(json: &str, source: &str) -> Option<String> {
    let (mut out, mut from) = (String::with_capacity(source.len()), 0);
    let mut others = numbers(source);
    for number in numbers(json) {
        out.push_str(&json[from..number.start]);
        out.push_str(&source[others.next()?]);
        from = number.end;
    }
    out.push_str(&json[from..]);
    others.next().is_none().then_some(out)
}

/// Where numbers stand in JSON.
fn numbers(json: &str) -> impl Iterator<Item = Range<usize>> {
    let (bytes, mut at) = (json.as_bytes(), 0);
    std::iter::from_fn(move || {
        loop {
            match *bytes.get(at)? {
                b'"' => at = end_of_text(bytes, at),
                b'-' | b'0'..=b'9' => {
                    let is_part =
                        |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                    let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                    let number = at..at + length;
                    at = number.end;
                    return Some(number);
                }
                _ => at += 1,
            }
        }
    })
}

/// The place behind a text in quotes.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += next;
        if bytes[at] == b'"' {
            return at + 1;
        }
        // What is escaped ends no text.
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(json: &str) -> RowObject {
        match serde_json::from_str(json).expect("JSON") {
            Value::Object(members) => RowObject::of(members, json),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        let json = r#"{"id":123456789012345678901234,"p":1.10,"e":1E3,"z":-0,"f":0.00001,"n":7,
            "t":"1.10 \" 2e5","l":[ 1.50, {"x y": 2.0, "t": "\u4e2d 1.0"} ],"o":{"a":{"b":1.0e0}}}"#;
        let row = object(json);
        let texts = ["id", "p", "e", "z", "f", "n", "t", "l", "o.a.b", "o.a", "o.x"]
            .map(|column| row.text(column).map(Cow::into_owned));
        let expected = [
            Some("123456789012345678901234"),
            Some("1.10"),
            Some("1E3"),
            Some("-0"),
            Some("0.00001"),
            Some("7"),
            Some("1.10 \" 2e5"),
            Some("[1.50,{\"x y\":2.0,\"t\":\"中 1.0\"}]"),
            Some("1.0e0"),
            Some("{\"b\":1.0e0}"),
            None,
        ];
        assert_eq!(texts.each_ref().map(Option::as_deref), expected);
        assert_eq!((row.exact("p"), row.exact("n"), row.exact("x")), (Some("1.10"), None, None));
        // Which of the two is meant is told by the value alone.
        assert_eq!(
            object(r#"{"a":{"b":1.10,"b":2.20}}"#).text("a").as_deref(),
            Some("{\"b\":2.2}")
        );
    }

    proptest! {
        #[test]
        fn a_safe_number_is_written_as_it_stands_there(
            number in "-?(0|[1-9][0-9]{0,17})([.][0-9]{1,17})?([eE][+-]?[0-9]{1,2})?",
        ) {
            let value: Value = serde_json::from_str(&number).expect("a number");
            let written = value.to_string();
            prop_assert!(!is_safe(&number) || written == number);
            let json = format!("{{\"a\": [{number}, \"\", {number}]}}");
            let expected = format!("[{number},\"\",{number}]");
            let row = object(&json);
            prop_assert_eq!(row.text("a"), Some(expected.into()));
        }
    }
}
