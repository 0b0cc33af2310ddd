//! Servers whose tools are others than when the run began.

use serde_json::{Value, json};

use super::chat::{calling, chat, offered, results};
use super::{assert_gone, seen, table};
use crate::support::{Reply, Server};

#[test]
fn tools_that_change_between_two_calls_are_offered_as_they_are() {
    let service = Server::start([
        calling(&[("turn", "{}")]),
        calling(&[("turn", "{}"), ("fresh", "{}"), ("echo", "{}")]),
        Reply::chat(&["完"]),
    ]);
    let run = chat(&service, &[table("a", "turns", "")]).args(["--mcp", "a", "--yes", "x"]);
    let outcome = run.run();
    outcome.code(0).stdout("完\n");
    outcome.stderr_has(
        "llm: mcp a: the tools have changed; new: a/fresh; gone: a/turn, a/crash; changed: a/echo\n",
    );
    outcome.stderr_has("llm: warning: the model calls `turn`, which its server offers no more\n");
    let requests = service.requests();
    assert_eq!(offered(&requests[0]), ["turn", "echo", "kept", "crash"]);
    assert_eq!(offered(&requests[1]), ["echo", "fresh", "kept"]);
    assert_eq!(requests[1].json()["tools"][0]["function"]["description"], "Says something else");
    let gone =
        "error: the tool `turn` is gone: its server offers it no more; there is echo, fresh, kept";
    assert_eq!(results(&requests[2])[1..], [gone, "fresh", "a {}"]);
    assert_eq!(seen(&run, "a").matches("\"tools/list\"").count(), 2, "only once it has changed");
    assert_gone(&run, &["a"]);
}

#[test]
fn a_server_that_was_started_once_more_may_have_other_tools() {
    let service = Server::start([
        calling(&[("crash", "{}"), ("kept", "{}")]),
        calling(&[("fresh", "{}")]),
        Reply::chat(&["完"]),
    ]);
    let run = chat(&service, &[table("a", "turns", "")]).args(["--mcp", "a", "--yes", "x"]);
    run.run().code(0).stderr_has("new: a/fresh; gone: a/turn, a/crash");
    assert_eq!(offered(&service.requests()[1]), ["echo", "fresh", "kept"]);
    assert_eq!(results(&service.requests()[2])[2], "fresh");
}

#[test]
fn a_new_tool_keeps_out_of_the_names_of_others() {
    let tables = [
        table("a", "turns", ""),
        table("b", "", "tools = [\"echo\"]"),
        "[tools.fresh]\ncommand = \"date\"\n".to_owned(),
    ];
    let service = Server::start([
        calling(&[("turn", "{}")]),
        calling(&[("a_fresh", "{}")]),
        Reply::chat(&["完"]),
    ]);
    let words = ["--mcp", "a", "--mcp", "b", "--tool", "fresh", "--yes", "x"];
    chat(&service, &tables).args(words).run().code(0);
    let before = ["fresh", "turn", "a_echo", "kept", "crash", "b_echo"];
    assert_eq!(offered(&service.requests()[0]), before);
    assert_eq!(offered(&service.requests()[1]), ["fresh", "a_echo", "a_fresh", "kept", "b_echo"]);
    assert_eq!(results(&service.requests()[2])[1], "fresh");
}

#[test]
fn what_is_wanted_and_allowed_holds_for_new_tools_too() {
    // Nobody can be asked: what the table does not allow is not offered.
    let service = Server::start([calling(&[("turn", "{}")]), Reply::chat(&["完"])]);
    let more = "allow = [\"turn\", \"echo\", \"kept\", \"crash\"]";
    let run = chat(&service, &[table("a", "turns", more)]).args(["--mcp", "a", "x"]).run();
    run.code(0).stderr_has("new and not offered, as there is no terminal to ask on: a/fresh\n");
    assert_eq!(offered(&service.requests()[1]), ["echo", "kept"]);
    // Only what was named is offered.
    let service = Server::start([calling(&[("turn", "{}")]), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", "turns", "tools = [\"turn\", \"kept\"]")]);
    run.args(["--mcp", "a", "--yes", "x"]).run().code(0).stderr_has("changed; gone: a/turn\n");
    assert_eq!(offered(&service.requests()[1]), ["kept"]);
    // With the last tool the list goes.
    let service = Server::start([
        calling(&[("turn", "{}")]),
        calling(&[("turn", "{}")]),
        Reply::chat(&["完"]),
    ]);
    let run = chat(&service, &[table("a", "turns", "")]);
    run.args(["--mcp", "a/turn", "--yes", "x"]).run().code(0);
    assert_eq!(service.requests()[1].json().get("tools"), None);
    assert!(results(&service.requests()[2])[1].ends_with("there is none now"));
}

