//! `llm chat -o FILE`: a file is there whole or not at all, and what was there before survives a failure.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::{Outcome, Reply, Server, Step, ask, ask_once, chat_events, chunk, llm};

const LONG: Duration = Duration::from_secs(10);

/// The beginning of a stream that then breaks off.
fn broken() -> Reply {
    let event = chunk(json!({"content": "新的一半"}), None);
    Reply::sse(&[event]).then([Step::Close])
}

/// Runs with `-o 答.txt` where a file of that name has the text `旧`.
fn over_old(reply: Reply, more: &[&str]) -> Outcome {
    let server = Server::start([reply]);
    let run = ask(&server)
        .args(["--retries", "0"])
        .file("答.txt", "旧")
        .args(["-o", "答.txt"])
        .args(more)
        .run();
    assert_eq!(server.request().path, "/v1/chat/completions");
    assert_eq!(run.names(), ["答.txt"], "{run}");
    run.stdout_empty();
    run
}

#[test]
fn an_answer_goes_into_a_new_file() {
    let server = Server::start([Reply::chat(&["你好", "，世界"])]);
    let run = ask_once(&server).args(["--output", "答.txt"]).run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.names(), ["答.txt"]);
    assert_eq!(run.read("答.txt"), "你好，世界\n".as_bytes());
    let mode = fs::metadata(run.dir().join("答.txt")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
    assert_eq!(server.request().json()["stream"], true);
}

#[test]
fn an_answer_takes_the_place_of_an_old_file_and_keeps_its_mode() {
    let server = Server::start([Reply::chat(&["新"])]);
    let command = ask_once(&server).file("答.txt", "旧的，长得多").args(["-o", "答.txt"]);
    let path = command.dir().join("答.txt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("the file is ours");
    command.run().code(0).stdout_empty().stderr_empty();
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "新\n");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_failed_run_leaves_the_old_file() {
    let filtered = Reply::sse(&[
        chunk(json!({"content": "一半"}), None),
        chunk(json!({}), Some("content_filter")),
    ]);
    for (reply, code) in [
        (broken(), 6),
        (Reply::json(401, json!({"error": {"message": "不行"}})), 3),
        (Reply::json(200, json!({"error": {"message": "不行", "code": 500}})), 6),
        (Reply::html(200, "<html></html>"), 4),
        (filtered, 4),
    ] {
        let run = over_old(reply, &[]);
        run.code(code).stderr_has("llm: ");
        assert_eq!(run.read("答.txt"), "旧".as_bytes());
    }
}

#[test]
fn a_failed_run_leaves_no_file_where_none_was() {
    let server = Server::start([broken()]);
    let run = ask_once(&server).args(["-o", "答.txt"]).run();
    run.code(6).stdout_empty().stderr_has("llm: ");
    assert!(run.names().is_empty(), "{run}");
    assert_eq!(server.request().path, "/v1/chat/completions");
}

#[test]
fn an_interrupted_run_leaves_the_old_file() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let event = chunk(json!({"content": "新的一半"}), None);
        let server = Server::start([Reply::sse(&[event]).then([Step::UntilClosed])]);
        let run = ask(&server)
            .args(["--retries", "0"])
            .file("答.txt", "旧")
            .args(["-o", "答.txt"])
            .spawn();
        server.wait_requests(1, LONG);
        std::thread::sleep(Duration::from_millis(100));
        run.signal(signal);
        let run = run.wait();
        run.code(code).stdout_empty().stderr_empty();
        assert_eq!(run.names(), ["答.txt"]);
        assert_eq!(run.read("答.txt"), "旧".as_bytes());
    }
}

#[test]
fn an_answer_cut_by_the_token_limit_is_written() {
    let reply = || Reply::sse(&[chunk(json!({"content": "一半"}), Some("length"))]);
    let run = over_old(reply(), &["--max-tokens", "3"]);
    run.code(0).stderr_has("llm: warning: ");
    assert_eq!(run.read("答.txt"), "一半\n".as_bytes());
    let run = over_old(reply(), &[]);
    run.code(7).stderr_has("cut");
    assert_eq!(run.read("答.txt"), "一半\n".as_bytes());
}

#[test]
fn the_file_is_not_there_before_the_answer_is_whole() {
    let mut events = chat_events(&["新", "的"]);
    let rest = events.split_off(2);
    let pause = Duration::from_millis(500);
    let tail: String = rest.iter().map(|event| format!("data: {event}\n\n")).collect();
    let framed = format!("{:x}\r\n{tail}\r\n0\r\n\r\n", tail.len());
    let steps = [Step::Wait(pause), Step::Write(framed.into_bytes())];
    let server = Server::start([Reply::sse(&events).then(steps)]);
    let command = ask_once(&server).file("答.txt", "旧").args(["-o", "答.txt"]);
    let run = command.spawn();
    server.wait_requests(1, LONG);
    std::thread::sleep(pause / 3);
    let seen = fs::read_to_string(command.dir().join("答.txt")).expect("it is there");
    // A machine so busy that the rest had been sent by now has shown nothing.
    assert!(seen == "旧" || server.request().at.elapsed() >= pause, "{seen}");
    let run = run.wait();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("答.txt"), "新的\n".as_bytes());
}

