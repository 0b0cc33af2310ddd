//! Rounds of tool calls, and conversations that go on: what goes back, and to whom.

use serde_json::{Value, json};

use super::{asking, completed, message, saying, stream};
use crate::support::{Llm, Reply, Server};

fn thinking(content: &str) -> Value {
    json!({"type": "reasoning", "id": "rs_1", "status": "completed",
        "summary": [{"type": "summary_text", "text": "想"}], "encrypted_content": content})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": "t",
        "arguments": arguments, "status": "completed"})
}

fn phased(text: &str, phase: &str) -> Value {
    let mut item = message(text);
    item["phase"] = phase.into();
    item
}

/// A stream of these items, each added and done, and the end that has them all.
fn items(output: &[Value]) -> Reply {
    let mut events = Vec::new();
    for (index, item) in output.iter().enumerate() {
        let mut begun = item.clone();
        begun["arguments"] = "".into();
        begun["content"] = json!([]);
        for (kind, item) in [("added", &begun), ("done", item)] {
            events.push(json!({"type": format!("response.output_item.{kind}"),
                "output_index": index, "item": item}));
        }
    }
    events.push(completed(&output.into()));
    stream(&events)
}

const TAKES: &str = "responses_takes = [\"encrypted\"]";
const ASK: [&str; 4] = ["--yes", "--tool", "t", "问"];

#[test]
fn everything_goes_back_in_its_order_and_without_ids() {
    let output = [
        thinking("gAAA"),
        phased("我查一下", "commentary"),
        call("c1", "{\"a\":1}"),
        thinking("gBBB"),
        call("c2", "{}"),
    ];
    let server = Server::start([items(&output), saying("完"), saying("又")]);
    let llm = asking(&server, TAKES);
    llm.clone().args(ASK).run().code(0).stdout("我查一下\n完\n");
    let reasoning = |content: &str| {
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "想"}],
            "encrypted_content": content})
    };
    let call = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "t", "arguments": arguments});
    let result = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "1"});
    let words = json!({"type": "message", "role": "assistant", "phase": "commentary",
        "content": [{"type": "output_text", "text": "我查一下"}]});
    let expected = json!([{"role": "user", "content": "问"}, reasoning("gAAA"), words,
        call("c1", "{\"a\":1}"), reasoning("gBBB"), call("c2", "{}"), result("c1"), result("c2")]);
    let told = server.requests()[1].json()["input"].clone();
    assert_eq!(told, expected, "{told:#}");
    // In a later turn too.
    llm.args(["-c", "再问"]).run().code(0);
    let later = server.requests()[2].json()["input"].clone();
    assert_eq!(later.as_array().expect("a list")[..8], expected.as_array().expect("a list")[..]);
    assert_eq!(later[8], json!({"type": "message", "role": "assistant", "content": "完"}));
}

#[test]
fn thinking_is_taken_where_it_came_and_nowhere_else() {
    let server = Server::start([
        items(&[thinking("gAAA"), call("c1", "{}")]),
        saying("完"),
        saying("又"),
        Reply::chat(&["再"]),
    ]);
    let other = format!(
        "{TAKES}\n[providers.other]\nbase_url = \"{}\"\nmodel = \"o\"\napi = \"responses\"\n{TAKES}",
        server.url()
    );
    let llm = asking(&server, &other);
    llm.clone().args(["-p", "test"]).args(ASK).run().code(0);
    llm.clone().args(["-p", "other", "-c", "再问"]).run().code(0);
    llm.args(["-p", "test", "--api", "completions", "-c", "还问"]).run().code(0);
    let bodies = server.bodies();
    assert!(bodies[1].to_string().contains("gAAA"));
    assert!(!bodies[2].to_string().contains("gAAA"), "{}", bodies[2]);
    assert!(!bodies[3].to_string().contains("gAAA"), "{}", bodies[3]);
    assert_eq!(bodies[3]["messages"][1]["tool_calls"][0]["id"], "c1");
}

