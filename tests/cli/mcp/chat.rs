//! `llm chat --mcp`: what is offered, how calls run, and what the model is told of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{LONG, assert_gone, seen, table, with_servers};
use crate::support::{Llm, Outcome, Recorded, Reply, Server, chunk};

/// A reply that calls tools: name and arguments each.
pub(super) fn calling(calls: &[(&str, &str)]) -> Reply {
    let pieces: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (name, arguments))| {
            json!({"index": index, "id": format!("call_{index}"), "type": "function",
                "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    let delta = json!({"role": "assistant", "content": null, "tool_calls": pieces});
    Reply::sse(&[chunk(delta, None), chunk(json!({}), Some("tool_calls")), "[DONE]".to_owned()])
}

/// A chat at this service beside servers with these tables.
pub(super) fn chat(service: &Server, tables: &[String]) -> Llm {
    chat_at(service, "", tables)
}

/// The same at a service with more in its profile.
pub(super) fn chat_at(service: &Server, more: &str, tables: &[String]) -> Llm {
    let url = service.url();
    let profile = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{more}\n");
    let tables: Vec<String> = [profile].into_iter().chain(tables.iter().cloned()).collect();
    with_servers(&tables).watch(service).arg("chat")
}

/// The contents of the results in a request.
pub(super) fn results(request: &Recorded) -> Vec<String> {
    let body = request.json();
    let messages = body["messages"].as_array().expect("a list").iter();
    let results = messages.filter(|message| message["role"] == "tool");
    results.map(|message| message["content"].as_str().expect("a text").to_owned()).collect()
}

/// The names of the tools in a request.
pub(super) fn offered(request: &Recorded) -> Vec<String> {
    let body = request.json();
    let tools = body["tools"].as_array().expect("a list").iter();
    tools.map(|tool| tool["function"]["name"].as_str().expect("a name").to_owned()).collect()
}

/// One call of a tool of the server `a`; what came back for it.
fn told(switches: &str, more: &str, tool: &str, arguments: &str) -> (String, Outcome, Llm) {
    let service = Server::start([calling(&[(tool, arguments)]), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", switches, more)]).args(["--mcp", "a", "--yes", "问"]);
    let outcome = run.run();
    outcome.code(0).stdout("完\n");
    (results(&service.requests()[1]).remove(0), outcome, run)
}

#[test]
fn the_tools_of_a_server_are_offered_and_called() {
    let arguments = r#"{"text": "你好"}"#;
    let service = Server::start([calling(&[("echo", arguments)]), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "--yes", "问"]);
    let outcome = run.run();
    outcome.code(0).stdout("完\n");
    outcome.stderr("llm: the model calls a/echo {\"text\":\"你好\"}\n");
    let body = service.requests()[0].json();
    let function = json!({"name": "echo", "description": "Says it again", "parameters": {"type": "object",
        "properties": {"text": {"type": "string", "description": "what to say"}}, "required": ["text"]}});
    assert_eq!(body["tools"][0], json!({"type": "function", "function": function}));
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(10));
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": "问"}]),
        "no words of the server's"
    );
    assert_eq!(results(&service.requests()[1]), ["a {\"text\":\"你好\"}"]);
    assert_gone(&run, &["a"]);
}

#[test]
fn one_tool_or_some_are_offered_where_that_is_wanted() {
    for (words, more, expected) in [
        (&["--mcp", "a/echo"][..], "", &["echo"][..]),
        (&["--mcp", "a/echo", "--mcp", "a/fail"], "", &["echo", "fail"]),
        (
            &["--mcp", "a/echo", "--mcp", "a"],
            "tools = [\"echo\", \"f*\"]",
            &["echo", "fail", "flood"],
        ),
        (&["--mcp", "a/f*"], "", &["fail", "flood"]),
    ] {
        let service = Server::start([Reply::chat(&["好"])]);
        let run = chat(&service, &[table("a", "", more)]).args(["--yes", "x"]).args(words);
        run.run().code(0);
        assert_eq!(offered(&service.request()), expected);
    }
    let service = Server::start([]);
    let run = chat(&service, &[table("a", "", "")]).args(["--yes", "x", "--mcp", "a/ecko"]).run();
    run.code(2)
        .stderr("llm: mcp a: it has no tool `ecko`\nhint: `llm mcp tools a` lists its tools\n");
}

#[test]
fn names_that_services_refuse_are_changed_and_found_again() {
    let tables = [
        table("odd-one", "odd", ""),
        table("b", "", "tools = [\"echo\"]"),
        table("c", "", "tools = [\"echo\"]"),
        "[tools.now]\ncommand = \"date\"\n".to_owned(),
    ];
    let calls = [("odd-one_admin_tools_list", "{}"), ("c_echo", "{}"), ("odd-one_now", "{}")];
    let service = Server::start([calling(&calls), Reply::chat(&["完"])]);
    let words = ["--yes", "x", "--tool", "now", "--mcp", "odd-one", "--mcp", "b", "--mcp", "c"];
    let outcome = chat(&service, &tables).args(words).run();
    outcome.code(0);
    assert_eq!(
        offered(&service.requests()[0]),
        ["now", "odd-one_admin_tools_list", "odd-one_now", "branches", "b_echo", "c_echo"]
    );
    outcome.stderr_has("llm: warning: odd-one/bad is left out: its schema is one of \"string\"");
    outcome.stderr_has("llm: the model calls c/echo {}\n");
    let told = results(&service.requests()[1]);
    assert_eq!(told[0], "error: Unknown tool: admin.tools.list", "the server's own name is called");
    assert_eq!(told[1], "c {}");
}

#[test]
fn a_schema_goes_out_as_services_take_it() {
    let service = Server::start([]);
    let more = "parameters = { oneOf = [{ properties = { x = { type = \"integer\" } } }] }";
    let tables = [table("a", "odd", ""), format!("[tools.own]\ncommand = \"date\"\n{more}\n")];
    let run = chat(&service, &tables).args(["--mcp", "a", "--tool", "own", "--dry-run", "x"]).run();
    run.code(0).stdout_has(
        "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}",
    );
    run.stdout_has("\"name\":\"branches\"")
        .stdout_has("either\\n\\nThe arguments must also fit: {\\\"oneOf\\\":");
    run.stdout_has("\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"integer\"}}");
    run.stdout_has("\"name\":\"admin_tools_list\"".replace("admin", "a_admin").as_str());
    for refused in ["$ref", "$defs", "$schema"] {
        assert!(!run.stdout_text().contains(refused), "{run}");
    }
}

#[test]
fn what_goes_wrong_with_a_call_is_told_to_the_model() {
    let (content, run, _) = told("", "", "fail", "{}");
    assert_eq!(content, "error: 没有这个文件");
    run.stderr_has("llm: warning: a/fail failed: 没有这个文件\n");
    let (content, run, _) = told("lates", "", "grumble", "{}");
    assert_eq!(content, "error: 1 error\n  for path\n    ", "as it came");
    run.stderr_has("llm: warning: a/grumble failed: 1 error for path\n");
    let (content, run, place) = told("", "timeout = 0.5", "sleep", "{}");
    assert_eq!(content, "error: the call failed: it did not answer within 0.5 s");
    run.stderr_has("llm: warning: the call of a/sleep failed: it did not answer");
    assert!(seen(&place, "a").contains("notifications/cancelled"));
    let (content, run, _) = told("", "", "echo", "[1]");
    assert!(content.starts_with("error: the arguments must be a JSON object"), "{content}");
    run.stderr_has(
        "llm: warning: the model calls a/echo with arguments that are not a JSON object",
    );
    let (content, run, _) = told("", "", "ecko", "{}");
    assert!(
        content.starts_with("error: there is no tool `ecko`; there is echo, fail"),
        "{content}"
    );
    run.stderr_has("llm: warning: the model calls `ecko`, which is not one of your tools");
    let (content, run, _) = told("", "", "picture", "{}");
    assert!(content.starts_with("看\n\n[image, image/png, 70 bytes"), "{content}");
    run.stderr_has("llm: a/picture: 给人看\n");
}

#[test]
fn a_large_answer_is_cut_to_its_bound() {
    let (content, run, _) = told("", "", "flood", "{}");
    let head = "[cut: 300,000 bytes, the first 32,768 follow]\n";
    assert!(content.starts_with(head) && content.len() == head.len() + 32_768, "{}", content.len());
    run.stderr_has(
        "llm: warning: the answer of a/flood has 300,000 bytes; the model gets the first 32,768\n",
    );
    let (content, _, _) = told("", "most = 1000000", "flood", "{}");
    assert_eq!(content.len(), 300_000);
    // Tools of the user's own have the same bound.
    let service = Server::start([calling(&[("t", "{}")]), Reply::chat(&["完"])]);
    let tool = "[tools.t]\ncommand = [\"sh\", \"-c\", \"yes 水\"]\nmost = 100\n".to_owned();
    chat(&service, &[tool]).args(["--tool", "t", "--yes", "x"]).run().code(0);
    let content = results(&service.requests()[1]).remove(0);
    assert!(
        content.starts_with("水\n水")
            && content.ends_with("[cut: the output is longer than 100 bytes]")
    );
    assert!(content.len() < 150, "{content}");
}

#[test]
fn a_server_that_died_is_started_once_more_and_the_call_is_not_repeated() {
    let service = Server::start([
        calling(&[("crash", "{}"), ("echo", "{\"n\":1}")]),
        calling(&[("crash", "{}"), ("echo", "{\"n\":2}")]),
        Reply::chat(&["完"]),
    ]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "--yes", "x"]);
    run.run().code(0);
    let died = "error: the call failed: it ended in the middle of the call (exit 3): 崩溃了";
    assert_eq!(results(&service.requests()[1]), [died, "a {\"n\":1}"]);
    assert_eq!(
        results(&service.requests()[2])[2..],
        [died, "error: the call failed: it has ended"]
    );
    assert_eq!(seen(&run, "a").matches("\"method\":\"initialize\"").count(), 2);
    assert_gone(&run, &["a"]);
}

#[test]
fn a_server_that_fails_is_left_out_and_others_stay() {
    let service = Server::start([Reply::chat(&["好"])]);
    let tables = [table("dead", "dies", ""), table("a", "", "tools = [\"echo\"]")];
    let outcome = chat(&service, &tables).args(["--mcp", "dead", "--mcp", "a", "--yes", "x"]).run();
    outcome.code(0).stderr(
        "llm: warning: mcp dead: it ended while starting (exit 1): AttributeError: 'Server' has no list; \
         its tools are left out\n",
    );
    assert_eq!(offered(&service.request()), ["echo"]);
    let none = Server::start([]);
    for (tables, words) in [
        (
            vec![table("a", "dies", "")],
            "llm: mcp a: it ended while starting (exit 1): AttributeError",
        ),
        (
            vec![table("a", "silent", "startup = 0.3")],
            "llm: mcp a: no answer to initialize within 0.3 s\nhint: ",
        ),
        (vec![table("a", "unlisted", "")], "llm: the servers offer no tools"),
        (
            vec!["[mcp.a]\ncommand = \"no-such-program\"\n".to_owned()],
            "llm: mcp a: cannot start it: no-such-program: not found",
        ),
        (
            vec!["[mcp.a]\ncommand = \"sh\"\nenv = { A = \"$NOT_SET\" }\n".to_owned()],
            "llm: mcp a: the variable NOT_SET is not set",
        ),
        (Vec::new(), "llm: no [mcp.a] in the profile file"),
    ] {
        let outcome = chat(&none, &tables).args(["--mcp", "a", "--yes", "x"]).run();
        outcome.code(2).stdout_empty().stderr_has(words);
    }
}

#[test]
fn without_a_terminal_what_is_not_allowed_is_not_offered() {
    let service = Server::start([]);
    let plain = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "x"]);
    let outcome = plain.run();
    outcome
        .code(2)
        .stderr_has("llm: tools need your confirmation, and there is no terminal to ask on\n");
    outcome.stderr_has("hint: --yes runs them without asking; `allow` in [mcp.a] names those");
    assert!(seen(&plain, "a").is_empty(), "it was not even started");
    let some = [table("a", "", "allow = [\"e*\"]")];
    let outcome = chat(&service, &some).args(["--mcp", "a", "x"]).run();
    outcome.code(2).stderr_has("llm: a/fail needs your confirmation");
    let allowed = Server::start([calling(&[("echo", "{}")]), Reply::chat(&["完"])]);
    let outcome = chat(&allowed, &some).args(["--mcp", "a/echo", "x"]).run();
    outcome.code(0).stdout("完\n").stderr("llm: the model calls a/echo {}\n");
    let json = Server::start([Reply::chat_json("好")]);
    chat(&json, &[table("a", "", "")]).args(["--mcp", "a", "x", "--json"]).run().code(0);
    for flags in [&["-n", "2"][..], &["-O", "n=2"]] {
        let outcome = chat(&service, &some).args(["--mcp", "a", "--yes", "x"]).args(flags).run();
        outcome.code(2).stderr_has("only one answer");
    }
}

