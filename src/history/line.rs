//! A line of a conversation's file: a turn, or one that was taken back. Turns are written in one form
//! and read in that of version 0.1 too, which kept the calls of tools as messages of one endpoint.

use serde_json::{Map, Value, json};

use crate::conversation::{ModelReply, ToolCall, Turn};

/// What a line of a conversation's file says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum HistoryLine {
    Turn(Box<Turn>),
    /// The turn with this id was taken back.
    Undo(String),
}

impl HistoryLine {
    /// Reads a line; `None` if it is none of ours.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
        let fields = value.as_object_mut()?;
        if let Some(turn) = fields.get("undo").and_then(Value::as_str) {
            return Some(HistoryLine::Undo(turn.to_owned()));
        }
        let steps = fields.shift_remove("steps");
        if let Some(text) = fields.get("user").and_then(text_of_parts) {
            fields.insert("user".to_owned(), text.into());
        }
        let mut turn: Turn = serde_json::from_value(value).ok()?;
        if let Some(Value::Array(steps)) = steps {
            turn.rounds = rounds(&steps);
        }
        Some(HistoryLine::Turn(Box::new(turn)))
    }

    /// The line that takes a turn back.
    pub(super) fn undo(turn: &str) -> Value {
        json!({ "undo": turn })
    }
}

/// The texts in a list of typed parts; `None` for what is not a list.
fn text_of_parts(user: &Value) -> Option<String> {
    let texts = user.as_array()?.iter().filter_map(|part| part.get("text")?.as_str());
    Some(texts.collect::<Vec<_>>().join("\n"))
}

/// The replies that called tools, out of the messages of `/chat/completions` that version 0.1 kept:
/// an assistant's with `tool_calls`, then a tool's for each of them.
fn rounds(steps: &[Value]) -> Vec<ModelReply> {
    let mut rounds: Vec<ModelReply> = Vec::new();
    for step in steps {
        if step["role"] != "tool" {
            rounds.push(reply(step));
            continue;
        }
        let id = text(step, "tool_call_id");
        let mut calls = rounds.last_mut().into_iter().flat_map(|reply| &mut reply.calls);
        if let Some(call) = calls.find(|call| call.id == id) {
            call.result = text(step, "content");
        }
    }
    rounds
}

fn reply(step: &Value) -> ModelReply {
    let calls = step.get("tool_calls").and_then(Value::as_array);
    ModelReply {
        text: text(step, "content"),
        thinking: text(step, "reasoning"),
        calls: calls.into_iter().flatten().map(call).collect(),
        ..ModelReply::default()
    }
}

fn call(call: &Value) -> ToolCall {
    let is_extra = |name: &str| !matches!(name, "id" | "type" | "function");
    let fields = call.as_object().into_iter().flatten();
    let extra: Map<String, Value> = fields
        .filter(|(name, _)| is_extra(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let function = &call["function"];
    ToolCall {
        id: text(call, "id"),
        name: text(function, "name"),
        arguments: text(function, "arguments"),
        extra,
        ..ToolCall::default()
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{AnswerEnd, Citation, SealedThinking, turn};

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let mut turn = turn("1", "你好\n", "好");
        (turn.end, turn.why) = (AnswerEnd::Failed, Some("断了".to_owned()));
        turn.answer.thinking = "嗯".to_owned();
        turn.answer.sources = vec![Citation {
            url: "https://a.example".to_owned(),
            title: "甲".to_owned(),
            number: Some(2),
        }];
        turn.other_sources = vec![turn.answer.sources.clone(), Vec::new()];
        let call = ToolCall {
            id: "c1".to_owned(),
            name: "查".to_owned(),
            arguments: "{\"城\": 1}".to_owned(),
            extra: json!({"extra_content": {"google": 1}}).as_object().cloned().expect("a map"),
            result: "晴".to_owned(),
            ..ToolCall::default()
        };
        let sealed = SealedThinking {
            provider: "demo".to_owned(),
            base_url: "http://a.example/v1".to_owned(),
            items: vec![json!({"encrypted_content": "gAAA"})],
        };
        turn.rounds =
            vec![ModelReply { calls: vec![call], sealed: Some(sealed), ..ModelReply::default() }];
        let line = serde_json::to_vec(&turn).expect("can be written");
        assert_eq!(HistoryLine::read(&line), Some(HistoryLine::Turn(Box::new(turn))));
        let undo = HistoryLine::undo("1").to_string();
        assert_eq!(HistoryLine::read(undo.as_bytes()), Some(HistoryLine::Undo("1".to_owned())));
        for broken in ["", "{", "{}", "[1]", "你", "{\"turn\":\"1\"}"] {
            assert_eq!(HistoryLine::read(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn lists_of_parts_are_read_as_their_texts() {
        let mut line = serde_json::to_value(turn("1", "", "好")).expect("can be written");
        line["user"] = json!([{"type": "text", "text": "看"}, {"type": "image_url"}]);
        let Some(HistoryLine::Turn(turn)) = HistoryLine::read(line.to_string().as_bytes()) else {
            panic!()
        };
        assert_eq!(turn.user, "看");
    }
}
