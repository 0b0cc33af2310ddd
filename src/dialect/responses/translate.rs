//! The names of `/chat/completions` in a composed body as those of this endpoint.

use serde_json::{Map, Value, json};

use crate::dialect::question::ChatQuestion;
use crate::provider::Composed;
use crate::provider::user_fields::SetBy;

/// Fields that are nothing here, not even under another name.
const NONE: [&str; 9] = [
    "seed",
    "random_seed",
    "stop",
    "logit_bias",
    "prediction",
    "modalities",
    "audio",
    "functions",
    "function_call",
];

/// Fields that have another name, the second one inside an object: name, object, name in it.
const MOVED: [(&str, &str, &str); 2] =
    [("reasoning_effort", "reasoning", "effort"), ("verbosity", "text", "verbosity")];

/// The names of a limit.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Gives the fields of a body the names and forms that they have here. What has no counterpart is left
/// out, unless `-O` sets it: what that sets goes out. The user is told where it is theirs.
pub(super) fn translate(composed: &mut Composed, question: &ChatQuestion<'_>) {
    let old = std::mem::take(&mut composed.body);
    let mut body = Map::new();
    for (name, value) in old {
        if NONE.contains(&name.as_str()) {
            leave_out(name, value, &mut body, composed, question);
        } else if LIMITS.contains(&name.as_str()) {
            composed.own.rename(&name, "max_output_tokens");
            body.insert("max_output_tokens".into(), value);
        } else if let Some((_, object, inner)) = MOVED.iter().find(|(from, ..)| *from == name) {
            composed.own.rename(&name, object);
            lay(&mut body, object, inner, value);
        } else {
            take(&name, value, &mut body, composed);
        }
    }
    composed.body = body;
}

/// A field that is one here too, perhaps in another form.
fn take(name: &str, value: Value, body: &mut Map<String, Value>, composed: &mut Composed) {
    match name {
        "messages" => {
            composed.own.rename(name, "input");
            body.insert("input".into(), value);
        }
        "response_format" => {
            composed.own.rename(name, "text");
            lay(body, "text", "format", format(value));
        }
        "tools" => {
            let tools = value.as_array().into_iter().flatten().cloned().map(tool);
            list(body, "tools").extend(tools);
        }
        "web_search_options" => list(body, "tools").push(web_search(value)),
        "tool_choice" => _ = body.insert(name.into(), choice(value)),
        // Counts come unasked, and asking is refused.
        "stream_options" => {
            if let Some(padding) = value.get("include_obfuscation") {
                body.insert(name.into(), json!({"include_obfuscation": padding}));
            }
        }
        "logprobs" => {
            if value == Value::Bool(true) {
                list(body, "include").push("message.output_text.logprobs".into());
            }
        }
        "include" => list(body, name).extend(value.as_array().into_iter().flatten().cloned()),
        // What is set of it may come from two places.
        "reasoning" | "text" => match value {
            Value::Object(members) => {
                for (inner, value) in members {
                    lay(body, name, &inner, value);
                }
            }
            other => _ = body.insert(name.into(), other),
        },
        _ => _ = body.insert(name.into(), value),
    }
}

fn leave_out(
    name: String,
    value: Value,
    body: &mut Map<String, Value>,
    composed: &mut Composed,
    question: &ChatQuestion<'_>,
) {
    let what = match composed.own.by(&name) {
        Some(SetBy::Setting) => {
            body.insert(name, value);
            return;
        }
        Some(SetBy::Flag(flag)) => format!("`{flag}`"),
        Some(SetBy::Profile(place)) => place.clone(),
        None => return,
    };
    let service = question.service.addressee.as_ref().map(|service| service.provider.as_str());
    let of = service.map(|name| format!(" of {name}")).unwrap_or_default();
    let instead = format!("`--api completions` sends it there, `-O {name}=…` here");
    composed
        .warnings
        .push(format!("{what} is left out: /responses{of} has no such field; {instead}"));
}

/// Sets a member of an object, unless it is there.
fn lay(body: &mut Map<String, Value>, object: &str, name: &str, value: Value) {
    let members = body.entry(object.to_owned()).or_insert_with(|| json!({}));
    if let Value::Object(members) = members {
        members.entry(name.to_owned()).or_insert(value);
    }
}

/// A list of the body, made if there is none.
fn list<'b>(body: &'b mut Map<String, Value>, name: &str) -> &'b mut Vec<Value> {
    let list = body.entry(name.to_owned()).or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    list.as_array_mut().expect("it was just made one")
}

/// `response_format` with what `json_schema` holds laid into it.
fn format(format: Value) -> Value {
    let Value::Object(mut format) = format else { return format };
    if let Some(Value::Object(schema)) = format.shift_remove("json_schema") {
        format.extend(schema);
    }
    format.into()
}

/// A tool with what `function` holds laid into it. Left out, `strict` would mean true.
fn tool(tool: Value) -> Value {
    let Value::Object(mut tool) = tool else { return tool };
    if let Some(Value::Object(function)) = tool.shift_remove("function") {
        tool.extend(function);
    }
    if tool.get("type").is_some_and(|kind| kind == "function") {
        tool.entry("strict").or_insert(false.into());
    }
    tool.into()
}

fn choice(choice: Value) -> Value {
    let Value::Object(mut choice) = choice else { return choice };
    for nested in ["function", "custom", "allowed_tools"] {
        if let Some(Value::Object(members)) = choice.shift_remove(nested) {
            choice.extend(members);
        }
    }
    if let Some(Value::Array(tools)) = choice.get_mut("tools") {
        let flat = std::mem::take(tools).into_iter().map(self::choice);
        *tools = flat.collect();
    }
    choice.into()
}

/// A search of the service's own is a tool here.
fn web_search(options: Value) -> Value {
    let mut tool = json!({"type": "web_search"});
    if let (Value::Object(tool), Value::Object(options)) = (&mut tool, options) {
        tool.extend(options);
        if let Some(Value::Object(place)) = tool.get_mut("user_location")
            && let Some(Value::Object(nearly)) = place.shift_remove("approximate")
        {
            place.extend(nearly);
        }
    }
    tool
}
