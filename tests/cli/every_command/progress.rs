//! What a terminal shows at the end of runs that had a bar of progress: the result and the messages, each on lines of
//! its own, and no bar.

use std::time::Duration;

use serde_json::json;

use crate::support::{Llm, Reply, Server, Step, in_terminal, llm, screen};

/// A reply that comes late enough for a bar to be drawn.
fn late(status: &str, content_type: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let bytes = [head.as_bytes(), body].concat();
    Reply::raw([Step::Wait(Duration::from_millis(400)), Step::Write(bytes)])
}

fn late_json(body: &str) -> Reply {
    late("200 OK", "application/json", body.as_bytes())
}

fn vector(number: u8) -> Reply {
    late_json(&json!({"data": [{"index": 0, "embedding": [number]}]}).to_string())
}

/// The profile `test` with a model for each job.
fn with_bars(server: &Server) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\nmodels = {{ embed = \"e\", \
         speak = \"s\", transcribe = \"t\" }}\n",
        server.url()
    );
    llm().config(&profile).watch(server)
}

/// What stands on the screen after the run.
fn shown(llm: &Llm) -> Option<Vec<String>> {
    let written = in_terminal(llm)?;
    assert!(written.contains("\r\u{1b}["), "no bar was ever drawn: {written:?}");
    Some(screen(&written))
}

#[test]
fn vectors_and_replies_stand_alone() {
    for (args, expected) in [
        (&[][..], vec!["[1]", "[2]"]),
        (
            &["--json"],
            vec![
                r#"{"data":[{"index":0,"embedding":[1]}]}"#,
                r#"{"data":[{"index":0,"embedding":[2]}]}"#,
            ],
        ),
    ] {
        let server = Server::start([vector(1), vector(2)]);
        let llm = with_bars(&server).file("t.txt", "a\nb\n");
        let llm = llm.args(["embed", "--lines", "-f", "t.txt", "--batch-size", "1"]);
        let Some(lines) = shown(&llm.args(["--concurrency", "1"]).args(args)) else { return };
        assert_eq!(lines, expected);
    }
}

#[test]
fn messages_during_a_run_stand_on_lines_of_their_own() {
    let busy =
        late("503 Service Unavailable", "application/json", br#"{"error":{"message":"busy"}}"#);
    let server = Server::start([busy, vector(1)]);
    let Some(lines) = shown(&with_bars(&server).args(["embed", "hi", "-v", "--no-log"])) else {
        return;
    };
    assert!(lines.iter().any(|line| line.contains("trying again")), "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("[1]"));
    for line in &lines[..lines.len() - 1] {
        assert!(line.starts_with("llm: "), "{lines:#?}");
    }
}

#[test]
fn rows_of_a_batch_stand_alone() {
    for args in [&["--json"][..], &["-o", "-"]] {
        let body = json!({"choices": [{"message": {"content": "好"}, "finish_reason": "stop"}]});
        let server = Server::start([late_json(&body.to_string()).repeat()]);
        let llm = with_bars(&server).file("r.txt", "a\nb\nc\n");
        let llm = llm.args(["batch", "{{input}}", "-f", "r.txt", "--concurrency", "1"]);
        let Some(lines) = shown(&llm.args(args)) else { return };
        assert_eq!(lines.iter().filter(|line| line.starts_with('{')).count(), 3, "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains(" of 3")), "{lines:#?}");
    }
}

#[test]
fn a_warning_about_sound_stands_alone() {
    let sound = crate::support::wav(8000, &[0; 800]);
    let server = Server::start([late("200 OK", "audio/wav", &sound)]);
    let Some(lines) = shown(&with_bars(&server).args(["speak", "hi", "-o", "a.mp3"])) else {
        return;
    };
    assert_eq!(lines, ["llm: warning: the service sent wav, not mp3; it is written as it came"]);
}

#[test]
fn an_exchange_that_is_shown_stands_alone() {
    let server = Server::start([late_json(r#"{"text":"好"}"#)]);
    let llm = with_bars(&server).file("a.mp3", b"\xff\xfb\x90\x64sound");
    let Some(lines) = shown(&llm.args(["transcribe", "a.mp3", "-v"])) else { return };
    assert_eq!(lines.last().map(String::as_str), Some("好"));
    for line in &lines[..lines.len() - 1] {
        assert!(line.starts_with("llm: "), "{lines:#?}");
    }
}
