//! `llm chat --tool`: what is offered, how the calls run, and what the model is told of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Recorded, Reply, Server, chunk, llm};

const LONG: Duration = Duration::from_secs(15);

/// A reply that calls tools: name and arguments each.
fn calling(calls: &[(&str, &str)]) -> Reply {
    let pieces: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (name, arguments))| {
            json!({"index": index, "id": format!("call_{index}"), "type": "function",
                "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    let delta = json!({"role": "assistant", "content": null, "tool_calls": pieces});
    let events = [chunk(delta, None), chunk(json!({}), Some("tool_calls")), "[DONE]".to_owned()];
    Reply::sse(&events)
}

/// A table of the profile file: a tool that is a shell script.
fn table(name: &str, script: &str, more: &str) -> String {
    let script = json!(script);
    format!("[tools.{name}]\ncommand = [\"sh\", \"-c\", {script}]\n{more}\n")
}

/// A run that may call these tools without asking.
fn chat(server: &Server, tables: &[String], names: &[&str]) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key_env = [\"TEST_KEY\", \"OTHER_KEY\"]\n{}",
        server.url(),
        tables.join("")
    );
    let tools = names.iter().flat_map(|name| ["--tool", name]);
    let run = llm().config(&profile).watch(server).env("TEST_KEY", "sk-secret-1");
    run.args(["chat", "--yes", "上海天气？"]).args(tools)
}

/// One call of the tool `t`, which is this script; what came back for it.
fn told(script: &str, more: &str, arguments: &str) -> (String, Outcome) {
    let server = Server::start([calling(&[("t", arguments)]), Reply::chat(&["完"])]);
    let run = chat(&server, &[table("t", script, more)], &["t"]).run();
    run.code(0).stdout("完\n");
    (results(&server.requests()[1]).remove(0), run)
}

/// The contents of the results in a request.
fn results(request: &Recorded) -> Vec<String> {
    let body = request.json();
    let messages = body["messages"].as_array().expect("a list").iter();
    let results = messages.filter(|message| message["role"] == "tool");
    results.map(|message| message["content"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_tool_of_the_profile_file_is_offered_and_called() {
    let arguments = r#"{"city": "\u4e0a海"}"#;
    let server = Server::start([calling(&[("get_weather", arguments)]), Reply::chat(&["晴。"])]);
    let more = "description = \"查天气\"\nparameters = { type = \"object\", properties = { city = { type = \"string\" } } }";
    let run =
        chat(&server, &[table("get_weather", "echo \"23 度 $(cat)\"", more)], &["get_weather"])
            .run();
    run.code(0).stdout("晴。\n").stderr("llm: get_weather {\"city\":\"上海\"}\n");
    let bodies: Vec<Value> = server.requests().iter().map(Recorded::json).collect();
    let function = json!({"name": "get_weather", "description": "查天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}});
    let tools = json!([{"type": "function", "function": function}]);
    assert_eq!((&bodies[0]["tools"], &bodies[1]["tools"]), (&tools, &tools));
    assert_eq!(bodies[0].get("tool_choice"), None);
    let call = json!({"id": "call_0", "type": "function",
        "function": {"name": "get_weather", "arguments": arguments}});
    let expected = json!([
        {"role": "user", "content": "上海天气？"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "23 度 {\"city\":\"上海\"}"},
    ]);
    assert_eq!(bodies[1]["messages"], expected);
}

#[test]
fn a_program_says_itself_what_it_is() {
    let script = "test \"$1\" = --describe && echo '{\"name\": \"now\", \"description\": \"时间\"}' || echo 12:00";
    let server = Server::start([calling(&[("now", "")]), Reply::chat_json("午")]);
    let run = chat(&server, &[], &["sh '我的 工具.sh'"]).file("我的 工具.sh", script).run();
    run.code(0).stdout("午\n").stderr("llm: now {}\n");
    let body = server.requests()[1].json();
    assert_eq!(
        body["tools"][0]["function"]["parameters"],
        json!({"type": "object", "properties": {}})
    );
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(results(&server.requests()[1]), ["12:00"]);
}

#[test]
fn what_is_no_tool_is_refused_before_anything_is_sent() {
    let long = "head -c 70000 /dev/zero | tr '\\0' ' '";
    for (script, words) in [
        ("echo 你好", "does not print JSON with --describe"),
        ("echo '{}'", "describes no `name`"),
        ("echo '{\"name\": \"查天气\"}'", "a `name` that is not allowed"),
        ("echo 不行 >&2; exit 3", "fails with --describe: 不行"),
        (long, "prints more than 64 KiB"),
    ] {
        let server = Server::start([]);
        let run = chat(&server, &[], &["sh t.sh"]).file("t.sh", script).run();
        run.code(2).stdout_empty().stderr_has("llm: the tool `sh t.sh` ").stderr_has(words);
        run.stderr_has("hint: `sh t.sh --describe` must print");
    }
    let server = Server::start([]);
    let tables = [table("now", "date", "")];
    let run = chat(&server, &tables, &["./nothing"]).run();
    run.code(2).stderr_has("llm: cannot run the tool `./nothing`: no such file");
    run.stderr_has("your profile file has now");
    let twice = chat(&server, &tables, &["now", "now"]).run();
    twice.code(2).stderr_has("llm: two tools are named `now`");
}

#[test]
fn a_description_is_not_waited_for_without_end() {
    let server = Server::start([]);
    let start = Instant::now();
    let run = chat(&server, &[], &["sh t.sh"]).file("t.sh", "sleep 60 & sleep 60").run();
    run.code(2).stderr_has("does not finish with --describe within 5 s");
    assert!(start.elapsed() < LONG);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let server = Server::start([]);
    let run = chat(&server, &[table("now", "date", "")], &["now"]);
    let without = ["chat", "几点？", "--tool", "now"];
    let refused = run.clone().bare_args(without).run();
    refused
        .code(2)
        .stderr_has("llm: tools need your confirmation")
        .stderr_has("hint: --yes runs them without asking");
    // Where nothing runs, nothing need be asked.
    let dry = run.clone().bare_args(without).arg("--dry-run").run();
    dry.code(0).stdout_has("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"now\"");
    for (flags, words) in [
        (&["-n", "2"][..], "only one answer"),
        (&["-O", "n=2"], "only one answer"),
        (&["--max-turns", "0"], "0 is not in 1.."),
    ] {
        run.clone().args(flags).run().code(2).stdout_empty().stderr_has(words);
    }
    for flag in [&["--yes"][..], &["--max-turns", "3"]] {
        run.clone().bare_args(["chat", "x"]).args(flag).run().code(2).stderr_has("--tool");
    }
}

#[test]
fn json_prints_the_first_reply_and_runs_nothing() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let reply =
        json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let server = Server::start([Reply::json(200, reply.clone())]);
    let run = chat(&server, &[table("t", "touch ran", "")], &["t"]);
    let run = run.bare_args(["chat", "--tool", "t", "--json", "x"]).run();
    assert_eq!(run.code(0).stdout_json(), reply);
    assert!(!run.dir().join("ran").exists());
    assert_eq!(server.request().json()["tools"][0]["function"]["name"], "t");
}

#[test]
fn several_calls_of_a_reply_run_and_their_text_is_printed() {
    let calls = [
        json!({"index": 0, "id": "a", "type": "function", "function": {"name": "up", "arguments": "{\"x\":1}"}}),
        json!({"index": 1, "id": "b", "type": "function", "function": {"name": "up", "arguments": "{\"x\":2}"}}),
    ];
    let events = [
        chunk(json!({"role": "assistant", "content": "我查"}), None),
        chunk(json!({"content": "一下。"}), None),
        chunk(json!({"tool_calls": calls}), Some("tool_calls")),
        json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}).to_string(),
        "[DONE]".to_owned(),
    ];
    let mut last: Vec<String> = vec![chunk(json!({"content": "好了"}), Some("stop"))];
    last.push(
        json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}).to_string(),
    );
    last.push("[DONE]".to_owned());
    let server = Server::start([Reply::sse(&events), Reply::sse(&last)]);
    let run = chat(&server, &[table("up", "cat", "")], &["up"]).arg("-u").run();
    run.code(0).stdout("我查一下。\n好了\n");
    run.stderr_has("llm: up {\"x\":1}\nllm: up {\"x\":2}\n")
        .stderr_has("usage: 14 tokens in, 6 out");
    let request = &server.requests()[1];
    assert_eq!(results(request), ["{\"x\":1}", "{\"x\":2}"]);
    let messages = &request.json()["messages"];
    assert_eq!(messages[1]["content"], "我查一下。");
    assert_eq!(
        (&messages[2]["tool_call_id"], &messages[3]["tool_call_id"]),
        (&json!("a"), &json!("b"))
    );
}

#[test]
fn what_goes_wrong_with_a_tool_is_told_to_the_model() {
    let (content, run) = told("echo 半; echo 坏了 >&2; exit 3", "", "{}");
    assert_eq!(
        content,
        "error: the tool failed (exit status: 3)\nstandard error:\n坏了\nstandard output:\n半"
    );
    run.stderr_has("llm: warning: t failed (exit status: 3): 坏了\n");
    let (content, run) = told("true", "", "{}");
    assert_eq!(content, "(no output)");
    run.stderr("llm: t {}\n");
    for (arguments, words) in
        [("{\"a\": ", "EOF while parsing"), ("[1]", "no JSON object"), ("天气", "expected value")]
    {
        let (content, run) = told("touch ran", "", arguments);
        assert!(content.starts_with("error: the arguments must be a JSON object: "), "{content}");
        assert!(
            content.contains(words) && content.ends_with(arguments.trim_end())
                || content.ends_with(arguments),
            "{content}"
        );
        run.stderr_has("llm: warning: the model calls t with arguments that are not a JSON object");
        assert!(!run.dir().join("ran").exists());
    }
    let server = Server::start([calling(&[("rm", "{}")]), Reply::chat(&["完"])]);
    let run = chat(&server, &[table("t", "true", "")], &["t"]).run();
    run.code(0).stderr_has("llm: warning: the model calls `rm`, which is not one of your tools");
    assert_eq!(results(&server.requests()[1]), ["error: there is no tool `rm`; there is t"]);
    let server = Server::start([calling(&[("t", "{}")]), Reply::chat(&["完"])]);
    let gone = "[tools.t]\ncommand = \"./no-such-program\"\n".to_owned();
    chat(&server, &[gone], &["t"])
        .run()
        .code(0)
        .stderr_has("warning: t cannot be run: no such file");
    assert!(results(&server.requests()[1])[0].contains("cannot be run: no such file"));
}

#[test]
fn a_tool_that_hangs_is_stopped_with_all_that_it_started() {
    let start = Instant::now();
    let script = "(sleep 60; touch late) & echo 开始; echo $! > child; sleep 60";
    let (content, run) = told(script, "timeout = 0.3", "{}");
    assert!(start.elapsed() < LONG);
    assert_eq!(
        content,
        "error: the tool did not finish within 0.3 s and was stopped\nstandard output:\n开始"
    );
    run.stderr_has("llm: warning: t did not finish within 0.3 s");
    assert_gone(&String::from_utf8(run.read("child")).expect("a number"));
}

/// Asserts that no such process runs any more, where the system tells.
#[track_caller]
fn assert_gone(pid: &str) {
    let is_there = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim()));
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    };
    let start = Instant::now();
    while is_there() && start.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!is_there(), "process {pid} still runs");
}

