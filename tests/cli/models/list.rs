//! `llm models`: one id a line, whatever shape the list has; refusals as everywhere.

use crate::support::{Llm, Reply, Server, llm};
use serde_json::{Value, json};

fn with(server: &Server) -> Llm {
    llm().profile(server).args(["models", "--retries", "0"])
}

/// Runs the command against one reply.
fn listed(reply: Reply) -> crate::support::Outcome {
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
    let none = with(&server).arg("nichts").run();
    none.code(1)
        .stdout_empty()
        .stderr_has("no model whose id contains `nichts`")
        .stderr_has("hint: ");
    with(&server).args(["--json", "nichts"]).run().code(0);
    let empty = Server::start([Reply::json(200, json!({"data": []}))]);
    with(&empty).arg("qwen").run().code(1).stdout_empty().stderr_lacks("lists all");
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
        (Reply::text(200, ""), 4, "not a list of models"),
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

#[test]
fn anthropic_gets_the_key_in_its_own_header() {
    let server =
        Server::start([Reply::json(200, json!({"data": [{"id": "claude", "type": "model"}]}))]);
    let config = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key = \"sk-eigen-0001\"\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["models", "-p", "anthropic"]);
    run.run().code(0).stdout("claude\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/models?limit=1000");
    assert_eq!(request.header("x-api-key"), Some("sk-eigen-0001"));
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("authorization"), None);
    let dry = run.clone().arg("--dry-run").run();
    dry.code(0).stdout_has("x-api-key: $LLM_API_KEY");
    // A chat has its usual header, and so has the list at another address.
    let show = llm().args(["providers", "show", "anthropic"]).run();
    show.code(0).stdout_has("models_headers.x-api-key          $KEY");
    let chat = llm().config(&config).args(["chat", "-p", "anthropic", "--dry-run", "hi"]).run();
    chat.code(0).stdout_has("Authorization: Bearer $LLM_API_KEY");
    assert!(!chat.stdout_text().contains("anthropic-version"), "{chat}");
    let elsewhere = run.args(["--base-url", "http://127.0.0.1:9/v1", "--dry-run"]).run();
    elsewhere.code(0).stderr_has("is not sent to");
    assert!(!elsewhere.stdout_text().contains("-H"), "{elsewhere}");
}

#[test]
fn a_list_at_another_address_is_for_the_built_in_services_alone() {
    let cohere =
        llm().env("COHERE_API_KEY", "sk-kohle-0001").args(["models", "-p", "cohere", "--dry-run"]);
    let outcome = cohere.run();
    outcome.code(0).stdout_has("'https://api.cohere.com/v1/models?page_size=1000'");
    outcome.stdout_has("Authorization: Bearer $COHERE_API_KEY");
    // Behind a gateway of the user's the built-in address says nothing.
    let moved = "[providers.cohere]\nbase_url = \"https://gateway.example/v1\"\n";
    cohere.clone().config(moved).run().code(0).stdout_has("'https://gateway.example/v1/models'");
    let away = |base: &str, path: &str| {
        let config = format!(
            "[providers.x]\nbase_url = \"{base}\"\napi_key = \"sk-bleibt-01\"\npaths = {{ models = \"{path}\" }}\n"
        );
        llm().config(&config).args(["models", "--dry-run"]).run()
    };
    let same = away("https://h.example/compatible/v1", "https://h.example/native/models");
    same.code(0).stdout_has("'https://h.example/native/models'");
    for path in
        ["https://other.example/v1/models", "http://h.example/models", "https://h.example:8443/m"]
    {
        let outcome = away("https://h.example/v1", path);
        outcome
            .code(2)
            .stdout_empty()
            .stderr_has("`paths.models` leaves the base_url")
            .stderr_has(":4)");
    }
    let query = away("https://h.example/v1?api-version=1", "/models?limit=9");
    query.code(0).stdout_has("'https://h.example/v1/models?api-version=1&limit=9'");
    // The user's path at a built-in service is the user's.
    let stolen = "[providers.cohere]\npaths = { models = \"https://other.example/models\" }\n";
    cohere.config(stolen).run().code(2).stderr_has("leaves the base_url");
}

#[test]
fn a_model_that_ends_is_told_beside_the_list() {
    let list = json!({"data": [
        {"id": "gpt-4o", "shutdown_date": "2020-01-14"},
        {"id": "gpt-6-luna", "shutdown_date": null},
        {"id": "gpt-5", "shutdown_date": 4_102_444_800_i64},
        {"id": "通义", "deprecated": true},
    ]});
    let server = Server::new().reply(Reply::json(200, list.clone()).repeat()).start();
    let run = with(&server).run();
    run.code(0).stdout("gpt-4o\ngpt-6-luna\ngpt-5\n通义\n");
    let lines = run.stderr_lines();
    assert_eq!(lines.len(), 3, "{run}");
    assert_eq!(lines[0], "llm: gpt-4o was shut down on 2020-01-14");
    assert!(lines[1].starts_with("llm: gpt-5 is shut down on 2100-01-01, in "), "{run}");
    assert_eq!(lines[2], "llm: 通义 is deprecated");
    let run = with(&server).arg("gpt-5").run();
    run.code(0).stdout("gpt-5\n");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    with(&server).arg("-q").run().code(0).stderr_empty();
    let text = list.to_string();
    let server = Server::start([Reply::bytes(200, "application/json", text.clone())]);
    with(&server).arg("--json").run().code(0).stdout(&text).stderr_empty();
}
