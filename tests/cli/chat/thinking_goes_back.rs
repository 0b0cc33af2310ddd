//! What a service wrote of a model's thinking for itself goes back to it, and to no other.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, chunk, llm};

/// A stream that thinks in these deltas and then calls a tool `t`.
fn calling(deltas: &[Value]) -> Reply {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]);
    let mut events: Vec<String> = deltas.iter().map(|delta| chunk(delta.clone(), None)).collect();
    events.push(chunk(json!({"tool_calls": call}), Some("tool_calls")));
    events.push("[DONE]".to_owned());
    Reply::sse(&events)
}

fn asking(server: &Server, more: &str) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n{more}\n[tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    llm().config(&profile).watch(server)
}

const ASK: [&str; 5] = ["chat", "--yes", "--tool", "t", "问"];

#[test]
fn reasoning_details_go_back_as_they_came() {
    let sealed = json!({"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 1});
    let piece = |more: Value| {
        let mut piece =
            json!({"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"});
        piece.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        json!({"reasoning_details": [piece]})
    };
    let deltas = [
        piece(json!({"text": "想"})),
        piece(json!({"text": "一想"})),
        piece(json!({"signature": "Eq=="})),
        json!({"reasoning_details": [sealed]}),
    ];
    let server = Server::start([calling(&deltas), Reply::chat(&["完"]), Reply::chat(&["又"])]);
    let llm = asking(&server, "");
    let run = llm.clone().args(ASK).args(["--reasoning", "show"]).run();
    run.code(0).stdout("完\n").stderr_has("想一想");
    let text = json!({"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "想一想", "signature": "Eq=="});
    let whole = json!([text, sealed]);
    let message = &server.requests()[1].json()["messages"][1];
    assert_eq!(message["reasoning_details"], whole);
    // In a later turn too.
    llm.args(["chat", "-c", "再问"]).run().code(0);
    assert_eq!(server.requests()[2].json()["messages"][1]["reasoning_details"], whole);
}

#[test]
fn another_service_does_not_get_them() {
    let sealed = json!({"type": "reasoning.encrypted", "data": "gAAA", "index": 0});
    let deltas = [json!({"reasoning_details": [sealed]})];
    let server = Server::start([calling(&deltas), Reply::chat(&["完"]), Reply::chat(&["又"])]);
    let other = format!("[providers.other]\nbase_url = \"{}\"\nmodel = \"o\"", server.url());
    let llm = asking(&server, &other);
    llm.clone().args(ASK).args(["-p", "test"]).run().code(0);
    llm.args(["chat", "-c", "-p", "other", "再问"]).run().code(0);
    let messages = server.requests()[2].json()["messages"].clone();
    assert!(messages.to_string().find("gAAA").is_none(), "{messages}");
}

#[test]
fn a_service_that_misses_the_thinking_gets_it() {
    for words in [
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        "Missing `reasoning_content` field in the assistant message at message index 1.",
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
    ] {
        let refusal = || Reply::json(400, json!({"error": {"message": words}}));
        let server = Server::start([
            calling(&[json!({"reasoning": "想"}), json!({"reasoning": "一想"})]),
            refusal(),
            calling(&[json!({"reasoning": "再想"})]),
            Reply::chat(&["完"]),
        ]);
        let run = asking(&server, "").args(ASK).run();
        run.code(0).stdout("完\n").stderr_has("echo_reasoning = \"reasoning_content\"");
        assert_eq!(run.stderr_text().matches("echo_reasoning").count(), 1, "{run}");
        let requests = server.requests();
        assert_eq!(requests[1].json()["messages"][1].get("reasoning_content"), None);
        assert_eq!(requests[2].json()["messages"][1]["reasoning_content"], "想一想");
        assert_eq!(requests[3].json()["messages"][3]["reasoning_content"], "再想");
    }
}

#[test]
fn a_service_that_refuses_it_anyway_is_not_asked_without_end() {
    let refusal =
        || Reply::json(400, json!({"error": {"message": "reasoning_content is missing"}}));
    let server = Server::start([calling(&[]), refusal(), refusal()]);
    asking(&server, "").args(ASK).run().code(4).stderr_has("reasoning_content is missing");
    let server = Server::start([refusal()]);
    asking(&server, "").args(["chat", "问"]).run().code(4);
    // A profile that has the field is spared the refusal.
    let server = Server::start([calling(&[json!({"reasoning": "想"})]), Reply::chat(&["完"])]);
    asking(&server, "echo_reasoning = \"reasoning_content\"").args(ASK).run().code(0);
    assert_eq!(server.requests()[1].json()["messages"][1]["reasoning_content"], "想");
}

#[test]
fn what_a_gateway_put_into_the_function_goes_back() {
    let signed = json!({"thought_signature": "EjQK"});
    let function = json!({"name": "t", "arguments": "{}", "provider_specific_fields": signed});
    let call = json!([{"index": 0, "id": "a", "type": "function", "function": function}]);
    let events = [chunk(json!({"tool_calls": call}), Some("tool_calls")), "[DONE]".to_owned()];
    let server = Server::start([Reply::sse(&events), Reply::chat(&["完"])]);
    asking(&server, "").args(ASK).run().code(0);
    let call = &server.requests()[1].json()["messages"][1]["tool_calls"][0];
    assert_eq!(call["function"], function);
}
