//! `llm providers check`: what is asked, what is made of the replies, and the exit code.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Refusing, Reply, Server, Step, llm};

/// A profile file with one service at this base URL.
fn service(url: &str, jobs: &str) -> String {
    format!(
        "[providers.dienst]\nbase_url = \"{url}\"\nmodel = \"通义\"\napi_key = \"sk-pruef-0001\"\njobs = [{jobs}]\n"
    )
}

fn check(server: &Server, jobs: &str) -> Llm {
    let run = llm().watch(server).config(&service(&server.url(), jobs));
    run.args(["providers", "check", "dienst"])
}

fn list() -> Reply {
    Reply::json(200, json!({"object": "list", "data": [{"id": "通义"}, {"id": "text-embed"}]}))
}

fn error(status: u16, words: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": words}}))
}

/// What a service says that has only one endpoint of chat.
fn no_other() -> Reply {
    Reply::json(404, json!({"detail": "Not Found"}))
}

const CHAT: &str = "\"chat\", \"models\"";

/// The cells of the service's row, without its mark.
#[track_caller]
fn row(outcome: &Outcome, name: &str) -> Vec<String> {
    let text = outcome.stdout_text();
    let found = text.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
    let Some(line) = found else { outcome.fail(&format!("no row for `{name}`")) };
    line.split_whitespace().map(str::to_owned).collect()
}

#[track_caller]
fn marks(outcome: &Outcome, expected: &str) {
    let row = row(outcome, "dienst");
    let found = [&row[..1], &row[2..7]].concat().join(" ");
    if found != expected {
        outcome.fail(&format!("expected the marks {expected}, found {found}"));
    }
}

#[test]
fn a_service_that_works_is_asked_for_everything_once() {
    let server = Server::start([
        list(),
        error(400, "`input` is missing"),
        Reply::json(404, json!({"detail": "Not Found"})),
        error(404, "model '' is not installed"),
        Reply::chat_json("好"),
        Reply::chat(&["好"]),
        no_other(),
    ]);
    let outcome =
        check(&server, "\"chat\", \"embed\", \"speak\", \"transcribe\", \"models\"").run();
    outcome.code(0).stderr_empty();
    marks(&outcome, "✓ ✓ ✓ ✓ ✓ ✓");
    let jobs = "completions ✓  responses ✗  embed ✓  transcribe ✗  speak ✓";
    outcome.stdout_has(jobs).stdout_has("✗ transcribe: 404: Not Found");
    assert!(!outcome.stdout_text().contains("✗ responses:"), "one is enough: {outcome}");
    assert!(outcome.stdout_text().contains(" ms"), "{outcome}");
    let requests = server.requests();
    let lines: Vec<String> =
        requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    let paths = [
        "/embeddings",
        "/audio/transcriptions",
        "/audio/speech",
        "/chat/completions",
        "/chat/completions",
        "/responses",
    ];
    let mut expected = vec!["GET /v1/models".to_owned()];
    expected.extend(paths.map(|path| format!("POST /v1{path}")));
    assert_eq!(lines, expected);
    for request in &requests {
        assert_eq!(request.header("authorization"), Some("Bearer sk-pruef-0001"));
    }
    // No field has a type that a job could be done with.
    let refusable = json!({"model": [], "input": {}, "prompt": {}, "voice": []});
    assert_eq!((requests[1].json(), requests[3].json()), (refusable.clone(), refusable));
    assert!(!String::from_utf8_lossy(&requests[2].body).contains("filename"), "no file is sent");
    let messages = json!([{"role": "user", "content": "hi"}]);
    let whole = json!({"model": "通义", "messages": messages, "max_tokens": 1});
    assert_eq!(requests[4].json(), whole);
    let mut streamed = whole;
    streamed["stream"] = json!(true);
    assert_eq!(requests[5].json(), streamed);
    assert_eq!(requests[6].json(), requests[1].json());
}

#[test]
fn a_job_in_a_shape_of_its_own_is_asked_for_with_json() {
    let server = Server::start([error(400, "no such field"), error(400, "no such field")]);
    let text = format!(
        "{}models = {{ image = \"画\" }}\npaths = {{ image_edit = \"../{{model}}:go\" }}\n\
         bodies.image_edit = {{ picture = \"$picture.url\" }}\n",
        service(&server.url(), "\"image_edit\", \"transcribe\"")
    );
    let run = llm().watch(&server).config(&text).args(["providers", "check", "dienst"]).run();
    run.code(0).stdout_has("image_edit ✓  transcribe ✓");
    let requests = server.requests();
    assert_eq!(requests[0].path, "/%E7%94%BB:go");
    let refusable = json!({"model": [], "input": {}, "prompt": {}, "voice": []});
    assert_eq!(requests[0].json(), refusable);
    assert_eq!(requests[1].path, "/v1/audio/transcriptions");
}

