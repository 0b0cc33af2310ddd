//! The rules of the built-in services against names as people type them: with a vendor in front, with a
//! date behind, as a deployment. What a flag becomes, and what is said of it.

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, llm};

/// A built-in service at the server.
fn at(name: &str, server: &Server) -> Llm {
    let url = server.url();
    llm()
        .watch(server)
        .config(&format!("[providers.{name}]\nbase_url = \"{url}\"\napi_key = \"sk-regel-0001\"\n"))
}

/// The body that arrives for these arguments, and the run.
fn sent(name: &str, args: &[&str]) -> (Value, Outcome) {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = at(name, &server).args(["chat", "-p", name, "你好"]).args(args).run();
    run.code(0).stdout("好\n");
    (server.request().json(), run)
}

/// That of these fields, in the order given; `null` for one that is not there.
#[track_caller]
fn fields(name: &str, args: &[&str], expected: Value) -> Outcome {
    let (body, run) = sent(name, args);
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&body[field], value, "{name} {args:?} {field}: {run}");
    }
    run
}

#[test]
fn sampling_is_left_out_of_reasoning_models_under_any_name() {
    for model in [
        "gpt-6-luna",
        "openai/gpt-6-luna",
        "openai/gpt-6.1-terra",
        "gpt-6-luna-2026-09-22",
        "gpt-7",
        "gpt-5",
        "gpt-5-mini-2025-08-07",
        "o3",
        "openai/o4-mini",
        "chat-latest",
        "gpt-5.6-sol",
        "Prod-GPT-6-luna",
    ] {
        let run = fields(
            "openai",
            &["-m", model, "-t", "0.2", "--stop", "x"],
            json!({"temperature": null, "stop": null}),
        );
        run.stderr_has("`temperature` is left out").stderr_has("`stop` is left out");
    }
    for model in [
        "gpt-4o",
        "gpt-4.1-mini",
        "openai/gpt-4o",
        "gpt-3.5-turbo",
        "gpt-oss-120b",
        "llama3",
        "chatgpt-4o-latest",
        "gpt-5-chat-latest",
        "ft:gpt-4o:me::1",
    ] {
        let run = fields(
            "openai",
            &["-m", model, "-t", "0.2", "--stop", "x"],
            json!({"temperature": 0.2, "stop": ["x"]}),
        );
        run.stderr_empty();
    }
}

#[test]
fn sampling_stays_where_the_model_does_not_think() {
    let effort = |level| ["--reasoning-effort", level];
    for (model, more, stays) in [
        ("gpt-6-luna", &effort("none")[..], true),
        ("openai/gpt-6-luna", &effort("none"), true),
        ("gpt-6-luna", &["-O", "reasoning_effort=none"], true),
        ("gpt-6-luna", &effort("low"), false),
        ("gpt-5.4", &[], true),
        ("gpt-5.1-2025-11-13", &[], true),
        ("gpt-5.4-mini", &effort("none"), true),
        ("gpt-5.4", &effort("high"), false),
        ("gpt-5.4", &["-O", "reasoning_effort=high"], false),
        ("gpt-5.5", &[], false),
        // These can't but think.
        ("gpt-5", &[], false),
        ("gpt-6-astra", &effort("none"), false),
    ] {
        let args = [&["-m", model, "-t", "0.2"][..], more].concat();
        let expected = if stays { json!(0.2) } else { json!(null) };
        let _ = fields("openai", &args, json!({"temperature": expected}));
    }
}

#[test]
fn efforts_are_those_that_the_family_knows() {
    for (name, model, typed, sent) in [
        ("openai", "gpt-6-luna", "minimal", "low"),
        ("openai", "openai/gpt-6.1-terra", "minimal", "low"),
        ("openai", "gpt-6-luna", "none", "none"),
        ("openai", "gpt-6-luna", "xhigh", "xhigh"),
        ("openai", "gpt-5", "minimal", "minimal"),
        ("openai", "gpt-5-mini", "xhigh", "high"),
        ("openai", "gpt-5.1", "max", "high"),
        ("openai", "gpt-5.2", "max", "xhigh"),
        ("openai", "gpt-6-astra", "none", "low"),
        ("openai", "o3", "minimal", "low"),
        ("azure", "my-gpt-6-luna", "minimal", "low"),
        ("xai", "grok-4.7", "xhigh", "xhigh"),
        ("xai", "grok-4.7", "none", "low"),
        ("xai", "grok-4.9", "max", "xhigh"),
        ("xai", "grok-4.5", "xhigh", "high"),
        ("xai", "grok-4.3", "none", "none"),
        ("deepseek", "deepseek-flash", "medium", "high"),
        ("deepseek", "deepseek-flash", "xhigh", "max"),
        ("moonshot", "kimi-k3.1-pro", "none", "low"),
        ("zhipu", "glm-5.3-flash", "xhigh", "max"),
        ("zhipu", "glm-5.2", "xhigh", "xhigh"),
        ("mistral", "mistral-small-latest", "low", "high"),
        ("mistral", "mistral-large-4", "medium", "medium"),
        ("mistral", "mistral-large-4", "none", "low"),
        ("gemini", "gemini-3.8-flash", "minimal", "low"),
        ("gemini", "models/gemini-3.8-flash", "minimal", "low"),
        ("gemini", "gemini-3.6-flash", "minimal", "minimal"),
        ("gemini", "gemini-4-hydrogen", "xhigh", "xhigh"),
        ("gemini", "gemini-4-argon", "xhigh", "high"),
        ("groq", "openai/gpt-oss-120b", "max", "high"),
    ] {
        let args = ["-m", model, "--reasoning-effort", typed];
        let run = fields(name, &args, json!({"reasoning_effort": sent}));
        match typed == sent {
            true => run.stderr_empty(),
            false => run.stderr_has(&format!(
                "llm: warning: `reasoning_effort` is {sent} instead of {typed}, which {name} does not know for {model}"
            )),
        };
    }
}