#[test]
fn many_tools_are_offered_with_a_warning() {
    let service = Server::start([calling(&[("tool_299", "{}")]), Reply::chat(&["好"])]);
    let outcome =
        chat(&service, &[table("a", "many", "")]).args(["--mcp", "a", "--yes", "x"]).run();
    outcome.code(0).stderr_has("llm: warning: 300 tools are offered, ");
    outcome.stderr_has("--mcp NAME/TOOL, or `tools` in the server's table, offers fewer\n");
    assert_eq!(offered(&service.requests()[0]).len(), 300);
}

#[test]
fn what_a_server_says_of_its_use_is_told_where_that_is_wanted() {
    let service = Server::start([Reply::chat(&["好"])]);
    let tables = [table("a", "", "instructions = true")];
    chat(&service, &tables).args(["--mcp", "a", "--yes", "-s", "短", "x"]).run().code(0);
    let system = service.request().json()["messages"][0].clone();
    let expected = "短\n\nHow to use the tools of a:\n先读后写";
    assert_eq!(system, json!({"role": "system", "content": expected}));
}

#[test]
fn servers_start_together_and_while_the_question_is_read() {
    let service = Server::start([Reply::chat(&["好"])]);
    let tables: Vec<String> = ["a", "b", "c"].iter().map(|name| table(name, "slow", "")).collect();
    let run = chat(&service, &tables).args(["--mcp", "a", "--mcp", "b", "--mcp", "c", "--yes"]);
    let start = Instant::now();
    let mut running = run.stdin_pipe_open().spawn();
    std::thread::sleep(Duration::from_millis(1500));
    running.write_stdin("问");
    running.close_stdin();
    running.wait().code(0);
    // One after the other, behind the question, they would take 6 s to begin.
    assert!(start.elapsed() < Duration::from_millis(5500), "{:?}", start.elapsed());
}

