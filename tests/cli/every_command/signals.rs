//! Signals and readers that go away, for every command: the request is dropped at once, what came is
//! put out, no part file stays, and nothing is said.

use std::time::Duration;

use crate::every_command::faults::subjects::{self, OLD, Subject};
use crate::support::{Reply, Server, Step};

const LONG: Duration = Duration::from_secs(10);

/// So soon the server must see that nobody listens any more.
const AT_ONCE: Duration = Duration::from_millis(100);

/// So often it may be later: a machine that is busy with other things does not wake us in time.
const TRIES: usize = 5;

/// How a run is ended, and the exit code that this gives.
const WAYS: [(&str, i32); 4] = [("INT", 130), ("TERM", 143), ("HUP", 129), ("reader gone", 141)];

/// Half of a reply, and then silence.
fn half(subject: &Subject) -> Reply {
    let pieces = [&subject.body[..subject.between]];
    Reply::chunks(subject.content_type, pieces).then([Step::UntilClosed])
}

/// Ends a run in the middle of its reply, and gives the time until the server saw it.
fn ended(subject: &Subject, way: &str, code: i32) -> Duration {
    let server = Server::start([half(subject)]);
    let mut run = subject.llm(&server).spawn();
    server.wait_requests(1, LONG);
    if let Ok(text) = std::str::from_utf8(&subject.half[0])
        && !text.is_empty()
    {
        run.read_stdout_until(text.trim_end(), LONG);
    } else {
        std::thread::sleep(Duration::from_millis(30));
    }
    server.mark();
    let is_gone = way == "reader gone";
    if is_gone {
        run.close_stdout()
    } else {
        run.signal(way)
    }
    let run = run.wait();
    run.code(code).stderr_empty();
    if !is_gone {
        run.stdout_bytes(&subject.half[0]);
    }
    subject.check_files(&run.dir(), OLD).unwrap_or_else(|words| run.fail(&words));
    server.wait_closed(LONG).unwrap_or_else(|| run.fail("the connection stays open"))
}

#[test]
fn every_command_drops_its_request_at_once() {
    let subjects = subjects::all();
    std::thread::scope(|scope| {
        for subject in &subjects {
            scope.spawn(move || {
                for (way, code) in WAYS {
                    // What is written to a file needs no reader.
                    if way == "reader gone" && subject.file.is_some() {
                        continue;
                    }
                    let times = std::iter::repeat_with(|| ended(subject, way, code));
                    let times: Vec<Duration> = times
                        .take(TRIES)
                        .scan(false, |is_over, time| {
                            let was_over = std::mem::replace(is_over, *is_over || time < AT_ONCE);
                            (!was_over).then_some(time)
                        })
                        .collect();
                    let is_quick = times.last().is_some_and(|time| *time < AT_ONCE);
                    assert!(is_quick, "{}, {way}: {times:?}", subject.name);
                }
            });
        }
    });
}

#[test]
fn a_flood_without_a_word_keeps_no_signal_from_being_heard() {
    let flood = Step::Flood(b": still there\n\n".repeat(1 << 12));
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let server = Server::start([Reply::raw([Step::Write(head), flood])]);
    let subject = &subjects::all()[0];
    let run = subject.llm(&server).spawn();
    server.wait_requests(1, LONG);
    std::thread::sleep(Duration::from_millis(100));
    server.mark();
    run.signal("INT");
    let run = run.wait();
    run.code(130).stdout_empty().stderr_empty();
    let closed = server.wait_closed(LONG);
    assert!(closed.is_some_and(|time| time < Duration::from_secs(2)), "{closed:?} {run}");
}
