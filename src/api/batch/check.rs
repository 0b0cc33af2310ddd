//! What `vllm run-batch` refuses to read. One such line ends its whole run, after the model was loaded,
//! and its error names neither the row nor the id; so it is found here.

use serde_json::{Map, Value};

/// The kinds of `response_format` that are known there.
const FORMATS: [&str; 4] = ["text", "json_object", "json_schema", "structural_tag"];

/// A field that a body can't have, and what is wrong with it: "must be a number".
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BadField {
    pub(crate) field: String,
    pub(crate) problem: &'static str,
}

fn bad(field: impl Into<String>, problem: &'static str) -> Option<BadField> {
    Some(BadField { field: field.into(), problem })
}

/// The first field of a chat request for which the line would not be read.
pub(crate) fn bad_field(body: &Map<String, Value>) -> Option<BadField> {
    let kinds = body.iter().find_map(|(name, value)| {
        let problem = problem_of(name, value)?;
        bad(name, problem)
    });
    messages(body).or(kinds).or_else(|| format(body)).or_else(|| tools(body)).or_else(|| {
        let has = |name: &str| body.get(name).is_some_and(|value| !is_off(value));
        match () {
            () if has("top_logprobs") && !has("logprobs") => bad("top_logprobs", "needs logprobs"),
            () if has("stream_options") && !has("stream") => bad("stream_options", "needs stream"),
            () => None,
        }
    })
}

/// Null, false and nothing at all.
fn is_off(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value.as_u64() == Some(0)
}

/// What is wrong with a field of the type that its name stands for. Numbers may stand in quotes.
fn problem_of(name: &str, value: &Value) -> Option<&'static str> {
    let number = || match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    };
    match name {
        _ if value.is_null() => None,
        "temperature" | "top_p" | "min_p" | "presence_penalty" | "frequency_penalty"
        | "repetition_penalty" => number().is_none().then_some("must be a number"),
        "max_tokens"
        | "max_completion_tokens"
        | "min_tokens"
        | "n"
        | "seed"
        | "top_k"
        | "top_logprobs" => {
            let is_whole = number().is_some_and(|number| number.fract() == 0.0);
            (!is_whole).then_some("must be a whole number")
        }
        "stop" => {
            let is_list = |list: &Vec<Value>| list.iter().all(Value::is_string);
            let fits = value.is_string() || value.as_array().is_some_and(is_list);
            (!fits).then_some("must be a text or a list of texts")
        }
        "model" | "user" | "reasoning_effort" => (!value.is_string()).then_some("must be a text"),
        "logit_bias" | "stream_options" => (!value.is_object()).then_some("must be an object"),
        _ => None,
    }
}

fn messages(body: &Map<String, Value>) -> Option<BadField> {
    let Some(messages) = body.get("messages") else { return bad("messages", "is missing") };
    let Some(messages) = messages.as_array() else { return bad("messages", "must be a list") };
    messages.iter().enumerate().find_map(|(index, message)| {
        let place = format!("messages[{index}]");
        let Some(message) = message.as_object() else { return bad(place, "must be an object") };
        let Some(role) = message.get("role").and_then(Value::as_str) else {
            return bad(place + ".role", "must be a text");
        };
        let place = place + ".content";
        match message.get("content") {
            None | Some(Value::String(_)) => None,
            Some(Value::Null) if role == "assistant" => None,
            Some(Value::Array(parts)) => {
                let has_type = |part: &Value| part.get("type").is_some_and(Value::is_string);
                let index = parts.iter().position(|part| !has_type(part))?;
                bad(format!("{place}[{index}].type"), "must be a text")
            }
            Some(_) => bad(place, "must be a text or a list of parts"),
        }
    })
}

fn format(body: &Map<String, Value>) -> Option<BadField> {
    let format = body.get("response_format").filter(|format| !format.is_null())?;
    let kind = format.get("type").and_then(Value::as_str).unwrap_or_default();
    if !FORMATS.contains(&kind) {
        let known = "must be text, json_object, json_schema or structural_tag";
        return bad("response_format.type", known);
    }
    if kind != "json_schema" {
        return None;
    }
    match format.get("json_schema") {
        Some(Value::Object(schema)) => match schema.get("name") {
            Some(Value::String(_)) => None,
            _ => bad("response_format.json_schema.name", "must be a text"),
        },
        _ => bad("response_format.json_schema", "must be an object"),
    }
}

fn tools(body: &Map<String, Value>) -> Option<BadField> {
    let there = |name: &str| body.get(name).filter(|value| !value.is_null());
    let choice = there("tool_choice").filter(|choice| **choice != "none");
    let Some(tools) = there("tools") else {
        return choice.and_then(|_| bad("tool_choice", "needs tools"));
    };
    let Some(tools) = tools.as_array() else { return bad("tools", "must be a list") };
    tools.iter().enumerate().find_map(|(index, tool)| {
        if tool.get("type").is_some_and(|kind| *kind != "function") {
            return bad(format!("tools[{index}].type"), "must be function");
        }
        match tool.pointer("/function/name") {
            Some(Value::String(_)) => None,
            _ => bad(format!("tools[{index}].function.name"), "must be a text"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(more: Value) -> Option<String> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "你好"}]});
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        fields.retain(|_, value| *value != "GONE");
        bad_field(fields).map(|bad| format!("{} {}", bad.field, bad.problem))
    }

    #[test]
    fn what_ends_a_whole_run_is_found() {
        let content = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
        for (more, told) in [
            (json!({"messages": "GONE"}), "messages is missing"),
            (json!({"messages": "hi"}), "messages must be a list"),
            (json!({"messages": [1]}), "messages[0] must be an object"),
            (json!({"messages": [{"content": "x"}]}), "messages[0].role must be a text"),
            (content(Value::Null), "messages[0].content must be a text or a list of parts"),
            (content(json!([{"text": "x"}])), "messages[0].content[0].type must be a text"),
            (json!({"temperature": "very hot"}), "temperature must be a number"),
            (json!({"max_tokens": 1.5}), "max_tokens must be a whole number"),
            (json!({"stop": 3}), "stop must be a text or a list of texts"),
            (json!({"stop": ["a", 3]}), "stop must be a text or a list of texts"),
            (
                json!({"response_format": {"type": "xml"}}),
                "response_format.type must be text, json_object, json_schema or structural_tag",
            ),
            (
                json!({"response_format": {"type": "json_schema"}}),
                "response_format.json_schema must be an object",
            ),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
                "response_format.json_schema.name must be a text",
            ),
            (json!({"tool_choice": "auto"}), "tool_choice needs tools"),
            (json!({"tools": [{"type": "code"}]}), "tools[0].type must be function"),
            (json!({"tools": [{"type": "function"}]}), "tools[0].function.name must be a text"),
            (json!({"top_logprobs": 2}), "top_logprobs needs logprobs"),
            (json!({"stream_options": {"include_usage": true}}), "stream_options needs stream"),
        ] {
            assert_eq!(found(more.clone()).as_deref(), Some(told), "{more}");
        }
    }

    #[test]
    fn what_is_taken_there_is_let_through() {
        for more in [
            json!({}),
            json!({"model": "GONE", "made_up": {"x": 1}}),
            json!({"temperature": null, "top_p": "0.5", "max_tokens": 3.0, "n": 2, "stop": ["a"]}),
            json!({"messages": [{"role": "odd"}, {"role": "assistant", "content": null}]}),
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
            json!({"tool_choice": "none"}),
            json!({"logprobs": true, "top_logprobs": 2}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
        ] {
            assert_eq!(found(more.clone()), None, "{more}");
        }
    }
}