#[test]
fn a_flood_is_cut() {
    let start = Instant::now();
    let (content, _) = told("yes 水", "", "{}");
    assert!(start.elapsed() < LONG);
    assert!(content.len() < 257 * 1024 && content.len() > 255 * 1024, "{}", content.len());
    assert!(content.ends_with("\n[cut: the output is longer than 256 KiB]"));
    let (content, _) = told("head -c 300000 /dev/zero | tr '\\0' x; echo ok > end", "", "{}");
    assert!(content.contains("xx\n[cut: "), "{}", content.len());
    let (content, _) = told("yes 坏 | head -c 30000 >&2; exit 1", "", "{}");
    assert!(content.len() < 9 * 1024 && content.contains("坏"), "{}", content.len());
}

#[test]
fn a_tool_need_not_read_what_it_is_given() {
    let arguments = format!("{{\"text\":\"{}\"}}", "长".repeat(200_000));
    assert_eq!(told("echo ok", "", &arguments).0, "ok");
    assert_eq!(told("wc -c", "", &arguments).0.trim(), arguments.len().to_string());
}

#[test]
fn a_program_left_behind_is_not_waited_for() {
    let start = Instant::now();
    assert_eq!(told("sleep 20 & echo ok", "", "{}").0, "ok");
    assert!(start.elapsed() < LONG);
}

