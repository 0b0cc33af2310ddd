//! `POST /v1/chat/completions`: an answer that says that there is no model, whole or as a stream.

use serde_json::{Value, json};

use super::fields::{field, flag, whole};
use super::messages::{UserMessage, hear};
use super::pieces;
use super::reply::{DemoReply, MODEL, Stamp};
use super::schema::{fill, fill_with};
use super::spoken;

/// The most bytes of the message times the number of answers, as each of them repeats it.
const MAX_REPEATED_BYTES: usize = 128 << 20;

/// One of the `n` answers.
struct Choice {
    /// The text, or the arguments of the call.
    text: String,
    call: Option<Call>,
    finish: &'static str,
}

/// A tool call without its arguments.
struct Call {
    id: String,
    name: String,
}

/// Answers a chat request by the specification; invalid fields are a 400.
pub(crate) fn answer(body: &Value, stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    let heard = hear(body)?;
    let choices = choices(body, &heard, stamp)?;
    let usage = usage(&heard, &choices);
    if flag(body, "stream")? {
        let options = field(body, "stream_options").unwrap_or(&Value::Null);
        let usage = flag(options, "include_usage")?.then_some(usage);
        return Ok(DemoReply::events_until_done(chunks(choices, usage, stamp)));
    }
    let choices: Vec<Value> = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| whole_choice(index, choice))
        .collect();
    Ok(DemoReply::json(&json!({
        "id": format!("chatcmpl-demo-{}", stamp.number), "object": "chat.completion",
        "created": stamp.created, "model": MODEL, "choices": choices, "usage": usage,
        "service_tier": "default", "system_fingerprint": "llm-demo-no-model",
    })))
}

fn choices(body: &Value, heard: &UserMessage, stamp: &Stamp) -> Result<Vec<Choice>, DemoReply> {
    let number = whole(body, "n", 1..=128)?.unwrap_or(1) as usize;
    let mut limit = whole(body, "max_completion_tokens", 1..=u64::MAX)?;
    if limit.is_none() {
        limit = whole(body, "max_tokens", 1..=u64::MAX)?;
    }
    let stops = stops(body)?;
    let tool = wanted_tool(body, heard)?;
    let document = document(body, heard)?;
    if heard.text.len().saturating_mul(number) > MAX_REPEATED_BYTES {
        return Err(DemoReply::refused("n", "is too large for such a long message"));
    }
    let choice = |index: usize| {
        let (mut text, mut finish) = match (tool, &document) {
            (Some(tool), _) => (arguments(tool, &heard.text), "tool_calls"),
            (None, Some(document)) => (document.clone(), "stop"),
            (None, None) => (spoken::answer(heard, index, number), "stop"),
        };
        let call = tool.map(|tool| Call {
            id: format!("call_demo_{}_{index}", stamp.number),
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
        });
        let stop = stops.iter().filter_map(|stop| text.find(stop)).min();
        if let Some(at) = stop.filter(|_| call.is_none()) {
            text.truncate(at);
        }
        if let Some(limit) = limit {
            let kept = pieces::head(&text, usize::try_from(limit).unwrap_or(usize::MAX)).len();
            if kept < text.len() {
                text.truncate(kept);
                finish = "length";
            }
        }
        Choice { text, call, finish }
    };
    Ok((0..number).map(choice).collect())
}

/// `stop`: a string or up to four of them.
fn stops(body: &Value) -> Result<Vec<String>, DemoReply> {
    let listed = match field(body, "stop") {
        None => return Ok(Vec::new()),
        Some(Value::Array(listed)) if listed.len() <= 4 => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let texts: Option<Vec<String>> =
        listed.iter().map(|stop| stop.as_str().map(str::to_owned)).collect();
    let texts =
        texts.ok_or_else(|| DemoReply::refused("stop", "must be a string or up to 4 strings"))?;
    Ok(texts.into_iter().filter(|stop| !stop.is_empty()).collect())
}

/// The JSON text that `response_format` asks for; `None` for plain text.
fn document(body: &Value, heard: &UserMessage) -> Result<Option<String>, DemoReply> {
    let Some(format) = field(body, "response_format") else {
        return Ok(None);
    };
    let document = match format["type"].as_str() {
        Some("text") => return Ok(None),
        Some("json_object") => json!({"demo": true, "message": spoken::answer(heard, 0, 1)}),
        Some("json_schema") => {
            let wanted = &format["json_schema"];
            if wanted["name"].as_str().is_none_or(str::is_empty) {
                return Err(DemoReply::missing("response_format.json_schema.name"));
            }
            field(wanted, "schema").map_or_else(|| json!({"demo": true}), fill)
        }
        _ => {
            let message = "must be text, json_object or json_schema";
            return Err(DemoReply::refused("response_format.type", message));
        }
    };
    Ok(Some(document.to_string()))
}

/// The definition of the tool to call: the one that `tool_choice` names, or the first one if a call is
/// required or the last message is from the user.
fn wanted_tool<'a>(body: &'a Value, heard: &UserMessage) -> Result<Option<&'a Value>, DemoReply> {
    let Some(tools) = field(body, "tools") else {
        return Ok(None);
    };
    let tools = tools.as_array().ok_or_else(|| DemoReply::refused("tools", "must be an array"))?;
    let tools: Vec<&Value> = tools.iter().map(|tool| &tool["function"]).collect();
    if let Some(index) = tools.iter().position(|tool| !tool["name"].is_string()) {
        return Err(DemoReply::missing(&format!("tools[{index}].function.name")));
    }
    let first = tools.first().copied();
    let choice = field(body, "tool_choice").unwrap_or(&Value::Null);
    if let Some(name) = field(&choice["function"], "name") {
        let named = tools.into_iter().find(|tool| tool["name"] == *name);
        let unknown = || DemoReply::refused("tool_choice", "names none of the tools");
        return named.map(Some).ok_or_else(unknown);
    }
    let is_wanted = choice == "required" || (heard.user_is_last && choice != "none");
    Ok(first.filter(|_| is_wanted))
}

