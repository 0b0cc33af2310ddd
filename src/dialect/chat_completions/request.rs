//! The fields of a request, out of what it asks.

use serde_json::{Map, Value, json};

use super::messages::{messages, messages_since};
use crate::dialect::question::{ChatQuestion, ToolDefinition};
use crate::dialect::schema::{SchemaForm, is_strict, name};
use crate::dialect::since::follow;
use crate::dialect::tool_schema;
use crate::provider::{Composed, Fields, ToolSchemaForm};

/// The request's fields: only what the job needs, and what the user set.
pub(super) fn fields(question: &ChatQuestion<'_>) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = question.model {
        needed.insert("model".into(), model.into());
    }
    needed.insert("messages".into(), messages(question).into());
    if question.streams {
        needed.insert("stream".into(), true.into());
    }
    let flags = options(question, &mut needed);
    Fields { needed, flags, search: question.search.cloned().unwrap_or_default() }
}

/// What the user set by flags. What is needed for it beside that is laid into `needed`.
pub(in crate::dialect) fn options(
    question: &ChatQuestion<'_>,
    needed: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut flags = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value);
        }
    };
    let options = question.options;
    set("temperature", options.temperature.clone().map(Value::Number));
    set("top_p", options.top_p.clone().map(Value::Number));
    set("max_tokens", options.max_tokens.map(Value::from));
    set("seed", options.seed.map(Value::from));
    set("stop", (!options.stop.is_empty()).then(|| options.stop.clone().into()));
    set("reasoning_effort", options.reasoning_effort.clone().map(Value::from));
    // One answer is what comes anyway; Groq and Cohere refuse the field itself.
    set("n", options.number.filter(|number| *number > 1).map(Value::from));
    match question.schema.map(|schema| (schema, question.service.schema_form)) {
        // The service is known to take it: then a refusal is about the user's own schema.
        Some((schema, SchemaForm::JsonSchema)) => {
            set("response_format", Some(json_schema(schema)));
        }
        // The instructions say the same, so it may be left out.
        Some((_, SchemaForm::JsonObject)) => {
            needed.insert("response_format".into(), json!({"type": "json_object"}));
        }
        Some((_, SchemaForm::Instructions)) | None => {}
    }
    // Mistral and vLLM refuse an empty list.
    let form = question.service.tool_schema;
    let tools: Vec<Value> = question.tools.iter().map(|own| tool(own, form)).collect();
    set("tools", (!tools.is_empty()).then(|| tools.into()));
    flags
}

/// Completes a composed body.
pub(super) fn complete(composed: &mut Composed, question: &ChatQuestion<'_>) {
    let body = &mut composed.body;
    let streams = body.get("stream") == Some(&Value::Bool(true));
    // Several services refuse `stream_options` without `stream`, and some at all.
    if question.wants_usage
        && streams
        && question.service.must_ask_for_usage
        && !body.contains_key("stream_options")
    {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    follow(composed, "messages", || messages_since(question));
}

/// A tool that the model may call (specification, `ChatCompletionTool`). No `strict`, which Cohere
/// refuses.
fn tool(tool: &ToolDefinition, form: ToolSchemaForm) -> Value {
    let mut function = json!({"name": tool.name});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    if let Some(parameters) = tool_schema::parameters(tool, form) {
        function["parameters"] = parameters.into_owned();
    }
    json!({"type": "function", "function": function})
}

/// `response_format` with a schema; `strict` only where it meets the conditions.
fn json_schema(schema: &Value) -> Value {
    let mut format = json!({"name": name(schema), "schema": schema});
    if is_strict(schema) {
        format["strict"] = true.into();
    }
    json!({"type": "json_schema", "json_schema": format})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_only_where_the_schema_allows_it() {
        let open = json!({"type": "object", "properties": {"城市": {"type": "string"}}});
        assert_eq!(json_schema(&open)["json_schema"].get("strict"), None);
        let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
        assert_eq!(json_schema(&closed)["json_schema"]["strict"], json!(true));
    }
}
