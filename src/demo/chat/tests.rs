//! Tests of the chat endpoint, on replies as data.

use super::*;

fn stamp() -> Stamp {
    Stamp { number: 7, created: 1_700_000_000, base: String::new() }
}

fn asked(text: &str, fields: Value) -> Value {
    let mut body = json!({"model": "demo", "messages": [{"role": "user", "content": text}]});
    body.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().cloned().expect("an object"));
    body
}

fn whole_answer(body: &Value) -> Value {
    let reply = answer(body, &stamp()).unwrap_or_else(|refusal| refusal);
    assert_eq!(reply.status, 200, "{body}");
    reply.into_json()
}

fn said(body: &Value) -> String {
    whole_answer(body)["choices"][0]["message"]["content"].as_str().expect("a text").to_owned()
}

fn streamed(body: &Value) -> Vec<Value> {
    let mut events = answer(body, &stamp()).unwrap_or_else(|refusal| refusal).into_events();
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

fn refused(body: &Value) -> Value {
    let reply = answer(body, &stamp()).err().expect("refused");
    assert_eq!(reply.status, 400);
    reply.into_json()["error"]["param"].clone()
}

#[test]
fn an_answer_has_every_member_of_the_specification() {
    let document = whole_answer(&asked("你好", json!({})));
    assert_eq!(document["id"], "chatcmpl-demo-7");
    assert_eq!(document["object"], "chat.completion");
    assert_eq!(document["created"], 1_700_000_000);
    assert_eq!(document["model"], "demo");
    let choice = &document["choices"][0];
    assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &json!("stop")));
    assert_eq!(choice["message"]["role"], "assistant");
    let usage = &document["usage"];
    let sum = usage["prompt_tokens"]
        .as_u64()
        .zip(usage["completion_tokens"].as_u64())
        .map(|(a, b)| a + b);
    assert_eq!(usage["prompt_tokens"], 1);
    assert_eq!(sum, usage["total_tokens"].as_u64());
}

#[test]
fn a_stream_is_the_answer_in_pieces() {
    let body =
        asked("你好，世界", json!({"stream": true, "stream_options": {"include_usage": true}}));
    let chunks = streamed(&body);
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let content = |chunk: &Value| {
        chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    let joined: String = chunks.iter().map(content).collect();
    assert_eq!(joined, said(&asked("你好，世界", json!({}))));
    assert!(chunks.iter().all(|chunk| content(chunk).chars().count() <= 16));
    let (usage, pieces) = chunks.split_last().expect("chunks");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], whole_answer(&asked("你好，世界", json!({})))["usage"]);
    assert!(
        pieces
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk["object"] == "chat.completion.chunk")
    );
    let finish = &pieces.last().expect("a last chunk")["choices"][0];
    assert_eq!((&finish["delta"], &finish["finish_reason"]), (&json!({}), &json!("stop")));
    let plain = streamed(&asked("你好", json!({"stream": true})));
    assert!(plain.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn the_token_limit_and_stop_cut_the_answer() {
    let cut = whole_answer(&asked("你好", json!({"max_tokens": 3})));
    assert_eq!(cut["choices"][0]["message"]["content"], "这是 llm 自带");
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    assert_eq!(cut["usage"]["completion_tokens"], 3);
    let newer = whole_answer(&asked("你好", json!({"max_completion_tokens": 1, "max_tokens": 9})));
    assert_eq!(newer["choices"][0]["message"]["content"], "这是");
    let exact = whole_answer(&asked("a", json!({"max_tokens": 1000})));
    assert_eq!(exact["choices"][0]["finish_reason"], "stop");
    let stopped = whole_answer(&asked("你好", json!({"stop": ["你说", "，"]})));
    assert_eq!(stopped["choices"][0]["message"]["content"], "这是 llm 自带的演示服务");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
}

#[test]
fn several_answers_differ_and_take_turns() {
    let document = whole_answer(&asked("你好", json!({"n": 2})));
    let texts: Vec<&str> =
        (0..2).filter_map(|at| document["choices"][at]["message"]["content"].as_str()).collect();
    assert!(
        texts[0].starts_with("【第 1 个回答】") && texts[1].starts_with("【第 2 个回答】"),
        "{texts:?}"
    );
    let chunks = streamed(&asked("hi", json!({"n": 2, "stream": true})));
    let indexes: Vec<u64> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["index"].as_u64()).collect();
    assert_eq!(indexes[..6], [0, 1, 0, 1, 0, 1]);
    let finished =
        chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop").count();
    assert_eq!(finished, 2);
}