#[test]
fn the_document_of_json_has_every_check() {
    let server = Server::start([
        list(),
        Reply::chat_json("好"),
        Reply::chat(&["好"]),
        error(400, "`input` is missing"),
    ]);
    let outcome = check(&server, CHAT).arg("--json").run();
    outcome.code(0).stderr_empty();
    let document = outcome.stdout_json();
    let provider = &document["providers"][0];
    assert_eq!((&document["ok"], &document["local"]), (&json!(true), &json!([])));
    assert_eq!((&provider["name"], &provider["model"]), (&json!("dienst"), &json!("通义")));
    assert_eq!((&provider["ok"], &provider["exit_code"]), (&json!(true), &json!(0)));
    assert_eq!(provider["base_url"], json!(server.url()));
    let checks = provider["checks"].as_array().expect("a list").clone();
    let names: Vec<&Value> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["host", "key", "model", "chat", "stream", "completions", "responses"]);
    assert!(checks.iter().all(|check| check["state"] == "works"), "{outcome}");
    assert!(checks[3]["latency_ms"].is_u64() && checks[4]["first_token_ms"].is_u64(), "{outcome}");
}

#[test]
fn a_refused_key_is_said_once() {
    let server = Server::start([error(401, "kein Schlüssel"), error(401, "kein Schlüssel")]);
    let outcome = check(&server, CHAT).run();
    outcome.code(3).stderr("llm: dienst does not work\n");
    marks(&outcome, "✗ ✓ ✗ – – –");
    assert_eq!(outcome.stdout_text().matches("kein Schlüssel").count(), 1, "{outcome}");
    outcome.stdout_has("✗ key: dienst refused the key (401): kein Schlüssel").stdout_has("hint: ");
    assert!(!outcome.stdout_text().contains("sk-pruef"), "{outcome}");
    // A list that anybody may read says nothing of the key; nor does one that nobody may.
    let server = Server::start([list(), error(401, "kein Schlüssel")]);
    marks(check(&server, CHAT).run().code(3), "✗ ✓ ✗ ✓ – –");
    let server = Server::start([
        error(403, "keine Liste"),
        Reply::chat_json("好"),
        Reply::chat(&["好"]),
        no_other(),
    ]);
    marks(check(&server, CHAT).run().code(0), "✓ ✓ ✓ ✓ ✓ ✓");
}

#[test]
fn a_model_that_is_not_there_is_told_from_one_that_is_not_listed() {
    let other = || Reply::json(200, json!([{"id": "anderes"}]));
    let missing = || error(404, "the model 通义 does not exist");
    let server = Server::start([other(), missing(), missing(), no_other()]);
    let outcome = check(&server, CHAT).run();
    outcome.code(4).stdout_has("`通义` is not in the service's list").stdout_has("does not exist");
    marks(&outcome, "✗ ✓ ✓ ✗ ✗ ✗");
    let server = Server::start([other(), Reply::chat_json("好"), Reply::chat(&["好"]), no_other()]);
    marks(check(&server, CHAT).run().code(0), "✓ ✓ ✓ ✓ ✓ ✓");
}

#[test]
fn a_stream_must_come_as_one_and_to_its_end() {
    let whole = || Reply::chat_json("好");
    let server = Server::start([list(), whole(), whole(), no_other()]);
    let outcome = check(&server, CHAT).run();
    outcome.code(4).stdout_has("the answer came whole although a stream was asked for");
    marks(&outcome, "✗ ✓ ✓ ✓ ✓ ✗");
    let cut = Reply::sse(&[crate::support::chunk(json!({"content": "好"}), None)]);
    let server = Server::start([list(), whole(), cut, no_other()]);
    let outcome = check(&server, CHAT).run();
    outcome.code(6).stdout_has("ended early");
    marks(&outcome, "✗ ✓ ✓ ✓ ✓ ✗");
}

