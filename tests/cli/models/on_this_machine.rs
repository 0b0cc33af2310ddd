//! Services on this machine: where they listen, and which of the models that somebody fetched is asked.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm, wav};

/// Ollama's refusal of a model that it does not have.
fn not_there(model: &str) -> Reply {
    let message = format!("model '{model}' not found");
    let error = json!({"message": message, "type": "not_found_error", "param": null, "code": null});
    Reply::json(404, json!({ "error": error }))
}

fn list(ids: &[&str]) -> Reply {
    let entry =
        |id: &&str| json!({"id": id, "object": "model", "created": 1, "owned_by": "library"});
    let data: Value = match ids {
        [] => Value::Null,
        ids => ids.iter().map(entry).collect(),
    };
    Reply::json(200, json!({"object": "list", "data": data}))
}

/// `-p ollama` where the server of the test is what OLLAMA_HOST names.
fn ollama(server: &Server) -> Llm {
    llm().watch(server).env("OLLAMA_HOST", host(server)).args(["-p", "ollama"])
}

fn host(server: &Server) -> String {
    let url = server.url();
    url.trim_start_matches("http://").trim_end_matches("/v1").to_owned()
}

fn models(server: &Server) -> Vec<Option<String>> {
    let model = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).ok()?;
        Some(body["model"].as_str()?.to_owned())
    };
    server.requests().iter().map(|request| model(&request.body)).collect()
}

#[test]
fn the_only_model_stands_in_for_the_default_and_that_is_said() {
    let there = ["nomic-embed-text:latest", "llama3.2:3b"];
    let server = Server::start([
        not_there("qwen3"),
        list(&there),
        Reply::chat(&["你好"]),
        Reply::chat(&["再见"]),
    ]);
    let ollama = ollama(&server);
    let first = ollama.clone().args(["chat", "你好"]).run();
    first.code(0).stdout("你好\n");
    first.stderr("llm: ollama has no qwen3; the model that it has answers: llama3.2:3b\n");
    // The history keeps who answered: nothing is looked up again.
    ollama.clone().bare_args(["chat", "-c", "再见"]).run().code(0).stdout("再见\n").stderr_empty();
    let asked = ["qwen3", "", "llama3.2:3b", "llama3.2:3b"].map(|model| match model {
        "" => None,
        model => Some(model.to_owned()),
    });
    assert_eq!(models(&server), asked);
}