#[test]
fn structured_answers_fit_the_schema() {
    let schema =
        json!({"type": "object", "properties": {"城市": {"type": "string"}}, "required": ["城市"]});
    let format = json!({"type": "json_schema", "json_schema": {"name": "city", "schema": schema}});
    assert_eq!(said(&asked("你好", json!({"response_format": format}))), r#"{"城市":"demo"}"#);
    let object = said(&asked("你好", json!({"response_format": {"type": "json_object"}, "n": 2})));
    let object: Value = serde_json::from_str(&object).expect("JSON");
    assert_eq!(object["demo"], true);
    let nameless = json!({"type": "json_schema", "json_schema": {}});
    assert_eq!(
        refused(&asked("你好", json!({"response_format": nameless}))),
        "response_format.json_schema.name"
    );
    assert_eq!(
        refused(&asked("你好", json!({"response_format": {"type": "xml"}}))),
        "response_format.type"
    );
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"城市": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}}}}])
}

#[test]
fn a_tool_is_called_once_with_what_the_user_said() {
    let document = whole_answer(&asked("上海天气", json!({"tools": weather()})));
    let choice = &document["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
    assert_eq!(call["function"]["arguments"], r#"{"城市":"上海天气","days":1}"#);
    let forbidden =
        whole_answer(&asked("use a TOOL", json!({"tools": weather(), "tool_choice": "none"})));
    assert_eq!(forbidden["choices"][0]["finish_reason"], "stop");
    let named = json!({"type": "function", "function": {"name": "weather"}});
    let forced = whole_answer(&asked("天气", json!({"tools": weather(), "tool_choice": named})));
    assert_eq!(forced["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        refused(&asked("天气", json!({"tools": [{"type": "function"}]}))),
        "tools[0].function.name"
    );
}

#[test]
fn a_tool_without_parameters_gets_an_empty_object() {
    let tools = json!([{"type": "function", "function": {"name": "now"}}]);
    let body = asked("现在几点", json!({"tools": tools, "tool_choice": "required"}));
    let call = &whole_answer(&body)["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({"name": "now", "arguments": "{}"}));
}

#[test]
fn a_streamed_call_gives_its_arguments_in_pieces() {
    let chunks = streamed(&asked("tool please", json!({"tools": weather(), "stream": true})));
    let call = |chunk: &Value| chunk["choices"][0]["delta"]["tool_calls"][0].clone();
    assert_eq!(call(&chunks[0])["id"], "call_demo_7_0");
    assert_eq!(call(&chunks[0])["function"]["name"], "weather");
    let parts = chunks
        .iter()
        .map(|chunk| call(chunk)["function"]["arguments"].as_str().unwrap_or_default().to_owned());
    assert_eq!(parts.collect::<String>(), r#"{"城市":"tool please","days":1}"#);
    let last = chunks.last().expect("a last chunk");
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn after_the_result_of_a_tool_it_talks_again() {
    let mut body = asked("use the tool", json!({"tools": weather()}));
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": []}));
    messages.push(json!({"role": "tool", "tool_call_id": "call_demo_7_0", "content": "晴"}));
    assert_eq!(whole_answer(&body)["choices"][0]["finish_reason"], "stop");
    let said = said(&body);
    assert!(said.contains("no model") && said.contains("A tool says: \"晴\"."), "{said}");
}

#[test]
fn fields_of_the_wrong_kind_are_refused() {
    assert_eq!(refused(&asked("你好", json!({"n": 0}))), "n");
    assert_eq!(refused(&asked("你好", json!({"n": 129}))), "n");
    assert_eq!(refused(&asked("你好", json!({"max_tokens": 0}))), "max_tokens");
    assert_eq!(refused(&asked("你好", json!({"stop": [1]}))), "stop");
    assert_eq!(refused(&asked("你好", json!({"stop": ["1", "2", "3", "4", "5"]}))), "stop");
    assert_eq!(refused(&asked("你好", json!({"stream": "yes"}))), "stream");
    assert_eq!(refused(&json!({})), "messages");
}
