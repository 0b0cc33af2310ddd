//! Programs that end while something that they started holds their output open.

use serde_json::json;

use super::chat::{calling, chat, results};
use super::{HELLO, LIST, LONG, assert_gone, table, with_servers};
use crate::support::{Llm, Reply, Server};

/// A server `a` that is this script. It has long to start.
fn script(text: &str) -> Llm {
    let command = json!(["sh", "-c", text]);
    with_servers(&[format!("[mcp.a]\ncommand = {command}\nstartup = 300\ntimeout = 300\n")])
}

#[test]
fn an_end_is_noticed_while_a_child_holds_the_output() {
    let run = script("sleep 600 & echo $! >> a.pid; echo 'no key given' >&2; exit 3");
    let outcome = run.clone().args(["mcp", "tools", "a"]).run();
    outcome.code(2).stderr("llm: mcp a: it ended while starting (exit 3): no key given\n");
    assert_gone(&run, &["a"]);
    let run = with_servers(&[table("a", "forks", "timeout = 300")]);
    let outcome = run.clone().args(["mcp", "call", "a", "crash"]).run();
    outcome.code(6).stderr("llm: mcp a: it ended in the middle of the call (exit 3): 崩溃了\n");
    assert_gone(&run, &["a"]);
}

#[test]
fn what_was_written_before_the_end_is_read() {
    let hello = format!("IFS= read -r line; echo '{HELLO}'; IFS= read -r line; IFS= read -r line");
    let run = script(&format!("sleep 600 & echo $! >> a.pid; {hello}; echo '{LIST}'; exit 0"));
    run.clone().args(["mcp", "tools", "a"]).run().code(0).stdout("t\n").stderr_empty();
    assert_gone(&run, &["a"]);
}

#[test]
fn a_server_is_started_once_more_while_a_child_of_the_first_lives() {
    let service =
        Server::start([calling(&[("crash", "{}"), ("kept", "{}")]), Reply::chat(&["完"])]);
    let run = chat(&service, &[table("a", "turns forks", "timeout = 300")]);
    run.clone().args(["--mcp", "a", "--yes", "x"]).run().code(0).stdout("完\n");
    let told = results(&service.requests()[1]);
    assert!(told[0].contains("it ended in the middle of the call (exit 3)"), "{told:?}");
    assert_eq!(told[1], "kept");
    assert_gone(&run, &["a"]);
}

#[test]
fn what_was_found_is_printed_before_the_server_has_ended() {
    for words in [&["tools", "a"][..], &["check"], &["call", "a", "echo"]] {
        let run = with_servers(&[table("a", "lingers", "")]).arg("mcp").args(words);
        let mut running = run.spawn();
        running.read_stdout_until("\n", LONG);
        // Until then it does not end; it would be made to.
        std::fs::write(run.dir().join("a.go"), "").expect("the folder takes files");
        running.wait().code(0);
        let ended = run.dir().join("a.ended").exists();
        assert!(ended, "{words:?}: the server had to end before something was printed");
    }
}
