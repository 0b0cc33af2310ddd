//! A default of the built-in list that a service no longer has: said as what it is, with the newest of its
//! family where the service lists one.

use serde_json::json;

use crate::support::{Llm, Reply, Server, llm};

fn openai(server: &Server) -> Llm {
    let url = server.url();
    let config = format!("[providers.openai]\nbase_url = \"{url}\"\napi_key = \"sk-alt-000001\"\n");
    llm().watch(server).config(&config)
}

fn gone(status: u16) -> Reply {
    let words = "The model `x` does not exist or you do not have access to it.";
    Reply::json(status, json!({"error": {"message": words, "code": "model_not_found"}}))
}

fn list(ids: &[&str]) -> Reply {
    let data: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
    Reply::json(200, json!({"data": data}))
}

#[test]
fn a_default_that_is_gone_names_its_heir() {
    for status in [404, 410] {
        let server = Server::start([
            gone(status),
            list(&["gpt-6-luna-old", "gpt-9-luna", "gpt-7-luna", "gpt-9-sol"]),
        ]);
        let run = openai(&server).args(["chat", "-p", "openai", "你好"]).run();
        run.code(4).stdout_empty().stderr_has("does not exist");
        run.stderr_has("hint: the built-in default gpt-6-luna is no longer served; ");
        run.stderr_has("`llm models -p openai` lists what is; ");
        run.stderr_has("`model = \"gpt-9-luna\"` in [providers.openai]");
        assert_eq!(run.stderr_lines().len(), 2, "{run}");
        assert_eq!(server.requests()[1].path, "/v1/models");
    }
}

#[test]
fn a_service_elsewhere_is_asked_for_its_list_once() {
    let replies = || vec![gone(404), list(&["gpt-7-luna", "gpt-9-luna"])];
    let server = Server::start(replies());
    let config = |server: &Server| {
        let proxy = server.origin();
        format!(
            "[providers.openai]\nbase_url = \"http://api.example/v1\"\nproxy = \"{proxy}\"\napi_key = \"sk-alt-000001\"\n"
        )
    };
    let run = llm().watch(&server).config(&config(&server)).args(["chat", "-p", "openai", "你好"]);
    let run = run.run();
    run.code(4).stdout_empty().stderr_has("`model = \"gpt-9-luna\"` in [providers.openai]");
    assert_eq!(server.requests().len(), 2, "{run}");
    // The only model that it has does not answer in its place: nobody fetched it.
    let server = Server::start([gone(404), list(&["gpt-9-sol"])]);
    let run = llm().watch(&server).config(&config(&server)).args(["chat", "-p", "openai", "你好"]);
    run.run().code(4).stderr_has("the built-in default gpt-6-luna is no longer served");
}

#[test]
fn without_a_list_or_an_heir_the_place_stays_open() {
    for reply in [list(&["o3", "o4"]), Reply::text(500, "kaputt"), Reply::json(401, json!({}))] {
        let server = Server::start([gone(404), reply]);
        let run = openai(&server).args(["chat", "-p", "openai", "你好"]).run();
        run.code(4).stderr_has("the built-in default gpt-6-luna is no longer served");
        run.stderr_has("`model = \"…\"`").stderr_lacks("gpt-9");
    }
}

/// OpenAI's `/responses` answers 400 where its other endpoints answer 404; Groq has a code of its own.
#[test]
fn a_code_says_it_as_well() {
    for (code, args) in [
        ("model_not_found", &["--api", "responses"][..]),
        ("model_not_found", &[]),
        ("model_decommissioned", &[]),
    ] {
        let words = "The model `x` has been decommissioned and is no longer supported.";
        let refused = Reply::json(400, json!({"error": {"message": words, "code": code}}));
        let server = Server::start([refused, list(&["gpt-7-luna", "gpt-9-luna"])]);
        let run = openai(&server).args(["chat", "-p", "openai", "你好"]).args(args).run();
        run.code(4).stderr_has("the built-in default gpt-6-luna is no longer served");
        run.stderr_has("`model = \"gpt-9-luna\"` in [providers.openai]");
    }
    let words = "The model `x` does not support this.";
    let refused =
        Reply::json(400, json!({"error": {"message": words, "code": "unsupported_model"}}));
    // An address on this machine is asked what it has.
    let server = Server::start([refused, list(&["a", "b"])]);
    let run = openai(&server).args(["chat", "-p", "openai", "你好"]).run();
    run.code(4).stderr_lacks("built-in default");
}

