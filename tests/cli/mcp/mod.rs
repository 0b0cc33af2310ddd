//! `llm mcp`, and the servers of tools of `llm chat --mcp`. The servers are shell scripts.
mod changes;
mod chat;
mod command;
mod confirmation;
mod ending;
mod http;
mod pictures;
mod schemas;
mod secrets;
mod starting;
mod unreadable;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Llm, llm};

const LONG: Duration = Duration::from_secs(15);

/// What all servers of these tests run; see there for its switches.
const SERVER: &str = include_str!("server.sh");

/// A table of the profile file for a server that misbehaves in this way.
fn table(name: &str, switches: &str, more: &str) -> String {
    format!("[mcp.{name}]\ncommand = \"sh server.sh {name} {switches}\"\n{more}\n")
}

/// A run in a place where these servers are.
fn with_servers(tables: &[String]) -> Llm {
    llm().config(&tables.concat()).file("server.sh", SERVER)
}

/// A server `a` that prints the next of these lines for each request. An empty line is no answer.
fn answering(lines: &[&str]) -> Llm {
    let script = "while IFS= read -r line; do case $line in *'\"id\":'*) IFS= read -r answer <&3; \
                  [ -z \"$answer\" ] || printf '%s\\n' \"$answer\";; esac; done 3< answers";
    let command = serde_json::json!(["sh", "-c", script]);
    let answers = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    llm().config(&format!("[mcp.a]\ncommand = {command}\nstartup = 60\n")).file("answers", answers)
}

/// What such a server says to begin with: its handshake and its list, of the tool `t`.
const HELLO: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
const LIST: &str =
    r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}"#;

/// What a server was sent, a message a line.
fn seen(run: &Llm, name: &str) -> String {
    std::fs::read_to_string(run.dir().join(format!("{name}.seen"))).unwrap_or_default()
}

/// Asserts that no process of these servers runs any more, where the system tells.
#[track_caller]
fn assert_gone(run: &Llm, names: &[&str]) {
    for name in names {
        let path = run.dir().join(format!("{name}.pid"));
        let pids = std::fs::read_to_string(&path).expect("the server wrote down its process");
        for pid in pids.lines() {
            let start = Instant::now();
            while is_there(pid) && start.elapsed() < LONG {
                std::thread::sleep(Duration::from_millis(10));
            }
            assert!(!is_there(pid), "process {pid} of {name} still runs");
        }
    }
}

fn is_there(pid: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

/// Waits for a file in the folder of the run.
#[track_caller]
fn wait_for(run: &Llm, name: &str) {
    let start = Instant::now();
    while !run.dir().join(name).exists() {
        assert!(start.elapsed() < LONG, "{name} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}