#[test]
fn no_server_is_left_after_any_exit() {
    let slow = || Reply::chat(&["好", "好", "好"]).pace(Duration::from_millis(400));
    // While the answer comes.
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let service = Server::start([slow()]);
        let run = chat(&service, &[table("a", "forks", "")]).args(["--mcp", "a", "--yes", "x"]);
        let mut running = run.spawn();
        running.read_stdout_until("好", LONG);
        running.signal(signal);
        running.wait().code(code);
        assert_gone(&run, &["a"]);
    }
    let service = Server::start([slow()]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "--yes", "x"]);
    let mut running = run.spawn();
    running.read_stdout_until("好", LONG);
    running.close_stdout();
    running.wait().code(141);
    assert_gone(&run, &["a"]);
    // While it is called.
    let service = Server::start([calling(&[("sleep", "{}")])]);
    let run = chat(&service, &[table("a", "deaf", "")]).args(["--mcp", "a", "--yes", "x"]);
    let running = run.spawn();
    super::wait_for(&run, "a.asleep");
    running.signal("INT");
    running.wait().code(130);
    assert!(seen(&run, "a").contains("notifications/cancelled"));
    assert_gone(&run, &["a"]);
    // An error of the service, and of ours.
    let refusal = json!({"error": {"message": "no"}});
    let service = Server::start([Reply::json(400, refusal)]);
    let run = chat(&service, &[table("a", "", ""), table("b", "deaf", "")]);
    run.clone().args(["--mcp", "a", "--mcp", "b", "--yes", "x"]).run().code(4);
    assert_gone(&run, &["a", "b"]);
    let none = Server::start([]);
    let run = chat(&none, &[table("a", "forks", "")]).args([
        "--mcp",
        "a",
        "--yes",
        "-f",
        "nothing.txt",
        "x",
    ]);
    run.run().code(2);
    assert_gone(&run, &["a"]);
}

