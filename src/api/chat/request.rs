//! The fields of a chat request, out of what the user asked for.

use serde_json::{Map, Value, json};

use crate::cli::chat::ChatArgs;
use crate::provider::Fields;

/// What a chat request is made of, besides the flags.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) model: Option<&'a str>,
    /// The conversation, the user's message last.
    pub(crate) messages: Vec<Value>,
    /// A JSON Schema that the answer must fit.
    pub(crate) schema: Option<&'a Value>,
    /// Tools that the model may call, as [`tool`] makes them.
    pub(crate) tools: Vec<Value>,
    /// Whether the answer is to come as a stream.
    pub(crate) stream: bool,
}

/// The request's fields: only what the job needs, and what the user set.
pub(crate) fn fields(args: &ChatArgs, ask: Ask<'_>) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = ask.model {
        needed.insert("model".into(), model.into());
    }
    needed.insert("messages".into(), ask.messages.into());
    if ask.stream {
        needed.insert("stream".into(), true.into());
    }
    let mut flags = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value);
        }
    };
    set("temperature", args.temperature.clone().map(Value::Number));
    set("top_p", args.top_p.clone().map(Value::Number));
    set("max_tokens", args.max_tokens.map(Value::from));
    set("seed", args.seed.map(Value::from));
    set("stop", (!args.stop.is_empty()).then(|| args.stop.clone().into()));
    set("reasoning_effort", args.reasoning_effort.clone().map(Value::from));
    // One answer is what comes anyway; Groq and Cohere refuse the field itself.
    set("n", args.number.filter(|number| *number > 1).map(Value::from));
    set("response_format", ask.schema.map(response_format));
    // Mistral and vLLM refuse an empty list.
    set("tools", (!ask.tools.is_empty()).then(|| ask.tools.into()));
    Fields { needed, flags }
}

/// One message of a conversation. `content` is a text, or a list of typed parts.
pub(crate) fn message(role: &str, content: impl Into<Value>) -> Value {
    json!({"role": role, "content": content.into()})
}

/// A tool that the model may call (specification, `ChatCompletionTool`). No `strict`, which Cohere
/// refuses.
pub(crate) fn tool(name: &str, description: Option<&str>, parameters: &Value) -> Value {
    let mut function = json!({"name": name});
    if let Some(description) = description {
        function["description"] = description.into();
    }
    function["parameters"] = parameters.clone();
    json!({"type": "function", "function": function})
}

/// `response_format` for a schema. `strict` only where the schema meets its conditions, as OpenAI
/// refuses it otherwise.
fn response_format(schema: &Value) -> Value {
    let mut format = json!({"name": name(schema), "schema": schema});
    if is_strict(schema) {
        format["strict"] = true.into();
    }
    json!({"type": "json_schema", "json_schema": format})
}

/// The schema's title as a name: at most 64 of `a-zA-Z0-9_-` (specification, `response_format`).
fn name(schema: &Value) -> String {
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name: String =
        title.chars().map(|c| if c == ' ' { '_' } else { c }).filter(fits).take(64).collect();
    if name.is_empty() { "answer".to_owned() } else { name }
}

/// Whether every object of the schema closes itself and requires all its properties (specification,
/// structured outputs).
fn is_strict(schema: &Value) -> bool {
    let Value::Object(object) = schema else { return !schema.is_boolean() };
    let inner_fit = object.iter().all(|(key, value)| match (key.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(map)) => map.values().all(is_strict),
        ("items" | "not", value) => is_strict(value),
        ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(items)) => {
            items.iter().all(is_strict)
        }
        _ => true,
    });
    let is_object = object.get("type").is_some_and(|kind| *kind == "object")
        || object.contains_key("properties");
    if !is_object {
        return inner_fit;
    }
    let required: Vec<&str> = object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = object.get("properties").and_then(Value::as_object);
    let all = properties.is_some_and(|map| map.keys().all(|key| required.contains(&key.as_str())));
    inner_fit && all && object.get("additionalProperties") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_only_where_the_schema_allows_it() {
        let open = json!({"type": "object", "properties": {"城市": {"type": "string"}}});
        assert_eq!(response_format(&open)["json_schema"].get("strict"), None);
        let mut closed = open;
        closed["required"] = json!(["城市"]);
        closed["additionalProperties"] = json!(false);
        assert_eq!(response_format(&closed)["json_schema"]["strict"], json!(true));
        closed["properties"]["内"] = json!({"type": "object", "properties": {}});
        closed["required"] = json!(["城市", "内"]);
        assert!(!is_strict(&closed));
    }

    #[test]
    fn the_name_is_made_of_allowed_letters() {
        assert_eq!(name(&json!({"title": "My list: 城市"})), "My_list_");
        assert_eq!(name(&json!({"title": "城市"})), "answer");
        assert_eq!(name(&json!({})), "answer");
    }
}