#[test]
fn the_key_is_not_in_the_tools_environment() {
    let script =
        "test \"$1\" = --describe && env > described && echo '{\"name\": \"e\"}' && exit; env";
    let server = Server::start([calling(&[("e", "{}")]), Reply::chat(&["完"])]);
    let run = chat(&server, &[], &["sh t.sh"]).file("t.sh", script).env("OTHER_KEY", "sk-secret-2");
    let run = run.env("PLAIN", "看得见").run();
    run.code(0);
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer sk-secret-1"));
    let described = String::from_utf8_lossy(&run.read("described")).into_owned();
    for seen in [&results(&server.requests()[1])[0], &described] {
        assert!(seen.contains("PLAIN=看得见"), "{seen}");
        assert!(!seen.contains("sk-secret") && !seen.contains("_KEY="), "{seen}");
    }
}

#[test]
fn the_rounds_have_an_end() {
    let again = || calling(&[("t", "{}")]);
    let server = Server::start([again(), again(), again()]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).args(["--max-turns", "2"]).run();
    run.code(4).stdout_empty().stderr_has("llm: test still calls tools after 2 rounds");
    run.stderr_has("hint: --max-turns N allows more");
    assert_eq!(results(&server.requests()[2]), ["1", "1"]);
    let server = Server::start(std::iter::repeat_with(again).take(11));
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).run();
    run.code(4).stderr_has("after 10 rounds");
}