#[test]
fn a_host_that_is_not_there_is_not_asked_further() {
    let refusing = Server::refusing();
    let run = without_local(llm(), &refusing, &service(&refusing.url(), CHAT));
    let run = run.args(["providers", "check"]);
    // A profile of the user's is checked without being named, too.
    for run in [run.clone().arg("dienst"), run] {
        let outcome = run.run();
        outcome.code(6).stdout_has("connection refused");
        marks(&outcome, "✗ ✗ – – – –");
    }
}

#[test]
fn services_are_asked_at_the_same_time_and_not_for_ever() {
    let silent = || Server::start([Reply::raw([Step::UntilClosed])]);
    let servers = [silent(), silent(), silent(), silent()];
    let names = ["a", "b", "c", "d"];
    let profiles = servers.iter().zip(names).map(|(server, name)| {
        format!("[providers.{name}]\nbase_url = \"{}\"\nmodel = \"m\"\n", server.url())
    });
    let run = llm().config(&profiles.collect::<String>());
    let outcome = run.args(["providers", "check", "--max-time", "1.5"]).args(names).run();
    outcome.code(6).stdout_has("time-out: not finished within 1.5 s");
    outcome.stderr("llm: 4 of 4 services do not work: a, b, c, d\n");
    let lines = outcome.stdout_text();
    let order: Vec<&str> =
        lines.lines().filter_map(|line| line.strip_prefix("✗  ")?.split(' ').next()).collect();
    assert_eq!(order, names);
    assert!(outcome.elapsed < Duration::from_millis(4500), "{outcome}");
}

#[test]
fn a_service_without_chat_is_judged_by_its_endpoints() {
    let jobs = "\"speak\", \"models\"";
    let server = Server::start([list(), error(400, "no input")]);
    check(&server, jobs).run().code(0).stdout_has("speak ✓").stderr_empty();
    let server = Server::start([list(), error(404, "404 page not found")]);
    check(&server, jobs).run().code(4).stdout_has("speak ✗").stdout_has("404 page not found");
}

#[test]
fn a_server_without_chat_is_not_broken() {
    let jobs = "\"chat\", \"embed\", \"image\", \"models\"";
    let not_here = || Reply::text(404, "404 page not found");
    let server =
        Server::start([list(), error(400, "no input"), not_here(), not_here(), no_other()]);
    let run = check(&server, jobs).run();
    run.code(0).stdout_has("embed ✓  image ✗").stdout_has("✗ chat: ");
    marks(&run, "✓ ✓ ✓ – ✗ –");
    // Nothing is there at all.
    let server = Server::start([list(), not_here(), not_here(), not_here(), no_other()]);
    check(&server, jobs).run().code(4);
    // No model is guessed that chat would not take.
    let vectors = Reply::json(200, json!({"data": [{"id": "bge-m3"}, {"id": "whisper-1"}]}));
    let server = Server::start([vectors, error(400, "no input"), not_here()]);
    let config = service(&server.url(), jobs).replace("model = \"通义\"\n", "");
    let run = llm().watch(&server).config(&config).args(["providers", "check", "dienst"]).run();
    run.code(0).stdout_has("no model for chat is listed").stdout_has("embed ✓");
}

#[test]
fn a_refused_key_ends_the_check() {
    let jobs = "\"chat\", \"embed\", \"image\", \"speak\", \"transcribe\", \"models\"";
    let refused = || error(401, "invalid api key");
    let server = Server::start([refused(), refused()]);
    check(&server, jobs).run().code(3).stdout_has("✗ key: ");
    let server = Server::start([list(), refused(), refused()]);
    check(&server, jobs).run().code(3).stdout_has("✗ key: ");
    // The list took the key: what is refused is a right.
    let server = Server::start([list(), error(403, "not for this project")]);
    let run = check(&server, CHAT).run();
    run.code(3).stdout_has("not for this project");
    marks(&run, "✗ ✓ ✓ ✓ ✗ –");
}

#[test]
fn a_failure_of_the_server_is_no_endpoint() {
    let jobs = "\"chat\", \"embed\", \"image\", \"speak\", \"models\"";
    let server = Server::start([
        list(),
        error(500, "Internal Server Error"),
        error(500, "imageGenerate is not supported by x"),
        error(501, "no speech"),
        Reply::chat_json("好"),
        Reply::chat(&["好"]),
        no_other(),
    ]);
    let run = check(&server, jobs).run();
    run.code(0).stdout_has("embed –  image ✗  speak ✗");
}

