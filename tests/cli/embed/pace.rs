//! `llm embed` against a service that limits how fast it may be asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::inputs_and_formats::{embed, numbers};
use crate::support::{Reply, Server, llm};

/// A service that answers so many requests in each window of time and refuses the others.
struct Limited {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    begin: Option<Instant>,
    answered: usize,
    /// When requests came, and which were refused.
    all: Vec<(Instant, bool)>,
    out: usize,
    most_out: usize,
}

impl Limited {
    fn start(limit: usize, window: Duration, retry_after: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream, &seen, limit, window, retry_after));
            }
        });
        Self { address, seen }
    }
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Seen>,
    limit: usize,
    window: Duration,
    retry_after: Option<&str>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let is_good = {
            let mut seen = seen.lock().expect("not poisoned");
            let now = Instant::now();
            if seen.begin.is_none_or(|begin| now - begin >= window) {
                (seen.begin, seen.answered) = (Some(now), 0);
            }
            seen.answered += 1;
            let is_good = seen.answered <= limit;
            seen.all.push((now, is_good));
            seen.out += 1;
            seen.most_out = seen.most_out.max(seen.out);
            is_good
        };
        std::thread::sleep(Duration::from_millis(2));
        seen.lock().expect("not poisoned").out -= 1;
        let body: Value = serde_json::from_slice(&body).ok()?;
        let (status, more, body) = if is_good {
            let number: f64 = body["input"][0].as_str()?.parse().ok()?;
            ("200 OK", String::new(), json!({"data": [{"index": 0, "embedding": [number]}]}))
        } else {
            let wait = retry_after.map(|wait| format!("retry-after: {wait}\r\n"));
            let error = json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}});
            ("429 Too Many Requests", wait.unwrap_or_default(), error)
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
            body.len()
        );
        (&*stream).write_all([head, body].concat().as_bytes()).ok()?;
    }
}

#[test]
fn a_limit_does_not_end_a_run_and_costs_little_time() {
    // Ten windows of 20 requests each, so that the limit itself is nine windows and a bit.
    for (window, retry_after) in [(300, Some("0.3")), (600, None)] {
        let window = Duration::from_millis(window);
        let service = Limited::start(20, window, retry_after);
        let texts: String = (0..200).map(|number| format!("{number}\n")).collect();
        let expected: String = (0..200).map(|number| format!("[{number}.0]\n")).collect();
        let begin = Instant::now();
        let run = llm().profile_at(&service.address).stdin(texts).watchdog(Duration::from_secs(60));
        let run = run.args(["embed", "-m", "bge", "--lines", "--batch-size", "1"]).run();
        let took = begin.elapsed();
        run.code(0).stdout(&expected);
        run.stderr_has("slow down; all requests wait");
        let said = run.stderr_lines().len();
        assert!(said <= 3, "{said} lines:\n{run}");
        let seen = service.seen.lock().expect("not poisoned");
        let refused = seen.all.iter().filter(|(_, is_good)| !is_good).count();
        assert!(refused < 100, "{refused} of {} were refused", seen.all.len());
        // The machine that tests run on is busy; how close it comes is measured elsewhere.
        assert!(took < window * 20, "{took:?}, {retry_after:?}");
    }
}

#[test]
fn one_refusal_pauses_all_requests() {
    let service = Limited::start(30, Duration::from_millis(1_000), Some("1"));
    let texts: String = (0..60).map(|number| format!("{number}\n")).collect();
    let run = llm().profile_at(&service.address).stdin(texts);
    let args = ["embed", "-m", "bge", "--lines", "--batch-size", "1", "--concurrency", "8"];
    run.args(args).run().code(0);
    let seen = service.seen.lock().expect("not poisoned");
    assert!(seen.most_out > 1 && seen.most_out <= 8, "{} at a time", seen.most_out);
    let first = seen.all.iter().find(|(_, is_good)| !is_good).expect("one was refused").0;
    // Those that were on their way already may still come; without a pause it would be all that are left.
    let early = |at: Instant| at > first && at < first + Duration::from_millis(990);
    let came = seen.all.iter().filter(|(at, _)| early(*at)).count();
    assert!(came < 16, "{came} requests during the pause");
}

#[test]
fn no_tries_are_used_up_while_others_succeed() {
    let slow = || {
        Reply::json(429, json!({"error": {"message": "slow down"}})).header("retry-after-ms", "5")
    };
    let mut replies = Vec::new();
    for number in 0..6_u8 {
        replies.extend([slow(), numbers(&[f32::from(number)])]);
    }
    drop(replies.remove(0));
    let server = Server::start(replies);
    let run = embed(&server).args(["--lines", "--batch-size", "1", "--concurrency", "1"]);
    let run = run.args(["--retries", "0"]).stdin("a\n".repeat(6)).run();
    run.code(0).stdout("[0.0]\n[1.0]\n[2.0]\n[3.0]\n[4.0]\n[5.0]\n");
}

#[test]
fn a_service_that_only_refuses_ends_the_run() {
    let slow =
        Reply::json(429, json!({"error": {"message": "slow down"}})).header("retry-after-ms", "5");
    let server = Server::new().reply(slow.repeat()).start();
    let run = embed(&server).args(["--lines", "--batch-size", "1"]).stdin("a\n".repeat(50)).run();
    run.code(5).stdout_empty().stderr_has("slow down\n");
    let count = server.requests().len();
    assert!(count <= 8, "{count} requests");
}