#[test]
fn control_c_ends_the_tool_and_the_run() {
    let server = Server::start([calling(&[("t", "{}")])]);
    let tables = [table("t", "echo $$ > pid; sleep 60", "")];
    let command = chat(&server, &tables, &["t"]);
    let mut run = command.spawn();
    run.read_stderr_until("llm: t {}", LONG);
    let pid = wait_for(&command.dir().join("pid"));
    run.signal("INT");
    let outcome = run.wait();
    outcome.code(130).stdout_empty();
    assert_gone(&pid);
}

/// The content of a file that will be there soon.
fn wait_for(path: &std::path::Path) -> String {
    let start = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ if start.elapsed() > LONG => panic!("{} does not come", path.display()),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn a_cut_call_is_not_run() {
    let piece = json!({"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}});
    let events = [chunk(json!({"tool_calls": [piece]}), Some("length")), "[DONE]".to_owned()];
    let server = Server::start([Reply::sse(&events)]);
    let run = chat(&server, &[table("t", "touch ran", "")], &["t"]).run();
    run.code(4).stderr_has("the model asks for tool calls: `t`; the token limit cut the call");
    assert!(!run.dir().join("ran").exists());
}

#[test]
fn a_call_that_is_too_long_is_not_run_and_the_model_is_told() {
    let head = json!({"index": 0, "id": "a", "function": {"name": "t", "arguments": "{\"x\":\""}});
    let piece = |text: &str| json!({"index": 0, "function": {"arguments": text}});
    let half = "x".repeat(600 << 10);
    let pieces = [head, piece(&half), piece(&half), piece("\"}")];
    let mut events: Vec<String> =
        pieces.iter().map(|piece| chunk(json!({"tool_calls": [piece]}), None)).collect();
    events.push(chunk(json!({}), Some("tool_calls")));
    let server = Server::start([Reply::sse(&events), Reply::chat(&["完"])]);
    let run = chat(&server, &[table("t", "touch ran", "")], &["t"]).run();
    run.code(0).stdout("完\n").stderr_has("longer than 1 MiB");
    assert!(!run.dir().join("ran").exists());
    let told = results(&server.requests()[1]);
    assert!(told[0].starts_with("error: ") && told[0].contains("longer than 1 MiB"), "{told:?}");
}

#[test]
fn more_calls_than_an_answer_may_have_are_told() {
    let calls: Vec<(&str, &str)> = (0..70).map(|_| ("t", "{}")).collect();
    let server = Server::start([calling(&calls), Reply::chat(&["完"])]);
    let run = chat(&server, &[table("t", "echo x >> ran", "")], &["t"]).run();
    run.code(0).stderr_has("asks for 70 tool calls at once; only the first 64 are carried out");
    assert_eq!(results(&server.requests()[1]).len(), 64);
    assert_eq!(run.read("ran").len(), 2 * 64);
}

#[test]
fn a_later_round_is_tried_again() {
    let busy = Reply::json(503, json!({"error": {"message": "busy"}})).header("retry-after", "0");
    let text = [
        chunk(json!({"content": "我查。"}), None),
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]}),
            Some("tool_calls"),
        ),
        "[DONE]".to_owned(),
    ];
    let server = Server::start([Reply::sse(&text), busy, Reply::chat(&["好"])]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).run();
    run.code(0).stdout("我查。\n好\n");
    assert_eq!(results(&server.requests()[2]), ["1"]);
}

