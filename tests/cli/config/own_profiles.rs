//! A profile of the user's own: the smallest one, fields in other words, base URLs as people write them,
//! very many profiles.

use serde_json::json;

use crate::support::{Llm, Reply, Server, llm};

fn chat(config: &str) -> Llm {
    llm().config(config).args(["chat", "你好"])
}

#[test]
fn three_fields_are_a_profile_whose_model_serves_every_job() {
    let vector = json!({"data": [{"index": 0, "embedding": [1.0]}]});
    let server = Server::new()
        .reply(Reply::json(200, vector.clone()))
        .reply(Reply::bytes(200, "audio/mpeg", b"ID3\x04".to_vec()))
        .reply(Reply::json(200, json!({"text": "你好"})))
        .reply(Reply::json(200, vector))
        .start();
    let config = format!(
        "[providers.gateway]\nbase_url = \"{}\"\nkey = \"sk-dritte-0001\"\nmodel = \"qwen3\"\n",
        server.url()
    );
    let run = || llm().config(&config).watch(&server).file("a.mp3", "ID3\u{4}");
    run().args(["embed", "你好"]).run().code(0).stdout("[1.0]\n");
    run().args(["speak", "你好"]).run().code(0);
    run().args(["transcribe", "a.mp3"]).run().code(0).stdout("你好\n");
    let named = format!("{config}models = {{ embed = \"bge\" }}\n");
    llm().config(&named).watch(&server).args(["embed", "你好"]).run().code(0);
    let requests = server.requests();
    assert_eq!(requests[0].json()["model"], "qwen3");
    assert_eq!(requests[1].json()["model"], "qwen3");
    assert!(String::from_utf8_lossy(&requests[2].body).contains("qwen3"));
    assert_eq!(requests[3].json()["model"], "bge");
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization") == Some("Bearer sk-dritte-0001"))
    );
    // The chat model of a built-in service is that of chat alone.
    let built_in = "[providers.mistral]\nmodel = \"x\"\nkey = \"sk-dritte-0001\"\n";
    let outcome = llm().config(built_in).args(["embed", "a", "--dry-run"]).run();
    outcome.code(0).stdout_has("mistral-embed");
}

#[test]
fn fields_in_other_words_are_met_with_the_right_one() {
    for (line, hint) in [
        ("url = \"https://h.example\"", "`base_url`"),
        ("endpoint = \"https://h.example\"", "`base_url`"),
        ("api_base = \"https://h.example\"", "`base_url`"),
        ("token = \"geheim\"", "`api_key`"),
        ("secret = \"geheim\"", "`api_key`"),
        ("apiKey = \"geheim\"", "`api_key`"),
        ("temperature = 0.5", "`options = { temperature = … }`"),
        ("max_tokens = 5", "`options = { max_tokens = … }`"),
        ("embed_model = \"e\"", "`models = { embed = … }`"),
        ("modle = \"e\"", "`model`"),
        ("models = { embd = \"e\" }", "`embed`"),
        ("models = { embedding = \"e\" }", "`embed`"),
        ("models = { tts = \"e\" }", "`speak`"),
        ("models = { whatever = \"e\" }", "known fields: chat, embed"),
        ("paths = { chats = \"/x\" }", "`chat`"),
        ("limits = { speech_character = 1 }", "`speech_characters`"),
    ] {
        let outcome = chat(&format!("[providers.x]\n{line}\n")).run();
        outcome.code(2).stdout_empty().stderr_has("providers.toml:2: ").stderr_lacks("geheim");
        let hints = outcome.stderr_lines();
        assert!(hints[1].contains(hint), "{line}: {outcome}");
    }
    let outcome = chat("base_url = \"https://h.example\"\nkey = \"geheim\"\n").run();
    outcome.code(2).stderr_has("providers.toml:1: ").stderr_has("[providers.NAME]");
    // Other profiles can't be used either, as the file is wrong: the line is told.
    chat("[providers.a]\nbase_url = \"http://h\"\n[providers.b]\ncolour = 1\n").run().code(2);
}

