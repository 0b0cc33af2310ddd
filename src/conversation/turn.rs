//! One question with its answer, as it is kept: a line of JSON. Reads and writes no files.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How an answer came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    #[default]
    Done,
    /// Cut by a limit of tokens.
    Cut,
    /// The user, or a reader that went away, ended it.
    Interrupted,
    /// Anything else; `why` says what.
    Failed,
}

impl End {
    /// What a reader is told of an answer that is not whole.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            End::Done => None,
            End::Cut => Some("cut by a token limit"),
            End::Interrupted => Some("interrupted"),
            End::Failed => Some("failed"),
        }
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) content: String,
    /// Its thinking, which some services want back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reasoning: String,
}

/// Which service and model answered, in the words that choose them again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) provider: String,
    pub(crate) model: String,
    /// `--base-url` and `--api-key-env`, where a one-off server was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_env: Option<String>,
}

/// A file that went along with a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// What the user called it.
    pub(crate) name: String,
    /// The name of its content in the data folder, unless it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// Its own id, so that it can be taken back.
    pub(crate) turn: String,
    /// When the answer ended (RFC 3339, UTC).
    pub(crate) time: String,
    /// The conversation's name, if the user gave it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(flatten)]
    pub(crate) service: Service,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    /// The `content` of the user's message: a text, or a list of typed parts.
    pub(crate) user: Value,
    /// The files that went along; a text in `user` ends with their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<File>,
    /// The messages between both: calls of tools, their results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) steps: Vec<Value>,
    pub(crate) answer: Answer,
    /// Further answers, where several were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<String>,
    #[serde(default)]
    pub(crate) end: End,
    /// The message of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Value>,
}

/// What a line of a conversation's file says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Turn(Box<Turn>),
    /// The turn with this id was taken back.
    Undo(String),
}

impl Line {
    /// Reads a line; `None` if it is none of ours.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        if let Some(turn) = value.get("undo").and_then(Value::as_str) {
            return Some(Line::Undo(turn.to_owned()));
        }
        serde_json::from_value(value).ok().map(|turn| Line::Turn(Box::new(turn)))
    }

    /// The line that takes a turn back.
    pub(super) fn undo(turn: &str) -> Value {
        json!({ "undo": turn })
    }
}

