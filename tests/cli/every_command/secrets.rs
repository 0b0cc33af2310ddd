//! What is a secret: by whole words of a name and by the value. It is on no stream, and what is none
//! stays readable.

use serde_json::json;

use crate::support::{Llm, Outcome, Reply, Server, llm};

/// A chat with a profile at the server.
fn with(server: &Server, query: &str, lines: &str) -> Llm {
    let config =
        format!("[providers.x]\nbase_url = \"{}{query}\"\nmodel = \"m\"\n{lines}\n", server.url());
    llm().watch(server).config(&config).args(["chat", "你好"])
}

#[track_caller]
fn hides(outcome: &Outcome, secrets: &[&str]) {
    for secret in secrets {
        if outcome.stdout_text().contains(secret) || outcome.stderr_text().contains(secret) {
            outcome.fail(&format!("`{secret}` is shown"));
        }
    }
}

/// Headers of gateways, and how the value is shown.
#[test]
fn secret_headers_are_masked_whole() {
    for (header, secret) in [
        ("Helicone-Auth: Bearer geheim-0001", "geheim-0001"),
        ("x-portkey-api-key: geheim-0001", "geheim-0001"),
        ("x-portkey-virtual-key: geheim-0001", "geheim-0001"),
        ("x-portkey-config: geheim-0001", "geheim-0001"),
        ("X-Upstream: {\"provider\": \"x\", \"api_key\": \"geheim-0001\"}", "geheim-0001"),
        ("CF-Access-Client-Id: geheim-0001", "geheim-0001"),
        ("X-Upstream: Basic Z2VoZWltLTAwMDE=", "Z2VoZWltLTAwMDE="),
        ("X-Upstream: SK-geheim-0001", "geheim-0001"),
        ("X-Upstream: eyJnZWhlaW0tMDAwMQ", "eyJnZWhlaW0tMDAwMQ"),
        ("Cookie: a=geheim-0001; b=geheim-0002", "geheim-000"),
        ("Proxy-Authorization: Digest geheim-0001, geheim-0002", "geheim-000"),
        ("sessionToken: geheim-0001", "geheim-0001"),
    ] {
        let words = format!("what is {secret}1? {secret}");
        let reply = Reply::json(400, json!({"error": {"message": words}})).header("x-echo", secret);
        let server = Server::new().reply(reply.repeat()).start();
        let run = with(&server, "", "").args(["-H", header]);
        let outcome = run.clone().arg("-v").run();
        outcome.code(4).stderr_has("***");
        let (name, value) = header.split_once(": ").expect("a header");
        let request = server.request();
        assert_eq!(request.header(name), Some(value));
        let line = format!("llm: > {name}: ");
        let line = outcome.stderr_lines().into_iter().find(|text| text.starts_with(&line));
        let line = line.unwrap_or_else(|| outcome.fail("the header is not shown"));
        assert!(line.ends_with("***") && !line.contains("eheim"), "{line}");
        hides(&run.clone().arg("--dry-run").run(), &["eheim", "Z2VoZW", "eyJnZ"]);
        let toml = format!("headers = {{ {name} = {} }}", json!(value));
        let show = with(&server, "", &toml);
        let shown = llm().config(&std::fs::read_to_string(show.config_file()).expect("a file"));
        let shown = shown.args(["providers", "show", "x"]).run();
        shown.code(0).stdout_has("***");
        hides(&shown, &["eheim", "Z2VoZW", "eyJnZ"]);
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    let words = "The server had an error with openai-prod, affe1234";
    let reply = Reply::json(500, json!({"error": {"message": words}}))
        .header("x-ratelimit-remaining-tokens", "4711")
        .header("x-ratelimit-limit-token", "4712")
        .header("set-cookie", "__cf_bm=geheim-0001")
        .header("x-monkey", "affe1234");
    let server = Server::new().reply(reply.repeat()).start();
    let run = with(&server, "?max_tokens=10&monkey=affe1234", "").args([
        "-v",
        "--retries",
        "0",
        "-H",
        "X-Monkey: affe1234",
        "-H",
        "x-portkey-provider: openai-prod",
        "-H",
        "X-Key: server",
        "-O",
        "prompt_cache_key=affe1234",
        "-O",
        "max_tokens=10",
    ]);
    let outcome = run.run();
    outcome
        .code(6)
        .stderr_has(words)
        .stderr_has("remaining-tokens: 4711")
        .stderr_has("token: 4712");
    outcome.stderr_has("X-Monkey: affe1234").stderr_has("x-portkey-provider: openai-prod");
    outcome.stderr_has("monkey=affe1234").stderr_has("\"prompt_cache_key\":\"affe1234\"");
    outcome.stderr_has("X-Key: ***").stderr_has("set-cookie: ***");
    let dry = run.arg("--dry-run").run();
    dry.code(0).stdout_has("'X-Monkey: affe1234'").stdout_has("\"prompt_cache_key\":\"affe1234\"");
}

#[test]
fn secrets_in_queries_and_user_information_are_masked_in_every_form() {
    let words = "no geheim 0001/x geheim%200001%2Fx geheim+0001%2Fx pass wort1 pass%20wort1";
    let reply = Reply::json(400, json!({"error": {"message": words}}));
    for name in ["key", "sig", "code", "token", "X-Amz-Signature", "api%2Dkey", "x"] {
        let server = Server::new().reply(reply.clone().repeat()).start();
        let value = if name == "x" { "sk-geheim%200001%2Fx" } else { "geheim%200001%2Fx" };
        let query = format!("?v=1&{name}={value}&z=2");
        let run = with(&server, &query, "");
        let url = server.url().replace("http://", "http://li:pass%20wort1@");
        let run = run.args(["--base-url", &format!("{url}{query}"), "-m", "m", "-v"]);
        let outcome = run.run();
        outcome.code(4).stderr_has("v=1&").stderr_has("=***&z=2");
        hides(&outcome, &["wort1", if name == "x" { "sk-geheim" } else { "geheim" }]);
        let dry = run.arg("--dry-run").run();
        dry.code(0).stdout_has("v=1&");
        hides(&dry, &["wort1", "geheim"]);
    }
}

#[test]
fn secret_texts_of_options_are_masked() {
    let words = "no such token: geheim-0001, geheim-0002";
    let reply = Reply::json(400, json!({"error": {"message": words}}));
    let server = Server::new().reply(reply.repeat()).start();
    let lines = "options = { upstream_key = \"geheim-0001\", stop = [\"key\"], session = 3 }";
    let run =
        with(&server, "", lines).args(["-O", "extra.api_key=geheim-0002", "-O", "pin.token=kurz"]);
    let outcome = run.clone().arg("-v").run();
    outcome.code(4).stderr_has("\"upstream_key\":\"***\"").stderr_has("\"api_key\":\"***\"");
    outcome
        .stderr_has("\"token\":\"***\"")
        .stderr_has("\"stop\":[\"key\"]")
        .stderr_has("\"session\":3");
    hides(&outcome, &["geheim", "kurz"]);
    let body = server.requests()[0].json();
    assert_eq!(
        (&body["upstream_key"], &body["pin"]["token"]),
        (&"geheim-0001".into(), &"kurz".into())
    );
    let dry = run.clone().arg("--dry-run").run();
    dry.code(0);
    hides(&dry, &["geheim", "kurz"]);
    let config = std::fs::read_to_string(run.config_file()).expect("a file");
    let shown = llm().config(&config).args(["providers", "show", "x"]).run();
    hides(&shown, &["geheim"]);
    let form = llm().config(&config).file("a.mp3", "ID3\u{4}").watch(&server);
    let form = form.args(["transcribe", "a.mp3", "-O", "token=geheim-0001", "--dry-run"]).run();
    form.code(0).stdout_has("--form-string \"token=$LLM_API_KEY\"");
    hides(&form, &["geheim"]);
}

/// The end of what `-v` shows of a body may lie within a secret.
#[test]
fn a_body_is_masked_before_it_is_cut() {
    const KEY: &str = "sk-Geheim-0123456789abcdefghijklmnopqrstuvwxyz";
    let server = Server::always(Reply::chat(&["好"]));
    for length in (3900..4100).step_by(16) {
        let prompt = format!("{}{KEY}", "a".repeat(length));
        let run = with(&server, "", &format!("key = \"{KEY}\"")).args([&prompt, "-v"]);
        hides(&run.run(), &["sk-G", "Geheim"]);
    }
}

/// `providers` as JSON, without secrets; `config` has none.
#[test]
fn json_of_profiles_holds_no_secret() {
    let config = "[providers.x]\nbase_url = \"http://u:geheim-1@h.example/v1?key=geheim-2\"\n\
                  api_key = \"geheim-3\"\nproxy = \"http://u:geheim-4@p.example\"\n\
                  headers = { Helicone-Auth = \"Bearer geheim-5\" }\nbodies.speak = { token = \"geheim-6\" }\n\
                  api_key_cmd = \"echo sk-geheim-7\"\n\
                  rules = [{ set = { api_key = \"geheim-8\" } }]\n";
    for args in [vec!["providers", "--json"], vec!["providers", "show", "x", "--json"]] {
        let outcome = llm().config(config).args(args).run();
        outcome.code(0);
        let value: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("it is JSON");
        assert!(value.to_string().contains("h.example/v1"), "{outcome}");
        hides(&outcome, &["geheim"]);
    }
    let outcome = llm().config(config).args(["providers", "show", "x"]).run();
    hides(&outcome, &["geheim"]);
    llm().args(["config", "path", "--json"]).run().code(2).stdout_empty().stderr_has("JSON");
}
