//! `llm chat --mcp` on a terminal: each call is shown with all of its arguments, and asked for.

use serde_json::json;

use super::chat::{calling, chat};
use super::{LONG, assert_gone, table};
use crate::support::{Llm, Outcome, Reply, Server, spawn_in_terminal};

const ASKED: &str =
    "llm: run it? y = yes, n = no, a = yes to all of this run, s = yes to all of a/echo";

/// Types each text once the words before it were shown.
#[track_caller]
fn type_in(llm: &Llm, typed: &[(&str, &str)]) -> Option<Outcome> {
    let mut run = spawn_in_terminal(llm)?;
    for (before, text) in typed {
        run.read_stdout_until(before, LONG);
        // The line editor shows what is typed before it listens twice, but loses nothing.
        std::thread::sleep(std::time::Duration::from_millis(50));
        run.write_stdin(text);
    }
    Some(run.wait())
}

fn results(server: &Server, number: usize) -> Vec<String> {
    let body = server.requests()[number].json();
    let messages = body["messages"].as_array().expect("a list").iter();
    let results = messages.filter(|message| message["role"] == "tool");
    results.map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_call_is_shown_with_its_server_and_all_of_its_arguments() {
    let arguments = json!({"text": "rm\u{202e}\u{200b}-rf", "path": "~"}).to_string();
    let service = Server::start([calling(&[("echo", &arguments)]), Reply::chat(&["好"])]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "x"]);
    let shown = r#"llm: the model calls a/echo {"text":"rm\u{202e}\u{200b}-rf","path":"~"}"#;
    let asked = format!("{shown}\r\n{ASKED}: ");
    let Some(outcome) = type_in(&run, &[(&asked, "n\r")]) else { return };
    outcome.code(0).stdout_has("好");
    assert_eq!(results(&service, 1), ["error: the user declined this call"]);
    assert_gone(&run, &["a"]);
}

#[test]
fn a_long_value_is_folded_with_a_word_and_shown_where_that_is_wanted() {
    let long = format!("{}END{}", "x".repeat(3000), "y".repeat(1000));
    let arguments = json!({"text": long, "other": "seen"}).to_string();
    let service = Server::start([calling(&[("echo", &arguments)]), Reply::chat(&["好"])]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "x"]);
    let folded = format!("`text` is 4003 characters long\r\n{ASKED}, v = show all of it: ");
    let whole = format!("\"other\":\"seen\"}}\r\nllm: `text` is 4003 characters long\r\n{ASKED}: ");
    let Some(outcome) = type_in(&run, &[(&folded, "v\r"), (&whole, "y\r")]) else { return };
    outcome.code(0).stdout_has(" […2403 characters…] ").stdout_has("xENDy");
    assert_eq!(results(&service, 1).len(), 1);
}

#[test]
fn a_yes_to_all_of_a_tool_is_for_that_tool_alone() {
    let service = Server::start([
        calling(&[("echo", "{\"n\":1}")]),
        calling(&[("echo", "{\"n\":2}"), ("fail", "{}")]),
        Reply::chat(&["好"]),
    ]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "x"]);
    let second = "s = yes to all of a/fail: ";
    let Some(outcome) = type_in(&run, &[(ASKED, "s\r"), (second, "n\r")]) else { return };
    outcome.code(0);
    assert_eq!(outcome.stdout_text().matches("run it?").count(), 2, "{outcome}");
    assert_eq!(
        results(&service, 2),
        ["a {\"n\":1}", "a {\"n\":2}", "error: the user declined this call"]
    );
}

#[test]
fn what_the_table_allows_is_not_asked_for() {
    let service = Server::start([calling(&[("echo", "{}")]), Reply::chat(&["好"])]);
    let run = chat(&service, &[table("a", "", "allow = [\"echo\"]")]).args(["--mcp", "a", "x"]);
    let Some(outcome) = type_in(&run, &[("好", "")]) else { return };
    outcome.code(0);
    assert_eq!(outcome.stdout_text().matches("run it?").count(), 0);
}

#[test]
fn in_a_conversation_servers_live_as_long_as_it_does() {
    let service = Server::start([
        calling(&[("echo", "{\"n\":1}")]),
        Reply::chat(&["答甲"]),
        calling(&[("echo", "{\"n\":2}")]),
        Reply::chat(&["答乙"]),
    ]);
    let run = chat(&service, &[table("a", "", "")]).args(["--mcp", "a", "--yes"]);
    let typed = [("leaves", "/tools\r"), ("echo", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")];
    let Some(outcome) = type_in(&run, &typed) else { return };
    outcome.code(0).stdout_has("a/environment");
    let pids = std::fs::read_to_string(run.dir().join("a.pid")).expect("it ran");
    assert_eq!(pids.lines().count(), 1, "one process for the whole conversation");
    assert_eq!(results(&service, 3), ["a {\"n\":1}", "a {\"n\":2}"]);
    assert_gone(&run, &["a"]);
}

#[test]
fn a_signal_at_the_prompt_ends_the_servers_too() {
    for signal in ["TERM", "HUP"] {
        let service = Server::start([]);
        let run = chat(&service, &[table("a", "deaf", "")]).args(["--mcp", "a", "--yes"]);
        let Some(mut running) = spawn_in_terminal(&run) else { return };
        running.read_stdout_until("leaves", LONG);
        // The program is a child of the one that makes the terminal.
        let ours =
            std::process::Command::new("pgrep").args(["-P", &running.pid().to_string()]).output();
        let Ok(ours) = ours else { return };
        let ours = String::from_utf8_lossy(&ours.stdout).trim().to_owned();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &ours]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal} to {ours}");
        assert_gone(&run, &["a"]);
        drop(running);
    }
}

#[test]
fn a_yes_does_not_hold_for_a_tool_that_has_changed_since() {
    let service = Server::start([
        calling(&[("echo", "{\"n\":1}"), ("turn", "{}")]),
        calling(&[("echo", "{\"n\":2}")]),
        Reply::chat(&["好"]),
    ]);
    let run = chat(&service, &[table("a", "turns", "")]).args(["--mcp", "a", "x"]);
    let typed = [
        (ASKED, "s\r"),
        ("s = yes to all of a/turn: ", "y\r"),
        ("changed: a/echo", ""),
        (ASKED, "n\r"),
    ];
    let Some(outcome) = type_in(&run, &typed) else { return };
    outcome.code(0);
    assert_eq!(results(&service, 2)[2], "error: the user declined this call");
}