#[test]
fn a_default_that_is_not_there_is_told_with_the_command_that_gets_it() {
    let many: Vec<String> = (1..=12).map(|number| format!("m{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (there, hint) in [
        (&[][..], "hint: `ollama pull qwen3` gets it\n"),
        (&["bge-m3"], "hint: `ollama pull qwen3` gets it\n"),
        (&["a", "bge-m3", "b:7b"], "hint: `ollama pull qwen3` gets it; it has -m a, b:7b\n"),
        (
            &many,
            "hint: `ollama pull qwen3` gets it; it has -m m1, m2, m3, m4, m5, m6, m7, m8, m9, m10 and 2 more (`llm models -p ollama`)\n",
        ),
    ] {
        let server = Server::start([not_there("qwen3"), list(there)]);
        let run = ollama(&server).args(["chat", "你好"]).run();
        run.code(4).stdout_empty().stderr_has("model 'qwen3' not found").stderr_has(hint);
    }
}

#[test]
fn a_model_that_the_user_named_is_never_replaced() {
    let (flag, file) = ("-m", "[providers.ollama]\nmodel = \"mine\"\n");
    for name in ["flag", "variable", "file", "-O", "options"] {
        let server = Server::start([not_there("mine"), list(&["llama3.2:3b"])]);
        let run = ollama(&server).args(["chat", "你好"]);
        let run = match name {
            "flag" => run.args([flag, "mine"]),
            "variable" => run.env("LLM_MODEL", "mine"),
            "file" => run.config(file),
            "options" => run.config("[providers.ollama]\noptions = { model = \"mine\" }\n"),
            _ => run.args(["-O", "model=mine"]),
        };
        let run = run.run();
        run.code(4).stderr_has("model 'mine' not found").stderr_has("-m llama3.2:3b");
        run.stderr_has("`ollama pull mine` gets it");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
    // A name that a shell would take apart.
    let server = Server::start([not_there("a b;c"), list(&[])]);
    let run = ollama(&server).args(["chat", "-m", "a b;c", "x"]).run();
    run.code(4).stderr_has("hint: `ollama pull 'a b;c'` gets it");
}

#[test]
fn without_pull_a_named_model_is_refused_as_everywhere() {
    let server = Server::start([not_there("test-model")]);
    let run = llm().profile(&server).args(["chat", "你好"]).run();
    run.code(4).stderr_has("`llm models -p test` lists the models");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn every_job_finds_the_model_that_is_for_it() {
    let there = ["llama3.2:3b", "nomic-embed-text:latest"];
    let vectors =
        json!({"data": [{"index": 0, "embedding": [1.5]}], "usage": {"prompt_tokens": 1}});
    let server = Server::start([list(&there), Reply::json(200, vectors)]);
    ollama(&server).args(["embed", "你好"]).run().code(0).stdout("[1.5]\n").stderr_empty();
    assert_eq!(server.requests()[1].json()["model"], "nomic-embed-text:latest");

    let server = Server::start([list(&["llama3.2:3b"])]);
    let run = ollama(&server).args(["embed", "你好"]).run();
    run.code(2).stderr_has("no model is set for embeddings at ollama, which has none for it");
    run.stderr_has("hint: `ollama pull MODEL` gets one");
}

#[test]
fn the_only_model_of_a_service_without_a_default_is_looked_up() {
    for name in ["vllm", "lmstudio", "localai", "transformers", "xinference", "fastchat"] {
        let server = Server::start([list(&["e5-small", "Qwen/Qwen3-8B"]), Reply::chat(&["好"])]);
        let url = server.url();
        let config = format!("[providers.{name}]\nbase_url = \"{url}\"\n");
        let run = llm().watch(&server).config(&config).args(["chat", "-p", name, "你好"]);
        run.run().code(0).stdout("好\n").stderr_empty();
        let asked = server.requests();
        assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("GET", "/v1/models"));
        assert_eq!(asked[1].json()["model"], "Qwen/Qwen3-8B", "{name}");
    }
    // The same for a server that no profile has.
    let server = Server::start([list(&["m"]), Reply::chat(&["好"])]);
    let run = llm().watch(&server).args(["chat", "--base-url", &server.url(), "-v", "你好"]).run();
    run.code(0).stdout("好\n").stderr_has("has one model for chat: m\n");
}

#[test]
fn an_empty_model_is_none() {
    // As a script with a variable that is not set types it.
    for (model, args) in [("model = \"m\"", &["-m", ""][..]), ("model = \" \"", &[])] {
        let server = Server::start([list(&["a", "b"])]);
        let config = format!("[providers.test]\nbase_url = \"{}\"\n{model}\n", server.url());
        let run = llm().watch(&server).config(&config).args(["chat", "x"]).args(args).run();
        run.code(2).stdout_empty().stderr_has("no model is set for chat at test");
    }
}

#[test]
fn several_models_or_none_are_told_and_nothing_is_asked() {
    for (there, why, hint) in [
        (
            &["a", "b"][..],
            ", which has 2 for it\n",
            "hint: `lms get MODEL` gets one; it has -m a, b\n",
        ),
        (&[], ", which has none for it\n", "hint: `lms get MODEL` gets one\n"),
    ] {
        let server = Server::start([list(there)]);
        let config = format!("[providers.lmstudio]\nbase_url = \"{}\"\n", server.url());
        let run = llm().watch(&server).config(&config).args(["chat", "-p", "lmstudio", "x"]).run();
        run.code(2).stdout_empty().stderr_has("no model is set for chat at lmstudio");
        run.stderr_has(why).stderr_has(hint);
    }
    // A server without a list: the model is missing as anywhere.
    let server = Server::start([Reply::text(404, "404 page not found")]);
    let run = llm().watch(&server).args(["chat", "--base-url", &server.url(), "x"]).run();
    run.code(2).stderr_has("no model is set for chat").stderr_has("-m MODEL");
}

#[test]
fn a_dry_run_looks_nothing_up() {
    let server = Server::start([]);
    let config = format!("[providers.vllm]\nbase_url = \"{}\"\n", server.url());
    let run = llm().watch(&server).config(&config).args(["chat", "-p", "vllm", "--dry-run", "x"]);
    run.run().code(2).stderr_has("no model is set");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn ollama_host_is_read_as_ollama_reads_it() {
    let of = |host: &str| {
        let run = llm().env("OLLAMA_HOST", host).args(["chat", "-p", "ollama", "--dry-run", "x"]);
        let shown = run.run().code(0).stdout.clone();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        let url = shown.split('\'').find(|part| part.starts_with("http")).unwrap_or_default();
        url.to_owned()
    };
    for (host, base) in [
        ("", "http://localhost:11434/v1"),
        (":1234", "http://127.0.0.1:1234/v1"),
        ("box", "http://box:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("'http://0.0.0.0:8080/' ", "http://127.0.0.1:8080/v1"),
        ("https://box", "https://box/v1"),
    ] {
        assert_eq!(of(host), format!("{base}/chat/completions"), "{host}");
    }
    let own = "[providers.ollama]\nbase_url = \"http://mine:1/v1\"\n";
    let run = llm().config(own).env("OLLAMA_HOST", "box").args([
        "chat",
        "-p",
        "ollama",
        "--dry-run",
        "x",
    ]);
    run.run().code(0).stdout_has("http://mine:1/v1/chat/completions");
    // Elsewhere too it is Ollama, which makes no pictures and needs no key.
    let run = llm().env("OLLAMA_HOST", "box").args(["image", "-p", "ollama", "--dry-run", "x"]);
    run.run().code(2).stderr_has("ollama does not offer pictures");
}

#[test]
fn an_empty_list_is_told_with_the_command_that_gets_a_model() {
    let server = Server::start([list(&[])]);
    let run = ollama(&server).arg("models").run();
    run.code(0).stdout_empty();
    run.stderr("llm: ollama has no models\nhint: `ollama pull MODEL` gets one\n");
}

#[test]
fn one_look_up_is_enough_for_all_requests_of_a_run() {
    let vectors = || json!({"data": [{"index": 0, "embedding": [1.5]}]});
    let replies = std::iter::once(list(&["bge-m3"]));
    let server = Server::start(replies.chain((0..6).map(|_| Reply::json(200, vectors()))));
    let run = ollama(&server).args(["embed", "--lines", "--batch-size", "1"]);
    run.stdin("1\n2\n3\n4\n5\n6\n").run().code(0).stdout(&"[1.5]\n".repeat(6)).stderr_empty();
    assert_eq!(models(&server)[1..], vec![Some("bge-m3".to_owned()); 6]);
    // Vectors that are kept have the name of their model.
    let server = Server::start([list(&["bge-m3"]), Reply::json(200, vectors())]);
    let run = ollama(&server).args(["embed", "x", "-o", "v.jsonl"]).run();
    let line = String::from_utf8_lossy(&run.code(0).read("v.jsonl")).into_owned();
    assert!(line.contains("\"model\":\"bge-m3\""), "{line}");
}

#[test]
fn sound_goes_to_the_model_that_is_there() {
    // In a form the model is a part; the built-in default of speaches is a wish too.
    let whisper = json!({"data": [{"id": "Systran/faster-whisper-tiny", "task": "automatic-speech-recognition"}]});
    let refused = Reply::json(
        404,
        json!({"detail": "Model 'whisper-1' is not installed locally. You can download the model using `POST /v1/models`"}),
    );
    let heard = Reply::json(200, json!({"text": "好"}));
    let server = Server::start([refused, Reply::json(200, whisper), heard]);
    let config = format!("[providers.speaches]\nbase_url = \"{}\"\n", server.url());
    let run = llm().watch(&server).config(&config).file("a.wav", wav(16_000, &[0; 3200]));
    let run = run.args(["transcribe", "-p", "speaches", "a.wav"]).run();
    run.code(0)
        .stdout("好\n")
        .stderr_has("the model that it has answers: Systran/faster-whisper-tiny");
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    let bodies: Vec<String> = server.requests().iter().map(|request| text(&request.body)).collect();
    assert!(bodies[0].contains("whisper-1") && bodies[2].contains("faster-whisper-tiny"));
    assert!(!bodies[2].contains("whisper-1\r\n"), "{}", bodies[2]);
}
