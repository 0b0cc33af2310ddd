//! Answers whose JSON or whose id is wrong.

use super::{HELLO, LIST, answering, with_servers};
use crate::support::{Reply, Server};

/// Results of a call that some JSON writers give, and what is read of them.
const WRONG: [(&str, &str); 4] = [
    (r#"{"content":[{"type":"text","text":"cut emoji \ud83d"}]}"#, "cut emoji \u{fffd}\n"),
    (r#"{"content":[{"type":"text","text":"\ude00 cut"}]}"#, "\u{fffd} cut\n"),
    (r#"{"content":[],"structuredContent":{"a":NaN,"b":-Infinity}}"#, "{\"a\":null,\"b\":null}\n"),
    ("{\"content\":[{\"type\":\"text\",\"text\":\"a\tb\"}]}", "a\tb\n"),
];

fn message(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// An answer that is nested too deep.
fn deep(id: u64) -> String {
    let (open, close) = ("[".repeat(200), "]".repeat(200));
    message(id, &format!(r#"{{"content":[],"structuredContent":{{"a":{open}{close}}}}}"#))
}

#[test]
fn an_answer_that_can_be_mended_is_taken() {
    for (result, read) in WRONG {
        let run = answering(&[HELLO, LIST, &message(3, result)]);
        run.args(["mcp", "call", "a", "t"]).run().code(0).stdout(read).stderr_empty();
    }
}

#[test]
fn a_list_that_can_be_mended_is_taken() {
    let list = message(2, r#"{"tools":[{"name":"t","description":"half \ud83d"}]}"#);
    let run = answering(&[HELLO, &list]).args(["mcp", "tools", "a"]);
    run.run().code(0).stdout("t  half \u{fffd}\n").stderr_empty();
}

#[test]
fn an_answer_that_cannot_be_read_ends_the_wait_for_it() {
    let run = answering(&[HELLO, LIST, &deep(3)]).args(["mcp", "call", "a", "t"]);
    let words = "llm: mcp a: its answer can't be read (recursion limit exceeded at line 1 column";
    run.run().code(6).stdout_empty().stderr_has(words);
    let run = answering(&[HELLO, &deep(2)]).args(["mcp", "tools", "a"]);
    run.run().code(2).stdout_empty().stderr_has(words);
}

/// A server at an address with this answer to a call.
fn hub(answer: Reply) -> (Server, String) {
    let json = |text: &str| Reply::bytes(200, "application/json", text);
    let server = Server::start([json(HELLO), Reply::bytes(202, "", ""), json(LIST), answer]);
    let table = format!("[mcp.a]\nurl = \"{}/mcp\"\n", server.origin());
    (server, table)
}

#[test]
fn it_is_the_same_over_http() {
    for (result, read) in WRONG {
        let message = message(3, result);
        for answer in
            [Reply::bytes(200, "application/json", message.as_str()), Reply::sse(&[&message])]
        {
            let (server, table) = hub(answer);
            let run = with_servers(&[table]).watch(&server).args(["mcp", "call", "a", "t"]);
            run.run().code(0).stdout(read).stderr_empty();
        }
    }
    for answer in [
        Reply::bytes(200, "application/json", deep(3)),
        Reply::chunks("text/event-stream", [format!("data: {}\n\n", deep(3))])
            .then([crate::support::Step::UntilClosed]),
    ] {
        let (server, table) = hub(answer);
        let run = with_servers(&[table]).watch(&server).args(["mcp", "call", "a", "t"]);
        run.run()
            .code(6)
            .stderr_has("llm: mcp a: it gives an answer that can't be read (recursion");
    }
}

#[test]
fn an_error_for_a_notification_is_no_answer_to_a_request() {
    for code in [-32601, -32600] {
        let stray =
            format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"?"}}}}"#);
        let answer = format!("[{stray},{LIST}]");
        let run = answering(&[HELLO, &answer, &message(3, r#"{"content":[]}"#)]);
        run.clone().args(["mcp", "tools", "a"]).run().code(0).stdout("t\n").stderr_empty();
    }
}

#[test]
fn an_error_without_an_id_is_the_answer_to_the_one_request() {
    let stray =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"can't read that"}}"#;
    let run = answering(&[HELLO, LIST, stray]).args(["mcp", "call", "a", "t"]);
    run.run().code(4).stderr_has("refuses the call of a/t: can't read that\n");
}
