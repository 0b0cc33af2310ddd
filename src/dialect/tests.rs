//! A second, small dialect, to show that nothing outside a dialect depends on one: items instead of
//! messages, thinking that only its service can read, typed events, an end without `[DONE]`.

use serde_json::{Map, Value, json};

use super::answers::{Answers, ReplyVerdict, VisibleText};
use super::chat_completions::ChatCompletions;
use super::chat_dialect::{ChatDialect, ReadEvents, Seen};
use super::event::{ArgumentsDelta, ChatEvent, Finish, ToolCallDelta};
use super::question::{ChatQuestion, ModelOptions, ServiceTraits};
use super::reader::{ChatReader, ReplyEnd};
use crate::conversation::{Addressee, Conversation, Message, ModelReply, Turn, turn};
use crate::http::fault;
use crate::http::sse::Event;
use crate::provider::{Fields, Job};

#[derive(Debug)]
struct Items;

impl ChatDialect for Items {
    fn job(&self) -> Job {
        Job::Chat
    }

    fn fields(&self, question: &ChatQuestion<'_>) -> Fields {
        let mut needed = Map::new();
        needed.insert("input".into(), items(question).into());
        let mut flags = Map::new();
        if let Some(tokens) = question.options.max_tokens {
            flags.insert("max_output_tokens".into(), tokens.into());
        }
        Fields { needed, flags }
    }

    fn complete(&self, body: &mut Map<String, Value>, _question: &ChatQuestion<'_>) {
        body.insert("store".into(), false.into());
    }

    fn events(&self) -> Box<dyn ReadEvents> {
        Box::new(ItemEvents)
    }
}

fn items(question: &ChatQuestion<'_>) -> Vec<Value> {
    let mut items = Vec::new();
    for message in &question.conversation.messages {
        match message {
            Message::User { text, .. } => items.push(json!({"role": "user", "content": text})),
            Message::Model { reply, provider } => {
                let service = question.service.addressee.as_ref().expect("a service");
                let reply = service.told(reply, provider);
                items.extend(reply.sealed.iter().flat_map(|sealed| sealed.items.clone()));
                if !reply.text.is_empty() {
                    items.push(json!({"role": "assistant", "content": reply.text}));
                }
                for call in &reply.calls {
                    items.push(json!({"type": "function_call", "call_id": call.id,
                        "name": call.name, "arguments": call.object()}));
                }
                for call in &reply.calls {
                    items.push(json!({"type": "function_call_output", "call_id": call.id,
                        "output": call.result}));
                }
            }
        }
    }
    items
}

#[derive(Debug)]
struct ItemEvents;

impl ReadEvents for ItemEvents {
    fn event(&mut self, event: Event<'_>, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        let Ok(value) = serde_json::from_slice::<Value>(event.data) else {
            seen.unreadable.get_or_insert_with(|| "it holds an event that is not JSON".to_owned());
            return;
        };
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let position = value["output_index"].as_u64();
        match text("/type") {
            "text.delta" => {
                each(ChatEvent::Text { index: 0, text: text("/delta"), is_thought: false });
            }
            "summary.delta" => {
                each(ChatEvent::Thinking { index: 0, text: text("/delta"), sealed: None });
            }
            "arguments.delta" => {
                let arguments = ArgumentsDelta::More(text("/delta"));
                let delta = ToolCallDelta { position, arguments, ..ToolCallDelta::default() };
                each(ChatEvent::ToolCall { index: 0, delta: Box::new(delta) });
            }
            "item.done" if text("/item/type") == "reasoning" => {
                each(ChatEvent::Thinking { index: 0, text: "", sealed: value.get("item") });
            }
            "item.done" if text("/item/type") == "function_call" => {
                let delta = ToolCallDelta {
                    position,
                    id: Some(text("/item/call_id")),
                    name: Some(text("/item/name")),
                    arguments: ArgumentsDelta::Whole(text("/item/arguments").into()),
                    extra: Vec::new(),
                };
                each(ChatEvent::ToolCall { index: 0, delta: Box::new(delta) });
            }
            "failed" => seen.fault = Some(fault::read(event.data)),
            "completed" | "incomplete" => {
                each(ChatEvent::Usage(&value["usage"]));
                let is_cut = text("/type") == "incomplete";
                let finish = if is_cut { Finish::Length } else { Finish::Done };
                each(ChatEvent::Finish { index: 0, finish, word: text("/type") });
                seen.is_done = true;
            }
            _ => {}
        }
    }

    fn document(
        &mut self,
        body: &[u8],
        _seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
        let text = value["text"].as_str().unwrap_or_default();
        each(ChatEvent::Text { index: 0, text, is_thought: false });
        true
    }
}

/// The service that the tests talk to.
fn here() -> Addressee {
    Addressee { provider: "here".to_owned(), base_url: "https://here.example/v1".to_owned() }
}

/// What the dialect makes of a stream of these events.
fn read(events: &[Value]) -> (Answers, ReplyEnd) {
    let (mut reader, mut answers) = (ChatReader::new(&Items, "text/event-stream"), Answers::new(1));
    let mut shown = VisibleText::default();
    for event in events {
        reader.push(format!("data: {event}\n\n").as_bytes(), &mut |event| {
            answers.take(event, &mut shown);
        });
    }
    let end = reader.finish(&mut |event| answers.take(event, &mut shown));
    answers.finish(&mut shown);
    (answers, end)
}

