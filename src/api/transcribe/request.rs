//! The fields of a transcription request, and the parts of the form that carries them. Knows no file.

use serde_json::{Map, Value};

use super::format::TranscriptFormat;
use crate::http::form::FormPart;
use crate::provider::Fields;

/// What a request is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TranscriptRequestParts<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) format: TranscriptFormat,
    /// The user named the format, so that it wins over the profile's.
    pub(crate) is_chosen: bool,
    /// Ask for the time of each word.
    pub(crate) with_words: bool,
    /// What the profile says is to be asked for to learn who speaks.
    pub(crate) speakers: Option<&'a Map<String, Value>>,
    /// Ask for times in the one other way: a service that takes no format may take this (Mistral).
    pub(crate) with_times: bool,
    /// The other fields that the user set.
    pub(crate) flags: &'a Map<String, Value>,
}

/// The request's fields: only what the job needs, and what the user set.
pub(crate) fn fields(ask: TranscriptRequestParts<'_>) -> Fields {
    let (mut needed, mut flags) = (Map::new(), Map::new());
    if let Some(model) = ask.model {
        needed.insert("model".into(), model.into());
    }
    let place = if ask.is_chosen { &mut flags } else { &mut needed };
    place.insert("response_format".into(), ask.format.wire_name().into());
    if ask.with_words {
        needed.insert("timestamp_granularities[]".into(), "word".into());
    } else if ask.with_times {
        needed.insert("timestamp_granularities[]".into(), "segment".into());
    }
    flags.extend(ask.flags.clone());
    // In place of a format with times, which the same field names.
    flags.extend(
        ask.speakers.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())),
    );
    Fields { needed, flags, ..Fields::default() }
}

/// The fields as parts of a form: numbers and truth values as JSON writes them, lists as `name[]` for
/// each item, objects as `name[key]`, as the specification's own examples have them. A null is left
/// out.
pub(crate) fn parts(body: &Map<String, Value>) -> Vec<FormPart> {
    let mut parts = Vec::new();
    for (name, value) in body {
        add(name, value, &mut parts);
    }
    parts
}

fn add(name: &str, value: &Value, parts: &mut Vec<FormPart>) {
    match value {
        Value::Null => {}
        Value::String(text) => parts.push(FormPart::text(name, text)),
        Value::Bool(_) | Value::Number(_) => parts.push(FormPart::text(name, value.to_string())),
        Value::Array(items) => {
            let name = if name.ends_with("[]") { name.to_owned() } else { format!("{name}[]") };
            for item in items {
                add(&name, item, parts);
            }
        }
        Value::Object(inner) => {
            for (key, value) in inner {
                add(&format!("{name}[{key}]"), value, parts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form::PartContent;
    use serde_json::json;

    #[test]
    fn fields_become_parts() {
        let body = json!({
            "model": "m", "temperature": 0.5, "stream": true, "gone": null,
            "timestamp_granularities": ["word", "segment"], "include[]": ["logprobs"],
            "chunking_strategy": {"type": "server_vad", "threshold": 0.5},
        });
        let parts = parts(body.as_object().expect("an object"));
        let shown: Vec<String> = parts
            .into_iter()
            .map(|part| match part.content {
                PartContent::Text(text) => format!("{}={text}", part.name),
                PartContent::File { .. } => part.name,
            })
            .collect();
        assert_eq!(
            shown,
            [
                "model=m",
                "temperature=0.5",
                "stream=true",
                "timestamp_granularities[]=word",
                "timestamp_granularities[]=segment",
                "include[]=logprobs",
                "chunking_strategy[type]=server_vad",
                "chunking_strategy[threshold]=0.5",
            ]
        );
    }
}
