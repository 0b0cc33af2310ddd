//! `llm embed -o FILE` that ends early, and the same command again.

use std::time::Duration;

use serde_json::json;

use super::inputs_and_formats::{embed, numbers};
use crate::support::{Llm, Reply, Server, Step};

/// No money: the run ends at once.
fn no_money() -> Reply {
    Reply::json(402, json!({"error": {"message": "top up"}}))
}

fn lines(server: &Server, output: &str) -> Llm {
    let args = ["--lines", "--batch-size", "1", "--concurrency", "1", "-o", output];
    embed(server).args(args).args(["-f", "l.txt"]).file("l.txt", "一\n二\n三\n")
}

fn asked(server: &Server) -> Vec<String> {
    let text = |body: serde_json::Value| body["input"][0].as_str().expect("a text").to_owned();
    server.bodies().into_iter().map(text).collect()
}

#[test]
fn the_same_command_goes_on_and_asks_for_nothing_twice() {
    let vectors = "[1.0]\n[2.0]\n[3.0]\n";
    for (output, expected) in
        [("v.txt", Some(vectors)), ("v.csv", Some("1.0\n2.0\n3.0\n")), ("v.npy", None)]
    {
        let server = Server::start([numbers(&[1.0]), no_money(), numbers(&[2.0]), numbers(&[3.0])]);
        let llm = lines(&server, output).file(output, "old");
        let run = llm.run();
        run.code(5).stdout_empty();
        run.stderr_has("the same command goes on; 1 of 3 texts are done\n");
        let part = format!("{output}.part");
        assert_eq!(run.read(output), b"old");
        assert!(run.read(&part).starts_with(b"{\"llm\":1,\"fingerprint\":\""));
        let run = llm.run();
        run.code(0).stdout_empty().stderr_empty();
        assert_eq!(asked(&server), ["一", "二", "二", "三"]);
        assert!(!run.names().contains(&part), "{:?}", run.names());
        match expected {
            Some(expected) => assert_eq!(String::from_utf8_lossy(&run.read(output)), expected),
            None => assert!(run.read(output).ends_with(&[0, 0, 64, 64])),
        }
    }
}

#[test]
fn a_changed_line_is_asked_and_one_that_is_gone_is_left_out() {
    let server = Server::start([
        numbers(&[1.0]),
        numbers(&[2.0]),
        no_money(),
        numbers(&[4.0]),
        numbers(&[3.0]),
    ]);
    let llm = lines(&server, "v.txt");
    llm.run().code(5);
    let run = llm.file("l.txt", "四\n二\n三\n").run();
    run.code(0);
    assert_eq!(asked(&server)[3..], ["四", "三"]);
    assert_eq!(run.read("v.txt"), b"[4.0]\n[2.0]\n[3.0]\n");
}

#[test]
fn lines_that_moved_are_found() {
    let server = Server::start([numbers(&[1.0]), numbers(&[2.0]), no_money(), numbers(&[3.0])]);
    let llm = lines(&server, "v.txt");
    llm.run().code(5);
    let run = llm.file("l.txt", "二\n三\n").run();
    run.code(0);
    assert_eq!(asked(&server)[3..], ["三"]);
    assert_eq!(run.read("v.txt"), b"[2.0]\n[3.0]\n");
}

#[test]
fn a_killed_run_goes_on() {
    for signal in ["KILL", "INT", "TERM"] {
        let silent = Reply::raw([Step::UntilClosed]);
        let server = Server::start([numbers(&[1.0]), silent, numbers(&[2.0]), numbers(&[3.0])]);
        let llm = lines(&server, "v.txt");
        let running = llm.spawn();
        server.wait_requests(2, Duration::from_secs(20));
        running.signal(signal);
        let run = running.wait();
        if signal != "KILL" {
            run.stderr("hint: the same command goes on; 1 of 3 texts are done\n");
        }
        let run = llm.run();
        run.code(0).stderr_empty();
        assert_eq!(asked(&server), ["一", "二", "二", "三"]);
        assert_eq!(run.read("v.txt"), b"[1.0]\n[2.0]\n[3.0]\n");
    }
}

#[test]
fn what_another_run_kept_is_not_mixed_in() {
    let server = Server::start([numbers(&[1.0]), no_money(), numbers(&[7.0]), no_money()]);
    let llm = lines(&server, "v.txt");
    llm.run().code(5);
    let llm = llm.args(["-O", "model=e5"]);
    let run = llm.run();
    run.code(2).stdout_empty();
    run.stderr_has(
        "llm: v.txt.part belongs to another run (its model was bge)\nhint: --fresh forgets it",
    );
    llm.args(["--fresh"]).run().code(5).stderr_has("1 of 3 texts are done");
    assert_eq!(asked(&server)[2..], ["一", "二"]);
}

#[test]
fn a_part_file_of_somebody_else_is_left_alone() {
    let server = Server::start([]);
    for args in [&[][..], &["--fresh"]] {
        let run = lines(&server, "v.txt").args(args).file("v.txt.part", "my notes").run();
        run.code(2).stdout_empty().stderr_has("llm: v.txt.part is in the way");
        assert_eq!(run.read("v.txt.part"), b"my notes");
        assert!(!run.names().contains(&"v.txt".to_owned()));
    }
}

#[test]
fn two_runs_at_once_are_kept_apart() {
    let server = Server::new().reply(Reply::raw([Step::UntilClosed])).allow_unused().start();
    let llm = lines(&server, "v.txt");
    let running = llm.spawn();
    server.wait_requests(1, Duration::from_secs(20));
    llm.run().code(1).stderr_has("llm: another run is writing v.txt.part now\nhint: ");
    running.signal("INT");
    let run = running.wait();
    run.code(130).stderr_empty();
    assert!(!run.names().contains(&"v.txt.part".to_owned()), "nothing is in it");
}

#[test]
fn nothing_is_kept_where_no_file_appears_at_the_end() {
    let server = Server::start([numbers(&[1.0]), no_money()]);
    let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
    run.code(5).stdout("[1.0]\n").stderr_lacks("goes on");
    embed(&server).args(["a", "--fresh"]).run().code(2).stderr_has("--output");
}
