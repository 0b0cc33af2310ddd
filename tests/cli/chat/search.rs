//! `--search`: the service's own web search, turned on as its profile says.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, chat_body, llm};

/// `llm chat --search` with a profile that has these lines.
fn searching(server: &Server, lines: &str) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n{lines}\n[tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    llm().config(&profile).watch(server).args(["chat", "--search"])
}

/// An answer over `/responses`.
fn response() -> Reply {
    let text = json!({"type": "output_text", "text": "好", "annotations": []});
    let message = json!({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]});
    let output = json!([{"type": "web_search_call", "id": "ws", "status": "completed"}, message]);
    Reply::json(
        200,
        json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": output}),
    )
}

const BOTH: &str = "search = { completions = { enable_search = true, search_options = { source = true } }, \
    responses = { tools = [{ type = \"web_search\" }] } }";
const RESPONSES: &str = "search = { responses = { tools = [{ type = \"web_search\" }] } }";
const COMPLETIONS: &str = "search = { completions = { tools = [{ type = \"web_search\" }] } }";

/// The path and the body of the one request of a run with these lines and arguments.
#[track_caller]
fn asked(lines: &str, args: &[&str], reply: Reply) -> (String, Value) {
    let server = Server::start([reply]);
    searching(&server, lines).args(args).arg("问").run().code(0).stdout("好\n").stderr_empty();
    let request = server.request();
    (request.path.clone(), request.json())
}

#[test]
fn the_fields_are_laid_into_the_body() {
    let (path, body) = asked(BOTH, &[], Reply::chat(&["好"]));
    assert_eq!(path, "/v1/chat/completions");
    let messages = json!([{"role": "user", "content": "问"}]);
    let expected = json!({"model": "m", "messages": messages, "stream": true,
        "enable_search": true, "search_options": {"source": true}});
    assert_eq!(body, expected);
    let (path, body) = asked(BOTH, &["--api", "responses", "-S"], response());
    assert_eq!(
        (path.as_str(), &body["tools"]),
        ("/v1/responses", &json!([{"type": "web_search"}]))
    );
    assert_eq!(body.get("enable_search"), None);
}

#[test]
fn objects_and_lists_are_added_to_and_the_last_option_wins() {
    let options =
        "options = { enable_search = false, search_options = { source = false, forced = true } }";
    let (_, body) = asked(&format!("{BOTH}\n{options}"), &[], Reply::chat(&["好"]));
    assert_eq!(body["enable_search"], json!(true));
    assert_eq!(body["search_options"], json!({"source": true, "forced": true}));
    let set = ["-O", "enable_search=\"turbo\"", "-O", "search_options.source=false"];
    let (_, body) = asked(BOTH, &set, Reply::chat(&["好"]));
    assert_eq!(body["enable_search"], json!("turbo"));
    assert_eq!(body["search_options"], json!({"source": false}));
    let (_, body) = asked(COMPLETIONS, &["-O", "tools=[]"], Reply::chat(&["好"]));
    assert_eq!(body["tools"], json!([]));
    let twice = format!("{COMPLETIONS}\noptions = {{ tools = [{{ type = \"web_search\" }}] }}");
    let (_, body) = asked(&twice, &[], Reply::chat(&["好"]));
    assert_eq!(body["tools"], json!([{"type": "web_search"}]), "it is there already");
}

#[cfg(unix)]
#[test]
fn tools_of_the_users_stand_beside_the_search() {
    let (_, body) = asked(COMPLETIONS, &["--tool", "t", "--yes"], Reply::chat(&["好"]));
    let names = |body: &Value| -> Vec<Value> {
        let tools = body["tools"].as_array().expect("a list");
        tools.iter().map(|tool| tool["type"].clone()).collect()
    };
    assert_eq!(names(&body), ["function", "web_search"]);
    let (_, body) = asked(RESPONSES, &["--tool", "t", "--yes", "-S"], response());
    assert_eq!(names(&body), ["function", "web_search"]);
    assert_eq!(body["tools"][0]["name"], "t");
}

#[test]
fn without_the_flag_nothing_of_it_is_sent() {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = searching(&server, BOTH).bare_args(["chat", "问"]).run();
    run.code(0).stdout("好\n");
    let body = server.request().json();
    assert_eq!((body.get("enable_search"), body.get("tools")), (None, None));
}