#[test]
fn what_is_wrong_before_anything_is_sent() {
    let outcome = llm().args(["providers", "check", "demo", "opanai"]).run();
    outcome.code(2).stdout_empty().stderr_has("did you mean `openai`?");
    // A missing key stops its own service only.
    let outcome = llm().args(["providers", "check", "mistral", "demo", "mistral"]).run();
    outcome.code(2).stdout_has("MISTRAL_API_KEY is not set");
    outcome.stderr("llm: 1 of 2 services do not work: mistral\n");
    assert_eq!(row(&outcome, "demo")[0], "✓", "{outcome}");
    let outcome = llm().args(["providers", "check", "-p", "azure"]).run();
    outcome.code(2).stdout_has("{resource}");
}

#[test]
fn a_dry_run_shows_the_requests_and_sends_none() {
    let server = Server::start([]);
    let outcome = check(&server, "\"chat\", \"image\", \"models\"").arg("--dry-run").run();
    outcome.code(0).stderr_empty();
    for part in [
        "/v1/models'",
        "/images/generations'",
        "\"max_tokens\":1",
        "\"stream\":true",
        "/v1/responses'",
    ] {
        outcome.stdout_has(part);
    }
    assert_eq!(outcome.stdout_text().matches("curl ").count(), 5, "{outcome}");
    assert!(!outcome.stdout_text().contains("sk-pruef"), "{outcome}");
}

#[test]
fn colour_is_for_terminals() {
    let run = llm().args(["providers", "check", "demo"]);
    let plain = run.clone().run();
    plain.code(0).stderr_empty();
    assert!(!plain.stdout.contains(&0x1b), "{plain}");
    run.args(["--color", "always"]).run().code(0).stdout_has("\u{1b}[32m✓\u{1b}[0m");
}

/// The names of the built-in services on this machine, read as text.
fn local_names() -> Vec<&'static str> {
    let text = include_str!("../../../providers.example.toml");
    let tables = text.split("[providers.").skip(1);
    let is_local = |table: &&str| {
        table.contains("\nbase_url = \"http://localhost:")
            || table.contains("\nbase_url = \"http://127.0.0.1:")
    };
    // One without a list of models can't be looked for.
    let is_looked_for = |table: &&str| is_local(table) && table.contains("\"models\"]");
    tables.filter(is_looked_for).filter_map(|table| table.split(']').next()).collect()
}

/// The run with no server at any of the usual addresses, whatever runs on the tester's machine.
fn without_local(run: Llm, refusing: &Refusing, more: &str) -> Llm {
    let named = |name: &&&str| !more.contains(&format!("[providers.{name}]"));
    let names = local_names();
    assert!(names.len() > 10, "{names:?}");
    let tables = names
        .iter()
        .filter(named)
        .map(|name| format!("[providers.{name}]\nbase_url = \"{}\"\n", refusing.url()));
    run.config(&format!("{more}{}", tables.collect::<String>()))
}

#[test]
fn without_a_name_what_runs_here_is_found_and_what_does_not_is_no_failure() {
    let models =
        || Reply::json(200, json!({"data": [{"id": "qwen3:latest", "owned_by": "library"}]}));
    let not_here = || Reply::text(404, "404 page not found");
    let chats = [Reply::chat_json("好"), Reply::chat(&["好"]), error(400, "no input")];
    let replies = [models(), models(), error(400, "no input"), not_here()];
    let ollama = Server::start(replies.into_iter().chain(chats.clone()));
    let openai_replies = [list(), Reply::chat_json("好"), Reply::chat(&["好"]), no_other()];
    let openai = Server::start(openai_replies);
    let config = format!(
        "[providers.ollama]\nbase_url = \"{}\"\n[providers.openai]\njobs = [\"chat\", \"models\"]\n",
        ollama.url()
    );
    let refusing = Server::refusing();
    let run = without_local(llm().watch(&ollama), &refusing, &config).args(["providers", "check"]);
    let run = run.env("OPENAI_API_KEY", "sk-umgebung-1").env("OPENAI_BASE_URL", openai.url());
    let outcome = run.run();
    outcome.code(0).stderr_empty();
    assert_eq!(row(&outcome, "ollama")[0], "✓", "{outcome}");
    assert_eq!(row(&outcome, "openai")[0], "✓", "{outcome}");
    outcome.stdout_has(&format!("ollama runs at {}", ollama.url()));
    outcome.stdout_has("llm chat -p ollama -m qwen3:latest \"hello\"");
    for name in ["vllm", "lmstudio", "kokoro", "mistral", "demo"] {
        assert!(!outcome.stdout_text().contains(name), "{name}: {outcome}");
    }
    assert_eq!(openai.requests()[0].header("authorization"), Some("Bearer sk-umgebung-1"));
}

