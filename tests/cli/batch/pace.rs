//! How many rows are asked for at a time, and how fast.

use std::time::{Duration, Instant};

use super::service::{Answer, Service};

fn rows(count: usize) -> String {
    (1..=count).map(|number| format!("r{number}\n")).collect()
}

#[test]
fn many_rows_are_asked_for_at_a_time() {
    let service = Service::start(|text, _| Answer::text(text).after(Duration::from_millis(500)));
    let begin = Instant::now();
    let llm = service.batch().args(["{{input}}", "-f", "r.txt", "--concurrency", "32"]);
    let run = llm.file("r.txt", rows(128)).run();
    run.code(0);
    assert_eq!(service.most_out(), 32);
    // Connections are used again.
    assert!(service.connections() <= 40, "{}", service.connections());
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn one_refusal_for_speed_pauses_all_and_costs_no_row() {
    let service = Service::start(|text, before| match (text, before) {
        ("r20", 0) => Answer::error(429, "slow down").header("retry-after", "2"),
        (text, _) => Answer::text(text).after(Duration::from_millis(30)),
    });
    let llm = service.batch().args(["{{input}}", "-f", "r.txt", "--concurrency", "8"]);
    let run = llm.args(["--retries", "0", "-o", "o.jsonl"]).file("r.txt", rows(60)).run();
    run.code(0).stderr_has("all requests wait 2 s");
    let asked = service.asked();
    assert_eq!(asked.len(), 61);
    let refused = asked.iter().find(|asked| asked.text == "r20").expect("asked").at;
    let in_pause = asked.iter().filter(|asked| {
        let since = asked.at.saturating_duration_since(refused);
        since > Duration::from_millis(300) && since < Duration::from_millis(1900)
    });
    assert_eq!(in_pause.count(), 0);
}
