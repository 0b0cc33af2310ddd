//! What a request over HTTP repeats of its body in headers, in the era without a handshake, so that proxies
//! can see it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The member of a property's schema that names a header for it.
const MARK: &str = "x-mcp-header";

/// A header that repeats an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArgumentHeader {
    /// The end of its name.
    name: String,
    argument: String,
}

/// The headers that a tool's schema asks for.
///
/// # Errors
/// A name that no header can have, in words that go on after the tool's name.
pub(super) fn of_schema(schema: &Value) -> Result<Vec<ArgumentHeader>, String> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let marked = properties.filter_map(|(argument, schema)| Some((argument, schema.get(MARK)?)));
    marked
        .map(|(argument, name)| match name.as_str().filter(|name| is_token(name)) {
            Some(name) => Ok(ArgumentHeader { name: name.to_owned(), argument: argument.clone() }),
            None => Err(format!("asks for a header that can't be: {name}")),
        })
        .collect()
}

/// A token (RFC 9110, section 5.6.2), of letters that every proxy takes.
fn is_token(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    !name.is_empty() && name.chars().all(fits)
}

impl ArgumentHeader {
    /// The header for these arguments, if they have one for it.
    pub(super) fn of(&self, arguments: &Value) -> Option<(String, String)> {
        let value = match arguments.get(&self.argument)? {
            Value::String(text) => text.clone(),
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            _ => return None,
        };
        Some((format!("Mcp-Param-{}", self.name), encoded(&value)))
    }
}

/// A value as a header takes it: what is not visible ASCII, or blank at an end, as base64.
pub(super) fn encoded(value: &str) -> String {
    let is_visible = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match is_visible && value.trim() == value && !value.starts_with("=?") {
        true => value.to_owned(),
        false => format!("=?base64?{}?=", STANDARD.encode(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_repeated_where_the_schema_asks_for_it() {
        let schema = json!({"properties": {"region": {"x-mcp-header": "Region"}, "n": {"x-mcp-header": "N"},
            "list": {"x-mcp-header": "L"}, "plain": {}}});
        let headers = of_schema(&schema).expect("good names");
        let arguments = json!({"region": "eu", "n": 3, "list": [1], "plain": "x"});
        let seen: Vec<_> = headers.iter().filter_map(|header| header.of(&arguments)).collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(seen, [pair("Mcp-Param-Region", "eu"), pair("Mcp-Param-N", "3")]);
        for bad in [json!("a b"), json!(""), json!(1), json!("甲")] {
            assert!(of_schema(&json!({"properties": {"x": {"x-mcp-header": bad}}})).is_err());
        }
    }

    #[test]
    fn values_that_no_header_takes_are_encoded() {
        assert_eq!(encoded("a b"), "a b");
        assert_eq!(encoded("甲"), "=?base64?55Sy?=");
        assert_eq!(encoded(" a"), "=?base64?IGE=?=");
        assert_eq!(encoded("=?x"), "=?base64?PT94?=");
    }
}
