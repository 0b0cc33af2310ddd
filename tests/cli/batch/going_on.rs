//! `llm batch -o FILE` that ends early, and the same command again.

#[cfg(unix)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::service::{Answer, Service};
use crate::support::Llm;

fn rows(service: &Service, rows: &str) -> Llm {
    let args = ["{{input}}", "-f", "r.txt", "-o", "o.jsonl", "--concurrency", "1"];
    service.batch().args(args).file("r.txt", rows)
}

fn answers(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone();
    text.lines().map(line).collect()
}

/// Refuses `三` for want of money the first time.
fn poor() -> Service {
    Service::start(|text, before| match (text, before) {
        ("三", 0) => Answer::error(402, "top up"),
        (text, _) => Answer::text(&format!(">{text}")),
    })
}

#[test]
fn the_same_command_goes_on_and_asks_for_nothing_twice() {
    let service = poor();
    let llm = rows(&service, "一\n二\n三\n四\n").file("o.jsonl", "old");
    let run = llm.run();
    run.code(5).stdout_empty().stderr_has("hint: ");
    run.stderr_has("the same command goes on; 2 of 4 rows are done\n");
    assert_eq!(run.read("o.jsonl"), b"old");
    assert!(run.read("o.jsonl.part").starts_with(b"{\"llm\":1,\"fingerprint\":\""));
    let run = llm.run();
    run.code(0).stderr("llm: goes on: 2 of 4 rows are done\n");
    assert_eq!(answers(&run.read("o.jsonl")), [">一", ">二", ">三", ">四"]);
    assert_eq!(run.names(), ["o.jsonl", "r.txt"]);
    assert_eq!(service.texts(), ["一", "三", "三", "二", "四"]);
}

#[test]
fn a_changed_row_is_asked_and_one_that_is_gone_is_left_out() {
    let service = poor();
    rows(&service, "一\n二\n三\n").run().code(5);
    // The first is gone, one is new, the second has moved.
    let run = rows(&service, "新\n二\n三\n").run();
    run.code(0);
    let first = rows(&service, "一\n二\n三\n五\n");
    first.run().code(0);
    let part = first.dir().join("o.jsonl.part");
    assert!(!part.exists());
}

#[test]
fn another_run_is_kept_apart() {
    let service = poor();
    let llm = rows(&service, "一\n二\n三\n");
    llm.run().code(5);
    for args in
        [&["-m", "other"][..], &["-t", "1"], &["-s", "x"], &["--schema", "a"], &["-x"], &["--json"]]
    {
        let run = llm.clone().args(args).run();
        run.code(2).stderr_has("o.jsonl.part belongs to another run (its model was m)");
        run.stderr_has("--fresh");
    }
    assert_eq!(service.asked().len(), 3);
    let run = llm.clone().args(["-t", "1", "--fresh"]).run();
    run.code(0);
    assert_eq!(answers(&run.read("o.jsonl")).len(), 3);
    let foreign = rows(&service, "一\n").file("o.jsonl.part", "mine");
    for args in [&[][..], &["--fresh"]] {
        let run = foreign.clone().args(args).run();
        run.code(2).stderr_has("o.jsonl.part is in the way");
        assert_eq!(run.read("o.jsonl.part"), b"mine");
    }
}

#[test]
fn two_runs_at_a_time_do_not_mix() {
    let service = Service::start(|text, _| Answer::text(text).after(Duration::from_secs(2)));
    let llm = rows(&service, "一\n");
    let first = llm.spawn();
    while service.asked().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    llm.run().code(1).stderr_has("another run is writing o.jsonl.part now");
    first.wait().code(0);
}

