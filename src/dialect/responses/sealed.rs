//! What is kept of a reply's items, so that it can go back as it came: thinking that the service alone
//! can read, words with their `phase`, and the order of both and the calls.

use serde_json::{Value, json};

use crate::conversation::{ModelReply, ToolCall};
use crate::dialect::question::ServiceTraits;

/// What a model said in words. llama-server takes it with its type alone.
pub(super) fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": text})
}

/// A call. Without an `id`: one that the service does not know is refused.
pub(super) fn call(call: &ToolCall) -> Value {
    json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.object()})
}

const REASONING: &str = "reasoning";
const MESSAGE: &str = "message";
const CALL: &str = "function_call";

/// The type of an item; empty if it has none.
pub(super) fn kind(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// A text that is not empty.
fn filled<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The items to keep of a whole reply, in their order; nothing where words and calls tell all. Words
/// that the reply has as its text, and the calls, are kept by a sign of their place alone; thinking in
/// plain words is, if `keeps_thinking`.
pub(super) fn kept<'v>(
    output: impl Iterator<Item = &'v Value> + Clone,
    keeps_thinking: bool,
) -> Vec<Value> {
    let messages = output.clone().filter(|item| kind(item) == MESSAGE).count();
    let is_told_apart = |item: &Value| {
        messages > 1 || filled(item, "phase").is_some() || parts(item).any(|part| part.1 == REFUSAL)
    };
    let mut kept = Vec::new();
    let mut has_more = false;
    for item in output {
        match kind(item) {
            REASONING if is_encrypted(item) || keeps_thinking && has_words(item) => {
                has_more = true;
                kept.push(without(item, &["id", "status"]));
            }
            MESSAGE if is_told_apart(item) => {
                has_more = true;
                kept.push(told_apart(item));
            }
            MESSAGE => kept.push(json!({"type": MESSAGE})),
            CALL => kept.push(json!({"type": CALL, "call_id": item.get("call_id")})),
            _ => {}
        }
    }
    if has_more { kept } else { Vec::new() }
}

fn is_encrypted(item: &Value) -> bool {
    filled(item, "encrypted_content").is_some()
}

fn has_words(item: &Value) -> bool {
    let list = |name: &str| item.get(name).and_then(Value::as_array).into_iter().flatten();
    list("content").chain(list("summary")).any(|part| filled(part, "text").is_some())
}

/// An item without fields that hold for the reply alone.
fn without(item: &Value, names: &[&str]) -> Value {
    let fields = item.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, value)| !names.contains(&name.as_str()) && !value.is_null());
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

const REFUSAL: &str = "refusal";

/// The words of a message: each part's text, and its kind.
fn parts(item: &Value) -> impl Iterator<Item = (&str, &str)> {
    let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
    parts.filter_map(|part| {
        let is_refusal = kind(part) == REFUSAL;
        let text = filled(part, if is_refusal { REFUSAL } else { "text" })?;
        Some((text, if is_refusal { REFUSAL } else { "output_text" }))
    })
}

fn told_apart(item: &Value) -> Value {
    let parts = parts(item).map(|(text, kind)| match kind {
        REFUSAL => json!({"type": kind, "refusal": text}),
        _ => json!({"type": kind, "text": text}),
    });
    let mut told = json!({"type": MESSAGE, "content": parts.collect::<Value>()});
    if let Some(phase) = filled(item, "phase") {
        told["phase"] = phase.into();
    }
    told
}

/// What a model said as the service that kept these items takes it back; empty if none of them tells
/// anything.
pub(super) fn said(kept: &[Value], reply: &ModelReply, service: &ServiceTraits<'_>) -> Vec<Value> {
    let is_ours = |item: &Value| [REASONING, MESSAGE, CALL].contains(&kind(item));
    if !kept.iter().any(is_ours) {
        return Vec::new();
    }
    let mut said = Vec::new();
    let mut told = Vec::new();
    for item in kept {
        match kind(item) {
            REASONING => said.extend(thinking(item, service)),
            MESSAGE => said.extend(words(item, reply, service)),
            CALL => {
                let own = item.get("call_id").and_then(Value::as_str);
                let mut calls = reply.calls.iter().enumerate();
                let found = calls.find(|(at, call)| own == Some(&call.id) && !told.contains(at));
                if let Some((at, one)) = found {
                    told.push(at);
                    said.push(call(one));
                }
            }
            _ => {}
        }
    }
    let others = reply.calls.iter().enumerate().filter(|(at, _)| !told.contains(at));
    said.extend(others.map(|(_, one)| call(one)));
    // Thinking that nothing follows is refused.
    let is_thinking = |item: &mut Value| kind(item) == REASONING;
    while said.pop_if(is_thinking).is_some() {}
    said
}

/// Thinking as the service takes it back, if it does.
fn thinking(item: &Value, service: &ServiceTraits<'_>) -> Option<Value> {
    let takes = &service.responses;
    if takes.no_thinking
        || !(takes.encrypted && is_encrypted(item) || takes.thinking && has_words(item))
    {
        return None;
    }
    let mut told = without(item, if takes.encrypted { &[] } else { &["encrypted_content"] });
    if told.get("summary").is_none() {
        told["summary"] = json!([]);
    }
    Some(told)
}

/// Words of a message. Those of a refusal are words like others where a service takes no refusal.
fn words(item: &Value, reply: &ModelReply, service: &ServiceTraits<'_>) -> Option<Value> {
    if item.get("content").is_none() {
        return (!reply.text.is_empty()).then(|| message(&reply.text));
    }
    let told = parts(item).map(|(text, kind)| match kind {
        REFUSAL if service.responses.refusal => json!({"type": REFUSAL, "refusal": text}),
        _ => json!({"type": "output_text", "text": text}),
    });
    let content: Vec<Value> = told.collect();
    let phase = filled(item, "phase");
    (!content.is_empty()).then(|| {
        let mut message = json!({"type": MESSAGE, "role": "assistant", "content": content});
        if let Some(phase) = phase {
            message["phase"] = phase.into();
        }
        message
    })
}