/// A base URL that can't be one is told when its profile is used, before anything is sent, with the right
/// form; the other profiles of the file stay usable.
#[test]
fn a_base_url_that_cannot_be_one_is_told_with_the_right_form() {
    let server = Server::always(Reply::chat(&["好"]));
    for (url, words, form) in [
        ("http://", "has no host", "http://localhost:8000/v1"),
        ("https:///v1", "has no host", "https://host.example/v1"),
        ("http://:8000/v1", "has no host", "https://host.example/v1"),
        ("SERVER/chat/completions", "one endpoint", "SERVER"),
        ("SERVER/chat/completions?a=1", "one endpoint", "SERVER?a=1"),
        ("SERVER/embeddings/", "one endpoint", "SERVER"),
        ("SERVER/models", "one endpoint", "SERVER"),
        ("SERVER/responses", "one endpoint", "SERVER"),
        ("https://{resource}.example/v1", "`{resource}`", "set `base_url` in [providers.x]"),
        ("https://<name>.example/v1", "`<name>`", "set `base_url` in [providers.x]"),
        ("https://h.example/YOUR_ACCOUNT/v1", "`YOUR_ACCOUNT`", "set `base_url`"),
        ("https://$HOST/v1", "`$HOST`", "set `base_url`"),
        ("h.example/v1", "has no scheme", "write it as https://h.example/v1"),
    ] {
        let url = url.replace("SERVER", &server.url());
        let form = form.replace("SERVER", &server.url());
        let config = format!(
            "[providers.x]\nbase_url = \"{url}\"\nmodel = \"m\"\n[providers.y]\nbase_url = \"{}\"\nmodel = \"m\"\n",
            server.url()
        );
        for command in
            [vec!["chat", "a"], vec!["embed", "a"], vec!["models"], vec!["chat", "a", "--dry-run"]]
        {
            let outcome = llm().config(&config).args(command).args(["-p", "x"]).run();
            outcome.code(2).stdout_empty().stderr_has(words);
            assert!(outcome.stderr_lines()[1].contains(&form), "{url}: {outcome}");
        }
        let other = llm().config(&config).watch(&server).args(["chat", "a", "-p", "y"]);
        other.run().code(0);
        llm().config(&config).args(["providers"]).run().code(0);
        let flag = llm().args(["chat", "a", "-m", "m", "--base-url", &url]).run();
        flag.code(2).stdout_empty().stderr_has(words);
    }
    assert!(server.requests().iter().all(|request| request.path == "/v1/chat/completions"));
}

#[test]
fn a_byte_order_mark_is_taken_off_once() {
    let server = Server::always(Reply::chat(&["好"]));
    let text = format!("[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\n", server.url());
    chat(&format!("\u{feff}{text}")).watch(&server).run().code(0).stdout("好\n");
    chat(&format!("\u{feff}\r\n{}", text.replace('\n', "\r\n"))).watch(&server).run().code(0);
    let outcome = chat(&format!("\u{feff}{text}colour = 1\n")).run();
    outcome.code(2).stderr_has("providers.toml:4: ");
    chat(&format!("\u{feff}\u{feff}{text}")).run().code(2);
}

#[test]
fn very_many_profiles_stay_quick() {
    let server = Server::always(Reply::chat(&["好"]));
    let mut text = format!("[providers.p0]\nbase_url = \"{}\"\nmodel = \"m\"\n", server.url());
    for number in 1..30_000 {
        text.push_str(&format!("[providers.p{number}]\nlike = \"p0\"\nmodel = \"m{number}\"\n"));
    }
    let run = llm().config(&text).watch(&server);
    let started = std::time::Instant::now();
    run.clone().args(["chat", "a", "-p", "p29999"]).run().code(0).stdout("好\n");
    run.clone().args(["chat", "a", "-p", "p30000"]).run().code(2).stderr_has("did you mean");
    let list = run.args(["providers"]).run();
    list.code(0);
    assert!(list.stdout_text().lines().count() > 30_000);
    // A debug build on a busy machine; a second for each of them would be far too much in a release.
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    let mut chain = String::from("[providers.p0]\nbase_url = \"http://h.example\"\n");
    for number in 1..30_000 {
        chain.push_str(&format!("[providers.p{number}]\nlike = \"p{}\"\n", number - 1));
    }
    llm().config(&chain).args(["chat", "a", "-p", "p1"]).run().code(2).stderr_has("`like`");
}