#[test]
fn the_endpoint_that_has_it_is_asked_unless_the_other_was_chosen() {
    let (path, _) = asked(RESPONSES, &["-S"], response());
    assert_eq!(path, "/v1/responses");
    let (path, _) = asked(COMPLETIONS, &[], Reply::chat(&["好"]));
    assert_eq!(path, "/v1/chat/completions");
    let rule = "rules = [{ jobs = [\"chat\"], via = \"responses\" }]";
    let (path, _) = asked(&format!("{BOTH}\n{rule}"), &["-S"], response());
    assert_eq!(path, "/v1/responses");
    // `search.completions` counts for the conditions of rules.
    let rule = "rules = [{ jobs = [\"chat\"], with = [\"enable_search\"], via = \"responses\" }]";
    let (path, body) = asked(&format!("{BOTH}\n{rule}"), &["-S"], response());
    assert_eq!((path.as_str(), body.get("enable_search")), ("/v1/responses", None));
    for (lines, args, by, hint) in [
        (
            RESPONSES.to_owned(),
            &["--api", "completions"][..],
            "--api asks /chat/completions",
            "`--api responses`",
        ),
        (
            COMPLETIONS.to_owned(),
            &["--api", "responses"],
            "--api asks /responses",
            "`--api completions`",
        ),
        (
            format!("{RESPONSES}\napi = \"completions\""),
            &[],
            "the profile's `api` asks /chat/completions",
            "`--api responses`",
        ),
        (
            format!("{COMPLETIONS}\nrules = [{{ jobs = [\"chat\"], via = \"responses\" }}]"),
            &[],
            "a rule asks /responses",
            "`--api completions`",
        ),
    ] {
        let server = Server::start([]);
        let run = searching(&server, &lines).args(args).arg("问").run();
        run.code(2).stdout_empty().stderr_has("llm: test searches the web over");
        run.stderr_has(by).stderr_has(hint);
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn what_has_no_field_where_the_search_is_is_left_out_and_told() {
    let server = Server::start([response()]);
    let run = searching(&server, RESPONSES).args(["-S", "--seed", "7", "问"]).run();
    run.code(0).stdout("好\n").stderr_has("`--seed` is left out");
    assert_eq!(server.request().json().get("seed"), None);
}

#[test]
fn a_service_without_one_is_told_with_those_that_have_one() {
    let server = Server::start([]);
    let run = searching(&server, "").arg("问").run();
    run.code(2).stdout_empty().stderr_has("llm: the profile of test has no `search`");
    run.stderr_has("hint: these have one: openai, azure, ").stderr_has("perplexity");
    run.stderr_lacks("gemini");
    assert_eq!(server.requests().len(), 0);
    let run = llm().args(["chat", "-p", "ollama", "--search", "问"]).run();
    run.code(2).stderr_has("the profile of ollama has no `search`");
    let url = server.url();
    let run = llm().args(["chat", "--base-url", &url, "-m", "m", "--search", "问"]).run();
    run.code(2).stderr_has("has no `search`");
}

/// The pages that an answer cites have no place in the rows.
#[test]
fn rows_are_asked_without_one() {
    let run = llm()
        .file("a.txt", "甲\n")
        .args(["batch", "-p", "openai", "--search", "-f", "a.txt", "问"]);
    run.run().code(2).stderr_has("--search");
}

#[test]
fn one_that_searches_anyway_needs_no_field() {
    let (path, body) = asked("search = { completions = {} }", &[], Reply::chat(&["好"]));
    assert_eq!(path, "/v1/chat/completions");
    let messages = json!([{"role": "user", "content": "问"}]);
    assert_eq!(body, json!({"model": "m", "messages": messages, "stream": true}));
}

#[test]
fn a_refused_field_of_it_is_not_taken_away() {
    let refusal = json!({"error": {"message": "Unrecognized request argument supplied: enable_search",
        "type": "invalid_request_error", "param": "enable_search", "code": "unknown_parameter"}});
    let server = Server::start([Reply::json(400, refusal)]);
    let run = searching(&server, BOTH).arg("问").run();
    run.code(4).stdout_empty().stderr_has("enable_search");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_refusal_leads_to_no_endpoint_without_a_search() {
    let words = "This model is only supported in v1/responses and not in v1/chat/completions.";
    let refusal = || Reply::json(404, json!({"error": {"message": words, "param": "model"}}));
    let server = Server::start([refusal()]);
    let run = searching(&server, COMPLETIONS).args(["--retries", "0", "问"]).run();
    run.code(4).stdout_empty().stderr_has("only supported in v1/responses");
    let server = Server::start([refusal(), response()]);
    let run = searching(&server, BOTH).args(["--retries", "0", "-S", "问"]).run();
    run.code(0).stdout("好\n");
    assert_eq!(server.bodies()[1]["tools"], json!([{"type": "web_search"}]));
}

#[test]
fn the_field_is_checked_where_it_is_written() {
    for (lines, words, hint) in [
        ("search = true", "`search` must be a table", ""),
        (
            "search = { response = {} }",
            "unknown field `search.response`",
            "did you mean `responses`?",
        ),
        (
            "search = { enable_search = true }",
            "unknown field `search.enable_search`",
            "known fields: completions, responses",
        ),
        ("search = { completions = [] }", "`search.completions` must be a table", ""),
        (
            "search = { completions = { a = inf } }",
            "`search.completions` must be a value that JSON can hold",
            "",
        ),
        (
            "web_search = { completions = {} }",
            "unknown field `web_search`",
            "did you mean `search`?",
        ),
    ] {
        let server = Server::start([]);
        let run = searching(&server, lines).arg("问").run();
        run.code(2).stderr_has("providers.toml:4: ").stderr_has(words).stderr_has(hint);
    }
}

#[test]
fn providers_show_has_it() {
    let server = Server::start([]);
    let llm = searching(&server, BOTH);
    let run = llm.clone().bare_args(["providers", "show", "test"]).run();
    run.code(0).stdout_has("search.completions").stdout_has("{\"enable_search\":true,");
    run.stdout_has("search.responses");
    let shown = llm.bare_args(["providers", "show", "openai"]).run();
    shown.code(0).stdout_has("{\"tools\":[{\"type\":\"web_search\"}]}").stdout_has("built in");
}

/// An answer that counts so many tokens of its prompt.
fn counted(tokens: u64) -> Reply {
    let mut body = chat_body("好");
    body["usage"] =
        json!({"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1});
    Reply::json(200, body)
}

/// What a search finds is in the prompt of its turn alone.
#[test]
fn turns_with_a_search_are_compared_with_none() {
    let always = "search = { completions = {} }";
    // A name by which nobody could tell.
    let odd = "search = { completions = { extra = { online = true } } }";
    let searched: [(&str, &[&str]); 3] = [("", &[]), (odd, &["--search"]), (always, &[])];
    for (at, (lines, args)) in searched.into_iter().enumerate() {
        let server = Server::start([counted(9_000), counted(2_000)]);
        let llm = searching(&server, lines);
        let ask = |args: &[&str], words: &str| {
            let typed = ["chat", "-S", "--session", "s"];
            llm.clone().bare_args(typed).args(args).arg(words).run()
        };
        ask(args, "一").code(0).stderr_empty();
        let run = ask(&[], "二");
        let is_told = run.code(0).stderr_text().contains("did not read all that was sent");
        assert_eq!(is_told, at == 0, "{lines} {args:?}: {run}");
    }
}

#[cfg(unix)]
#[test]
fn a_conversation_turns_it_on_and_off() {
    use crate::support::spawn_in_terminal;
    use std::time::Duration;

    let server = Server::start([Reply::chat(&["答甲"]), Reply::chat(&["答乙"])]);
    let llm = searching(&server, BOTH).bare_args(["chat"]);
    let Some(mut run) = spawn_in_terminal(&llm) else { return };
    for (before, typed) in [
        ("leaves", "/search\r"),
        ("web search is on", "一\r"),
        ("答甲", "/search\r"),
        ("web search is off", "二\r"),
        ("答乙", "/provider ollama\r"),
        ("llm: ollama, ", "/search\r"),
        ("these have one: openai", "\x04"),
    ] {
        run.read_stdout_until(before, Duration::from_secs(15));
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(typed);
    }
    run.wait().code(0);
    let on: Vec<bool> = server.bodies().iter().map(|body| body["enable_search"] == true).collect();
    assert_eq!(on, [true, false]);
}

#[cfg(unix)]
#[test]
fn a_conversation_with_a_service_without_one_does_not_begin() {
    use crate::support::in_terminal;

    let server = Server::start([]);
    let Some(shown) = in_terminal(&searching(&server, "")) else { return };
    assert!(shown.contains("has no `search`") && !shown.contains("leaves"), "{shown}");
}