#[test]
fn only_the_last_answer_is_checked_or_cut_to_its_code() {
    let round = |text: &str| {
        Reply::sse(&[
            chunk(json!({"content": text}), None),
            chunk(
                json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]}),
                Some("tool_calls"),
            ),
            "[DONE]".to_owned(),
        ])
    };
    let server = Server::start([round("先查。"), Reply::chat(&["{\"n\": 1}"])]);
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#;
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).args(["--schema", schema]).run();
    run.code(0).stdout("{\"n\": 1}\n");
    let server = Server::start([round("先查。"), Reply::chat(&["看：\n```sh\nls\n```\n"])]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).arg("-x").run();
    run.code(0).stdout("ls\n");
    let found = "看：\n```sh\nls\n```\n";
    let server = Server::start([round(found), round(""), Reply::chat(&["```sh\nrm\n```\n"])]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).arg("-x").run();
    run.code(0).stdout("ls\n");
}

#[test]
fn calls_and_results_are_kept_and_sent_again() {
    let server = Server::start([
        calling(&[("t", "{\"城\":1}")]),
        Reply::chat(&["晴"]),
        Reply::chat(&["雨"]),
    ]);
    let run = chat(&server, &[table("t", "echo 23 度", "")], &["t"]);
    run.run().code(0);
    run.clone().bare_args(["chat", "-c", "明天呢？"]).run().code(0).stdout("雨\n");
    let messages = server.requests()[2].json()["messages"].clone();
    let roles: Vec<&str> =
        messages.as_array().expect("a list").iter().filter_map(|m| m["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant", "user"]);
    assert_eq!(
        messages.as_array().expect("a list")[..3],
        server.requests()[1].json()["messages"].as_array().expect("a list")[..]
    );
    let shown = run.clone().bare_args(["history", "show"]).run();
    shown.code(0).stdout_has("> t {\"城\":1}\n< 23 度\n").stdout_has("晴");
    run.clone().bare_args(["history", "search", "度"]).run().code(0).stdout_has("上海天气？");
    run.bare_args(["history", "export"]).run().code(0).stdout_has("23 度").stdout_has("雨");
}

