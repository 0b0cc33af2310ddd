//! What `llm chat` sends: the JSON for every flag, the layers of the configuration, the headers.

use serde_json::{Value, json};

use crate::support::{Llm, Recorded, Reply, Server, llm};

/// Runs `llm chat` with these arguments to an answer, and gives the one request that arrived.
fn sent_by(command: impl Fn(Llm, &Server) -> Llm, args: &[&str]) -> Recorded {
    let stream = Server::start([Reply::chat(&["好"])]);
    let run = command(llm(), &stream).watch(&stream).arg("chat").args(args).run();
    run.code(0).stdout("好\n").stderr_lacks("warning");
    let request = stream.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    request
}

/// The body that goes out for these arguments with a plain profile.
fn body(args: &[&str]) -> Value {
    sent_by(|llm, server| llm.profile(server), args).json()
}

/// The body of a plain question, with these fields added.
fn question(more: Value) -> Value {
    let mut body = json!({
        "model": "test-model",
        "messages": [{"role": "user", "content": "你好"}],
        "stream": true,
    });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    body
}

/// A profile file with the profile `test` at the server and these lines in it.
fn with_lines(lines: &str) -> impl Fn(Llm, &Server) -> Llm {
    move |llm, server| {
        let url = server.url();
        llm.config(&format!(
            "[providers.test]\nbase_url = \"{url}\"\nmodel = \"test-model\"\n{lines}\n"
        ))
    }
}

#[test]
fn a_plain_question_sends_only_what_is_needed() {
    let request = sent_by(|llm, server| llm.profile(server), &["你好"]);
    let wire =
        r#"{"model":"test-model","messages":[{"role":"user","content":"你好"}],"stream":true}"#;
    assert_eq!(request.text(), wire);
    assert_eq!(request.header("authorization"), None);
    let agent = request.header("user-agent").expect("it says who it is");
    assert!(agent.starts_with("llm/"), "{agent}");
}

#[test]
fn words_are_joined_by_a_space() {
    let joined = body(&["写", "一句  话", "-x"]);
    assert_eq!(joined["messages"], json!([{"role": "user", "content": "写 一句  话"}]));
    let dashed = body(&["--", "-t", "是什么"]);
    assert_eq!(dashed, question(json!({"messages": [{"role": "user", "content": "-t 是什么"}]})));
}

#[test]
fn every_flag_has_its_field() {
    let messages = json!([
        {"role": "system", "content": "用中文回答"},
        {"role": "user", "content": "你好"},
    ]);
    for (args, fields) in [
        (&["-s", "用中文回答"][..], json!({"messages": messages})),
        (&["--system", "用中文回答"], json!({"messages": messages})),
        (&["-t", "0.7"], json!({"temperature": 0.7})),
        (&["--temperature", "0"], json!({"temperature": 0})),
        (&["--top-p", "0.25"], json!({"top_p": 0.25})),
        (&["--max-tokens", "50"], json!({"max_tokens": 50})),
        (&["--seed", "-7"], json!({"seed": -7})),
        (&["--stop", "完"], json!({"stop": ["完"]})),
        (&["--stop", "完", "--stop", "\n"], json!({"stop": ["完", "\n"]})),
        (&["--reasoning-effort", "low"], json!({"reasoning_effort": "low"})),
        (&["-u"], json!({"stream_options": {"include_usage": true}})),
        (&["-m", "另一个"], json!({"model": "另一个"})),
        (&["-n", "1"], json!({})),
        (&["--no-stdin"], json!({})),
    ] {
        let args = [&["你好"], args].concat();
        assert_eq!(body(&args), question(fields), "{args:?}");
    }
}

