//! What a server sends is bounded: depth, length, and what is read of an error.

use std::time::Duration;

use crate::every_command::faults::subjects::{self, OLD, Subject};
use crate::support::{Reply, Server, Step, llm};

/// Runs every command against the reply that `reply` makes for it.
fn each(reply: impl Fn(&Subject) -> Reply + Sync, codes: &[i32]) {
    let subjects = subjects::all();
    std::thread::scope(|scope| {
        for subject in &subjects {
            let reply = reply(subject);
            scope.spawn(move || {
                // `embed` asks once more, for numbers in place of base64.
                let server = Server::always(reply);
                let run = subject.llm(&server).args(["--retries", "0"]).run();
                if !run.code.is_some_and(|code| codes.contains(&code)) {
                    run.fail(&format!("expected one of {codes:?}"));
                }
                run.stdout_empty().stderr_has("llm: ");
                let is_short = |line: &String| line.chars().count() < 2500;
                assert!(run.stderr_lines().iter().all(is_short), "{run}");
                subject.check_files(&run.dir(), OLD).unwrap_or_else(|words| run.fail(&words));
            });
        }
    });
}

#[test]
fn json_of_any_depth_is_no_danger() {
    for open in ["{\"a\":", "{\"error\":", "{\"data\":[", "{\"choices\":[{\"message\":"] {
        let deep = open.repeat(60_000);
        // Sound that begins as JSON does and is none is taken as sound, so the label says JSON.
        each(|_| Reply::bytes(200, "application/json", deep.clone()), &[4, 6]);
        each(|_| Reply::bytes(400, "application/json", deep.clone()), &[4]);
    }
    let event = format!("data: {}\n\n", "[".repeat(60_000));
    let server = Server::start([Reply::chunks("text/event-stream", [event])]);
    let run = subjects::all()[0].llm(&server).args(["--retries", "0"]).run();
    run.code(6).stdout_empty().stderr_has("llm: ");
}

#[test]
fn an_error_without_end_is_told_by_its_beginning() {
    let head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\r\n".to_vec();
    let flood = Step::Flood("错误在此 ".repeat(1000).into_bytes());
    each(|_| Reply::raw([Step::Write(head.clone()), flood.clone()]), &[4]);
}

#[test]
fn a_reply_without_end_is_given_up() {
    // The other commands give up at 512 MiB, which takes too long here.
    let is_short = |subject: &&Subject| ["chat", "chat -S", "models"].contains(&subject.name);
    let subjects: Vec<Subject> = subjects::all();
    std::thread::scope(|scope| {
        for subject in subjects.iter().filter(is_short) {
            scope.spawn(move || {
                let kind = subject.content_type;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n");
                let begin = if kind == "application/json" { "{\"data\":\"" } else { "data: " };
                let write = Step::Write((head + begin).into_bytes());
                let server = Server::start([Reply::raw([write, Step::Flood(vec![b'x'; 1 << 20])])]);
                let llm = subject.llm(&server).args(["--retries", "0"]);
                let run = llm.watchdog(Duration::from_secs(100)).run();
                run.code(6).stdout_empty().stderr_has("than 64 MiB");
            });
        }
    });
}

#[test]
fn json_is_printed_unchanged_beyond_the_limits_of_a_parser() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    for odd in ["1e999", "-1E+400", deep.as_str()] {
        for (args, body) in [
            (
                &["chat", "hi"][..],
                "{ \"choices\": [{\"index\": 0, \"message\": {\"content\": \"hi\"}, \"finish_reason\": \"stop\"}],  \"x\": ODD}",
            ),
            (&["embed", "a"], "{\"data\": [{\"index\": 0, \"embedding\": [1.50]}],  \"x\": ODD}"),
            (&["image", "a"], "{\"data\": [{\"b64_json\": \"AA==\"}],  \"x\": ODD}"),
            (&["transcribe", "a.mp3"], "{\"text\": \"hi\",  \"x\": ODD}"),
            (&["models"], "{\"object\": \"list\", \"data\": [{\"id\": \"m\"}],  \"x\": ODD}"),
        ] {
            let body = body.replace("ODD", odd);
            let server = Server::start([Reply::bytes(200, "application/json", body.clone())]);
            let run =
                llm().profile(&server).file("a.mp3", "ID3").args(args).args(["-m", "m", "--json"]);
            run.run().code(0).stdout(&body).stderr_empty();
            // An error in such a reply is still one.
            let body = format!("{{\"error\": {{\"message\": \"坏\"}}, \"x\": {odd}}}");
            let server = Server::start([Reply::bytes(200, "application/json", body)]);
            let run =
                llm().profile(&server).file("a.mp3", "ID3").args(args).args(["-m", "m", "--json"]);
            let run = run.args(["--retries", "0"]).run();
            run.stdout_empty().stderr_has("坏");
        }
    }
}