impl Turn {
    /// The text of the user's message; parts that are no text are left out.
    pub(crate) fn user_text(&self) -> String {
        match &self.user {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}

/// The messages of a conversation, oldest first, its system message in front. `echo` is the field
/// in which the service wants its own thinking back, if it does; `provider` the one that is asked, if
/// it matters: calls of tools that another one made are told in a form that all take.
pub(crate) fn messages(
    turns: &[Turn],
    system: Option<&str>,
    echo: Option<&str>,
    provider: Option<&str>,
) -> Vec<Value> {
    let system = system.or_else(|| system_of(turns));
    let mut messages: Vec<Value> =
        system.map(|text| json!({"role": "system", "content": text})).into_iter().collect();
    // A question without an answer would stand before the next question.
    for turn in turns.iter().filter(|turn| !turn.answer.content.is_empty()) {
        messages.push(json!({"role": "user", "content": turn.user}));
        let is_foreign = provider.is_some_and(|name| name != turn.service.provider);
        let steps = if is_foreign { plain_steps(turn, messages.len()) } else { turn.steps.clone() };
        messages.extend(steps.iter().map(|step| step_message(step, echo)));
        let mut answer = Map::new();
        answer.insert("role".into(), "assistant".into());
        answer.insert("content".into(), turn.answer.content.as_str().into());
        if let Some(field) = echo.filter(|_| !turn.answer.reasoning.is_empty()) {
            answer.insert(field.into(), turn.answer.reasoning.as_str().into());
        }
        messages.push(Value::Object(answer));
    }
    messages
}

/// The steps of a turn without what a service wrote into its calls for itself (Gemini's signature,
/// which others refuse), and with ids as all take them: Mistral wants nine letters and digits.
/// `place` makes them differ from those of other turns.
fn plain_steps(turn: &Turn, place: usize) -> Vec<Value> {
    let mut ids: Vec<String> = Vec::new();
    let new_id = |number: usize| format!("c{place:04}n{number:03}");
    let mut steps = turn.steps.clone();
    for step in &mut steps {
        for call in step.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let id = new_id(ids.len());
            ids.push(call["id"].as_str().unwrap_or_default().to_owned());
            *call = json!({"id": id, "type": "function", "function": call["function"]});
        }
        let old = step.get("tool_call_id").and_then(Value::as_str);
        // The last of that id: a service may count anew in each reply.
        if let Some(number) = ids.iter().rposition(|id| Some(id.as_str()) == old) {
            step["tool_call_id"] = new_id(number).into();
        }
    }
    steps
}

/// A kept step as a message. `echo` as [`messages`] has it; a message that calls tools has the field
/// in any case, as Moonshot and DeepSeek refuse the next one without it.
pub(crate) fn step_message(step: &Value, echo: Option<&str>) -> Value {
    let mut message = step.as_object().cloned().unwrap_or_default();
    let thoughts = message.shift_remove("reasoning");
    if let Some(field) = echo.filter(|_| message.contains_key("tool_calls")) {
        message.insert(field.to_owned(), thoughts.unwrap_or_else(|| "".into()));
    }
    Value::Object(message)
}

/// The system message that a conversation has now: that of its last turn.
pub(super) fn system_of(turns: &[Turn]) -> Option<&str> {
    turns.last().and_then(|turn| turn.system.as_deref())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn turn(id: &str, user: &str, answer: &str) -> Turn {
        Turn {
            turn: id.to_owned(),
            time: "2026-11-22T12:00:00Z".to_owned(),
            session: None,
            service: Service {
                provider: "demo".into(),
                model: "demo".into(),
                ..Service::default()
            },
            system: None,
            user: user.into(),
            files: Vec::new(),
            steps: Vec::new(),
            answer: Answer { content: answer.to_owned(), reasoning: String::new() },
            others: Vec::new(),
            end: End::Done,
            why: None,
            usage: None,
        }
    }

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let mut turn = turn("1", "你好\n", "好");
        (turn.end, turn.why) = (End::Failed, Some("断了".to_owned()));
        turn.answer.reasoning = "嗯".to_owned();
        let line = serde_json::to_vec(&turn).expect("can be written");
        assert_eq!(Line::read(&line), Some(Line::Turn(Box::new(turn))));
        let undo = Line::undo("1").to_string();
        assert_eq!(Line::read(undo.as_bytes()), Some(Line::Undo("1".to_owned())));
        for broken in ["", "{", "{}", "[1]", "你", "{\"turn\":\"1\"}"] {
            assert_eq!(Line::read(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn earlier_turns_become_messages() {
        let mut turns = vec![turn("1", "一", "甲"), turn("2", "二", ""), turn("3", "三", "丙")];
        turns[0].answer.reasoning = "想".to_owned();
        turns[2].system = Some("简短".to_owned());
        let seen = messages(&turns, None, Some("reasoning_content"), None);
        let expected = json!([
            {"role": "system", "content": "简短"},
            {"role": "user", "content": "一"},
            {"role": "assistant", "content": "甲", "reasoning_content": "想"},
            {"role": "user", "content": "三"},
            {"role": "assistant", "content": "丙"},
        ]);
        assert_eq!(Value::from(seen), expected);
        let seen = messages(&turns[..1], Some("新"), None, None);
        assert_eq!(seen[0]["content"], "新");
        assert_eq!(seen[2], json!({"role": "assistant", "content": "甲"}));
    }

    #[test]
    fn calls_of_tools_are_told_as_they_were_or_to_another_service_plainly() {
        let mut turn = turn("1", "问", "答");
        let function = json!({"name": "t", "arguments": "{}"});
        let call = json!({"id": "call_long_1", "type": "function", "function": function, "extra_content": {"google": 1}});
        let result = json!({"role": "tool", "tool_call_id": "call_long_1", "content": "晴"});
        let calling =
            json!({"role": "assistant", "content": "", "reasoning": "想", "tool_calls": [call]});
        turn.steps = vec![calling.clone(), result.clone(), calling, result.clone()];
        let line = serde_json::to_vec(&turn).expect("can be written");
        assert_eq!(Line::read(&line), Some(Line::Turn(Box::new(turn.clone()))));
        let turns = [turn];
        let own = messages(&turns, None, None, Some("demo"));
        assert_eq!(own[1], json!({"role": "assistant", "content": "", "tool_calls": [call]}));
        assert_eq!(own[2], result);
        let echoed = messages(&turns, None, Some("reasoning_content"), None);
        assert_eq!(echoed[1]["reasoning_content"], "想");
        let other = messages(&turns, None, None, Some("mistral"));
        let ids = ["c0001n000", "c0001n001"];
        for (number, id) in ids.into_iter().enumerate() {
            let plain = json!({"id": id, "type": "function", "function": function});
            assert_eq!(other[1 + 2 * number]["tool_calls"], json!([plain]));
            assert_eq!(other[2 + 2 * number]["tool_call_id"], id);
        }
        assert_eq!(other[5], json!({"role": "assistant", "content": "答"}));
    }

    #[test]
    fn the_text_of_a_message_with_parts_is_its_texts() {
        let mut turn = turn("1", "", "");
        turn.user = json!([{"type": "text", "text": "看"}, {"type": "image_url"}]);
        assert_eq!(turn.user_text(), "看");
    }
}
