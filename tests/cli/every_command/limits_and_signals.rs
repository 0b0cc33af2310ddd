//! A good citizen: limits of time, signals while a reader does not read, the way of the connection.

use std::time::Duration;

use crate::support::{Reply, Server, Step, chat_events, chunk, in_terminal, llm};

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
    outcome.code(6).stdout("半\n").stderr_has("time-out: not done within 0.4 s");
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

#[test]
fn a_key_over_plain_http_to_another_host_earns_a_warning() {
    let config = "[providers.lan]\nbase_url = \"http://host.invalid/v1\"\nmodel = \"m\"\napi_key_env = \"LAN_KEY\"\n";
    let args = ["chat", "--dry-run", "-p", "lan", "hi"];
    let outcome = llm().config(config).env("LAN_KEY", "sk-123456").args(args).run();
    outcome.code(0).stderr_has("llm: warning: the key of lan travels unencrypted to host.invalid");
    let outcome = llm().config(&config.replace("http:", "https:")).args(args).run();
    outcome.code(0).stderr_empty();
}

#[test]
fn a_profile_can_name_a_proxy_and_certificates() {
    let server = Server::start(vec![Reply::chat(&["好"])]);
    let config = format!(
        "[providers.far]\nbase_url = \"http://host.invalid/v1\"\nmodel = \"m\"\nproxy = \"{}\"\n",
        server.origin()
    );
    llm().config(&config).args(["chat", "-p", "far", "hi"]).run().code(0).stdout("好\n");
    assert_eq!(server.request().path, "http://host.invalid/v1/chat/completions");

    let config = "[providers.far]\nbase_url = \"https://host.invalid/v1\"\nmodel = \"m\"\nca_file = \"no.pem\"\n";
    let outcome = llm().config(config).args(["chat", "-p", "far", "hi"]).run();
    outcome.code(2).stderr_has("the `ca_file` of far can't be read: no.pem: no such file");
    let llm = llm().config(config).file("no.pem", b"nothing");
    llm.args(["chat", "-p", "far", "hi"]).run().code(2).stderr_has("holds no certificate");
}

#[cfg(unix)]
#[test]
fn with_a_file_to_write_nobody_needs_to_read_standard_output() {
    let server = Server::start(vec![Reply::chat(&["好", "的"]).pace(Duration::from_millis(150))]);
    let llm = llm().profile(&server).args(["chat", "-o", "a.txt", "hi"]);
    let mut running = llm.spawn();
    running.close_stdout();
    running.wait().code(0).stderr_empty();
    assert_eq!(std::fs::read(llm.dir().join("a.txt")).expect("written"), "好的\n".as_bytes());
}

#[test]
fn a_bar_of_progress_with_a_chinese_name_fits_its_line() {
    use unicode_width::UnicodeWidthStr as _;
    let heard = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"text\":\"好\"}";
    let steps = vec![Step::Wait(Duration::from_millis(500)), Step::Write(heard.into())];
    let server = Server::start(vec![Reply::raw(steps)]);
    let llm = llm().profile(&server).file("会议录音.mp3", b"\xff\xfb\x90\x64sound");
    let llm = llm.args(["transcribe", "-m", "m", "会议录音.mp3"]);
    let Some(shown) = in_terminal(&llm) else { return };
    // Control sequences (ECMA-48, section 5.4) take no room.
    let pieces = shown.split("\u{1b}[").enumerate().map(|(number, piece)| match number {
        0 => piece,
        _ => piece
            .trim_start_matches(|c: char| c.is_ascii_digit() || ";?".contains(c))
            .get(1..)
            .unwrap_or(""),
    });
    let text: String = pieces.collect();
    let bars: Vec<&str> = text.split(['\r', '\n']).filter(|line| line.contains('░')).collect();
    assert!(!bars.is_empty() && bars.iter().all(|bar| bar.width() <= 80), "{bars:?}");
}
