//! How a reply ends, and what a reply is that is none.

use serde_json::{Value, json};

use super::{asking, completed, message, piece, response, saying, stream};
use crate::support::{Reply, Server, chunk, llm};

fn ended(status: &str, reason: Option<&str>, output: &Value) -> Value {
    let mut whole = response(output);
    whole["status"] = status.into();
    whole["incomplete_details"] = json!({"reason": reason});
    whole
}

#[test]
fn the_status_decides_over_the_event() {
    let output = json!([message("半")]);
    for (event, status, reason, code) in [
        ("response.completed", "incomplete", Some("max_output_tokens"), 7),
        ("response.incomplete", "incomplete", Some("max_output_tokens"), 7),
        ("response.incomplete", "incomplete", Some("content_filter"), 4),
        ("response.incomplete", "incomplete", None, 6),
        ("response.completed", "cancelled", None, 6),
        ("response.completed", "completed", None, 0),
        ("response.done", "completed", None, 0),
    ] {
        let end = json!({"type": event, "response": ended(status, reason, &output)});
        let server = Server::start([stream(&[piece(0, "半"), end])]);
        let run = asking(&server, "").args(["--retries", "0", "问"]).run();
        run.code(code).stdout("半\n");
    }
}

#[test]
fn without_a_status_the_event_decides_and_the_reason() {
    let cut = json!({"reason": "max_output_tokens"});
    let response = |response: Value| Some(response);
    for (event, response, code) in [
        ("response.incomplete", response(json!({"incomplete_details": cut})), 7),
        ("response.incomplete", response(json!({})), 6),
        ("response.completed", response(json!({"incomplete_details": cut})), 7),
        ("response.failed", response(json!({})), 6),
        ("response.failed", response(json!({"status": null, "error": null})), 6),
        ("response.failed", None, 6),
        ("response.cancelled", response(json!({})), 6),
        ("response.completed", response(json!({})), 0),
        ("response.done", response(json!({})), 0),
    ] {
        let end = match &response {
            Some(response) => json!({"type": event, "response": response}),
            None => json!({"type": event}),
        };
        let server = Server::start([stream(&[piece(0, "半"), end.clone()])]);
        let run = asking(&server, "").args(["--retries", "0", "问"]).run();
        run.code(code).stdout("半\n");
        // Before any text.
        if event == "response.failed" {
            let server = Server::start([stream(&[end])]);
            asking(&server, "").args(["--retries", "0", "问"]).run().code(6).stdout("");
        }
    }
    let mut whole = ended("", Some("max_output_tokens"), &json!([message("半")]));
    whole.as_object_mut().expect("an object").remove("status");
    let server = Server::start([Reply::json(200, whole)]);
    asking(&server, "").args(["-S", "问"]).run().code(7).stdout("半\n");
}

#[test]
fn a_limit_that_cut_is_told_by_the_count_where_the_status_does_not() {
    let mut whole = response(&json!([message("半")]));
    for (output, thinking, is_cut) in
        [(20, 0, true), (199, 198, false), (30, 10, true), (19, 0, false)]
    {
        whole["usage"] = json!({"input_tokens": 1, "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": thinking}});
        let server = Server::start([Reply::json(200, whole.clone())]);
        let run = asking(&server, "").args(["-S", "--max-tokens", "20", "问"]).run();
        run.code(0).stdout("半\n");
        assert_eq!(run.stderr_text().contains("cut at your token limit"), is_cut, "{output} {run}");
    }
}

#[test]
fn an_answer_far_over_the_limit_was_not_cut_by_it() {
    let mut whole = response(&json!([message("{\"a\":\"b\"}")]));
    whole["usage"] = json!({"input_tokens": 5, "output_tokens": 500});
    for api in ["responses", "completions"] {
        for args in [&["-S"][..], &["-S", "--schema", "a"]] {
            let server = Server::start([Reply::json(200, whole.clone())]);
            let run = asking(&server, "").args(["--api", api, "--max-tokens", "50"]).args(args);
            let run = run.arg("问").run();
            run.code(0).stderr_lacks("cut at").stderr_has("500").stderr_has("50");
        }
        let server = Server::start([Reply::json(200, whole.clone())]);
        let rules = "rules = [{ jobs = [\"chat\"], set = { max_tokens = 50 } }]";
        let run = asking(&server, rules).args(["--api", api, "-S", "问"]).run();
        run.code(0).stderr_lacks("cut");
    }
}

#[test]
fn a_failure_in_a_200_is_one_and_is_tried_again_before_any_output() {
    let failed = |code: &str, words: &str| {
        let mut whole = response(&json!([]));
        whole["status"] = "failed".into();
        whole["error"] = json!({"code": code, "message": words});
        whole
    };
    for (code, words, exit) in [
        ("insufficient_quota", "no", 5),
        ("rate_limit_exceeded", "slow", 5),
        ("server_error", "oops", 6),
        ("invalid_api_key", "no", 3),
        ("invalid_prompt", "no", 4),
    ] {
        let whole = failed(code, words);
        let event = json!({"type": "response.failed", "response": whole});
        for reply in [Reply::json(200, whole.clone()), stream(&[event])] {
            let server = Server::start([reply]);
            let run = asking(&server, "").args(["--retries", "0", "问"]).run();
            run.code(exit).stdout("").stderr_has(words);
        }
    }
    let server = Server::start([Reply::json(200, failed("server_error", "oops")), saying("好")]);
    asking(&server, "").args(["--retries", "1", "问"]).run().code(0).stdout("好\n");
}

