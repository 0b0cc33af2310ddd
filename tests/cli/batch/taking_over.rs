//! `llm batch -o FILE` where FILE is there already: what is taken from it, and what is asked again.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::service::{Answer, Service};

#[test]
fn a_run_that_is_killed_while_it_takes_a_file_over_asks_for_nothing_twice() {
    const ROWS: usize = 20_000;
    let service = Service::echo();
    let (mut rows, mut results) = (String::new(), String::new());
    let body = Answer::text("old").body;
    for number in 1..=ROWS {
        writeln!(rows, "r{number}").expect("memory");
        let response = json!({"status_code": 200, "body": body});
        let line = json!({"custom_id": format!("row-{number}"), "response": response});
        writeln!(results, "{line}").expect("memory");
    }
    let fetch = ["fetch", "--from", "s.jsonl", "-f", "r.txt", "{{input}}", "-o", "o.jsonl"];
    let fetched = service.batch().args(fetch).file("s.jsonl", results).file("r.txt", &rows);
    fetched.run().code(0);
    let run = ["batch", "-p", "test", "-f", "r.txt", "{{input}}", "-o", "o.jsonl"];
    let more = fetched.bare_args(run).file("r.txt", rows + "new\n");
    let part = more.dir().join("o.jsonl.part");
    for _ in 0..3 {
        let running = more.spawn();
        let is_copied = || std::fs::metadata(&part).is_ok_and(|facts| facts.len() > 1000);
        let begin = std::time::Instant::now();
        while !is_copied() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.signal("KILL");
        let _ = running.wait();
        assert!(service.texts().iter().all(|text| text == "new"), "{:?}", service.asked().len());
    }
    let run = more.run();
    run.code(0);
    assert!(service.texts().iter().all(|text| text == "new"), "{:?}", service.asked().len());
}
