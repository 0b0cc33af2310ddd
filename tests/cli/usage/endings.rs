//! Runs that end early, that never reached a service, and many at once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::notes;
use crate::support::{Reply, Server, Step, chunk, llm, program};

const LONG: Duration = Duration::from_secs(15);

#[test]
fn a_run_that_is_interrupted_is_noted() {
    let stream = Reply::sse(&[chunk(json!({"content": "半"}), None)]).then([Step::UntilClosed]);
    let server = Server::start([stream]);
    let llm = llm().profile(&server).args(["chat", "一"]);
    let mut run = llm.spawn();
    run.read_stdout_until("半", LONG);
    run.signal("INT");
    run.wait().code(130);
    let expected =
        json!({"command": "chat", "provider": "test", "model": "test-model", "exit": 130});
    assert_eq!(notes(&llm), [expected]);
}

#[test]
fn a_stream_that_breaks_notes_what_is_known() {
    let usage = json!({"choices": [{"index": 0, "delta": {"content": "半"}}], "usage": {"prompt_tokens": 9}});
    let server = Server::start([Reply::sse(&[usage.to_string()])]);
    let llm = llm().profile(&server).args(["chat", "--retries", "0", "一"]);
    llm.run().code(6);
    let expected = json!({"command": "chat", "provider": "test", "model": "test-model", "input_tokens": 9, "exit": 6});
    assert_eq!(notes(&llm), [expected]);
}

#[test]
fn a_refused_run_is_noted_and_one_that_reached_nobody_is_not() {
    let server = Server::start([Reply::json(401, json!({"error": {"message": "no"}}))]);
    let llm = llm().profile(&server).args(["embed", "a"]);
    llm.run().code(3);
    let expected =
        json!({"command": "embed", "provider": "test", "model": "test-model", "exit": 3});
    assert_eq!(notes(&llm), [expected]);
    let nobody = Server::refusing();
    let llm = llm.profile_at(&nobody.url());
    llm.clone().args(["--retries", "0"]).run().code(6);
    assert_eq!(notes(&llm).len(), 1);
}

#[test]
fn notes_are_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start([Reply::chat(&["好"])]);
    let llm = llm().profile(&server).args(["chat", "一"]);
    llm.run().code(0);
    let path = llm.folder("data").join("llm/usage.jsonl");
    let mode = std::fs::metadata(path).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_cannot_be_noted_earns_one_warning() {
    let vectors = Reply::json(200, json!({"data": [{"index": 0, "embedding": [1.0]}]}));
    let server = Server::start([vectors]);
    let llm = llm().profile(&server).args(["embed", "a"]);
    std::fs::create_dir_all(llm.folder("data").join("llm/usage.jsonl")).expect("is made");
    let run = llm.run();
    run.code(0).stdout("[1.0]\n").stderr_has("llm: warning: usage is not noted: cannot write");
    assert_eq!(run.stderr_lines().len(), 1);
}

/// As `xargs -P` starts them: no note is lost, and none is torn.
#[test]
fn many_runs_at_once_note_all() {
    const RUNS: usize = 200;
    let vectors =
        json!({"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 3}});
    let server = Server::start([Reply::json(200, vectors).repeat()]);
    let numbers: String = (1..=RUNS).map(|number| format!("m{number}\n")).collect();
    let xargs = program("xargs")
        .profile(&server)
        .args(["-P", "16", "-I", "{}", env!("CARGO_BIN_EXE_llm"), "embed", "-q", "-m", "{}", "a"])
        .stdin(numbers)
        .watchdog(Duration::from_secs(120));
    xargs.run().code(0).stderr_empty();
    let all = notes(&xargs);
    let models: BTreeSet<&str> = all.iter().filter_map(|note| note["model"].as_str()).collect();
    assert_eq!((all.len(), models.len()), (RUNS, RUNS));
    // Without input xargs runs its command once.
    let sums = xargs.bare_args([env!("CARGO_BIN_EXE_llm"), "usage", "--json"]).stdin("");
    let sums = sums.run().code(0).stdout_json();
    assert_eq!(sums["total"]["input_tokens"], json!(3 * RUNS));
}