#[test]
fn numbers_go_out_as_they_were_typed() {
    let request = sent_by(|llm, server| llm.profile(server), &["a", "-t", "1", "--top-p", "1.0"]);
    assert!(request.text().ends_with(r#","temperature":1,"top_p":1.0}"#), "{}", request.text());
}

#[test]
fn several_answers_are_asked_for() {
    let server = Server::start(["一", "二", "三"].map(Reply::chat_json));
    let run = llm().profile(&server).args(["chat", "你好", "-n", "3", "-S", "-q"]).run();
    run.code(0).stdout("一\n\n二\n\n三\n").stderr_empty();
    let expected = json!({
        "model": "test-model", "messages": [{"role": "user", "content": "你好"}], "n": 3,
    });
    assert_eq!(server.bodies()[0], expected);
}

#[test]
fn without_a_stream_nothing_of_a_stream_is_asked_for() {
    for args in [&["-S"][..], &["--no-stream", "-u"], &["--json"], &["--json", "-u"]] {
        let server = Server::start([Reply::chat_json("好")]);
        let run = llm().profile(&server).args(["chat", "你好"]).args(args).run();
        run.code(0).stdout_has("好");
        let expected = json!({
            "model": "test-model", "messages": [{"role": "user", "content": "你好"}],
        });
        assert_eq!(server.request().json(), expected, "{args:?}");
    }
}

/// The `response_format` that goes out for a schema.
fn format_of(schema: &Value) -> Value {
    let server = Server::start([Reply::chat(&[r#"{"城市": "上海"}"#])]);
    let text = schema.to_string();
    let run = llm().profile(&server).args(["chat", "你好", "--schema", &text]).run();
    run.code(0).stdout("{\"城市\": \"上海\"}\n").stderr_empty();
    let body = server.request().json();
    assert_eq!(body, question(json!({"response_format": body["response_format"]})));
    body["response_format"].clone()
}

#[test]
fn a_schema_is_strict_where_it_may_be() {
    let closed = json!({
        "title": "city",
        "type": "object",
        "properties": {"城市": {"type": "string"}},
        "required": ["城市"],
        "additionalProperties": false,
    });
    let format = format_of(&closed);
    let expected = json!({"name": "city", "schema": closed, "strict": true});
    assert_eq!(format, json!({"type": "json_schema", "json_schema": expected}));
    let open = json!({"type": "object", "properties": {"城市": {"type": "string"}}});
    let format = format_of(&open);
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["schema"], open);
    assert_ne!(format["json_schema"]["strict"], json!(true));
    assert!(format["json_schema"]["name"].as_str().is_some_and(|name| !name.is_empty()));
}

#[test]
fn options_are_json_or_text_and_nest_and_win() {
    for (args, fields) in [
        (&["-O", "top_k=5"][..], json!({"top_k": 5})),
        (&["-O", "user=小明"], json!({"user": "小明"})),
        (&["-O", "user=\"5\""], json!({"user": "5"})),
        (&["-O", "logprobs=true"], json!({"logprobs": true})),
        (&["-O", "x=null"], json!({"x": null})),
        (&["-O", "x="], json!({"x": ""})),
        (&["-O", "x=a=b"], json!({"x": "a=b"})),
        (&["-O", "x=[1, {\"y\": 2}]"], json!({"x": [1, {"y": 2}]})),
        (&["-O", "a.b=1", "-O", "a.c.d=深"], json!({"a": {"b": 1, "c": {"d": "深"}}})),
        (&["-O", "a=1", "-O", "a=2"], json!({"a": 2})),
        (&["-O", "temperature=2", "-t", "0.5"], json!({"temperature": 2})),
        (&["-O", "model=别的", "-m", "这个"], json!({"model": "别的"})),
        (&["-O", "messages=[]"], json!({"messages": []})),
        (&["-O", "stream=false"], json!({"stream": false})),
        (
            &["-u", "-O", "stream_options={\"include_usage\":false}"],
            json!({"stream_options": {"include_usage": false}}),
        ),
    ] {
        let args = [&["你好"], args].concat();
        assert_eq!(body(&args), question(fields), "{args:?}");
    }
}

#[test]
fn options_of_the_profile_lie_under_the_flags() {
    let profile = "options = { temperature = 0.7, top_k = 20, extra = { a = [1, \"二\"] } }";
    let in_profile = json!({"temperature": 0.7, "top_k": 20, "extra": {"a": [1, "二"]}});
    let sent = |args: &[&str]| sent_by(with_lines(profile), args).json();
    assert_eq!(sent(&["你好"]), question(in_profile.clone()));
    let mut flags = question(in_profile);
    flags["temperature"] = json!(0.1);
    flags["top_k"] = json!(3);
    flags["extra"]["b"] = json!(false);
    let args = ["你好", "-t", "0.1", "-O", "top_k=3", "-O", "extra.b=false"];
    assert_eq!(sent(&args), flags);
}

#[test]
fn the_model_comes_from_the_nearest_layer() {
    let model = |variables: &[(&str, &str)], args: &[&str]| {
        let variables = variables.to_vec();
        let command = move |llm: Llm, server: &Server| {
            variables.iter().fold(llm.profile(server), |llm, (name, value)| llm.env(name, value))
        };
        sent_by(command, args).json()["model"].clone()
    };
    assert_eq!(model(&[], &["a"]), "test-model");
    assert_eq!(model(&[("LLM_MODEL", "环境")], &["a"]), "环境");
    assert_eq!(model(&[("LLM_MODEL", "")], &["a"]), "test-model");
    assert_eq!(model(&[("LLM_MODEL", "环境")], &["a", "--model", "旗"]), "旗");
    assert_eq!(model(&[("LLM_MODEL", "环境")], &["a", "-O", "model=选项"]), "选项");
}

#[test]
fn no_model_anywhere_sends_nothing() {
    // On this machine the only model would be looked up.
    let config = "[providers.test]\nbase_url = \"http://llm.invalid/v1\"\n";
    let run = llm().config(config).args(["chat", "你好"]).run();
    run.code(2).stdout_empty().stderr_has("model").stderr_has("\nhint: ").stderr_has("-m");
}

#[test]
fn headers_of_flag_and_profile_go_along() {
    let profile = "headers = { \"X-Team\" = \"研发\", \"X-Kept\" = \"profile\" }";
    let flags = ["a", "-H", "x-team: 测试", "--header", "X-New:two words "];
    let request = sent_by(with_lines(profile), &flags);
    let values = |name: &str| {
        let of_name = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        let found = request.headers.iter().filter(of_name);
        found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(values("X-Team"), ["测试"]);
    assert_eq!(values("X-Kept"), ["profile"]);
    assert_eq!(values("X-New"), ["two words"]);
}

#[test]
fn the_key_goes_into_its_header() {
    for (lines, name, value) in [
        ("api_key = \"sk-literal\"", "authorization", "Bearer sk-literal"),
        ("api_key_env = \"MY_KEY\"", "authorization", "Bearer sk-variable"),
        ("api_key_cmd = \"echo sk-command\"", "authorization", "Bearer sk-command"),
        ("api_key = \"k\"\nkey_header = \"api-key\"", "api-key", "k"),
    ] {
        let command =
            |llm: Llm, server: &Server| with_lines(lines)(llm, server).env("MY_KEY", "sk-variable");
        let request = sent_by(command, &["a"]);
        assert_eq!(request.header(name), Some(value), "{lines}");
        let count = request.headers.iter().filter(|header| header.1.contains(value)).count();
        assert_eq!(count, 1, "{lines}");
    }
}

#[test]
fn the_base_url_is_used_as_it_is_given() {
    for (tail, path) in [
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/api/v3", "/api/v3/chat/completions"),
        ("/openai?api-version=1&x=%E5%AD%97", "/openai/chat/completions?api-version=1&x=%E5%AD%97"),
    ] {
        let server = Server::start([Reply::chat(&["好"])]);
        let url = format!("{}{tail}", server.origin());
        let args = ["chat", "a", "-m", "m", "--base-url", &url];
        llm().watch(&server).args(args).run().code(0).stdout("好\n").stderr_empty();
        assert_eq!(server.request().path, path);
    }
}

const RULES: &str = r#"
[[providers.test.rules]]
jobs = ["chat"]
models = ["test-*"]
rename = { max_tokens = "max_completion_tokens" }
drop = ["seed"]
set = { store = false, top_p = 0.5 }
map = { reasoning_effort = { minimal = "low" } }
why = "it knows no seed"

[[providers.test.rules]]
models = ["other*"]
set = { wrong = true }

[[providers.test.rules]]
jobs = ["embed"]
set = { wrong = true }
"#;

#[test]
fn rules_of_the_profile_change_the_request() {
    let args = ["你好", "--max-tokens", "9", "--top-p", "1", "--reasoning-effort", "minimal"];
    let expected = json!({
        "max_completion_tokens": 9, "top_p": 1, "reasoning_effort": "low", "store": false,
    });
    assert_eq!(sent_by(with_lines(RULES), &args).json(), question(expected));
    let plain = sent_by(with_lines(RULES), &["你好", "-m", "else", "--max-tokens", "9"]);
    assert_eq!(plain.json(), question(json!({"model": "else", "max_tokens": 9})));
}

#[test]
fn a_flag_that_a_rule_drops_is_told_and_an_option_goes_out_all_the_same() {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = with_lines(RULES)(llm(), &server).args(["chat", "你好", "--seed", "1"]).run();
    run.code(0).stdout("好\n").stderr_has("llm: warning: ").stderr_has("seed");
    run.stderr_has("it knows no seed");
    assert_eq!(server.request().json(), question(json!({"store": false, "top_p": 0.5})));
    let forced = sent_by(with_lines(RULES), &["你好", "-O", "seed=1", "-O", "store=true"]);
    assert_eq!(forced.json(), question(json!({"store": true, "top_p": 0.5, "seed": 1})));
}

#[test]
fn usage_is_asked_for_only_where_the_profile_says_so() {
    let usage = json!({"stream_options": {"include_usage": true}});
    for (line, fields) in [
        ("stream_usage = \"ask\"", usage),
        ("stream_usage = \"sent\"", json!({})),
        ("stream_usage = \"never\"", json!({})),
    ] {
        let sent = sent_by(with_lines(line), &["你好", "-u"]).json();
        assert_eq!(sent, question(fields), "{line}");
    }
}

#[test]
fn a_dry_run_sends_nothing_and_hides_the_key() {
    let server = Server::start([]);
    let lines = "api_key_env = \"MY_KEY\"";
    let command = with_lines(lines)(llm(), &server).env("MY_KEY", "sk-geheim-123456");
    let run = command.args(["chat", "it's 你好", "--dry-run", "-H", "X-Token: abc-secret"]).run();
    run.code(0).stdout_has("curl ").stdout_has("$MY_KEY").stderr_empty();
    run.stdout_has(&format!("{}/chat/completions", server.url()));
    let text = run.stdout_text();
    assert!(!text.contains("geheim") && !text.contains("abc-secret"), "{run}");
    assert!(server.requests().is_empty());
}