#[test]
fn every_job_names_the_line_that_it_needs() {
    let server =
        Server::start([gone(404), list(&["text-embedding-4-small", "text-embedding-4-large"])]);
    let run = openai(&server).args(["embed", "-p", "openai", "你好"]).run();
    run.code(4).stderr_has("the built-in default text-embedding-3-small is no longer served");
    run.stderr_has("`models = { embed = \"text-embedding-4-small\" }`");
    let server = Server::start([gone(404), list(&["gpt-4o-mini-tts-2", "tts-9"])]);
    let run = openai(&server).args(["speak", "-p", "openai", "-o", "a.mp3", "你好"]).run();
    run.code(4).stderr_has("`models = { speak = \"gpt-4o-mini-tts-2\" }`");
    let server = Server::start([gone(404), list(&["gpt-5", "gpt-6"])]);
    let run = openai(&server)
        .file("a.mp3", b"ID3")
        .args(["transcribe", "-p", "openai", "--format", "srt", "a.mp3"])
        .run();
    run.code(4).stderr_has("the built-in default whisper-1 is no longer served");
    run.stderr_has("`models = { timed = \"…\" }`");
    // The same name may stand for several jobs.
    let server = Server::start([gone(404), list(&["gpt-5", "gpt-6"])]);
    let run = openai(&server)
        .file("a.mp3", b"ID3")
        .args(["transcribe", "-p", "openai", "--translate", "a.mp3"])
        .run();
    run.code(4).stderr_has("`models = { translate = \"…\" }`");
    let gemini = |server: &Server| {
        let url = server.url();
        let config = format!("[providers.gemini]\nbase_url = \"{url}\"\napi_key = \"k\"\n");
        llm().watch(server).config(&config).file("a.mp3", b"ID3")
    };
    for (args, line) in [
        (&["chat", "-p", "gemini", "你好"][..], "`model = \"gemini-4-flash\"`"),
        (
            &["transcribe", "-p", "gemini", "a.mp3"],
            "`models = { transcribe = \"gemini-4-flash\" }`",
        ),
    ] {
        let server = Server::start([gone(404), list(&["gemini-4-flash", "gemini-4-argon"])]);
        gemini(&server).args(args).run().code(4).stderr_has(line);
    }
}

#[test]
fn a_path_that_is_not_there_says_nothing_of_the_model() {
    let run = llm().args(["chat", "-p", "demo", "--api", "responses", "你好"]).run();
    run.code(4).stderr_has("unknown request URL").stderr_lacks("built-in default");
    run.stderr_lacks("refused the model");
}

#[test]
fn a_model_that_the_user_named_is_no_default() {
    for args in [&["-m", "gpt-4o"][..], &["-m", "gpt-6-luna"], &["-O", "model=gpt-4o"]] {
        let server = Server::start([gone(404)]);
        let run = openai(&server).args(["chat", "-p", "openai", "你好"]).args(args).run();
        run.code(4).stderr_lacks("built-in default");
        assert_eq!(server.requests().len(), 1, "{run}");
    }
    // A path that nobody knows, and a key without the right, say nothing of the model.
    for replies in
        [vec![Reply::text(404, "404 page not found")], vec![gone(403), list(&["a", "b"])]]
    {
        let server = Server::start(replies);
        let run = openai(&server).args(["chat", "-p", "openai", "你好"]).run();
        run.stderr_lacks("built-in default");
    }
    // Behind an address on this machine the only model that is there answers.
    let server = Server::start([gone(404), list(&["qwen3"]), Reply::chat(&["好"])]);
    let run = openai(&server).args(["chat", "-p", "openai", "你好"]).run();
    run.code(0).stdout("好\n").stderr_has("openai has no gpt-6-luna");
}
