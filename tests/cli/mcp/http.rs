//! Servers at an address: Streamable HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::chat::calling;
use super::{LONG, with_servers};
use crate::support::{Llm, Recorded, Reply, Server, Step};

const SESSION: &str = "s-055e2f43-942d";

/// A run with the server `hub` at this one, and more in its table.
fn hub(server: &Server, more: &str) -> Llm {
    let table = format!("[mcp.hub]\nurl = \"{}/mcp\"\n{more}\n", server.origin());
    with_servers(&[table]).watch(server)
}

fn result(id: u64, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn hello(id: u64) -> Value {
    result(
        id,
        json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
        "serverInfo": {"name": "hub", "version": "3"}}),
    )
}

fn accepted() -> Reply {
    Reply::bytes(202, "", "")
}

fn list(id: u64) -> Value {
    let schema = json!({"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}});
    result(id, json!({"tools": [{"name": "look", "description": "看", "inputSchema": schema}]}))
}

fn text(id: u64, text: &str) -> Value {
    result(id, json!({"content": [{"type": "text", "text": text}]}))
}

/// A message as the TypeScript servers send it: an empty event first, and the stream stays open.
fn event(message: &Value) -> Reply {
    let first = "id: 1\ndata: \n\n: a comment\n\n";
    let second = format!("event: message\nid: 2\ndata: {message}\n\n");
    Reply::chunks("text/event-stream", [first.to_owned(), second]).then([Step::UntilClosed])
}

fn methods(server: &Server) -> Vec<String> {
    let method = |request: &Recorded| match request.method.as_str() {
        "POST" => request.json()["method"].as_str().unwrap_or("(answer)").to_owned(),
        other => other.to_owned(),
    };
    server.requests().iter().map(method).collect()
}

#[test]
fn a_session_is_opened_used_and_ended() {
    for streams in [false, true] {
        let reply = |message: Value| match streams {
            true => event(&message),
            false => Reply::json(200, message),
        };
        let server = Server::start([
            reply(hello(1)).header("Mcp-Session-Id", SESSION),
            accepted(),
            reply(list(2)),
            reply(text(3, "晴")),
            Reply::bytes(200, "", ""),
        ]);
        let more = "headers = { Authorization = \"Bearer $HUB_TOKEN\", X-Team = \"研\" }";
        let run = hub(&server, more).env("HUB_TOKEN", "t-12345678");
        let start = Instant::now();
        let outcome = run.args(["mcp", "call", "hub", "look", "{\"region\":\"eu\"}"]).run();
        outcome.code(0).stdout("晴\n").stderr_empty();
        assert!(start.elapsed() < LONG, "the end of a stream is not waited for");
        let expected =
            ["initialize", "notifications/initialized", "tools/list", "tools/call", "DELETE"];
        assert_eq!(methods(&server), expected);
        for (at, request) in server.requests().iter().enumerate() {
            assert_eq!(request.path, "/mcp");
            assert_eq!(request.header("authorization"), Some("Bearer t-12345678"));
            assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
            let is_open = at > 0;
            assert_eq!(request.header("mcp-session-id"), is_open.then_some(SESSION), "{request}");
            assert_eq!(request.header("mcp-protocol-version"), is_open.then_some("2025-11-25"));
            assert_eq!(request.header("mcp-param-region"), None);
        }
        let call = server.requests()[3].json();
        assert_eq!(call["params"]["arguments"], json!({"region": "eu"}));
    }
}

#[test]
fn a_server_without_a_handshake_is_told_everything_in_each_request() {
    let refused = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "Unsupported protocol version",
        "data": {"supported": ["2026-07-28"]}}});
    let server = Server::start([
        Reply::json(400, refused),
        Reply::json(
            200,
            result(2, json!({"resultType": "complete", "supportedVersions": ["2026-07-28"]})),
        ),
        Reply::json(200, list(3)),
        event(&text(4, "好")),
    ]);
    let outcome =
        hub(&server, "").args(["mcp", "call", "hub", "look", "{\"region\":\"华东\"}"]).run();
    outcome.code(0).stdout("好\n").stderr_empty();
    let requests = server.requests();
    assert_eq!(methods(&server), ["initialize", "server/discover", "tools/list", "tools/call"]);
    for request in &requests[1..] {
        let body = request.json();
        assert_eq!(request.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(request.header("mcp-method"), body["method"].as_str());
        assert_eq!(
            body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
            "2026-07-28"
        );
    }
    assert_eq!(requests[3].header("mcp-name"), Some("look"));
    assert_eq!(requests[3].header("mcp-param-region"), Some("=?base64?5Y2O5Lic?="));
}

#[test]
fn what_a_server_asks_and_tells_in_the_middle_is_taken() {
    let asks = json!({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}});
    let tells = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 3, "progress": 1}});
    let events = [asks.to_string(), tells.to_string(), text(3, "好").to_string()];
    let server = Server::start([
        Reply::json(200, hello(1)),
        accepted(),
        Reply::json(200, list(2)),
        Reply::sse(&events).pace(Duration::from_millis(300)),
        accepted(),
    ]);
    let outcome = hub(&server, "timeout = 10").args(["mcp", "call", "hub", "look"]).run();
    outcome.code(0).stdout("好\n");
    let answer = server.requests()[4].json();
    assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 1, "result": {"action": "decline"}}));
}

