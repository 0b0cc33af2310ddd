//! Every dialect of a call of a tool in `tests/wire`, replayed to the run of the tool and its result on
//! the way back.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Reply, Server, llm};

/// File, and the calls in it: id (empty where the program has to make one), name, arguments.
type Sample = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

fn wire(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("wire").join(name);
    std::fs::read(path).expect("the sample is there")
}

/// Answers with the body, then with words; gives the messages of the second request.
#[track_caller]
fn run(named: &str, body: &[u8], sizes: &[usize], names: &[&str]) -> Vec<Value> {
    let mut seen = Vec::new();
    for size in sizes {
        let kind = if named.ends_with(".sse") { "text/event-stream" } else { "application/json" };
        let first = Reply::chunks(kind, body.chunks(*size));
        let server = Server::start([first, Reply::chat(&["完"])]);
        let mut profile =
            format!("[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n", server.url());
        for name in names {
            profile.push_str(&format!("[tools.{name}]\ncommand = \"cat\"\n"));
        }
        let tools = names.iter().flat_map(|name| ["--tool", name]);
        let llm = llm().config(&profile).watch(&server).args(["chat", "--yes", "问"]).args(tools);
        let llm = if named.ends_with(".sse") { llm } else { llm.arg("-S") };
        let outcome = llm.run();
        outcome.code(0);
        if !outcome.stdout_text().ends_with("完\n") {
            outcome.fail(&format!("{named}: the last answer is missing"));
        }
        let messages = server.requests()[1].json()["messages"].clone();
        seen = messages.as_array().expect("a list").clone();
    }
    seen
}

/// What the calls of a second request's messages say, and that each has its result.
fn check(named: &str, messages: &[Value], expected: &[(&str, &str, &str)]) {
    let assistant = &messages[1];
    let calls =
        assistant["tool_calls"].as_array().unwrap_or_else(|| panic!("{named}: {messages:?}"));
    assert_eq!(calls.len(), expected.len(), "{named}: {calls:?}");
    assert!(assistant["content"].is_string(), "{named}");
    for (number, (call, (id, name, arguments))) in calls.iter().zip(expected).enumerate() {
        let made = call["id"].as_str().unwrap_or_default();
        match id.is_empty() {
            true => {
                let fits = made.len() == 9 && made.chars().all(|c| c.is_ascii_alphanumeric());
                assert!(fits, "{named}: {made}");
            }
            false => assert_eq!(made, *id, "{named}"),
        }
        assert_eq!((&call["type"], call.get("index")), (&json!("function"), None), "{named}");
        assert_eq!(call["function"], json!({"name": name, "arguments": arguments}), "{named}");
        let result = &messages[2 + number];
        assert_eq!(
            (&result["role"], &result["tool_call_id"]),
            (&json!("tool"), &json!(made)),
            "{named}"
        );
        let (got, meant): (Value, Value) = (
            serde_json::from_str(result["content"].as_str().expect("a text")).expect("JSON"),
            serde_json::from_str(arguments).expect("JSON"),
        );
        assert_eq!(got, meant, "{named}: what the tool read");
    }
}

#[test]
fn every_dialect_leads_to_a_run_of_the_tool() {
    const SAMPLES: &[Sample] = &[
        (
            "anthropic-chat-stream-tool-calls.sse",
            &[("toolu_2", "open_file", "{\"file\": \"说明.txt\"}")],
        ),
        (
            "dashscope-chat-stream-tool-calls.sse",
            &[("call_55", "forecast", "{\"place\": \"北京\"}")],
        ),
        ("gemini-chat-stream-tool-call.sse", &[("call_308251", "load", "{\"file\":\"说明.txt\"}")]),
        ("gemini-chat-nonstream-tool-call.json", &[("", "get_local_time", "{}")]),
        ("huggingface-chat-stream-tool-no-id-no-finish.sse", &[("", "cube_root", "{}")]),
        (
            "llamaserver-chat-stream-tools.sse",
            &[("tCsZr5uZPI6sM3r4x3dGcpv0nC5a2g1h", "get_forecast", "{\"town\":\"杭州\"}")],
        ),
        (
            "mistral-chat-stream-tool-call.sse",
            &[("ALxNCgt4E", "cube_root", "{\"number\": 274625}")],
        ),
        ("mistral-chat-nonstream-tool-call.json", &[("68gL82GBr", "take_file", "{}")]),
        (
            "ollama-chat-stream-tools.sse",
            &[("call_c4d5e6b7", "get_forecast", "{\"town\":\"杭州\"}")],
        ),
        (
            "openai-chat-stream-tool-calls.sse",
            &[("call_1", "find_country", "{}"), ("call_2", "get_forecast", "{\"town\":\"杭州\"}")],
        ),
        ("together-chat-stream-tool-calls.sse", &[("call_a5", "cube_root", "{\"n\": 8}")]),
        (
            "vllm-chat-stream-tools.sse",
            &[("chatcmpl-tool-b1e2", "get_forecast", "{\"town\": \"杭州\"}")],
        ),
        ("xai-chat-stream-tool-call.sse", &[("call_66", "forecast", "{\"place\":\"北京\"}")]),
    ];
    for (named, calls) in SAMPLES {
        let names: Vec<&str> = calls.iter().map(|(_, name, _)| *name).collect();
        let messages = run(named, &wire(named), &[usize::MAX, 7], &names);
        check(named, &messages, calls);
    }
}

#[test]
fn forms_without_a_recording_are_calls_too() {
    let whole = |message: Value| json!({"choices": [{"index": 0, "message": message}]}).to_string();
    let call =
        |call: Value| whole(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
    for (named, body) in [
        ("object.json", call(json!({"function": {"name": "t", "arguments": {"城市": "上海"}}}))),
        (
            "null-type.json",
            call(
                json!({"id": null, "type": null, "function": {"name": "t", "arguments": "{\"城市\":\"上海\"}"}}),
            ),
        ),
        (
            "old.json",
            whole(
                json!({"role": "assistant", "content": null, "function_call": {"name": "t", "arguments": "{\"城市\":\"上海\"}"}}),
            ),
        ),
    ] {
        let messages = run(named, body.as_bytes(), &[usize::MAX], &["t"]);
        check(named, &messages, &[("", "t", "{\"城市\":\"上海\"}")]);
    }
}

#[test]
fn a_signature_goes_back_unchanged() {
    let named = "gemini-chat-stream-tool-call.sse";
    let messages = run(named, &wire(named), &[usize::MAX], &["load"]);
    let extra = json!({"google": {"thought_signature": "NoZT"}});
    assert_eq!(messages[1]["tool_calls"][0]["extra_content"], extra);
}
