//! Fields that a service is known to ignore: they are sent all the same, and the user is told what works.

use serde_json::json;

use crate::support::{Reply, Server, llm};

#[test]
fn fields_that_ollama_ignores_are_sent_and_told_with_the_way_that_works() {
    for (args, field, way) in [
        (
            &["-O", "num_ctx=8192"][..],
            "`num_ctx` has no effect: ollama ignores it; ",
            "OLLAMA_CONTEXT_LENGTH",
        ),
        (&["-O", "options.num_ctx=8192"], "`options` has no effect", "Modelfile"),
        (&["-O", "options={\"top_k\":1}"], "`options` has no effect", "Modelfile"),
        (&["-O", "keep_alive=1h"], "`keep_alive` has no effect", "OLLAMA_KEEP_ALIVE"),
        (&["-O", "think=false"], "`think` has no effect", "--reasoning-effort none"),
        (
            &["-O", "max_completion_tokens=9"],
            "`max_completion_tokens` has no effect",
            "--max-tokens",
        ),
        (&["-O", "top_k=9", "-O", "min_p=1"], "`top_k`, `min_p` have no effect", "PARAMETER"),
    ] {
        let server = Server::start([Reply::chat(&["好"])]);
        let host = format!("127.0.0.1:{}", server.port());
        let run = llm().watch(&server).env("OLLAMA_HOST", host).args(["chat", "-p", "ollama", "x"]);
        let run = run.args(args).run();
        run.code(0).stdout("好\n").stderr_has(&format!("llm: warning: {field}")).stderr_has(way);
        let name = args[1].split(['=', '.']).next().expect("a name");
        assert_ne!(server.request().json()[name], json!(null), "{name}");
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
    }
    // What it reads is not told.
    let server = Server::start([Reply::chat(&["好"])]);
    let host = format!("127.0.0.1:{}", server.port());
    let args = ["chat", "-p", "ollama", "--max-tokens", "9", "--seed", "1", "-n", "1", "x"];
    llm().watch(&server).env("OLLAMA_HOST", host).args(args).run().code(0).stderr_empty();
}

#[test]
fn a_rule_of_the_users_tells_of_flags_profile_and_options() {
    let rule =
        "rules = [{ ignored = [\"seed\"], models = [\"m*\"], why = \"`-O random=1` works\" }]";
    for (lines, args, is_told) in [
        ("", &["--seed", "7"][..], true),
        ("", &["-O", "seed=7"], true),
        ("options = { seed = 7 }\n", &[], true),
        ("", &[], false),
        ("", &["-t", "1"], false),
        ("", &["--seed", "7", "-m", "other"], false),
    ] {
        let server = Server::start([Reply::chat(&["好"])]);
        let config = format!(
            "[providers.test]\nbase_url = \"{}\"\nmodel = \"m1\"\n{lines}{rule}\n",
            server.url()
        );
        let run = llm().config(&config).watch(&server).args(["chat", "x"]).args(args).run();
        let stderr = run.code(0).stderr_text();
        let told = "llm: warning: `seed` has no effect: test ignores it; `-O random=1` works\n";
        assert_eq!(stderr, if is_told { told } else { "" }, "{lines} {args:?}");
    }
}

#[test]
fn embeddings_tell_of_ignored_fields_too_and_show_names_the_rule() {
    let vectors = json!({"data": [{"index": 0, "embedding": [1.5]}]});
    let server = Server::start([Reply::json(200, vectors)]);
    let host = format!("127.0.0.1:{}", server.port());
    let args = ["embed", "-p", "ollama", "-m", "m", "-O", "truncate=false", "x"];
    let run = llm().watch(&server).env("OLLAMA_HOST", host).args(args).run();
    run.code(0).stderr_has("llm: warning: `truncate` has no effect: ollama ignores it");
    llm().args(["providers", "show", "ollama"]).run().code(0).stdout_has("ignored num_ctx");
}