#[test]
fn a_lost_session_is_opened_once_more() {
    for lost in [
        Reply::text(404, "session not found"),
        Reply::json(
            400,
            json!({"jsonrpc": "2.0", "error": {"code": -32000, "message": "Bad Request: No valid session ID provided"}, "id": null}),
        ),
    ] {
        let server = Server::start([
            Reply::json(200, hello(1)).header("Mcp-Session-Id", "one"),
            accepted(),
            Reply::json(200, list(2)),
            lost,
            Reply::json(200, hello(4)).header("Mcp-Session-Id", "two"),
            accepted(),
            Reply::json(200, list(5)),
            Reply::json(200, text(6, "好")),
            Reply::bytes(405, "", ""),
        ]);
        let outcome = hub(&server, "").args(["mcp", "call", "hub", "look"]).run();
        outcome.code(0).stdout("好\n").stderr_empty();
        let requests = server.requests();
        assert_eq!(requests[4].header("mcp-session-id"), None);
        assert_eq!(requests[8].header("mcp-session-id"), Some("two"));
    }
}

#[test]
fn a_session_that_is_lost_before_the_list_is_opened_once_more() {
    let lost = || Reply::text(404, "session not found");
    let opened =
        |id: u64, session: &str| Reply::json(200, hello(id)).header("Mcp-Session-Id", session);
    let page = |id: u64| {
        let tool = json!({"name": "first", "inputSchema": {}});
        Reply::json(200, result(id, json!({"tools": [tool], "nextCursor": "2"})))
    };
    // At the first page, and behind it, where the cursor is lost as well.
    for pages in 0..2 {
        let mut replies = vec![opened(1, "one"), accepted()];
        replies.extend((0..pages).map(|at| page(2 + at)));
        replies.extend([
            lost(),
            opened(3 + pages, "two"),
            accepted(),
            Reply::json(200, list(4 + pages)),
            Reply::bytes(200, "", ""),
        ]);
        let server = Server::start(replies);
        let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
        outcome.code(0).stdout("look  看\n    region (string)\n").stderr_empty();
        let last = server.requests().len() - 2;
        assert_eq!(server.requests()[last].header("mcp-session-id"), Some("two"));
        assert_eq!(server.requests()[last].json()["params"].get("cursor"), None);
    }
    let server = Server::start([
        opened(1, "one"),
        accepted(),
        lost(),
        opened(3, "two"),
        accepted(),
        lost(),
        Reply::bytes(200, "", ""),
    ]);
    let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
    outcome.code(4).stderr("llm: mcp hub: it has lost the session\n");
}

#[test]
fn a_server_that_lets_nobody_in_is_told() {
    let challenge =
        "Bearer resource_metadata=\"https://login.example/.well-known/oauth-protected-resource\"";
    let refused = || {
        Reply::json(401, json!({"error": "invalid_token"})).header("WWW-Authenticate", challenge)
    };
    let server = Server::start([refused(), refused()]);
    let run = hub(&server, "");
    let tools = run.clone().args(["mcp", "tools", "hub"]).run();
    tools
        .code(3)
        .stderr_has("llm: mcp hub: HTTP 401: invalid_token (the log-in is at login.example)\n");
    tools.stderr_has("hint: headers = { Authorization = \"Bearer $TOKEN\" } or `api_key_env`");
    tools.stderr_has("npx mcp-remote http://127.0.0.1:");
    run.clone()
        .args(["mcp", "check", "hub"])
        .run()
        .code(3)
        .stdout_has("✗  hub  HTTP 401: invalid_token");
    let service = Server::start([]);
    let profile = format!("[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n", service.url());
    let server = Server::start([refused()]);
    let table = format!("[mcp.hub]\nurl = \"{}/mcp\"\n", server.origin());
    let chat = with_servers(&[profile, table]).args(["chat", "--mcp", "hub", "--yes", "x"]).run();
    chat.code(2).stderr_has("llm: mcp hub: HTTP 401: invalid_token");
}

#[test]
fn a_key_comes_from_its_variable_and_is_never_shown() {
    let server = Server::start([Reply::text(500, "bad k-12345678 broke"), Reply::text(500, "x")]);
    let run = hub(&server, "api_key_env = [\"NO_KEY\", \"HUB_KEY\"]");
    run.clone()
        .args(["mcp", "tools", "hub"])
        .run()
        .code(2)
        .stderr("llm: mcp hub: no key; set NO_KEY\n");
    let run = run.env("HUB_KEY", "k-12345678");
    let outcome = run.clone().args(["mcp", "tools", "hub", "-v"]).run();
    outcome.code(6).stderr_has("llm: mcp hub: HTTP 500: bad *** broke");
    outcome.stderr_has("Authorization: Bearer ***").stderr_lacks("k-12345678");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer k-12345678"));
    run.args(["mcp", "tools", "hub"]).run().code(6).stderr_lacks("k-12345678");
}

