//! `llm models`: one id a line, whatever shape the list has; refusals as everywhere.

use super::support::{Llm, Reply, Server, llm};
use serde_json::{Value, json};

fn with(server: &Server) -> Llm {
    llm().profile(server).args(["models", "--retries", "0"])
}

/// Runs the command against one reply.
fn listed(reply: Reply) -> super::support::Outcome {
    let server = Server::start([reply]);
    with(&server).run()
}

fn list() -> Value {
    json!({"object": "list", "data": [
        {"id": "Qwen3-8B", "object": "model"}, {"id": "通义千问", "object": "model"}, {"id": "gpt-4o"},
    ]})
}

#[test]
fn ids_come_one_a_line_in_the_services_order() {
    let server = Server::start([Reply::json(200, list())]);
    let config = format!(
        "[providers.x]\nbase_url = \"{}?api-version=1\"\napi_key = \"sk-modelle-01\"\nheaders = {{ X-Team = \"f\" }}\n",
        server.url()
    );
    let outcome = llm().watch(&server).config(&config).args(["models"]).run();
    outcome.code(0).stdout("Qwen3-8B\n通义千问\ngpt-4o\n").stderr_empty();
    let request = server.request();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/v1/models?api-version=1")
    );
    assert_eq!(request.header("authorization"), Some("Bearer sk-modelle-01"));
    assert_eq!(request.header("x-team"), Some("f"));
    assert_eq!((request.header("content-type"), request.body.len()), (None, 0));
}

#[test]
fn a_word_picks_those_that_contain_it() {
    let server = Server::new().reply(Reply::json(200, list()).repeat()).start();
    with(&server).arg("qwen").run().code(0).stdout("Qwen3-8B\n").stderr_empty();
    with(&server).arg("千").run().code(0).stdout("通义千问\n").stderr_empty();
    with(&server).arg("nichts").run().code(0).stdout_empty();
}

#[test]
fn json_is_printed_as_it_came() {
    let text = "{\"data\":[ {\"id\":\"通义\",\"x\":1.0} ],\n  \"mehr\": null}";
    let server = Server::start([Reply::bytes(200, "application/json", text)]);
    with(&server).arg("--json").run().code(0).stdout(text).stderr_empty();
    let outcome = {
        let server =
            Server::start([Reply::json(401, json!({"error": {"message": "kein Schlüssel"}}))]);
        with(&server).arg("--json").run()
    };
    outcome.code(3).stdout_empty().stderr_has("kein Schlüssel");
}

#[test]
fn every_shape_of_list_is_read() {
    for body in [
        json!({"data": [{"id": "a"}, {"id": "通义"}]}),
        json!([{"id": "a"}, {"id": "通义"}]),
        json!({"models": [{"name": "a"}, {"name": "models/通义"}]}),
    ] {
        listed(Reply::json(200, body)).code(0).stdout("a\n通义\n").stderr_empty();
    }
    let injected = json!({"data": [{"id": "a\nb"}]});
    listed(Reply::json(200, injected)).code(0).stdout("a b\n");
    for body in [json!({"data": null}), json!({"data": []})] {
        let outcome = listed(Reply::json(200, body));
        outcome.code(0).stdout_empty().stderr_has("no models");
        assert!(outcome.stderr_lines().iter().all(|line| line.starts_with("llm: ")), "{outcome}");
    }
}

#[test]
fn refusals_have_the_codes_of_the_table() {
    let error = |words: &str| json!({"error": {"message": words}});
    for (reply, code, words) in [
        (Reply::json(401, error("bad key")), 3, "bad key"),
        (Reply::json(403, error("not yours")), 3, "not yours"),
        (Reply::json(404, error("no such path")), 4, "no such path"),
        (Reply::json(402, error("no money")), 5, "no money"),
        (Reply::json(429, error("slow down")), 5, "slow down"),
        (Reply::json(500, error("out of order")), 6, "out of order"),
        (Reply::html(502, "<html><title>Bad Gateway</title></html>"), 6, "Bad Gateway"),
        (Reply::html(200, "<html><title>登录</title></html>"), 4, "登录"),
        (Reply::text(200, "hello"), 4, "hello"),
        (Reply::text(200, ""), 4, "no list of models"),
        (Reply::json(200, error("本地错误")), 6, "本地错误"),
    ] {
        let outcome = listed(reply);
        outcome.code(code).stdout_empty().stderr_has(words);
        let lines = outcome.stderr_lines();
        let fits = lines[0].starts_with("llm: ") && lines.len() <= 2;
        if !fits || !lines.iter().skip(1).all(|line| line.starts_with("hint: ")) {
            outcome.fail("expected one line of ours, and at most a hint");
        }
    }
    let refusing = Server::refusing();
    let run = llm().profile_at(&refusing.url()).args(["models", "--retries", "0"]).run();
    run.code(6).stdout_empty().stderr_has("connection refused");
}

#[test]
fn a_passing_failure_is_tried_again() {
    let busy = Reply::json(503, json!({"error": {"message": "loading"}}));
    let server = Server::start([busy.header("retry-after-ms", "1"), Reply::json(200, list())]);
    let outcome = llm().profile(&server).args(["models", "gpt"]).run();
    outcome.code(0).stdout("gpt-4o\n");
    assert!(outcome.stderr_lines().iter().all(|line| line.starts_with("llm: ")), "{outcome}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_redirect_to_another_host_takes_no_key_along() {
    let other = Server::start([Reply::json(200, list())]);
    let target = format!("{}/models", other.origin());
    let server = Server::start([Reply::text(302, "").header("location", &target)]);
    let config =
        format!("[providers.x]\nbase_url = \"{}\"\napi_key = \"sk-bleibt-01\"\n", server.url());
    let outcome = llm().watch(&other).config(&config).args(["models", "gpt"]).run();
    outcome.code(0).stdout("gpt-4o\n").stderr_empty();
    assert_eq!(server.request().header("authorization"), Some("Bearer sk-bleibt-01"));
    assert_eq!(other.request().header("authorization"), None);
}

#[test]
fn a_service_without_a_list_is_not_asked() {
    let outcome = llm().args(["models", "-p", "whispercpp"]).run();
    outcome
        .code(2)
        .stdout_empty()
        .stderr_has("whispercpp")
        .stderr_has("hint: ")
        .stderr_has("openai");
}

#[test]
fn the_demo_lists_itself() {
    let outcome = llm().args(["models", "-p", "demo"]).run();
    outcome.code(0).stdout_has("demo").stderr_empty();
    llm().args(["models", "-p", "demo", "--json"]).run().stdout_json();
}
