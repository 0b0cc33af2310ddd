//! How many rows are asked for at a time, and how fast.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::service::{Answer, Service};

fn rows(count: usize) -> String {
    (1..=count).map(|number| format!("r{number}\n")).collect()
}

/// Holds requests back until so many are out at a time; after that it answers at once.
fn gathers(most: usize) -> Service {
    let (gate, opened) = (Mutex::new(0), Condvar::new());
    Service::start(move |text, _| {
        let mut came = gate.lock().expect("whole");
        *came += 1;
        opened.notify_all();
        // Were fewer sent at a time, the test would fail; it must not hang.
        let until = Duration::from_secs(40);
        let waited = opened.wait_timeout_while(came, until, |came| *came < most);
        drop(waited.expect("whole"));
        Answer::text(text)
    })
}

#[test]
fn many_rows_are_asked_for_at_a_time() {
    let service = gathers(32);
    let llm = service.batch().args(["{{input}}", "-f", "r.txt", "--concurrency", "32"]);
    let run = llm.file("r.txt", rows(128)).run();
    run.code(0);
    assert_eq!(service.most_out(), 32);
    // Connections are used again.
    assert_eq!(service.connections(), 32);
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
    // Those that were on their way already may still come; without a pause it would be all that are left.
    let end = refused + Duration::from_millis(1900);
    let in_pause = asked.iter().filter(|asked| asked.at > refused && asked.at < end).count();
    assert!(in_pause < 20, "{in_pause} requests during the pause");
}

/// A service that answers so many requests in each second and refuses the others.
fn limited(most: usize, retry_after: bool) -> Service {
    let windows = Mutex::new((Instant::now(), 0));
    Service::start(move |text, _| {
        let mut window = windows.lock().expect("whole");
        if window.0.elapsed() >= Duration::from_secs(1) {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        match window.1 > most {
            true if retry_after => Answer::error(429, "slow down").header("retry-after", "1"),
            true => Answer::error(429, "slow down"),
            false => Answer::text(text),
        }
    })
}

#[test]
fn a_limit_is_learnt_and_kept_to() {
    for retry_after in [true, false] {
        let service = limited(50, retry_after);
        let llm = service.batch().args(["{{input}}", "-f", "r.txt", "-o", "o.jsonl"]);
        let run = llm.file("r.txt", rows(400)).run();
        run.code(0);
        let asked = service.asked().len();
        assert!(asked < 440, "{} of {asked} requests were refused", asked - 400);
        // The limit's own time is 7 s; a busy machine adds to it.
        assert!(run.elapsed < Duration::from_secs(28), "{:?}", run.elapsed);
    }
}

#[test]
fn what_the_user_allows_in_a_minute_is_kept_to() {
    for args in [["--rpm", "600"], ["--tpm", "6000"]] {
        let service = Service::start(|text, _| Answer::text(text));
        let llm =
            service.batch().args(["{{input}}", "-f", "r.txt", "--concurrency", "8"]).args(args);
        let run = llm.file("r.txt", rows(21)).run();
        run.code(0);
        // A request takes ten tokens.
        assert!(run.elapsed >= Duration::from_millis(1900), "{args:?} {:?}", run.elapsed);
        assert!(run.elapsed < Duration::from_secs(10), "{args:?} {:?}", run.elapsed);
    }
}

#[test]
fn a_limit_that_is_used_up_is_waited_out_before_a_refusal() {
    let service = Service::start(|text, _| {
        let answer = Answer::text(text);
        match text {
            "r1" => answer
                .header("x-ratelimit-remaining-requests", "0")
                .header("x-ratelimit-reset-requests", "2s"),
            _ => answer,
        }
    });
    let llm = service.batch().args(["{{input}}", "-f", "r.txt", "--concurrency", "1"]);
    let run = llm.file("r.txt", rows(3)).run();
    run.code(0);
    assert!(run.elapsed >= Duration::from_millis(1900), "{:?}", run.elapsed);
    assert_eq!(service.asked().len(), 3);
}

#[test]
fn too_few_open_files_make_a_lower_ceiling() {
    let service = Service::start(|text, _| Answer::text(text).after(Duration::from_millis(50)));
    let script = format!("ulimit -n 80; exec {} \"$@\"", env!("CARGO_BIN_EXE_llm"));
    let mut shell = crate::support::program("sh").bare_args(["-c", &script, "sh"]);
    let profile = format!("[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n", service.url);
    shell = shell.config(&profile).args(["batch", "-p", "test", "{{input}}", "-f", "r.txt"]);
    let run = shell.args(["--concurrency", "500"]).file("r.txt", rows(200)).run();
    run.code(0).stderr_has("at most 48 requests at a time");
    assert!(service.most_out() <= 48);
}