#[test]
fn no_thinking_has_the_services_own_words() {
    let off = json!({"reasoning_effort": null, "thinking": {"type": "disabled"}});
    for (name, model) in [("deepseek", "deepseek-flash"), ("moonshot", "kimi-k2.6")] {
        fields(name, &["-m", model, "--reasoning-effort", "none"], off.clone()).stderr_empty();
    }
    let run = fields(
        "zhipu",
        &["-m", "glm-5.3", "--reasoning-effort", "none"],
        json!({"reasoning_effort": null}),
    );
    run.stderr_has("`reasoning_effort` is left out").stderr_has("can't stop thinking");
}

#[test]
fn claude_models_keep_sampling_only_where_they_take_it() {
    for (model, temperature, top_p) in [
        ("claude-sonnet-5-5", json!(null), json!(null)),
        ("anthropic/claude-haiku-5-5", json!(null), json!(null)),
        ("claude-opus-4-7-20260416", json!(null), json!(null)),
        ("claude-fable-5-1", json!(null), json!(null)),
        ("claude-sonnet-4-6", json!(0.2), json!(0.9)),
        ("claude-3-5-haiku-latest", json!(0.2), json!(0.9)),
        ("claude-opus-4-5-20251101", json!(0.2), json!(null)),
        ("claude-opus-4-20250514", json!(0.2), json!(0.9)),
    ] {
        let args = ["-m", model, "-t", "0.2", "--top-p", "0.9"];
        fields("anthropic", &args, json!({"temperature": temperature, "top_p": top_p})).code(0);
    }
}

#[test]
fn rules_of_the_users_look_at_values_and_absence() {
    let rules = "rules = [\n\
        { with_value = { reasoning_effort = [\"none\", \"low\"] }, set = { a = 1 } },\n\
        { without = [\"tools\", \"seed\"], set = { b = 1 } },\n\
        { without_value = { reasoning_effort = \"high\" }, set = { c = 1 } },\n\
        { models = [\"qwen*\"], models_except = [\"qwen2*\"], set = { d = 1 } },\n]\n";
    for (args, expected) in [
        (&["-m", "m"][..], json!({"a": null, "b": 1, "c": 1, "d": null})),
        (&["-m", "m", "--reasoning-effort", "low"], json!({"a": 1, "b": 1, "c": 1})),
        (&["-m", "m", "--reasoning-effort", "high"], json!({"a": null, "c": null})),
        (&["-m", "m", "--seed", "1"], json!({"b": null})),
        (&["-m", "m", "-O", "tools=[]"], json!({"b": null})),
        (&["-m", "m", "-O", "reasoning_effort=none"], json!({"a": 1})),
        (&["-m", "ali/qwen3"], json!({"d": 1})),
        (&["-m", "ali/qwen2.5"], json!({"d": null})),
    ] {
        let server = Server::start([Reply::chat(&["好"])]);
        let url = server.url();
        let config = format!("[providers.x]\nbase_url = \"{url}\"\n{rules}");
        let run = llm().watch(&server).config(&config).args(["chat", "你好"]).args(args).run();
        run.code(0).stderr_empty();
        let body = server.request().json();
        for (field, value) in expected.as_object().expect("an object") {
            assert_eq!(&body[field], value, "{args:?} {field}");
        }
    }
    for (line, words) in [
        ("with_value = [\"a\"]", "`with_value` must be a table"),
        ("with_value = { a = { b = 1 } }", "`with_value` must be a table of values"),
        ("without = \"a\"", "`without` must be a list of strings"),
        ("via = \"chat\"", "`via` takes only these words: completions, responses"),
        ("with_values = { a = 1 }", "did you mean `with_value`?"),
    ] {
        let config = format!("[providers.x]\nbase_url = \"http://h/v1\"\nrules = [{{ {line} }}]\n");
        let run = llm().config(&config).args(["providers", "show", "x"]).run();
        run.code(2).stdout_empty().stderr_has(words);
    }
    let config = "[providers.x]\nbase_url = \"http://h/v1\"\nrules = [{ with_value = { e = [\"a\", 1] }, without = [\"t\"], via = \"responses\" }]\n";
    let run = llm().config(config).args(["providers", "show", "x"]).run();
    run.code(0).stdout_has("via responses · without t · with e = a or 1");
}