#[test]
fn with_nothing_to_check_that_is_said() {
    let refusing = Server::refusing();
    let run = without_local(llm(), &refusing, "").args(["providers", "check"]);
    run.run().code(0).stdout_empty().stderr_has("nothing to check");
    let document = run.arg("--json").run().stdout_json();
    assert_eq!(document, json!({"ok": true, "providers": [], "local": []}));
}

#[test]
fn a_model_of_the_profile_that_ends_soon_is_warned_of() {
    let soon = jiff::Timestamp::now().as_second() + 30 * 86_400;
    let list = json!({"data": [
        {"id": "m", "shutdown_date": soon},
        {"id": "another", "shutdown_date": soon},
        {"id": "tts-1", "shutdown_date": "2020-01-06"},
        {"id": "tts-2"},
        {"id": "far", "shutdown_date": "2100-01-01"},
    ]});
    let server = || {
        Server::start([
            Reply::json(200, list.clone()),
            Reply::chat_json("好"),
            Reply::chat(&["好"]),
            no_other(),
        ])
    };
    let asked = server();
    let config = |url: &str| {
        format!(
            "[providers.x]\nbase_url = \"{url}\"\nmodel = \"m\"\njobs = [\"chat\", \"models\"]\n\
             models = {{ speak = \"tts-1\", embed = \"far\" }}\n"
        )
    };
    let run = llm().watch(&asked).config(&config(&asked.url())).args(["providers", "check", "x"]);
    let outcome = run.run();
    outcome.code(0).stderr_has("llm: warning: x: m is shut down on 2");
    outcome.stderr_has(
        "llm: warning: x: tts-1 was shut down on 2020-01-06; the newest of its family is tts-2",
    );
    assert_eq!(outcome.stderr_lines().len(), 2, "{outcome}");
    let asked = server();
    let run = llm().watch(&asked).config(&config(&asked.url()));
    let document = run.args(["providers", "check", "x", "--json", "-q"]).run().stdout_json();
    let warnings = document["providers"][0]["warnings"].as_array().expect("a list");
    assert_eq!((warnings.len(), &document["ok"]), (2, &json!(true)));
}

/// A whole response, and a stream of one.
fn responses() -> [Reply; 2] {
    let message = json!({"type": "message", "role": "assistant",
        "content": [{"type": "output_text", "text": "好"}]});
    let whole = json!({"object": "response", "status": "completed", "output": [message]});
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "好"});
    let end = json!({"type": "response.completed", "response": whole});
    [Reply::json(200, whole), Reply::sse(&[delta.to_string(), end.to_string()])]
}

#[test]
fn both_endpoints_of_chat_are_asked_and_told() {
    // Whichever the profile chooses, the other one is looked for.
    for (line, other) in [("api = \"responses\"\n", "/v1/chat/completions"), ("", "/v1/responses")]
    {
        let answers = match line {
            "" => [Reply::chat_json("好"), Reply::chat(&["好"])],
            _ => responses(),
        };
        let [whole, stream] = answers;
        let server = Server::start([list(), whole, stream, error(400, "`model` is no text")]);
        let config = format!("{}{line}", service(&server.url(), CHAT));
        let run = llm().watch(&server).config(&config).args(["providers", "check", "dienst"]).run();
        run.code(0).stdout_has("completions ✓").stdout_has("responses ✓").stderr_empty();
        assert_eq!(server.requests()[3].path, other);
    }
    // A failure tells nothing.
    let server =
        Server::start([list(), Reply::chat_json("好"), Reply::chat(&["好"]), error(502, "weg")]);
    check(&server, CHAT).run().code(0).stdout_has("completions ✓  responses –");
}

#[test]
fn a_model_that_the_other_endpoint_serves_is_asked_there() {
    let words = "This model is only supported in v1/responses and not in v1/chat/completions.";
    let [whole, stream] = responses();
    let server = Server::start([list(), error(400, words), whole, stream]);
    let run = check(&server, CHAT).run();
    run.code(0)
        .stdout_has("completions ✗  responses ✓")
        .stdout_has("✗ completions: /responses alone serves this model");
    marks(&run, "✓ ✓ ✓ ✓ ✓ ✓");
}