#[cfg(unix)]
#[test]
fn a_link_and_its_file_are_one_output() {
    let (waits, goes) = (Arc::new(AtomicBool::new(true)), Instant::now());
    let held = Arc::clone(&waits);
    let service = Service::start(move |text, _| {
        while held.load(Ordering::SeqCst) && goes.elapsed() < Duration::from_secs(50) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Answer::text(text)
    });
    let llm = service.batch().file("r.txt", "一\n");
    std::fs::create_dir(llm.dir().join("real")).expect("is made");
    std::os::unix::fs::symlink("real/f.jsonl", llm.dir().join("ln.jsonl")).expect("is made");
    let to = |output| {
        let args = ["batch", "-p", "test", "{{input}}", "-f", "r.txt", "-o", output];
        llm.clone().bare_args(args)
    };
    let first = to("ln.jsonl").spawn();
    while service.asked().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    to("real/f.jsonl").run().code(1).stderr_has("another run is writing real/f.jsonl.part now");
    waits.store(false, Ordering::SeqCst);
    let run = first.wait();
    run.code(0);
    assert_eq!(answers(&run.read("real/f.jsonl")), ["一"]);
    to("real/f.jsonl").run().code(0).stderr_has("has all 1 row already");
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn rows_that_failed_are_asked_again() {
    let service = Service::start(|text, before| match (text, before) {
        ("二", 0) => Answer::error(500, "broken"),
        ("三", 0) => Answer::error(400, "no"),
        (text, _) => Answer::text(text),
    });
    let llm = rows(&service, "一\n二\n三\n").args(["--retries", "0"]);
    llm.run().code(4).stderr_has("1 server error").stderr_has("1 bad request");
    // What was refused for good is not asked again unasked.
    let run = llm.run();
    run.code(4).stderr_has("llm: 1 row failed: 1 bad request\n");
    run.stderr_has("hint: --retry-failed asks again for the rows that were refused; 2 of 3 rows");
    assert_eq!(run.names(), ["o.jsonl", "r.txt"]);
    assert_eq!(service.texts(), ["一", "三", "二", "二"]);
}

#[test]
fn an_interrupted_run_goes_on() {
    let service = Service::start(|text, before| match (text, before) {
        (text, 0) if text.starts_with('三') => Answer::text(text).after(Duration::from_secs(30)),
        (text, _) => Answer::text(text),
    });
    for signal in ["INT", "KILL"] {
        let llm = rows(&service, &format!("一{signal}\n二{signal}\n三{signal}\n"));
        let running = llm.spawn();
        let is_kept = || {
            let part = llm.dir().join("o.jsonl.part");
            std::fs::read_to_string(part).is_ok_and(|part| part.matches("\"row\":").count() == 2)
        };
        let begin = Instant::now();
        while !is_kept() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        running.signal(signal);
        let run = running.wait();
        if signal == "INT" {
            run.code(130).stderr_has("hint: the same command goes on; 2 of 3 rows are done\n");
        }
        assert!(!run.names().contains(&"o.jsonl".to_owned()));
        let asked = service.asked().len();
        llm.run().code(0);
        assert_eq!(service.asked().len() - asked, 1, "{signal}");
    }
}

#[test]
fn a_whole_file_is_not_asked_again() {
    for (output, rows_of) in [("o.jsonl", "一\n二\n"), ("o.csv", "一\n二\n")] {
        let service = Service::echo();
        let args = ["{{input}}", "-f", "r.txt", "-o", output];
        let llm = service.batch().args(args).file("r.txt", rows_of);
        llm.run().code(0);
        let run = llm.run();
        run.code(0).stdout_empty();
        run.stderr(&format!("llm: {output} has all 2 rows already; --fresh asks again\n"));
        assert_eq!(service.asked().len(), 2);
        let written = run.read(output);
        // Rows that are new are asked, the others are taken from the file.
        let run = llm.clone().file("r.txt", "二\n三\n一\n").run();
        run.code(0);
        assert_eq!(service.texts(), ["一", "三", "二"]);
        let text = String::from_utf8(run.read(output)).expect("text");
        assert!(text.contains(">二") && text.contains(">三") && text.contains(">一"), "{text}");
        let run = llm.clone().file("r.txt", rows_of).run();
        run.code(0);
        assert_eq!(run.read(output), written);
        assert_eq!(service.asked().len(), 3);
        llm.clone().arg("--fresh").run().code(0);
        assert_eq!(service.asked().len(), 5);
        // Another command writes it anew.
        let run = llm.clone().args(["-t", "1"]).run();
        run.code(0);
        assert_eq!(service.asked().len(), 7);
        // So does one that knows nothing of the file.
        llm.clone().args(["-t", "1"]).file(output, "old").run().code(0);
        assert_eq!(service.asked().len(), 9);
    }
}

#[test]
fn refused_rows_are_asked_again_on_request() {
    for (output, args) in [
        ("o.jsonl", &[][..]),
        ("o.csv", &[]),
        ("o.jsonl", &["--schema", "n int"]),
        ("o.jsonl", &["--json"]),
    ] {
        let service = Service::start(|text, before| match (text, before) {
            ("二", 0) => Answer::error(400, "no"),
            _ => Answer::text("{\"n\": 1}"),
        });
        let llm = service.batch().args(["{{input}}", "-f", "r.txt", "-o", output]).args(args);
        let llm = llm.file("r.txt", "一\n二\n三\n");
        let run = llm.run();
        run.code(4);
        assert_eq!(run.names(), [output, "r.txt"]);
        let run = llm.clone().arg("--retry-failed").run();
        run.code(0).stderr("llm: goes on: 2 of 3 rows are done\n");
        assert_eq!(service.texts(), ["一", "三", "二", "二"], "{output} {args:?}");
        let whole = llm.clone().arg("--fresh").run();
        assert_eq!(run.code, whole.code);
        llm.run().code(0).stderr_has("has all 3 rows already");
    }
}