/// The arguments of a call. Strings that may be anything are the user's text.
fn arguments(tool: &Value, text: &str) -> String {
    let made = |schema| fill_with(schema, text);
    field(tool, "parameters").map_or_else(|| json!({}), made).to_string()
}

fn tool_call(call: &Call, arguments: &str) -> Value {
    let function = json!({"name": call.name, "arguments": arguments});
    json!({"id": call.id, "type": "function", "function": function})
}

fn whole_choice(index: usize, choice: Choice) -> Value {
    let mut message =
        json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    match &choice.call {
        Some(call) => message["tool_calls"] = json!([tool_call(call, &choice.text)]),
        None => message["content"] = Value::String(choice.text),
    }
    json!({"index": index, "message": message, "logprobs": null, "finish_reason": choice.finish})
}

fn usage(heard: &UserMessage, choices: &[Choice]) -> Value {
    let answered: u64 = choices.iter().map(|choice| pieces::count(&choice.text)).sum();
    json!({
        "prompt_tokens": heard.tokens, "completion_tokens": answered,
        "total_tokens": heard.tokens + answered,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

/// The chunks of a stream: the roles, the pieces of all answers in turn, and the usage if it is
/// requested.
fn chunks(
    choices: Vec<Choice>,
    usage: Option<Value>,
    stamp: &Stamp,
) -> impl Iterator<Item = Value> + Send + use<> {
    let (number, created, asked) = (stamp.number, stamp.created, usage.is_some());
    let frame = move |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": format!("chatcmpl-demo-{number}"), "object": "chat.completion.chunk",
            "created": created, "model": MODEL, "service_tier": "default",
            "system_fingerprint": "llm-demo-no-model", "choices": choices,
        });
        if asked {
            chunk["usage"] = usage.unwrap_or_default();
        }
        chunk
    };
    let roles: Vec<Value> =
        choices.iter().enumerate().map(|(index, choice)| first_delta(index, choice)).collect();
    let deltas =
        roles.into_iter().chain(turns(choices)).map(move |choice| frame(json!([choice]), None));
    deltas.chain(usage.map(|usage| frame(json!([]), Some(usage))))
}

fn delta(index: usize, delta: Value, finish: Option<&str>) -> Value {
    json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish})
}

fn first_delta(index: usize, choice: &Choice) -> Value {
    match &choice.call {
        None => delta(index, json!({"role": "assistant", "content": "", "refusal": null}), None),
        Some(call) => {
            let mut call = tool_call(call, "");
            call["index"] = json!(0);
            delta(index, json!({"role": "assistant", "content": null, "tool_calls": [call]}), None)
        }
    }
}

/// One piece of each answer in turn until all are finished; after an answer's last piece its
/// `finish_reason`.
fn turns(choices: Vec<Choice>) -> impl Iterator<Item = Value> + Send {
    let mut open: std::collections::VecDeque<(usize, usize, Choice)> =
        choices.into_iter().enumerate().map(|(index, choice)| (index, 0, choice)).collect();
    std::iter::from_fn(move || {
        let (index, sent, choice) = open.pop_front()?;
        let Some(piece) = pieces::next_piece(&choice.text[sent..]) else {
            return Some(delta(index, json!({}), Some(choice.finish)));
        };
        let said = match &choice.call {
            None => json!({"content": piece}),
            Some(_) => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        };
        let sent = sent + piece.len();
        open.push_back((index, sent, choice));
        Some(delta(index, said, None))
    })
}

#[cfg(test)]
mod tests;