#[test]
fn a_run_that_ends_in_a_tool_is_kept_but_not_sent() {
    let server =
        Server::start([calling(&[("t", "{}")]), calling(&[("t", "{}")]), Reply::chat(&["好"])]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]);
    run.clone().args(["--max-turns", "1"]).run().code(4);
    run.clone()
        .bare_args(["history", "show"])
        .run()
        .code(0)
        .stdout_has("> t {}\n< 1\n")
        .stdout_has("(failed: ");
    run.bare_args(["chat", "-c", "再来"]).run().code(0);
    assert_eq!(
        server.requests()[2].json()["messages"],
        json!([{"role": "user", "content": "再来"}])
    );
}

#[test]
fn thinking_goes_back_where_the_service_wants_it() {
    let events = [
        chunk(json!({"reasoning_content": "想一想"}), None),
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]}),
            Some("tool_calls"),
        ),
        "[DONE]".to_owned(),
    ];
    let server = Server::start([
        Reply::sse(&events),
        calling(&[("t", "{}")]),
        Reply::chat(&["好"]),
        Reply::chat(&["又好"]),
    ]);
    let profile = format!(
        "[providers.deepseek]\nbase_url = \"{}\"\n{}",
        server.url(),
        table("t", "echo 1", "")
    );
    let run = llm().config(&profile).watch(&server).env("DEEPSEEK_API_KEY", "sk-1");
    run.clone().args(["chat", "-p", "deepseek", "--tool", "t", "--yes", "查"]).run().code(0);
    run.args(["chat", "-c", "再查"]).run().code(0);
    let requests = server.requests();
    for request in [&requests[1], &requests[3]] {
        assert_eq!(request.json()["messages"][1]["reasoning_content"], "想一想");
        assert_eq!(request.json()["messages"][1].get("reasoning"), None);
    }
    assert_eq!(requests[3].json()["messages"][3]["reasoning_content"], "");
}

#[test]
fn what_a_refusal_taught_holds_for_the_further_requests() {
    let refused = json!({"error": {"param": "stream_options",
        "message": "Unsupported parameter: 'stream_options' is not supported with this model."}});
    let server = Server::start([
        Reply::json(400, refused),
        calling(&[("t", "{}")]),
        calling(&[("t", "{}")]),
        Reply::chat(&["完"]),
    ]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]).arg("-u").run();
    run.code(0).stdout("完\n");
    let has_it: Vec<bool> = server
        .requests()
        .iter()
        .map(|request| request.json().get("stream_options").is_some())
        .collect();
    assert_eq!(has_it, [true, false, false, false]);
    assert_eq!(run.stderr_text().matches("refuses `stream_options`").count(), 1);
}

#[test]
fn results_go_behind_messages_of_the_users_own() {
    let server = Server::start([calling(&[("t", "{}")]), Reply::chat(&["完"])]);
    let own = json!([{"role": "user", "content": "别的"}]);
    let run = chat(&server, &[table("t", "echo 1", "")], &["t"]);
    run.args(["-O", &format!("messages={own}")]).run().code(0).stdout("完\n");
    let messages = server.requests()[1].json()["messages"].clone();
    let roles: Vec<&Value> =
        messages.as_array().expect("a list").iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
    assert_eq!(messages[0], own[0]);
}