#[test]
fn without_the_word_of_the_profile_none_goes_back() {
    let server = Server::start([items(&[thinking("gAAA"), call("c1", "{}")]), saying("完")]);
    asking(&server, "").args(ASK).run().code(0);
    assert!(!server.bodies()[1].to_string().contains("reasoning"));
    // Thinking in words is another matter than encrypted one.
    let plain = json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": null,
        "content": [{"type": "reasoning_text", "text": "想"}]});
    let server = Server::start([items(&[plain, call("c1", "{}")]), saying("完")]);
    asking(&server, "responses_takes = [\"thinking\"]").args(ASK).run().code(0);
    let expected = json!({"type": "reasoning", "summary": [],
        "content": [{"type": "reasoning_text", "text": "想"}]});
    assert_eq!(server.bodies()[1]["input"][1], expected);
}

#[test]
fn thinking_that_is_refused_is_left_out_and_told() {
    for (code, words) in [
        (
            json!("invalid_encrypted_content"),
            "The encrypted content gAAA... could not be verified.",
        ),
        (Value::Null, "reasoning `encrypted_content` was not issued to this caller"),
    ] {
        let refusal =
            Reply::json(400, json!({"error": {"message": words, "code": code, "param": null}}));
        let server =
            Server::start([items(&[thinking("gAAA"), call("c1", "{}")]), refusal, saying("完")]);
        let run = asking(&server, TAKES).args(ASK).run();
        run.code(0).stdout("完\n").stderr_has("refuses the thinking of its earlier replies");
        let told = server.bodies()[2]["input"].clone();
        assert!(!told.to_string().contains("reasoning"), "{told}");
        assert_eq!(told.as_array().map(Vec::len), Some(3));
    }
    // Once.
    let refusal = || {
        Reply::json(400, json!({"error": {"message": "no", "code": "invalid_encrypted_content"}}))
    };
    let server =
        Server::start([items(&[thinking("gAAA"), call("c1", "{}")]), refusal(), refusal()]);
    asking(&server, TAKES).args(ASK).run().code(4);
}

#[test]
fn thinking_with_nothing_behind_it_stays_here() {
    let server = Server::start([items(&[message("好"), thinking("gAAA")]), saying("又")]);
    let llm = asking(&server, TAKES);
    llm.clone().arg("问").run().code(0).stdout("好\n");
    llm.args(["-c", "再问"]).run().code(0);
    let told = server.bodies()[1]["input"].clone();
    assert!(!told.to_string().contains("reasoning"), "{told}");
}

#[test]
fn a_service_that_wants_ids_gets_some() {
    let server = Server::start([items(&[message("先"), call("c1", "{}")]), saying("完")]);
    asking(&server, "responses_takes = [\"ids\"]").args(ASK).run().code(0);
    let told = server.bodies()[1]["input"].clone();
    let part = json!({"type": "output_text", "text": "先", "annotations": []});
    let expected = json!({"role": "assistant", "content": [part], "type": "message", "id": "msg_1", "status": "completed"});
    assert_eq!(told[1], expected);
    assert_eq!((&told[2]["id"], &told[2]["status"]), (&json!("fc_2"), &json!("completed")));
    assert_eq!(told[3].get("id"), None);
    assert_eq!(told.as_array().map(Vec::len), Some(4), "{told}");
    // Asked again for an answer that fits, too.
    let server = Server::start([saying("否"), saying("{\"a\":\"b\"}")]);
    let run = asking(&server, "responses_takes = [\"ids\"]").args(["--schema", "a", "问"]).run();
    run.code(0);
    let told = server.bodies()[1]["input"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(3), "{told}");
}

#[test]
fn rounds_go_behind_the_users_own_input() {
    let user = json!({"role": "user", "content": "别的"});
    let listed = format!("input={}", json!([user]));
    for own in ["input=别的", &listed] {
        let server = Server::start([items(&[call("c1", "{}")]), saying("完")]);
        asking(&server, "").args(["-O", own]).args(ASK).run().code(0).stdout("完\n");
        let told = server.bodies()[1]["input"].clone();
        let result = json!({"type": "function_call_output", "call_id": "c1", "output": "1"});
        assert_eq!((&told[0], &told[2]), (&user, &result), "{told}");
        assert_eq!(told.as_array().map(Vec::len), Some(3), "{told}");
    }
    // Before there is anything to put behind it, a text stays one.
    let server = Server::start([saying("好")]);
    asking(&server, "").args(["-O", "input=别的", "问"]).run().code(0);
    assert_eq!(server.request().json()["input"], "别的");
}

