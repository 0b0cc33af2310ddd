//! Conversations that go on at the same service, at another one, and in the other dialect.

use serde_json::{Value, json};

use super::answers::{Answers, VisibleText};
use super::chat_dialect::AskedFor;
use super::question::{ChatQuestion, ModelOptions, ResponsesTraits, ServiceTraits};
use super::reader::{ChatReader, ReplyEnd};
use crate::conversation::{Addressee, Conversation, ModelReply, Turn, turn};
use crate::provider::ChatApi;

/// The service that the tests talk to.
fn here() -> Addressee {
    Addressee { provider: "here".to_owned(), base_url: "https://here.example/v1".to_owned() }
}

/// The reply that a stream of these events makes, its calls answered.
fn reply(events: &[Value]) -> ModelReply {
    let asked = AskedFor { api: ChatApi::Responses, ..AskedFor::default() };
    let mut reader = ChatReader::new(asked, "text/event-stream");
    let (mut answers, mut shown) = (Answers::new(1), VisibleText::default());
    for event in events {
        reader.push(format!("data: {event}\n\n").as_bytes(), &mut |event| {
            answers.take(event, &mut shown);
        });
    }
    let end = reader.finish(&mut |event| answers.take(event, &mut shown));
    assert_eq!((end, answers.is_finished()), (ReplyEnd::Stream { done: true }, true));
    let mut calls = answers.calls();
    calls.iter_mut().for_each(|call| call.result = "晴".to_owned());
    let reply = answers.take_replies(&here()).remove(0);
    ModelReply { calls, ..reply }
}

/// The part of a request that tells a service how the conversation goes on there.
fn told(api: ChatApi, turn: &Turn, to: Addressee, responses: ResponsesTraits) -> Value {
    let (conversation, options) = (going_on(turn), ModelOptions::default());
    let asked = ChatQuestion {
        model: None,
        conversation: &conversation,
        options: &options,
        schema: None,
        tools: &[],
        streams: true,
        wants_usage: false,
        wants_thinking: false,
        search: None,
        service: ServiceTraits { addressee: Some(to), responses, ..ServiceTraits::default() },
    };
    let mut needed = super::of(api).fields(&asked).needed;
    needed.remove("input").or_else(|| needed.remove("messages")).expect("the conversation")
}

const SEALS: ResponsesTraits = ResponsesTraits {
    asks_encrypted: true,
    encrypted: true,
    summary: false,
    thinking: false,
    no_thinking: false,
    refusal: false,
    ids: false,
};

/// Thinking, words, a call in two parts, and the answer.
fn talk() -> Turn {
    let thinking = json!({"type": "reasoning", "id": "rs_1", "status": "completed", "summary": [],
        "encrypted_content": "gAAA"});
    let words = json!({"type": "message", "id": "msg_1", "role": "assistant", "phase": "commentary",
        "content": [{"type": "output_text", "text": "我查一下", "annotations": []}]});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "天气",
        "arguments": "{\"城\":1}"});
    let round = reply(&[
        json!({"type": "response.output_item.done", "output_index": 0, "item": thinking}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": words}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"城\""}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": call}),
        json!({"type": "response.completed", "response": {"status": "completed", "output": []}}),
    ]);
    let answer = reply(&[
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "晴"}),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "天"}),
        json!({"type": "response.completed", "response": {"status": "completed", "output": []}}),
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
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "phase": "commentary",
            "content": [{"type": "output_text", "text": "我查一下"}]},
        {"type": "function_call", "call_id": "call_1", "name": "天气", "arguments": "{\"城\":1}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "晴"},
        {"type": "message", "role": "assistant", "content": "晴天"},
        {"role": "user", "content": "明天呢？"},
    ]);
    assert_eq!(told(ChatApi::Responses, &talk(), here(), SEALS), expected);
}

#[test]
fn what_a_service_sealed_goes_to_no_other_place() {
    let elsewhere = Addressee { base_url: "https://there.example/v1".to_owned(), ..here() };
    let other = Addressee { provider: "there".to_owned(), ..here() };
    let refusing = ResponsesTraits { no_thinking: true, ..SEALS };
    let all = [(elsewhere, SEALS, true), (other, SEALS, true), (here(), refusing, false)];
    for (to, takes, is_plain) in all {
        let items = told(ChatApi::Responses, &talk(), to, takes);
        let items = items.as_array().expect("a list");
        assert_eq!(items.len(), 6, "{items:?}");
        assert!(items.iter().all(|item| item["type"] != "reasoning"), "{items:?}");
        assert_eq!(items[1].get("phase").is_none(), is_plain, "{items:?}");
    }
}

#[test]
fn a_conversation_changes_its_dialect_in_mid_way() {
    let messages = told(ChatApi::Completions, &talk(), here(), SEALS);
    let function = json!({"name": "天气", "arguments": "{\"城\":1}"});
    let expected = json!([
        {"role": "user", "content": "天气？"},
        {"role": "assistant", "content": "我查一下",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "晴"},
        {"role": "assistant", "content": "晴天"},
        {"role": "user", "content": "明天呢？"},
    ]);
    assert_eq!(messages, expected);
}
