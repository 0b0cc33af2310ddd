//! The part of the support that runs programs is tested with the system's own small programs.
#![cfg(unix)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::json;

use crate::support::{Llm, Reply, Server, in_terminal, llm, program, spawn_in_terminal};

const LONG: Duration = Duration::from_secs(10);

fn sh(script: &str) -> Llm {
    program("sh").args(["-c", script])
}

/// The words of the panic that `action` ends in.
fn panic_of(action: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(action)).expect_err("no panic came");
    *panic.downcast::<String>().expect("the panic has words")
}

#[test]
fn the_binary_under_test_is_there() {
    let path = llm().run();
    assert!(path.code.is_some(), "{path}");
}

#[test]
fn both_streams_and_the_code_are_caught() {
    let run = sh("printf '你好'; echo problem >&2; exit 7").run();
    run.code(7)
        .stdout("你好")
        .stdout_bytes("你好".as_bytes())
        .stdout_has("好")
        .stderr("problem\n")
        .stderr_has("prob")
        .stderr_lacks("secret");
    assert_eq!(run.stderr_lines(), ["problem"]);
    assert_eq!(run.signal, None);
    sh("true").run().code(0).stdout_empty().stderr_empty();
    assert_eq!(sh("echo '{\"a\":1}'").run().stdout_json(), json!({"a": 1}));
}

#[test]
fn the_environment_and_the_folders_are_clean() {
    let command = sh("env | sort").env("EXTRA", "1");
    let text = command.run().stdout_text();
    let names: Vec<&str> = text.lines().filter_map(|l| l.split('=').next()).collect();
    let known = [
        "EXTRA",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "SHLVL",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "_",
        "OLDPWD",
    ];
    for name in names.iter().filter(|name| !name.starts_with("__CF")) {
        assert!(known.contains(name), "{name} in\n{text}");
    }
    assert!(text.contains(&format!("HOME={}\n", command.folder("home").display())));
    sh("ls -A; ls -A \"$HOME\"").run().stdout("");
}

#[test]
fn the_profile_file_is_private_and_a_clone_shares_the_place() {
    let server = Server::new().allow_unused().start();
    let command = program("sh").profile(&server).file("说明.txt", "正文");
    let script = "ls -l \"$XDG_CONFIG_HOME\"/llm | grep -o rw-------; cat \"$XDG_CONFIG_HOME\"/llm/providers.toml 说明.txt; echo more > new";
    command
        .clone()
        .args(["-c", script])
        .run()
        .stderr_empty()
        .stdout(&format!(
            "rw-------\n[providers.test]\nbase_url = \"http://127.0.0.1:{}/v1\"\nmodel = \"test-model\"\n正文",
            server.port()
        ));
    let again = command.args(["-c", "cat new"]).run();
    again.stdout("more\n");
    assert_eq!(again.read("new"), b"more\n");
}

#[test]
fn standard_input_is_empty_or_bytes_or_an_open_pipe() {
    program("cat").run().code(0).stdout("");
    let large = "输入".repeat(100_000);
    program("cat").stdin(&large).run().code(0).stdout(&large);
    let mut cat = program("cat").stdin_pipe_open().spawn();
    cat.write_stdin("一\n");
    assert_eq!(cat.read_stdout_until("一\n", LONG), "一\n");
    cat.write_stdin("二\n");
    assert_eq!(cat.read_stdout_until("二\n", LONG), "一\n二\n");
    cat.close_stdin();
    cat.wait().code(0).stdout("一\n二\n");
}

#[test]
fn a_program_that_hangs_is_killed_with_a_report() {
    let command =
        sh("echo begun; echo warned >&2; exec sleep 60").watchdog(Duration::from_millis(300));
    let words = panic_of(|| drop(command.run()));
    for part in ["not finished within 300ms", "| begun", "| warned", "sleep 60"] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn a_signal_ends_a_program() {
    let mut sleeper = sh("echo ready; exec sleep 60").spawn();
    sleeper.read_stdout_until("ready", LONG);
    sleeper.signal("INT");
    let outcome = sleeper.wait();
    assert_eq!((outcome.code, outcome.signal), (None, Some(2)));
    assert!(outcome.elapsed < LONG);
}

#[test]
fn a_closed_reader_is_noticed_by_the_program() {
    let mut yes = program("yes").spawn();
    yes.read_stdout_until("y\n", LONG);
    yes.close_stdout();
    assert_eq!(yes.wait().signal, Some(13));
}

#[test]
fn text_that_does_not_come_fails_with_a_report() {
    let words = panic_of(|| {
        let mut early = sh("echo other").spawn();
        early.read_stdout_until("wanted", LONG);
    });
    assert!(words.starts_with("`wanted` did not come on standard output"), "{words}");
    assert!(words.contains("| other"), "{words}");
}

#[test]
fn a_failed_assertion_tells_everything() {
    let server = Server::start([Reply::text(200, "fine")]);
    std::net::TcpStream::connect(("127.0.0.1", server.port()))
        .and_then(|mut stream| {
            std::io::Write::write_all(&mut stream, b"GET /seen HTTP/1.1\r\n\r\n")
        })
        .unwrap();
    server.wait_requests(1, LONG);
    let run = sh("printf 'a\\033[1m\\tb'; echo 错 >&2; exit 3").watch(&server).run();
    for assertion in [
        panic_of(|| drop(run.code(0).dir())),
        panic_of(|| drop(run.stdout("x").dir())),
        panic_of(|| drop(run.stderr("x").dir())),
        panic_of(|| drop(run.stderr_has("missing").dir())),
        panic_of(|| drop(run.stderr_lacks("错").dir())),
        panic_of(|| drop(run.stderr_empty().dir())),
        panic_of(|| drop(run.stdout_bytes(b"ax").dir())),
        panic_of(|| drop(run.stdout_json())),
    ] {
        for part in ["printf", "code: Some(3)", r"| a\u{1b}[1m\tb", r"| 错\n", "GET /seen"] {
            assert!(assertion.contains(part), "no {part} in {assertion}");
        }
    }
}

#[test]
fn a_terminal_is_a_terminal() {
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size; printf '%s' \"it's 终端\"";
    let Some(shown) = in_terminal(&sh(script)) else {
        return;
    };
    assert_eq!(shown, "24 80\r\nit's 终端");
}

#[test]
fn a_terminal_takes_what_is_typed() {
    let Some(mut shell) = spawn_in_terminal(&sh("read line; echo \"got $line\"; exec sleep 60"))
    else {
        return;
    };
    shell.write_stdin("字\r");
    shell.read_stdout_until("got 字", LONG);
    shell.write_stdin("\x03");
    shell.wait().code(130);
}
