//! Limits of time, and signals that come while the program waits.

use std::time::Duration;

use crate::support::{Reply, Server, Step, chat_events, chunk, llm};

#[test]
fn a_server_that_loads_its_model_is_waited_for() {
    let loading = || {
        let error = serde_json::json!({
            "error": {"message": "Loading model", "type": "unavailable_error", "code": 503}
        });
        Reply::json(503, error)
    };
    let server =
        Server::start(vec![loading(), loading(), loading(), loading(), Reply::chat(&["好"])]);
    let outcome = llm().profile(&server).args(["chat", "hi"]).run();
    outcome.code(0).stdout("好\n").stderr("llm: test is loading its model; waiting\n");
    let server = Server::start(vec![loading()]);
    let outcome = llm().profile(&server).args(["chat", "--retries", "0", "hi"]).run();
    outcome.code(6).stdout_empty().stderr_has("Loading model");
}

#[test]
fn the_whole_run_can_be_limited() {
    let first = format!("data: {}\n\n", chunk(serde_json::json!({"content": "半"}), None));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let steps = vec![Step::Write((head.to_owned() + &first).into_bytes()), Step::UntilClosed];
    let server = Server::start(vec![Reply::raw(steps)]);
    let outcome = llm().profile(&server).args(["chat", "--max-time", "0.4", "hi"]).run();
    outcome.code(6).stdout("半\n").stderr_has("time-out: not finished within 0.4 s");
    assert!(outcome.elapsed < Duration::from_secs(5));
}

#[cfg(unix)]
#[test]
fn a_hang_up_ends_the_run_and_its_part_file() {
    let server = Server::silent();
    let llm = llm().profile(&server).args(["chat", "-o", "answer.txt", "hi"]);
    let running = llm.spawn();
    server.wait_requests(1, Duration::from_secs(10));
    running.signal("HUP");
    running.wait().code(129).stdout_empty().stderr_empty();
    let left = std::fs::read_dir(llm.dir()).expect("readable").count();
    assert_eq!(left, 0, "a part file is left");
}

#[cfg(unix)]
#[test]
fn a_reader_that_does_not_read_does_not_keep_a_signal_from_being_heard() {
    // More than a pipe takes, so that writing must wait for the reader.
    let piece = "很长".repeat(2000);
    let pieces: Vec<&str> = std::iter::repeat_n(piece.as_str(), 40).collect();
    let events = chat_events(&pieces);
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let server = Server::new().reply(Reply::sse(&events)).allow_unused().start();
    let running = llm().profile(&server).args(["chat", "hi"]).spawn();
    server.wait_requests(1, Duration::from_secs(10));
    std::thread::sleep(Duration::from_millis(300));
    running.signal("INT");
    let outcome = running.wait();
    outcome.code(130).stderr_empty();
}
