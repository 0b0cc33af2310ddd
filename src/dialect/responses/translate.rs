//! The names of `/chat/completions` in a composed body as those of this endpoint.

use serde_json::{Value, json};

use super::weighed::WeighedBody;
use crate::dialect::question::ChatQuestion;
use crate::provider::Composed;
use crate::provider::user_fields::{SetBy, UserFields};

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

/// Fields that have another name.
const RENAMED: [(&str, &str); 3] = [
    ("messages", "input"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
];

/// Fields whose other name is one inside an object: name, object, name in it.
const MOVED: [(&str, &str, &str); 3] = [
    ("reasoning_effort", "reasoning", "effort"),
    ("verbosity", "text", "verbosity"),
    ("response_format", "text", "format"),
];

/// Gives the fields of a body the names and forms that they have here. What has no counterpart is left
/// out, unless `-O` sets it: what that sets goes out. The user is told where it is theirs.
pub(super) fn translate(composed: &mut Composed, question: &ChatQuestion<'_>) {
    let old = std::mem::take(&mut composed.body);
    let own = composed.own.clone();
    let mut body = WeighedBody::default();
    for (name, value) in old {
        if NONE.contains(&name.as_str()) {
            leave_out(name, value, &mut body, composed, question);
        } else if let Some((_, to)) = RENAMED.iter().find(|(from, _)| *from == name) {
            composed.own.rename(&name, to);
            body.set(to, value, own.weight(&name, None).0);
        } else if let Some((_, object, inner)) = MOVED.iter().find(|(from, ..)| *from == name) {
            composed.own.rename(&name, object);
            let value = if *inner == "format" { format(value) } else { value };
            body.lay(object, inner, value, (own.weight(&name, None).0, false));
        } else if name == "logprobs" && !matches!(value, Value::Bool(_) | Value::Null) {
            leave_out(name, value, &mut body, composed, question);
        } else {
            take(&name, value, &mut body, &own);
        }
    }
    composed.body = body.fields;
}

/// A field that is one here too, perhaps in another form.
fn take(name: &str, value: Value, body: &mut WeighedBody, own: &UserFields) {
    match (name, value) {
        ("tools", Value::Array(tools)) => body.list(name).extend(tools.into_iter().map(tool)),
        ("web_search_options", Value::Null | Value::Bool(false)) => {}
        ("web_search_options", options) => body.list("tools").push(web_search(options)),
        ("tool_choice", value) => _ = body.fields.insert(name.to_owned(), choice(value)),
        // Counts come unasked, and asking is refused.
        ("stream_options", Value::Object(mut options)) => {
            options.shift_remove("include_usage");
            if !options.is_empty() {
                body.fields.insert(name.to_owned(), options.into());
            }
        }
        ("logprobs", value) => {
            if value == Value::Bool(true) {
                body.list("include").push("message.output_text.logprobs".into());
            }
        }
        ("include", Value::Array(words)) => body.list(name).extend(words),
        ("tools" | "include", one) if body.fields.contains_key(name) => body.list(name).push(one),
        // What is set of it may come from two places.
        ("reasoning" | "text", Value::Object(members)) => {
            for (inner, value) in members {
                let weight = own.weight(name, Some(&inner));
                body.lay(name, &inner, value, weight);
            }
        }
        (_, value) => body.set(name, value, own.weight(name, None).0),
    }
}

fn leave_out(
    name: String,
    value: Value,
    body: &mut WeighedBody,
    composed: &mut Composed,
    question: &ChatQuestion<'_>,
) {
    let what = match composed.own.by(&name) {
        Some(SetBy::Setting) => {
            body.fields.insert(name, value);
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
