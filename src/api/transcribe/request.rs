//! The fields of a transcription request, and the parts of the form that carries them. Knows no file.

use serde_json::{Map, Value};

use crate::cli::transcribe::{Format, TranscribeArgs};
use crate::http::form::Part;
use crate::provider::Fields;

/// What a request is made of, besides the flags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) format: Format,
    /// The user named the format, so that it wins over the profile's.
    pub(crate) is_chosen: bool,
    /// Ask for times in the one other way: a service that takes no format may take this (Mistral).
    pub(crate) with_times: bool,
}

/// The request's fields: only what the job needs, and what the user set.
pub(crate) fn fields(args: &TranscribeArgs, ask: Ask<'_>) -> Fields {
    let (mut needed, mut flags) = (Map::new(), Map::new());
    if let Some(model) = ask.model {
        needed.insert("model".into(), model.into());
    }
    let place = if ask.is_chosen { &mut flags } else { &mut needed };
    place.insert("response_format".into(), wire_name(ask.format).into());
    if ask.with_times {
        needed.insert("timestamp_granularities[]".into(), "segment".into());
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value);
        }
    };
    set("language", args.language.clone().map(Value::from));
    set("prompt", args.prompt.clone().map(Value::from));
    set("temperature", args.temperature.clone().map(Value::Number));
    Fields { needed, flags }
}

/// The specification's name of what is asked for. Plain text is taken out of the JSON answer:
/// `json` is the one format that every service has (gpt-4o-transcribe, llama-server and OpenRouter
/// have no other, LocalAI answers `text` with an error, vLLM answers it with JSON).
fn wire_name(format: Format) -> &'static str {
    match format {
        Format::Text | Format::Json => "json",
        Format::Srt => "srt",
        Format::Vtt => "vtt",
        Format::VerboseJson => "verbose_json",
    }
}

/// The fields as parts of a form: numbers and truth values as JSON writes them, lists as `name[]` for
/// each item, objects as `name[key]`, as the specification's own examples have them. A null is left
/// out.
pub(crate) fn parts(body: &Map<String, Value>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (name, value) in body {
        add(name, value, &mut parts);
    }
    parts
}

fn add(name: &str, value: &Value, parts: &mut Vec<Part>) {
    match value {
        Value::Null => {}
        Value::String(text) => parts.push(Part::text(name, text)),
        Value::Bool(_) | Value::Number(_) => parts.push(Part::text(name, value.to_string())),
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
    use crate::http::form::Content;
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
                Content::Text(text) => format!("{}={text}", part.name),
                Content::File { .. } => part.name,
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
