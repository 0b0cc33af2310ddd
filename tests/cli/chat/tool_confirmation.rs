//! `llm chat --tool` on a terminal: each call is shown and asked for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Running, Server, chunk, llm, spawn_in_terminal};

const LONG: Duration = Duration::from_secs(15);

fn calling(arguments: &str) -> Reply {
    let call = json!({"index": 0, "id": "a", "type": "function",
        "function": {"name": "look", "arguments": arguments}});
    let events = [chunk(json!({"tool_calls": [call]}), Some("tool_calls")), "[DONE]".to_owned()];
    Reply::sse(&events)
}

fn chat(server: &Server) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n\
         [tools.look]\ncommand = [\"sh\", \"-c\", \"cat; echo 已查; echo x >> ran\"]\n",
        server.url()
    );
    llm().config(&profile).watch(server).args(["chat", "--tool", "look"])
}

/// What stands before an answer: these words, which must not have come before, and the question.
fn asked(words: &str) -> String {
    format!("{words}\r\nllm: run it? y = yes, n = no, a = yes to all of this run: ")
}

/// Types each text once the words before it were shown.
#[track_caller]
fn type_in<T: AsRef<str>>(llm: &Llm, typed: &[(T, &str)]) -> Option<Outcome> {
    let mut run: Running = spawn_in_terminal(llm)?;
    for (before, text) in typed {
        run.read_stdout_until(before.as_ref(), LONG);
        // The line editor shows what is typed before it listens twice, but loses nothing.
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(text);
    }
    Some(run.wait())
}

fn results(server: &Server, number: usize) -> Vec<Value> {
    let body = server.requests()[number].json();
    let messages = body["messages"].as_array().expect("a list").iter();
    let results = messages.filter(|message| message["role"] == "tool");
    results.map(|message| message["content"].clone()).collect()
}

fn runs(llm: &Llm) -> usize {
    std::fs::read_to_string(llm.dir().join("ran")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_call_is_shown_and_runs_on_yes() {
    let server = Server::start([calling("{\"城市\": \"上\\u001b[2J海\"}"), Reply::chat(&["晴。"])]);
    let command = chat(&server).arg("上海？");
    let Some(outcome) = type_in(&command, &[(asked("海\"}"), "y\r")]) else { return };
    outcome.code(0).stdout_has("llm: look {\"城市\":\"上\\u001b[2J海\"}\r\n");
    outcome.stdout_has("llm: run it? y = yes, n = no, a = yes to all").stdout_has("晴。");
    assert_eq!(results(&server, 1), ["{\"城市\":\"上\\u001b[2J海\"}已查"]);
    assert_eq!(runs(&command), 1);
}

#[test]
fn a_declined_call_is_told_as_declined() {
    for answer in ["n\r", "\x04"] {
        let server = Server::start([calling("{}"), Reply::chat(&["那就算了"])]);
        let command = chat(&server).arg("查");
        let Some(outcome) = type_in(&command, &[(asked("look {}"), answer)]) else { return };
        outcome.code(0).stdout_has("那就算了");
        assert_eq!(results(&server, 1), ["error: the user declined this call"]);
        assert_eq!(runs(&command), 0);
    }
}

#[test]
fn all_of_a_run_is_asked_for_once() {
    let server = Server::start([
        calling("{\"n\":1}"),
        calling("{\"n\":2}"),
        calling("{\"n\":3}"),
        Reply::chat(&["完"]),
    ]);
    let command = chat(&server).arg("查");
    let typed = [
        (asked("look {\"n\":1}"), "what\r"),
        (asked("what"), "y\r"),
        (asked("look {\"n\":2}"), "a\r"),
    ];
    let Some(outcome) = type_in(&command, &typed) else { return };
    outcome.code(0).stdout_has("完");
    assert_eq!(outcome.stdout_text().matches("run it?").count(), 3, "{outcome}");
    assert_eq!(runs(&command), 3);
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let server =
        Server::start([calling("{}").pace(Duration::from_millis(700)), Reply::chat(&["完"])]);
    let command = chat(&server).args(["查", "-v"]);
    // The line is typed while the reply comes.
    let typed = [("< HTTP/1.1 200".to_owned(), "y\r"), (asked("look {}"), "n\r")];
    let Some(outcome) = type_in(&command, &typed) else { return };
    outcome.code(0);
    assert_eq!(results(&server, 1), ["error: the user declined this call"]);
}

#[test]
fn control_c_at_the_question_ends_the_run() {
    let server = Server::start([calling("{}")]);
    let command = chat(&server).arg("查");
    let Some(outcome) = type_in(&command, &[(asked("look {}"), "\x03")]) else { return };
    outcome.code(130);
    assert_eq!(runs(&command), 0);
}

#[test]
fn a_conversation_asks_and_goes_on() {
    let server = Server::start([
        calling("{\"n\":1}"),
        calling("{\"n\":2}"),
        Reply::chat(&["答甲"]),
        calling("{\"n\":3}"),
        calling("{\"n\":4}"),
        Reply::chat(&["答乙"]),
    ]);
    let command = chat(&server);
    let typed = [
        ("leaves".to_owned(), "一\r"),
        (asked("look {\"n\":1}"), "\x03"),
        ("was stopped".to_owned(), "二\r"),
        (asked("look {\"n\":2}"), "y\r"),
        ("答甲".to_owned(), "三\r"),
        (asked("look {\"n\":3}"), "a\r"),
        ("答乙".to_owned(), "\x04"),
    ];
    let Some(outcome) = type_in(&command, &typed) else { return };
    outcome.code(0);
    assert_eq!(runs(&command), 3);
    let last = server.requests()[5].json()["messages"].clone();
    let roles: Vec<&str> =
        last.as_array().expect("a list").iter().filter_map(|m| m["role"].as_str()).collect();
    let expected = [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ];
    assert_eq!(roles, expected);
}

#[test]
fn nothing_in_a_call_is_hidden_from_the_question() {
    let long = "a".repeat(300);
    let arguments = json!({"命令": format!("ls\u{200d}\u{202e}\u{ad}\u{e0041}{long}")}).to_string();
    let server = Server::start([calling(&arguments), Reply::chat(&["好"])]);
    let command = chat(&server).arg("x");
    let before = asked("`命令` is 306 characters long");
    let Some(outcome) = type_in(&command, &[(before, "n\r")]) else { return };
    outcome.code(0).stdout_has(r"ls\u{200d}\u{202e}\u{ad}\u{e0041}aaa");
}