#[test]
fn a_server_at_an_address_tells_of_a_change_in_the_stream_of_an_answer() {
    let result = |id: u64, result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
    let list = |id: u64, name: &str| {
        Reply::json(200, result(id, json!({"tools": [{"name": name, "inputSchema": {}}]})))
    };
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}});
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let answer = result(3, json!({"content": [{"type": "text", "text": "晴"}]}));
    let hub = Server::start([
        Reply::json(200, result(1, hello)),
        Reply::bytes(202, "", ""),
        list(2, "look"),
        Reply::sse(&[changed.to_string(), answer.to_string()]),
        list(4, "see"),
    ]);
    let service = Server::start([calling(&[("look", "{}")]), Reply::chat(&["完"])]);
    let tables = [format!("[mcp.hub]\nurl = \"{}/mcp\"\n", hub.origin())];
    let run = chat(&service, &tables).watch(&hub).args(["--mcp", "hub", "--yes", "x"]).run();
    run.code(0).stderr_has("llm: mcp hub: the tools have changed; new: hub/see; gone: hub/look\n");
    assert_eq!(results(&service.requests()[1]), ["晴"]);
    assert_eq!(offered(&service.requests()[1]), ["see"]);
}

#[test]
fn a_session_that_is_lost_behind_a_change_is_opened_once_more() {
    let result = |id: u64, result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
    let list = |id: u64, name: &str| {
        Reply::json(200, result(id, json!({"tools": [{"name": name, "inputSchema": {}}]})))
    };
    let hello = |id: u64| {
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}});
        Reply::json(200, result(id, hello)).header("Mcp-Session-Id", &format!("s-{id}"))
    };
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let answer = result(3, json!({"content": [{"type": "text", "text": "晴"}]}));
    let hub = Server::start([
        hello(1),
        Reply::bytes(202, "", ""),
        list(2, "look"),
        Reply::sse(&[changed.to_string(), answer.to_string()]),
        Reply::text(404, "session not found"),
        hello(5),
        Reply::bytes(202, "", ""),
        list(6, "see"),
        Reply::bytes(200, "", ""),
    ]);
    let service = Server::start([calling(&[("look", "{}")]), Reply::chat(&["完"])]);
    let tables = [format!("[mcp.hub]\nurl = \"{}/mcp\"\n", hub.origin())];
    let run = chat(&service, &tables).watch(&hub).args(["--mcp", "hub", "--yes", "x"]).run();
    run.code(0).stderr_has("llm: mcp hub: the tools have changed; new: hub/see; gone: hub/look\n");
    assert_eq!(offered(&service.requests()[1]), ["see"]);
    assert_eq!(hub.requests()[7].header("mcp-session-id"), Some("s-5"));
}

#[test]
fn a_list_that_does_not_come_leaves_the_tools_as_they_were() {
    let service = Server::start([calling(&[("turn", "{}")]), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", "turns once", "startup = 2")]);
    let outcome = run.args(["--mcp", "a", "--yes", "x"]).run();
    outcome.code(0).stderr_has(
        "llm: warning: mcp a: no answer to tools/list within 2 s; its tools stay as they were\n",
    );
    assert_eq!(offered(&service.requests()[1]), ["turn", "echo", "kept", "crash"]);
}

#[test]
fn an_answer_that_comes_late_is_not_taken_for_another_one() {
    let calls = [("late", "{\"n\":1}"), ("late", "{\"n\":2}")];
    let service = Server::start([calling(&calls), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", "lates", "timeout = 1")]);
    run.args(["--mcp", "a", "--yes", "x"]).run().code(0);
    let told = results(&service.requests()[1]);
    assert_eq!(told, ["error: the call failed: it did not answer within 1 s", "second"]);
}
