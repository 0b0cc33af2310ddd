//! `--rows requests`: rows that are requests already, asked here, made anew, and put to their results.

use serde_json::{Value, json};

use crate::support::{Reply, Server, chat_body, llm};

fn request(id: &str, text: &str, more: Value) -> String {
    let mut body = json!({"model": "own", "messages": [{"role": "user", "content": text}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body})
        .to_string()
        + "\n"
}

const REQUESTS: [&str; 5] = ["batch", "--rows", "requests", "-f", "r.jsonl"];

#[test]
fn requests_are_sent_as_they_are() {
    let rows = request("a", "一", json!({"top_k": 3, "stream": true}))
        + &request("b", "二", json!({"temperature": 0}));
    let server =
        Server::start([Reply::json(200, chat_body("one")), Reply::json(200, chat_body("two"))]);
    let run = llm()
        .profile(&server)
        .file("r.jsonl", &rows)
        .args(REQUESTS)
        .args(["--concurrency", "1"])
        .run();
    run.code(0).stderr_empty();
    let lines: Vec<Value> =
        run.stdout_text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["custom_id"], &lines[0]["answer"]), (&json!("a"), &json!("one")));
    let bodies = server.bodies();
    assert_eq!(
        bodies[0],
        json!({"model": "own", "messages": [{"role": "user", "content": "一"}], "top_k": 3})
    );
    assert_eq!(bodies[1]["temperature"], 0);
}

#[test]
fn a_dry_run_shows_the_first_request_as_it_is() {
    let rows = request("a", "一", json!({"top_k": 3})) + &request("b", "二", json!({}));
    let run = llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", rows);
    let run = run.args(REQUESTS).arg("--dry-run").run();
    run.code(0).stderr_has("2 requests, ");
    run.stdout_has("\"model\":\"own\"").stdout_has("\"content\":\"一\"").stdout_has("\"top_k\":3");
}

#[test]
fn a_limit_in_a_row_is_the_users_own() {
    let cut = || {
        let mut body = chat_body("o");
        body["choices"][0]["finish_reason"] = json!("length");
        body
    };
    for (limit, code) in
        [(json!({"max_completion_tokens": 5}), 0), (json!({"max_tokens": null}), 7)]
    {
        let rows = request("a", "一", limit);
        let server = Server::start([Reply::json(200, cut())]);
        let run = llm().profile(&server).file("r.jsonl", &rows).args(REQUESTS).run();
        run.code(code).stdout_has("\"finish_reason\":\"length\"");
        let line = json!({"custom_id": "a", "response": {"status_code": 200, "body": cut()}});
        let place = llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", &rows);
        let run = place.file("out.jsonl", line.to_string());
        run.args(["batch", "fetch", "--from", "out.jsonl"]).args(&REQUESTS[1..]).run().code(code);
    }
}

#[test]
fn requests_that_name_their_model_need_no_other() {
    let rows = request("a", "一", json!({}));
    let server = Server::start([Reply::json(200, chat_body("one"))]);
    let place = llm().file("r.jsonl", &rows).watch(&server);
    let run = place.args(REQUESTS).args(["--base-url", &server.url()]).run();
    run.code(0).stderr_empty();
    assert_eq!(server.bodies()[0]["model"], "own");
    let rows = "{\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}}\n";
    let server = Server::start([Reply::json(404, json!({"error": {"message": "no list"}}))]);
    let place = llm().file("r.jsonl", rows).watch(&server);
    let run = place.args(REQUESTS).args(["--base-url", &server.url()]).run();
    run.code(2).stderr_has("no model is set");
}

#[test]
fn model_and_fields_of_the_command_win() {
    let rows = request("a", "一", json!({"top_k": 3}));
    let server = Server::start([Reply::json(200, chat_body("one"))]);
    let run = llm()
        .profile(&server)
        .file("r.jsonl", &rows)
        .args(REQUESTS)
        .args(["-m", "mine", "-O", "top_k=5"])
        .run();
    run.code(0);
    assert_eq!(
        (&server.bodies()[0]["model"], &server.bodies()[0]["top_k"]),
        (&json!("mine"), &json!(5))
    );
}

#[test]
fn the_way_through_vllm_and_back_gives_the_same_file() {
    let rows = request("a", "一", json!({})) + &request("b", "二", json!({}));
    let texts = ["one\u{2028}", "two"];
    let server = Server::start(texts.map(|text| Reply::json(200, chat_body(text))));
    let place = llm().profile(&server).file("r.jsonl", &rows);
    let ran = place.clone().args(REQUESTS).args(["--concurrency", "1", "-o", "ran.jsonl"]).run();
    ran.code(0);
    // As vLLM writes it: compact, raw, in the order of the requests.
    let line = |(id, text): (&str, &str)| {
        let response = json!({"status_code": 200, "request_id": "v", "body": chat_body(text)});
        json!({"id": "vllm-1", "custom_id": id, "response": response, "error": null}).to_string()
            + "\n"
    };
    let results: String = ["a", "b"].into_iter().zip(texts).map(line).collect();
    let fetched = place.file("out.jsonl", results);
    let fetched = fetched
        .args([
            "batch",
            "fetch",
            "--from",
            "out.jsonl",
            "--rows",
            "requests",
            "-f",
            "r.jsonl",
            "-o",
            "fetched.jsonl",
        ])
        .run();
    fetched.code(0);
    assert_eq!(
        String::from_utf8(fetched.read("fetched.jsonl")),
        String::from_utf8(fetched.read("ran.jsonl"))
    );
}

#[test]
fn what_is_no_request_is_told_before_anything_is_sent() {
    let server = Server::start([]);
    let place = llm().profile(&server);
    for (rows, words) in [
        ("{\"custom_id\":\"a\"}\n".to_owned(), "row 1 of r.jsonl has no `body` that is an object"),
        ("{\"body\":\"x\"}\n".to_owned(), "row 1 of r.jsonl has no `body` that is an object"),
        (
            request("a", "x", json!({}))
                + "{\"url\":\"/v1/embeddings\",\"body\":{\"input\":\"x\"}}\n",
            "row 2 of r.jsonl is a request for /v1/embeddings",
        ),
        ("no\n".to_owned(), "row 1 of r.jsonl is not JSON"),
        (request("a", "x", json!({})) + &request("a", "y", json!({})), "have the same id"),
    ] {
        let run = place.clone().file("r.jsonl", rows).args(REQUESTS).run();
        run.code(2).stdout_empty().stderr_has(words);
    }
    for flags in [&["译"][..], &["-s", "x"], &["-t", "1"], &["--schema", "a"]] {
        let run = place
            .clone()
            .file("r.jsonl", request("a", "x", json!({})))
            .args(REQUESTS)
            .args(flags)
            .run();
        run.code(2).stderr_has("--rows requests takes whole requests");
    }
}

#[test]
fn requests_of_others_are_made_anew_for_vllm() {
    let rows = request("7", "a\u{2028}b", json!({"stream": true}));
    let run = llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", rows);
    let run = run.args(["batch", "make", "--rows", "requests", "-f", "r.jsonl"]).run();
    run.code(0).stdout(
        "{\"custom_id\":\"row-1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":\
         {\"model\":\"own\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\u2028b\"}]}}\n",
    );
    let bad = request("a", "x", json!({"temperature": "very hot"}));
    let run = llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", bad);
    let run = run.args(["batch", "make", "--rows", "requests", "-f", "r.jsonl"]).run();
    run.code(2).stderr_has("row 1 of r.jsonl can't be used: `temperature` must be a number");
}
