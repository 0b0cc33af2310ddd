//! Many runs at once on one profile and one history, as `xargs -P` starts them: none is lost, none
//! waits for another, and no line is torn.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Outcome, Reply, Server, program};

/// Runs `llm chat`, with these arguments, so many times and 16 at a time, each with a question of its own.
fn run(runs: usize, args: &[&str]) -> (Outcome, Vec<Vec<Value>>) {
    let server = Server::new().reply(Reply::chat(&["好", "的"]).repeat()).allow_unused().start();
    let numbers: String = (1..=runs).map(|number| format!("{number}\n")).collect();
    let xargs = program("xargs")
        .profile(&server)
        .args(["-P", "16", "-I", "{}", env!("CARGO_BIN_EXE_llm"), "chat", "--retries", "0"])
        .args(args)
        .arg("第 {} 个问题")
        .stdin(numbers)
        .watchdog(Duration::from_secs(120));
    let run = xargs.run();
    assert_eq!(server.requests().len(), runs);
    let folder = xargs.folder("data").join("llm/history");
    let entries = std::fs::read_dir(folder).expect("conversations were kept");
    let lines = |path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).expect("it is text");
        assert!(text.ends_with('\n'), "{text}");
        // A run that looks at the file's end while another writes may begin a new line once too often.
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    };
    let files = entries.map(|entry| lines(entry.expect("readable").path())).collect();
    (run, files)
}

/// Every run said its answer and nothing else, and every question is kept once, with its answer.
fn check(runs: usize, run: &Outcome, files: &[Vec<Value>]) {
    run.code(0).stderr_empty();
    // The answers stream into one pipe, so their pieces may stand between each other.
    let said = run.stdout_text();
    for piece in ["好", "的", "\n"] {
        assert_eq!(said.matches(piece).count(), runs, "{piece:?} in {said:?}");
    }
    let text: Vec<String> = files.iter().flatten().map(Value::to_string).collect();
    let text = text.join("\n");
    let missing: BTreeSet<usize> = (1..=runs)
        .filter(|number| text.matches(&format!("第 {number} 个问题")).count() != 1)
        .collect();
    assert!(missing.is_empty(), "not kept once: {missing:?}");
    assert_eq!(text.matches("\"好的\"").count(), runs);
}

#[test]
fn each_run_keeps_a_conversation_of_its_own() {
    let (run, files) = run(64, &[]);
    check(64, &run, &files);
    assert_eq!(files.len(), 64);
}

#[test]
fn two_hundred_runs_share_one_conversation() {
    let (run, files) = run(200, &["--session", "周报"]);
    check(200, &run, &files);
    assert_eq!(files.len(), 1);
}