#[test]
fn a_signal_while_the_question_is_read_ends_the_servers_too() {
    for signal in ["INT", "TERM"] {
        let service = Server::start([]);
        let run = chat(&service, &[table("a", "deaf", "")]).args(["--mcp", "a", "--yes"]);
        let running = run.clone().stdin_pipe_open().spawn();
        super::wait_for(&run, "a.seen");
        running.signal(signal);
        let outcome = running.wait();
        assert_eq!(outcome.code, None, "it ends by the signal itself");
        assert_gone(&run, &["a"]);
    }
}

#[test]
fn a_refusal_that_names_a_tool_is_told_with_the_tool() {
    for words in [
        "Invalid schema for function 'echo': boom",
        "tools.0.custom.input_schema: boom",
        "tools[0].function.parameters: boom",
    ] {
        let service = Server::start([Reply::json(400, json!({"error": {"message": words}}))]);
        let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "--yes", "x"]).run();
        run.code(4).stderr_has("hint: that is a/echo; --dry-run shows how it is sent");
    }
}

#[test]
fn calls_of_servers_are_kept_and_go_on_without_them() {
    let service = Server::start([
        calling(&[("echo", "{\"n\":1}")]),
        Reply::chat(&["好"]),
        Reply::chat(&["又"]),
    ]);
    let run = chat(&service, &[table("a", "", "")]);
    run.clone().args(["--mcp", "a", "--yes", "x"]).run().code(0);
    run.clone().bare_args(["chat", "-c", "y"]).run().code(0).stdout("又\n");
    assert_eq!(results(&service.requests()[2]), ["a {\"n\":1}"]);
    assert_eq!(service.requests()[2].json().get("tools"), None);
    assert_eq!(
        std::fs::read_to_string(run.dir().join("a.pid")).map_or(0, |text| text.lines().count()),
        1
    );
}

#[test]
fn without_mcp_nothing_is_started_and_nothing_is_said_of_it() {
    let service = Server::start([Reply::chat(&["好"])]);
    let run = chat(&service, &[table("a", "slow", ""), table("dead", "dies", "")]).arg("x");
    run.run().code(0).stdout("好\n").stderr_empty();
    assert_eq!(service.request().json().get("tools"), None);
    for name in ["a.pid", "dead.pid"] {
        assert!(!run.dir().join(name).exists(), "{name}");
    }
}