#[test]
fn what_is_no_server_of_tools_is_told() {
    let old = "event: endpoint\ndata: /messages?id=1\n\n";
    let server = Server::start([
        Reply::text(405, "Method Not Allowed"),
        Reply::chunks("text/event-stream", [old]).then([Step::UntilClosed]),
    ]);
    let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
    outcome.code(4).stderr_has("llm: mcp hub: it speaks the old HTTP+SSE transport");
    outcome.stderr_has("hint: `npx mcp-remote http://127.0.0.1:");
    assert_eq!(server.requests()[1].method, "GET");
    let server =
        Server::start([Reply::text(404, "nothing here"), Reply::text(404, "nothing here")]);
    let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
    outcome.code(4).stderr_has("llm: mcp hub: HTTP 404: nothing here\n");
    let server = Server::start([Reply::html(200, "<html>你好</html>")]);
    let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
    outcome.code(4).stderr_has(
        "llm: mcp hub: it answers with no message (HTTP 200, text/html; charset=utf-8)\n",
    );
    let refusing = Server::refusing();
    let table = format!("[mcp.hub]\nurl = \"{}\"\n", refusing.url());
    let outcome = with_servers(&[table]).args(["mcp", "tools", "hub"]).run();
    outcome.code(6).stderr_has("llm: mcp hub: cannot connect");
    for url in ["ftp://h/", "nothing"] {
        let table = format!("[mcp.hub]\nurl = \"{url}\"\n");
        with_servers(&[table])
            .args(["mcp", "tools", "hub"])
            .run()
            .code(2)
            .stderr_has("llm: mcp hub: its address");
    }
}

#[test]
fn nothing_of_the_model_service_goes_to_a_server_and_redirects_stay_at_home() {
    let service = Server::start([calling(&[("look", "{}")]), Reply::chat(&["完"])]);
    let server = Server::start([
        Reply::bytes(307, "", "").header("Location", "/other"),
        Reply::json(200, hello(1)),
        accepted(),
        Reply::json(200, list(2)),
        Reply::json(200, text(3, "晴")),
    ]);
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key_env = \"KEY\"\nheaders = {{ X-Own = \"1\" }}\n",
        service.url()
    );
    let run = with_servers(&[profile]).env("KEY", "sk-12345678").watch(&server);
    let address = format!("{}/mcp", server.origin());
    let outcome = run.args(["chat", "--mcp", &address, "--yes", "x"]).run();
    outcome.code(0).stdout("完\n").stderr("llm: the model calls 127.0.0.1/look {}\n");
    for request in server.requests() {
        assert_eq!((request.header("authorization"), request.header("x-own")), (None, None));
    }
    assert_eq!(server.requests()[1].path, "/other");
    let elsewhere = Reply::bytes(308, "", "").header("Location", "http://example.invalid/mcp");
    let server = Server::start([elsewhere]);
    let outcome = hub(&server, "").args(["mcp", "tools", "hub"]).run();
    outcome
        .code(4)
        .stderr_has("redirects to http://example.invalid/mcp (308)")
        .stderr_has("change `url`");
}

#[test]
fn a_call_that_is_given_up_is_called_off() {
    let server = Server::start([
        Reply::json(200, hello(1)).header("Mcp-Session-Id", SESSION),
        accepted(),
        Reply::json(200, list(2)),
        Reply::raw([Step::UntilClosed]),
        accepted(),
        Reply::bytes(200, "", ""),
    ]);
    let running = hub(&server, "").args(["mcp", "call", "hub", "look"]).spawn();
    server.wait_requests(4, LONG);
    running.signal("INT");
    running.wait().code(130);
    let requests = server.requests();
    assert_eq!(requests[4].json()["method"], "notifications/cancelled");
    assert_eq!(requests[4].json()["params"]["requestId"], 3);
    assert_eq!(requests[5].method, "DELETE");
}

#[test]
fn addresses_of_other_programs_files_are_taken() {
    let server = Server::start([Reply::json(200, hello(1)), accepted(), Reply::json(200, list(2))]);
    let file = json!({"mcpServers": {
        "hub": {"type": "http", "url": format!("{}/${{WHERE:-mcp}}", server.origin()), "headers": {"X-Key": "${HUB_KEY}"}},
        "old": {"type": "sse", "url": "https://h.example/sse"}}});
    let run = with_servers(&[]).file("mcp.json", file.to_string()).env("HUB_KEY", "k-12345678");
    run.clone()
        .args(["mcp", "tools", "mcp.json#hub"])
        .run()
        .code(0)
        .stdout("look  看\n    region (string)\n");
    assert_eq!(server.requests()[0].header("x-key"), Some("k-12345678"));
    assert_eq!(server.requests()[0].path, "/mcp");
    let old = run.args(["mcp", "tools", "mcp.json#old"]).run();
    old.code(2).stderr_has("llm: mcp old: it speaks the old HTTP+SSE transport");
}