/// The path that a dry run of a question asks.
fn path(config: &str, args: &[&str]) -> String {
    let tool = "[tools.now]\ncommand = \"true\"\n";
    let run = llm().config(&format!("{config}{tool}")).args(["chat", "--dry-run", "你好"]);
    let run = run.args(args).run();
    let text = run.code(0).stdout_text();
    let address = text.split('\'').nth(1).unwrap_or_default().to_owned();
    address.rsplit_once("/v1").map(|(_, path)| path.to_owned()).unwrap_or(address)
}

#[test]
fn what_only_responses_has_goes_there_by_itself() {
    let azure = "[providers.azure]\nbase_url = \"https://a.example/openai/v1\"\n";
    for (config, args, expected) in [
        ("", &["-p", "openai"][..], "/chat/completions"),
        ("", &["-p", "openai", "--tool", "now"], "/responses"),
        ("", &["-p", "openai", "--tool", "now", "--reasoning-effort", "none"], "/chat/completions"),
        (
            "",
            &["-p", "openai", "--tool", "now", "-O", "reasoning_effort=none"],
            "/chat/completions",
        ),
        ("", &["-p", "openai", "--tool", "now", "--reasoning-effort", "low"], "/responses"),
        ("", &["-p", "openai", "--tool", "now", "-m", "openai/gpt-6.1-terra"], "/responses"),
        // It thinks only where it is asked to; recorded calls of its tools are answered without.
        ("", &["-p", "openai", "--tool", "now", "-m", "gpt-5.4-2026-03-05"], "/chat/completions"),
        (
            "",
            &["-p", "openai", "--tool", "now", "-m", "gpt-5.4", "--reasoning-effort", "low"],
            "/responses",
        ),
        ("", &["-p", "openai", "--tool", "now", "-m", "gpt-7"], "/responses"),
        (
            "",
            &["-p", "openai", "--tool", "now", "-m", "gpt-6-astra", "--reasoning-effort", "none"],
            "/responses",
        ),
        ("", &["-p", "openai", "--tool", "now", "-m", "gpt-5.3"], "/chat/completions"),
        ("", &["-p", "openai", "--tool", "now", "-m", "gpt-5-mini"], "/chat/completions"),
        ("", &["-p", "openai", "--tool", "now", "-m", "gpt-4o"], "/chat/completions"),
        ("", &["-p", "openai", "--tool", "now", "-m", "qwen3"], "/chat/completions"),
        ("", &["-p", "openai", "-m", "gpt-5.4-pro"], "/responses"),
        ("", &["-p", "openai", "-m", "gpt-5.5-pro-2026-04-01"], "/responses"),
        ("", &["-p", "openai", "-m", "o3-pro"], "/responses"),
        ("", &["-p", "openai", "-m", "gpt-5.3-codex"], "/responses"),
        ("", &["-p", "openai", "-m", "o4-mini-deep-research"], "/responses"),
        ("", &["-p", "openai", "-m", "gemini-2.5-pro"], "/chat/completions"),
        ("", &["-p", "openai", "--reasoning-effort", "max"], "/responses"),
        ("", &["-p", "openai", "-m", "gpt-5.2", "--reasoning-effort", "max"], "/chat/completions"),
        ("", &["-p", "openai", "--tool", "now", "--api", "completions"], "/chat/completions"),
        (
            "[providers.openai]\napi = \"completions\"\n",
            &["-p", "openai", "--tool", "now"],
            "/chat/completions",
        ),
        (
            "[providers.openai]\nrules = [{ via = \"completions\" }]\n",
            &["-p", "openai", "--tool", "now"],
            "/chat/completions",
        ),
        (
            "[providers.openai]\napi = \"completions\"\nrules = [{ models = [\"*-luna\"], via = \"responses\" }]\n",
            &["-p", "openai"],
            "/responses",
        ),
        (azure, &["-p", "azure", "-m", "my-gpt-6-luna", "--tool", "now"], "/responses"),
        (azure, &["-p", "azure", "-m", "my-gpt-6-luna"], "/chat/completions"),
        (azure, &["-p", "azure", "-m", "prod-gpt-5.4", "--tool", "now"], "/chat/completions"),
        (azure, &["-p", "azure", "-m", "prod-gpt-5.5", "--tool", "now"], "/responses"),
        (
            "",
            &["-p", "openrouter", "--tool", "now", "-m", "openai/gpt-6-luna"],
            "/chat/completions",
        ),
    ] {
        assert_eq!(path(config, args), expected, "{config} {args:?}");
    }
}

#[test]
fn what_responses_has_no_field_for_is_told_where_a_rule_chose_it() {
    let rule = "[providers.x]\nbase_url = \"http://h.example/v1\"\nmodel = \"m\"\nrules = [{ with = [\"seed\"], via = \"responses\" }]\n";
    let run = llm().config(rule).args(["chat", "--dry-run", "--seed", "7", "你好"]).run();
    run.code(0).stdout_has("/v1/responses").stderr_has("llm: warning: ").stderr_has("seed");
    assert!(!run.stdout_text().contains("\"seed\""), "{run}");
}