/// The reply that these events make, its calls answered.
fn reply(events: &[Value]) -> ModelReply {
    let (mut answers, end) = read(events);
    assert_eq!((end, answers.is_finished()), (ReplyEnd::Stream { done: true }, true));
    let mut calls = answers.calls();
    calls.iter_mut().for_each(|call| call.result = "晴".to_owned());
    let reply = answers.take_replies(&here()).remove(0);
    ModelReply { calls, ..reply }
}

fn question<'a>(conversation: &'a Conversation, options: &'a ModelOptions) -> ChatQuestion<'a> {
    ChatQuestion {
        model: None,
        conversation,
        options,
        schema: None,
        tools: &[],
        streams: true,
        wants_usage: false,
        service: ServiceTraits::default(),
    }
}

/// The part of a request that tells a service how the conversation goes on there.
fn told(dialect: &dyn ChatDialect, turn: &Turn, to: Addressee) -> Value {
    let (conversation, options) = (going_on(turn), ModelOptions::default());
    let service = ServiceTraits { addressee: Some(to), ..ServiceTraits::default() };
    let asked = ChatQuestion { service, ..question(&conversation, &options) };
    let mut needed = dialect.fields(&asked).needed;
    needed.remove("input").or_else(|| needed.remove("messages")).expect("the conversation")
}

/// A conversation over the small dialect: thinking, a call in two parts, and the answer.
fn talk() -> Turn {
    let thinking = json!({"type": "reasoning", "encrypted_content": "gAAA"});
    let call = json!({"type": "function_call", "call_id": "call_1", "name": "天气", "arguments": "{\"城\":1}"});
    let round = reply(&[
        json!({"type": "summary.delta", "delta": "想"}),
        json!({"type": "item.done", "output_index": 0, "item": thinking}),
        json!({"type": "arguments.delta", "output_index": 1, "delta": "{\"城\""}),
        json!({"type": "item.done", "output_index": 1, "item": call}),
        json!({"type": "completed", "usage": {"input_tokens": 1}}),
    ]);
    let answer = reply(&[
        json!({"type": "text.delta", "delta": "晴"}),
        json!({"type": "text.delta", "delta": "天"}),
        json!({"type": "completed"}),
    ]);
    let mut turn = turn("1", "天气？", "");
    turn.service.provider = here().provider;
    (turn.rounds, turn.answer) = (vec![round], answer);
    // As the history keeps it.
    let line = serde_json::to_string(&turn).expect("can be written");
    let kept: Turn = serde_json::from_str(&line).expect("can be read");
    assert_eq!(kept, turn);
    kept
}

/// The conversation with a further question.
fn going_on(turn: &Turn) -> Conversation {
    let question = |turn: &Turn| (turn.user.clone(), Vec::new());
    let turns = std::slice::from_ref(turn);
    let mut conversation = Conversation::of_turns(turns, None, question);
    conversation.ask("明天呢？".to_owned(), Vec::new());
    conversation
}

#[test]
fn a_conversation_comes_back_to_its_service_as_it_was() {
    let expected = json!([
        {"role": "user", "content": "天气？"},
        {"type": "reasoning", "encrypted_content": "gAAA"},
        {"type": "function_call", "call_id": "call_1", "name": "天气", "arguments": "{\"城\":1}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "晴"},
        {"role": "assistant", "content": "晴天"},
        {"role": "user", "content": "明天呢？"},
    ]);
    assert_eq!(told(&Items, &talk(), here()), expected);
}

#[test]
fn what_a_service_sealed_goes_to_no_other_place() {
    let elsewhere = Addressee { base_url: "https://there.example/v1".to_owned(), ..here() };
    let other = Addressee { provider: "there".to_owned(), ..here() };
    for to in [elsewhere, other] {
        let items = told(&Items, &talk(), to);
        let items = items.as_array().expect("a list");
        assert_eq!(items.len(), 5, "{items:?}");
        assert!(items.iter().all(|item| item["type"] != "reasoning"), "{items:?}");
    }
}

#[test]
fn a_conversation_changes_its_dialect_in_mid_way() {
    let messages = told(&ChatCompletions, &talk(), here());
    let function = json!({"name": "天气", "arguments": "{\"城\":1}"});
    let expected = json!([
        {"role": "user", "content": "天气？"},
        {"role": "assistant", "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "晴"},
        {"role": "assistant", "content": "晴天"},
        {"role": "user", "content": "明天呢？"},
    ]);
    assert_eq!(messages, expected);
}

#[test]
fn how_a_reply_ended_is_told_by_its_last_event() {
    let text = json!({"type": "text.delta", "delta": "半"});
    let (answers, _) = read(&[text.clone(), json!({"type": "incomplete", "usage": {}})]);
    assert_eq!(answers.verdict(), ReplyVerdict::Length);
    let (answers, end) = read(&[text]);
    assert_eq!((end, answers.is_finished()), (ReplyEnd::Stream { done: false }, false));
    let mut reader = ChatReader::new(&Items, "text/event-stream");
    let failed = json!({"type": "failed", "error": {"message": "坏", "code": "server_error"}});
    reader.push(format!("data: {failed}\n\n").as_bytes(), &mut |_| {});
    assert_eq!(reader.fault().map(|fault| fault.message.as_str()), Some("坏"));
}

#[test]
fn a_body_is_completed_by_its_dialect() {
    let (conversation, options) = (Conversation::default(), ModelOptions::default());
    let asked = ChatQuestion { wants_usage: true, ..question(&conversation, &options) };
    let mut body = Map::new();
    Items.complete(&mut body, &asked);
    assert_eq!(Value::from(body), json!({"store": false}));
}