#[test]
fn errors_are_nested_or_flat_and_told_once() {
    let nested =
        json!({"type": "error", "error": {"type": "x", "code": "server_error", "message": "坏了"}});
    let flat = json!({"type": "error", "code": null, "message": "坏了", "param": null});
    let bare = json!({"error": {"message": "坏了"}});
    for error in [nested, flat, bare] {
        let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": {"message": "坏了"}}});
        let server = Server::start([stream(&[piece(0, "半"), error, failed])]);
        let run = asking(&server, "").args(["--retries", "0", "问"]).run();
        run.code(6).stdout("半\n");
        assert_eq!(run.stderr_text().matches("坏了").count(), 1, "{run}");
    }
}

#[test]
fn an_end_needs_more_than_done() {
    let server = Server::start([Reply::sse(&[piece(0, "半").to_string(), "[DONE]".to_owned()])]);
    asking(&server, "").arg("问").run().code(6).stdout("半\n").stderr_has("ended early");
    // Before any output it is asked for again.
    let server = Server::start([Reply::sse(&["[DONE]"]), saying("好")]);
    asking(&server, "").args(["--retries", "1", "问"]).run().code(0).stdout("好\n");
}

#[test]
fn what_no_piece_brought_is_taken_from_the_end() {
    let text = |text: &str| json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": text});
    let done =
        json!({"type": "response.output_item.done", "output_index": 0, "item": message("你好吗")});
    for events in [
        vec![completed(&json!([message("你好吗")]))],
        vec![piece(0, "你"), completed(&json!([message("你好吗")]))],
        vec![piece(0, "你"), text("你好吗"), done.clone(), completed(&json!([message("你好吗")]))],
        vec![done, completed(&json!([]))],
        vec![piece(0, "你好吗"), completed(&json!([message("另一个")]))],
    ] {
        let server = Server::start([stream(&events)]);
        asking(&server, "").arg("问").run().code(0).stdout("你好吗\n").stderr("");
    }
}

#[test]
fn several_messages_are_apart_by_a_blank_line() {
    let output = json!([message("一"), {"type": "web_search_call", "id": "w", "status": "completed"}, message("二\n"), message("三")]);
    let server = Server::start([
        Reply::json(200, response(&output)),
        stream(&[piece(0, "一"), piece(2, "二\n"), piece(3, "三"), completed(&output)]),
    ]);
    for _ in 0..2 {
        asking(&server, "").arg("问").run().code(0).stdout("一\n\n二\n\n三\n").stderr("");
    }
}

#[test]
fn a_reply_that_is_still_to_come_is_told_as_that() {
    let mut whole = response(&json!([]));
    whole["status"] = "queued".into();
    let server = Server::start([Reply::json(200, whole)]);
    let run = asking(&server, "").args(["-O", "background=true", "问"]).run();
    run.code(4).stdout("").stderr_has("`queued`").stderr_has("later");
}

#[test]
fn a_reply_in_the_other_dialect_is_read_all_the_same() {
    let server = Server::start([
        Reply::chat(&["你", "好"]),
        Reply::chat_json("你好"),
        saying("你好"),
        Reply::json(200, response(&json!([message("你好")]))),
    ]);
    for api in ["responses", "responses", "completions", "completions"] {
        let run = llm().profile(&server).args(["chat", "--api", api, "问"]).run();
        run.code(0).stdout("你好\n").stderr("");
    }
    // Cut, it is cut as in its own dialect.
    let server = Server::start([
        Reply::sse(&[chunk(json!({"content": "半"}), None)]),
        stream(&[piece(0, "半")]),
    ]);
    for api in ["responses", "completions"] {
        llm().profile(&server).args(["chat", "--api", api, "问"]).run().code(6).stdout("半\n");
    }
}

#[test]
fn unknown_items_events_and_parts_are_passed_over() {
    let odd = [
        json!({"type": "keepalive", "sequence_number": 1}),
        json!({"type": "acme:thing", "output_index": 0}),
        json!({"type": "response.web_search_call.searching", "output_index": 0, "item_id": "w"}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "acme:item"}}),
        json!({"type": "response.output_item.added", "output_index": 1}),
        json!({"type": "response.output_item.done", "output_index": 9, "item": 5}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": {"odd": 1}}),
        json!({"type": "response.created"}),
        json!([1]),
        piece(1, "好"),
        completed(&json!([{"type": "acme:item"}, null, message("好")])),
    ];
    let server = Server::start([stream(&odd)]);
    asking(&server, "").arg("问").run().code(0).stdout("好\n").stderr("");
}

#[test]
fn an_answer_with_nothing_in_it_is_none() {
    let server =
        Server::start([stream(&[completed(&json!([]))]), Reply::json(200, response(&json!([])))]);
    for _ in 0..2 {
        asking(&server, "").arg("问").run().code(4).stdout("").stderr_has("it holds nothing");
    }
}