#[test]
fn a_dash_is_standard_output() {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = ask_once(&server).args(["-o", "-"]).run();
    run.code(0).stdout("好\n").stderr_empty();
    assert!(run.names().is_empty());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_link_is_followed() {
    let server = Server::start([Reply::chat(&["新"]), Reply::chat(&["更新"])]);
    let command = ask_once(&server).file("真.txt", "旧").args(["-o", "链.txt"]);
    let link = command.dir().join("链.txt");
    symlink("真.txt", &link).expect("a link can be made");
    let run = command.run();
    run.code(0).stdout_empty().stderr_empty();
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(run.read("真.txt"), "新\n".as_bytes());
    // A link to what is not there yet makes it.
    fs::remove_file(command.dir().join("真.txt")).expect("it is there");
    let run = command.run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("真.txt"), "更新\n".as_bytes());
    assert_eq!(run.names(), ["真.txt", "链.txt"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_device_is_written_into() {
    use std::os::unix::fs::FileTypeExt as _;
    let server = Server::start([Reply::chat(&["好"])]);
    let run = ask_once(&server).args(["-o", "/dev/null"]).run();
    run.code(0).stdout_empty().stderr_empty();
    let facts = fs::metadata("/dev/null").expect("it is there");
    assert!(facts.file_type().is_char_device());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_named_pipe_is_written_into() {
    use std::os::unix::fs::FileTypeExt as _;
    let server = Server::start([Reply::chat(&["你好", "，管道"])]);
    let command = ask_once(&server).args(["-o", "管道"]);
    let path = command.dir().join("管道");
    let made = Command::new("mkfifo").arg(&path).status().expect("`mkfifo` is there");
    assert!(made.success());
    let from = path.clone();
    let reader = std::thread::spawn(move || fs::read_to_string(from));
    command.run().code(0).stdout_empty().stderr_empty();
    let read = reader.join().expect("the reader ends").expect("the pipe is text");
    assert_eq!(read, "你好，管道\n");
    assert!(fs::metadata(&path).expect("it is there").file_type().is_fifo());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_reader_of_a_named_pipe_that_goes_away_ends_the_run() {
    let text = "字".repeat(20_000);
    let events = vec![chunk(json!({"content": text}), None); 50];
    let server = Server::new().reply(Reply::sse(&events)).allow_unused().start();
    let command = ask_once(&server).args(["-o", "管道"]);
    let path = command.dir().join("管道");
    let made = Command::new("mkfifo").arg(&path).status().expect("`mkfifo` is there");
    assert!(made.success());
    let reader = std::thread::spawn(move || fs::File::open(path).map(drop));
    let run = command.run();
    reader.join().expect("the reader ends").expect("the pipe opens");
    assert!(matches!(run.code, Some(1 | 141)), "{run}");
    run.stdout_empty();
}

#[test]
fn what_can_not_be_written_is_said_before_anything_is_sent() {
    for (name, word) in [(".", "directory"), ("没有/答.txt", "没有/答.txt"), ("夹/", "夹/")]
    {
        let server = Server::start([]);
        let run = ask_once(&server).args(["-o", name]).run();
        run.code(1).stdout_empty().stderr_has("llm: cannot write").stderr_has(word);
        assert!(server.requests().is_empty(), "{run}");
        assert!(run.names().is_empty(), "{run}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_exits_1() {
    let server = Server::new().reply(Reply::chat(&["好"])).allow_unused().start();
    let run = ask_once(&server).args(["-o", "/dev/full"]).run();
    run.code(1).stdout_empty().stderr_has("llm: cannot write /dev/full");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn thinking_that_no_tag_opens_is_known_by_the_profile() {
    let texts = ["嗯，", "想一想</thi", "nk>\n\n好"];
    let run = |lines: &str, model: &str| {
        let server = Server::start([Reply::chat(&texts)]);
        let url = server.url();
        let config = format!("[providers.x]\nbase_url = \"{url}\"\nmodel = \"{model}\"\n{lines}");
        llm().watch(&server).config(&config).args(["chat", "--reasoning", "show", "hi"]).run()
    };
    let known = "thinks_untagged = [\"deepseek-r1*\"]\n";
    run(known, "DeepSeek-R1:8b").code(0).stdout("好\n").stderr_has("嗯，想一想\n");
    // Nobody can know it while the text streams.
    for (lines, model) in [(known, "qwen3"), ("", "deepseek-r1")] {
        run(lines, model).code(0).stdout("嗯，想一想</think>\n\n好\n").stderr_empty();
    }
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
