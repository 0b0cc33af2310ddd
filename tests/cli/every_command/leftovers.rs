//! Whatever ends a run, it leaves no part file and no program behind; and what it writes is its user's alone.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::{Llm, Reply, Server, llm, program};

const LONG: Duration = Duration::from_secs(10);

/// A program under limits of the shell, such as `ulimit -n 8`.
fn limited(limit: &str, args: &[&str]) -> Llm {
    let line = format!("{limit}; exec \"$0\" \"$@\"");
    program("/bin/sh").args(["-c", &line, env!("CARGO_BIN_EXE_llm")]).args(args)
}

#[test]
fn few_open_files_are_an_error_in_words() {
    for number in 8..=24 {
        for args in [
            &["chat", "-p", "demo", "-o", "a.txt", "你好"][..],
            &["chat", "-p", "demo", "你好"],
            &["embed", "-p", "demo", "-o", "a.jsonl", "一"],
            &["image", "-p", "demo", "-o", "a.png", "猫"],
            &["speak", "-p", "demo", "-o", "a.wav", "你好"],
            &["models", "-p", "demo"],
        ] {
            let run = limited(&format!("ulimit -n {number}"), args).run();
            for word in ["panicked", "os error", "Os {"] {
                run.stderr_lacks(word);
            }
            let left: Vec<String> =
                run.names().into_iter().filter(|name| name.starts_with('.')).collect();
            assert!(left.is_empty(), "{left:?} {run}");
            match run.code {
                Some(0) => {}
                Some(1) => assert!(run.stderr_text().contains("too"), "{run}"),
                _ => run.fail("neither done nor told"),
            }
        }
    }
    limited("ulimit -n 8", &["chat", "-p", "demo", "你好"])
        .run()
        .code(1)
        .stderr_has("too few open files");
}

#[test]
fn a_file_that_must_not_grow_is_an_error_in_words() {
    let llm = limited("ulimit -f 0", &["chat", "-p", "demo", "--no-log", "-o", "a.txt", "你好"]);
    let run = llm.run();
    run.code(1).stdout_empty().stderr_has("cannot write a.txt: file too large");
    assert!(run.names().is_empty(), "{:?}", run.names());
}

/// The part file of a run that waits for its reply.
fn part_of(llm: &Llm) -> PathBuf {
    let began = Instant::now();
    loop {
        let entries = fs::read_dir(llm.dir()).expect("readable").flatten();
        let part = entries.map(|entry| entry.path()).find(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(".llm-"))
        });
        match part {
            Some(part) => return part,
            None => assert!(began.elapsed() < LONG, "no part file"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn signals_leave_nothing_behind() {
    for (signals, code) in [
        (&["QUIT"][..], 131),
        (&["INT", "INT"], 130),
        (&["TERM", "TERM"], 143),
        (&["INT", "TERM"], 130),
    ] {
        let server = Server::silent();
        let llm = llm().profile(&server).args(["chat", "-o", "a.txt", "你好"]);
        let running = llm.spawn();
        server.wait_requests(1, LONG);
        let mode = fs::metadata(part_of(&llm)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        running.signal(signals[0]);
        for signal in &signals[1..] {
            // It may have ended already.
            let id = running.pid().to_string();
            let _ = std::process::Command::new("kill").args([&format!("-{signal}"), &id]).output();
        }
        let run = running.wait();
        run.code(code).stdout_empty().stderr_empty();
        assert!(run.names().is_empty(), "{signals:?} {:?}", run.names());
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let server = Server::silent();
    let first = llm().profile(&server).args(["chat", "-o", "a.txt", "你好"]);
    let killed = first.spawn();
    server.wait_requests(1, LONG);
    killed.signal("KILL");
    assert_eq!(killed.wait().signal, Some(9));
    let left = part_of(&first);
    let journals = ["a.jsonl.part", ".llm-kept.part", ".llm-1-2.part.txt"];
    for name in journals {
        File::create(first.dir().join(name)).expect("created");
    }
    let answering = Server::start([Reply::chat(&["好"])]);
    let run = first.clone().profile(&answering).run();
    run.code(0).stdout_empty().stderr_empty();
    assert!(!left.exists(), "{left:?}");
    let mut expected: Vec<&str> = journals.into_iter().chain(["a.txt"]).collect();
    expected.sort_unstable();
    assert_eq!(run.names(), expected);
    let mode = fs::metadata(run.dir().join("a.txt")).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o666 & !umask(), "as any new file");
}

/// The mask of this process, which its children inherit.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
}

#[test]
fn the_part_file_of_a_run_that_goes_on_stays() {
    let server = Server::silent();
    let slow = llm().profile(&server).args(["chat", "-o", "a.txt", "你好"]);
    let running = slow.spawn();
    server.wait_requests(1, LONG);
    let part = part_of(&slow);
    let answering = Server::start([Reply::chat(&["好"])]);
    let quick = slow.clone().profile(&answering).bare_args(["chat", "-o", "b.txt", "你好"]);
    quick.run().code(0).stderr_empty();
    assert!(part.exists());
    running.signal("INT");
    running.wait().code(130);
    assert!(!part.exists());
}
