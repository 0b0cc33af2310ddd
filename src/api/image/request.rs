//! The fields of a request for pictures, as JSON and as the parts of a form. Reads nothing.

use serde_json::{Map, Value, json};

use super::format::ImageFormat;
use crate::http::form::FormPart;
use crate::provider::Fields;

/// What a request is made of.
#[derive(Debug)]
pub(crate) struct ImageRequestParts<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) prompt: String,
    /// The format that the ending of the output file stands for.
    pub(crate) ending: Option<ImageFormat>,
    /// The fields that the user set.
    pub(crate) flags: Map<String, Value>,
}

/// The request's fields. `response_format` asks for the picture itself, as many services give an
/// address otherwise; the rules of those that don't take it drop it.
pub(crate) fn fields(ask: ImageRequestParts<'_>) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = ask.model {
        needed.insert("model".into(), json!(model));
    }
    needed.insert("prompt".into(), json!(ask.prompt));
    needed.insert("response_format".into(), json!("b64_json"));
    if let Some(format) = ask.ending.filter(|_| !ask.flags.contains_key("output_format")) {
        needed.insert("output_format".into(), json!(format.name()));
    }
    Fields { needed, flags: ask.flags, ..Fields::default() }
}

/// Fields that are asked for unasked: what comes can be used without them too.
pub(crate) const EASES: [&str; 2] = ["response_format", "output_format"];

/// The fields as parts of a form: a list as repeated `name[]`, an object as `name[key]`, numbers and
/// booleans as text, nothing for null.
pub(crate) fn parts(fields: &Map<String, Value>) -> Vec<FormPart> {
    let mut parts = Vec::new();
    for (name, value) in fields {
        add(&mut parts, name, value);
    }
    parts
}

fn add(parts: &mut Vec<FormPart>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => parts.push(FormPart::text(name, text)),
        Value::Array(items) => {
            items.iter().for_each(|item| add(parts, &format!("{name}[]"), item));
        }
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| add(parts, &format!("{name}[{key}]"), value));
        }
        Value::Bool(_) | Value::Number(_) => parts.push(FormPart::text(name, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form::PartContent;

    #[test]
    fn fields_become_parts() {
        let fields = json!({"model": "画", "n": 2, "a": [1, "二"], "o": {"k": true}, "x": null});
        let parts = parts(fields.as_object().expect("an object"));
        let told: Vec<(String, String)> = parts
            .into_iter()
            .map(|part| match part.content {
                PartContent::Text(text) => (part.name, text),
                PartContent::File { .. } => unreachable!("no file was given"),
            })
            .collect();
        let expected = [("model", "画"), ("n", "2"), ("a[]", "1"), ("a[]", "二"), ("o[k]", "true")];
        assert_eq!(told, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
}