#[test]
fn words_of_a_refusal_go_back_as_words_unless_the_service_takes_them() {
    let refusing = json!({"type": "message", "id": "m", "role": "assistant", "content": [
        {"type": "output_text", "text": "这个可以。"}, {"type": "refusal", "refusal": "那个不行。"}]});
    for (line, kind) in [("", "output_text"), ("responses_takes = [\"refusal\"]", "refusal")] {
        let output = [refusing.clone(), call("c1", "{}")];
        let server = Server::start([items(&output), saying("完")]);
        asking(&server, line).args(ASK).run().code(0);
        let parts = server.bodies()[1]["input"][1]["content"].clone();
        assert_eq!(parts[1]["type"], kind, "{parts}");
    }
}

#[test]
fn equal_ids_of_calls_in_different_replies_are_no_matter() {
    let calling = || items(&[call("call_0", "{}")]);
    let server = Server::start([calling(), calling(), saying("完")]);
    asking(&server, "").args(ASK).run().code(0);
    let told = server.bodies()[2]["input"].clone();
    let kinds: Vec<&str> =
        told.as_array().expect("a list").iter().filter_map(|item| item["type"].as_str()).collect();
    assert_eq!(
        kinds,
        ["function_call", "function_call_output", "function_call", "function_call_output"]
    );
}

#[test]
fn arguments_that_never_end_are_told_to_the_model() {
    let broken = [
        json!({"type": "response.output_item.added", "output_index": 0, "item": call("c1", "")}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"a\":"}),
        completed(&json!([])),
    ];
    let server = Server::start([stream(&broken), saying("完")]);
    asking(&server, "").args(ASK).run().code(0).stdout("完\n");
    let told = server.bodies()[1]["input"].clone();
    assert_eq!(told[1]["arguments"], "{}");
    assert!(told[2]["output"].as_str().is_some_and(|text| text.contains("EOF")), "{told}");
    // Cut in the middle of it, the answer is no answer.
    let server = Server::start([stream(&broken[..2])]);
    asking(&server, "").args(["--retries", "0"]).args(ASK).run().code(6);
}

#[test]
fn the_whole_of_a_calls_arguments_is_taken_where_it_comes() {
    let begun =
        json!({"type": "response.output_item.added", "output_index": 0, "item": call("c1", "")});
    let piece = json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"a\":"});
    let done = |text: Value| json!({"type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_c1", "arguments": text});
    let whole = done("{\"a\":1}".into());
    let ended = json!({"type": "response.output_item.done", "output_index": 0, "item": call("c1", "{\"a\":1}")});
    for events in [
        vec![&begun, &whole],
        vec![&begun, &piece, &whole],
        vec![&begun, &piece, &whole, &ended],
        vec![&begun, &whole, &done("".into())],
        vec![&begun, &ended, &done("{}".into())],
    ] {
        let mut events: Vec<Value> = events.into_iter().cloned().collect();
        events.push(completed(&json!([])));
        let server = Server::start([stream(&events), saying("完")]);
        asking(&server, "").args(ASK).run().code(0).stdout("完\n");
        let told = server.bodies()[1]["input"].clone();
        assert_eq!(told[1]["arguments"], "{\"a\":1}", "{events:?}");
    }
}

#[test]
fn a_picture_stays_with_its_conversation() {
    let server = Server::start([saying("猫"), saying("黑的")]);
    let llm: Llm = asking(&server, "").file("猫.png", super::super::attachments::PNG);
    llm.clone().args(["-f", "猫.png", "这是什么？"]).run().code(0);
    llm.args(["-c", "什么颜色？"]).run().code(0);
    let told = server.bodies()[1]["input"].clone();
    assert_eq!(told[0]["content"][1]["type"], "input_image", "{told}");
    assert_eq!(told[1], json!({"type": "message", "role": "assistant", "content": "猫"}));
}
