//! What goes wrong around a run of `llm batch`: files of others, a disk that fills, a service that answers twice
//! or never.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::service::{Answer, Service};
use crate::support::{Llm, llm, next_body, program};

const ARGS: [&str; 7] = ["{{input}}", "-f", "r.txt", "-o", "o.jsonl", "--concurrency", "1"];

fn rows(count: usize) -> String {
    (1..=count).map(|number| format!("r{number}\n")).collect()
}

/// Each row's answer in the file, in its order.
fn answers(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("text");
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone();
    text.lines().map(line).collect()
}

#[test]
fn a_part_file_of_another_version_is_left_alone() {
    let service = Service::echo();
    let other = "{\"llm\":2,\"fingerprint\":\"0123\",\"rows\":[]}\n";
    for args in [&[][..], &["--fresh"]] {
        let llm = service.batch().args(ARGS).args(args).file("r.txt", rows(2));
        let run = llm.file("o.jsonl.part", other).run();
        run.code(2).stdout_empty().stderr_has("o.jsonl.part is in the way");
        assert_eq!(run.read("o.jsonl.part"), other.as_bytes());
    }
    assert!(service.asked().is_empty());
}

#[test]
fn a_journal_that_is_cut_loses_its_last_row_alone() {
    let service = Service::start(|text, before| match (text, before) {
        ("r3", 0) => Answer::error(402, "top up"),
        (text, _) => Answer::text(text),
    });
    let llm = service.batch().args(ARGS).file("r.txt", rows(3));
    let part = llm.run().code(5).read("o.jsonl.part");
    let last = memchr::memmem::rfind(&part, b"{\"row\":").expect("rows");
    // Before its head, in it, behind it, in what is kept, and before its line end.
    let head = part[last..].iter().position(|byte| *byte == b'\n').expect("a head") + 1;
    for (length, asked) in [
        (last, 2),
        (last + 3, 2),
        (last + head, 2),
        (last + head + 5, 2),
        (part.len() - 1, 2),
        (part.len(), 1),
    ] {
        let before = service.asked().len();
        let run = llm.clone().file("o.jsonl.part", &part[..length]).run();
        run.code(0);
        assert_eq!(answers(&run.read("o.jsonl")), ["r1", "r2", "r3"], "{length}");
        assert_eq!(service.asked().len() - before, asked, "{length}");
        assert_eq!(run.names(), ["o.jsonl", "r.txt"]);
        std::fs::remove_file(llm.dir().join("o.jsonl")).expect("is there");
    }
}

/// The program with a limit of the shell before it.
#[cfg(unix)]
fn limited(service: &Service, limit: &str) -> Llm {
    let script = format!("{limit}; exec {} \"$@\"", env!("CARGO_BIN_EXE_llm"));
    let profile = format!("[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n", service.url);
    let shell = program("sh").bare_args(["-c", &script, "sh"]).config(&profile);
    shell.args(["batch", "-p", "test", "-q"]).watchdog(Duration::from_secs(60))
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_and_loses_nothing() {
    let long = "长".repeat(200);
    let service = Service::start(move |_, _| Answer::text(&long));
    let run = limited(&service, "ulimit -f 16").args(ARGS).file("r.txt", rows(60));
    let failed = run.run();
    failed.code(1).stderr_has("cannot write o.jsonl.part: file too large");
    failed.stderr_has("the same command goes on; ");
    let names = failed.names();
    assert!(!names.contains(&"o.jsonl".to_owned()), "{names:?}");
    let asked = service.asked().len();
    assert!((5..60).contains(&asked), "{asked}");
    // With room again it goes on: what was answered while nothing could be kept is all that is asked twice.
    let part = failed.read("o.jsonl.part");
    // What could not be kept is not told as done.
    let kept = memchr::memmem::find_iter(&part, b"{\"row\":").count();
    failed.stderr_has(&format!("the same command goes on; {kept} of 60 rows are done"));
    let roomy = limited(&service, "true").args(ARGS).file("r.txt", rows(60));
    let run = roomy.file("o.jsonl.part", part).run();
    run.code(0);
    assert_eq!(answers(&run.read("o.jsonl")).len(), 60);
    assert!(service.asked().len() <= 61, "{}", service.asked().len());
}

#[test]
fn a_service_that_never_answers_costs_one_row() {
    let service = Service::start(|text, before| match (text, before) {
        ("r2", 0) => Answer::text("late").after(Duration::from_secs(60)),
        (text, _) => Answer::text(text),
    });
    let llm = service.batch().args(ARGS).file("r.txt", rows(4));
    let run = llm.clone().args(["--timeout", "1"]).run();
    run.code(4).stderr_has("1 row failed: 1 time out");
    run.stderr_has("the same command goes on; 3 of 4 rows are done");
    assert_eq!(answers(&run.read("o.jsonl"))[1], Value::Null);
    let run = llm.run();
    run.code(0);
    assert_eq!(answers(&run.read("o.jsonl")), ["r1", "r2", "r3", "r4"]);
    assert_eq!(service.texts(), ["r1", "r2", "r2", "r3", "r4"]);
}

/// Answers each request of a connection twice; the second time with words that nobody asked for.
fn answer_twice(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(body) = next_body(&mut reader)? {
        let body: Value = serde_json::from_slice(&body)?;
        let text = body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        let reply = |text: &str| {
            let body = Answer::text(text).body.to_string();
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        };
        let both = reply(&text) + &reply("nobody asked");
        reader.get_mut().write_all(both.as_bytes())?;
    }
    Ok(())
}

#[test]
fn an_answer_that_nobody_asked_for_is_no_rows() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer_twice(stream));
        }
    });
    let llm = llm().profile_at(&url).args(["batch", "-p", "test"]).args(ARGS);
    let run = llm.file("r.txt", rows(30)).run();
    run.code(0);
    let expected: Vec<String> = (1..=30).map(|number| format!("r{number}")).collect();
    assert_eq!(answers(&run.read("o.jsonl")), expected);
}
