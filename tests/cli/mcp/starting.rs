//! How servers start, misbehave, and end.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{assert_gone, seen, table, wait_for, with_servers};
use crate::support::{Llm, Outcome};

/// Calls `echo` of a server that misbehaves in this way.
fn echo(switches: &str, more: &str) -> (Llm, Outcome) {
    let run = with_servers(&[table("a", switches, more)]).args(["mcp", "call", "a", "echo"]);
    let outcome = run.run();
    (run, outcome)
}

#[test]
fn what_is_no_message_is_skipped_and_told_once() {
    let (run, outcome) = echo("banner", "");
    outcome.code(0).stdout("a {}\n");
    outcome.stderr(
        "llm: warning: mcp a: prints \"npm warn config: use --location=global\" where messages belong\n",
    );
    assert_gone(&run, &["a"]);
}

#[test]
fn a_long_log_is_read_and_not_shown() {
    for switch in ["logs", "lines"] {
        let (_, outcome) = echo(switch, "");
        outcome.code(0).stdout("a {}\n").stderr_empty();
    }
    let run = with_servers(&[table("a", "lines", "")]).args(["mcp", "tools", "a", "-v"]);
    let shown = run.run();
    shown.code(0).stderr_has("llm: mcp a: 一行 日志\n");
}

#[test]
fn every_known_version_is_spoken_and_no_other() {
    echo("oldest", "").1.code(0).stdout("a {}\n");
    let (run, outcome) = echo("modern", "");
    outcome.code(0).stdout("a {}\n").stderr_empty();
    let call = seen(&run, "a").lines().last().map(str::to_owned).expect("the call");
    let call: Value = serde_json::from_str(&call).expect("JSON");
    let meta = &call["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert!(!seen(&run, "a").contains("notifications/initialized"));
    let (run, outcome) = echo("future", "");
    outcome.code(2).stderr_has("llm: mcp a: it speaks version 2099-01-01 of the protocol");
    assert_gone(&run, &["a"]);
    // Whatever comes behind the refusal: another one, the end, nothing.
    for switches in ["refuses", "refuses quits", "refuses mute"] {
        let (run, outcome) = echo(switches, "startup = 300");
        outcome.code(2).stderr_has("llm: mcp a: it refuses initialize (-32000): 不行\n");
        assert_gone(&run, &["a"]);
    }
}

#[test]
fn a_question_of_the_server_is_answered_at_once() {
    let (run, outcome) = echo("asks", "");
    outcome.code(0).stdout("a {}\n");
    assert!(seen(&run, "a").contains(r#"{"jsonrpc":"2.0","id":1,"result":{"action":"decline"}}"#));
    let asked = run.bare_args(["mcp", "call", "a", "ask"]).run();
    asked.code(0).stdout_has("\"action\":\"decline\"");
}

#[test]
fn all_pages_of_the_tools_are_read_once() {
    let run = with_servers(&[table("a", "pages", "")]).args(["mcp", "tools", "a"]);
    run.run().code(0).stdout("one  一\ntwo  二\nthree  三\n");
    assert_eq!(seen(&run, "a").matches("tools/list").count(), 3);
    let run = with_servers(&[table("a", "many", "")]).args(["mcp", "tools", "a"]);
    assert_eq!(run.run().code(0).stdout_text().lines().count(), 300);
    let run = with_servers(&[table("a", "unlisted", "")]).args(["mcp", "tools", "a"]);
    run.run().code(0).stdout_empty().stderr("llm: a has no tools\n");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_without_end() {
    for (switch, method) in [("silent", "initialize"), ("hangs", "tools/list")] {
        let (run, outcome) = echo(switch, "startup = 0.5");
        outcome.code(2).stderr_has(&format!("llm: mcp a: no answer to {method} within 0.5 s\n"));
        outcome.stderr_has("hint: `startup = SECONDS` in [mcp.a] allows more\n");
        assert_gone(&run, &["a"]);
    }
    let run = with_servers(&[table("a", "", "timeout = 0.5")]).args(["mcp", "call", "a", "sleep"]);
    run.run().code(6).stderr("llm: mcp a: it did not answer within 0.5 s\n");
    assert!(seen(&run, "a").contains("notifications/cancelled"));
    let (_, slow) = echo("slow slow", "");
    slow.code(0);
}

#[test]
fn a_long_wait_is_told() {
    let run = with_servers(&[table("a", "silent", "startup = 3")]).args(["mcp", "tools", "a"]);
    run.run().code(2).stderr_has("llm: waits for mcp a\n");
    let names = ["a", "b", "c"];
    let silent = names.map(|name| table(name, "silent", "startup = 3"));
    let checked = with_servers(&silent).args(["mcp", "check"]).run();
    let told = "llm: waits for mcp a, b, c\nllm: 3 of 3 servers do not work: a, b, c\n";
    checked.code(2).stderr(told);
}

#[test]
fn a_message_without_end_is_not_read_to_its_end() {
    let run = with_servers(&[table("a", "", "")]).args(["mcp", "call", "a", "huge"]);
    let words = "llm: mcp a: it prints a message of more than 16 MiB in the middle of the call";
    run.run().code(6).stdout_empty().stderr(&format!("{words}\n"));
    assert_gone(&run, &["a"]);
}

#[test]
fn progress_restarts_the_clock_of_a_call() {
    let run = with_servers(&[table("a", "", "timeout = 1.2")]).args(["mcp", "call", "a", "steps"]);
    run.run().code(0).stdout("done\n");
}

#[test]
fn an_output_that_is_closed_is_an_end() {
    let run = with_servers(&[table("a", "", "")]).args(["mcp", "call", "a", "close"]);
    run.run().code(6).stderr("llm: mcp a: it closed its output in the middle of the call\n");
    assert_gone(&run, &["a"]);
}

#[test]
fn what_ignores_the_end_of_its_input_is_made_to_end() {
    for (switch, longest) in [("deaf", 15), ("forks", 10)] {
        let start = Instant::now();
        let (run, outcome) = echo(switch, "");
        outcome.code(0).stdout("a {}\n");
        assert!(start.elapsed() < Duration::from_secs(longest), "{:?}", start.elapsed());
        assert_gone(&run, &["a"]);
    }
}

#[test]
fn no_server_is_left_after_a_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let run = with_servers(&[table("a", "forks", "")]).args(["mcp", "call", "a", "sleep"]);
        let running = run.spawn();
        wait_for(&run, "a.asleep");
        running.signal(signal);
        running.wait().code(code).stdout_empty();
        assert!(seen(&run, "a").contains("notifications/cancelled"), "{signal}");
        assert_gone(&run, &["a"]);
    }
}

#[test]
fn a_server_ends_with_us_even_where_we_are_killed() {
    let run = with_servers(&[table("a", "", "")]).args(["mcp", "call", "a", "sleep"]);
    let running = run.spawn();
    wait_for(&run, "a.asleep");
    running.signal("KILL");
    drop(running);
    assert_gone(&run, &["a"]);
}

#[test]
fn a_program_gets_the_variables_that_it_needs_and_its_own() {
    let more = "env = { TOKEN = \"$NOTES_TOKEN\", PLAIN = \"一\" }\ncwd = \"sub\"";
    let table = format!("[mcp.a]\ncommand = [\"sh\", \"server.sh\", \"a\"]\n{more}\n");
    let run = with_servers(&[table]);
    let folder = run.config_file().parent().expect("a folder").join("sub");
    std::fs::create_dir(&folder).expect("a fresh folder takes folders");
    std::fs::write(folder.join("server.sh"), super::SERVER).expect("it takes files");
    let run =
        run.env("NOTES_TOKEN", "n-12345678").env("OPENAI_API_KEY", "sk-1").env("LC_TIME", "C");
    let called = run.args(["mcp", "call", "a", "environment"]).run();
    called
        .code(0)
        .stdout_has(" TOKEN=n-12345678 ")
        .stdout_has("PLAIN=一 ")
        .stdout_has("LC_TIME=C ");
    assert!(!called.stdout_text().contains("API_KEY"), "{called}");
    assert!(folder.join("a.pid").exists());
}
