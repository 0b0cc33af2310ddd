//! Conversations: what is kept, what `-c` and `--session` go on with, and `llm history`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, Step, chat_events, chunk, llm, spawn_in_terminal};

const LONG: Duration = Duration::from_secs(10);

/// The files of conversations.
fn files(llm: &Llm) -> Vec<PathBuf> {
    let folder = llm.folder("data").join("llm/history");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

/// The lines of the only conversation.
fn lines(llm: &Llm) -> Vec<Value> {
    let files = files(llm);
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(&files[0]).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// A server that gives these answers, and a program whose profile it is.
fn talk(answers: &[&str]) -> (Server, Llm) {
    let server = Server::start(answers.iter().map(|text| Reply::chat(&[text])).collect::<Vec<_>>());
    let llm = llm().profile(&server);
    (server, llm)
}

fn messages(server: &Server, number: usize) -> Value {
    server.requests()[number].json()["messages"].clone()
}

#[test]
fn a_conversation_goes_on() {
    let (server, llm) = talk(&["甲", "乙", "丙", "丁"]);
    let ask = |args: &[&str]| llm.clone().arg("chat").args(args).run();
    ask(&["-s", "简短", "一"]).code(0).stdout("甲\n").stderr_empty();
    ask(&["-c", "二"]).code(0).stdout("乙\n").stderr_empty();
    let before = json!([
        {"role": "system", "content": "简短"},
        {"role": "user", "content": "一"},
        {"role": "assistant", "content": "甲"},
        {"role": "user", "content": "二"},
    ]);
    assert_eq!(messages(&server, 1), before);
    ask(&["--continue", "-s", "用诗", "三"]).code(0);
    let third = messages(&server, 2);
    assert_eq!((&third[0]["content"], third.as_array().map(Vec::len)), (&json!("用诗"), Some(6)));
    // Without -c a new one begins.
    ask(&["四"]).code(0);
    assert_eq!(messages(&server, 3), json!([{"role": "user", "content": "四"}]));
    assert_eq!(files(&llm).len(), 2);
}

#[test]
fn the_service_and_the_model_stay_unless_a_flag_says_otherwise() {
    let (server, llm) = talk(&["甲", "乙", "丙"]);
    let url = server.url();
    let config = format!(
        "default = \"one\"\n[providers.one]\nbase_url = \"{url}\"\nmodel = \"m1\"\n\
         [providers.two]\nbase_url = \"{url}\"\nmodel = \"m2\"\n"
    );
    let llm = llm.config(&config).env("LLM_PROVIDER", "one").env("LLM_MODEL", "m0");
    let ask = |args: &[&str]| {
        let outcome = llm.clone().arg("chat").args(args).run();
        outcome.code(0).stderr_empty();
    };
    let model = |number: usize| server.requests()[number].json()["model"].clone();
    ask(&["-p", "two", "-m", "m3", "一"]);
    ask(&["-c", "二"]);
    assert_eq!(model(1), "m3");
    let llm = llm.clone().env("LLM_MODEL", "");
    llm.arg("chat").args(["-c", "-p", "one", "三"]).run().code(0);
    assert_eq!(model(2), "m1");
}

#[test]
fn a_server_without_a_profile_is_asked_again() {
    let (server, _) = talk(&["甲", "乙"]);
    let llm = llm().watch(&server);
    let url = server.url();
    llm.clone().args(["chat", "--base-url", &url, "-m", "q", "一"]).run().code(0);
    llm.clone().args(["chat", "-c", "二"]).run().code(0).stdout("乙\n");
    assert_eq!(server.requests()[1].json()["model"], "q");
    let line = &lines(&llm)[1];
    assert_eq!((line["base_url"].as_str(), line["user"].as_str()), (Some(&*url), Some("二")));
}

#[test]
fn a_session_has_a_name() {
    let (server, llm) = talk(&["甲", "乙", "丙", "丁", "戊"]);
    let ask = |name: &str, text: &str| llm.clone().args(["chat", "--session", name, text]).run();
    let long = "很长的名字".repeat(100);
    for name in ["../../逃", "a/b\n\u{1b}[31m.", &long] {
        ask(name, "一").code(0).stderr_empty();
    }
    ask("../../逃", "二").code(0);
    assert_eq!(messages(&server, 3).as_array().map(Vec::len), Some(3));
    assert_eq!(files(&llm).len(), 3, "{:?}", files(&llm));
    let left: Vec<_> = std::fs::read_dir(llm.folder("data")).expect("readable").collect();
    assert_eq!(left.len(), 1, "a name led out of the folder: {left:?}");
    // It is the last one now, whatever began first.
    llm.clone().args(["chat", "-c", "三"]).run().code(0);
    assert_eq!(messages(&server, 4).as_array().map(Vec::len), Some(5));
    for name in ["", " \t"] {
        ask(name, "一").code(2).stderr_has("llm: the name of the session is empty");
    }
    let both = llm.clone().args(["chat", "-c", "--session", "a", "x"]).run();
    both.code(2).stderr_has("cannot be used with");
    let shown = llm.args(["history", "show", "../../逃"]).run();
    shown.code(0).stdout_has("二").stdout_has("戊").stderr_empty();
}

#[test]
fn nothing_is_kept_where_nothing_shall_be() {
    let (_server, llm) = talk(&["甲", "乙", "丙"]);
    llm.clone().args(["chat", "--no-log", "一"]).run().code(0).stderr_empty();
    llm.clone().env("LLM_NO_LOG", "1").args(["chat", "二"]).run().code(0).stderr_empty();
    let config = std::fs::read_to_string(llm.config_file()).expect("readable");
    let quiet = llm.clone().config(&format!("log = false\n{config}"));
    quiet.args(["chat", "三"]).run().code(0).stderr_empty();
    let data = std::fs::read_dir(llm.folder("data")).expect("readable").count();
    assert_eq!(data, 0);
    let outcome = llm.clone().args(["chat", "-c", "四"]).run();
    outcome.code(2).stdout_empty().stderr_has("llm: there is no conversation to continue");
    llm.clone().args(["chat", "--dry-run", "-p", "demo", "一"]).run().code(0);
    let wrong = llm.clone().config("log = \"no\"\n").args(["chat", "五"]).run();
    wrong.code(2).stderr_has("`log` must be true or false");
    assert!(files(&llm).is_empty());
}

#[test]
fn what_cannot_be_kept_earns_a_warning() {
    let (_server, llm) = talk(&["甲"]);
    std::fs::write(llm.folder("data").join("llm"), "in the way").expect("is written");
    let outcome = llm.args(["chat", "一"]).run();
    outcome.code(0).stdout("甲\n").stderr_has("llm: warning: the conversation is not kept");
    assert_eq!(outcome.stderr_lines().len(), 1);
}

#[test]
fn an_answer_that_is_not_whole_is_kept_and_marked() {
    let cut = [chunk(json!({"content": "半"}), None), chunk(json!({}), Some("length"))];
    let cut: Vec<&str> = cut.iter().map(String::as_str).chain(["[DONE]"]).collect();
    let server = Server::start([
        Reply::sse(&cut),
        Reply::sse(&[&chunk(json!({"content": "断"}), None)]),
        Reply::json(401, json!({"error": {"message": "no key"}})),
    ]);
    let llm = llm().profile(&server).args(["chat", "--session", "甲", "问"]);
    llm.run().code(7);
    llm.run().code(6);
    llm.run().code(3);
    let ends: Vec<(Value, Value)> =
        lines(&llm).iter().map(|line| (line["end"].clone(), line["answer"].clone())).collect();
    let expected = [(json!("cut"), "半"), (json!("failed"), "断")]
        .map(|(end, text)| (end, json!({"content": text})));
    assert_eq!(ends, expected);
    assert!(lines(&llm)[1]["why"].as_str().is_some_and(|why| why.contains("ended early")));
}

#[cfg(unix)]
#[test]
fn an_interrupted_answer_is_kept_and_marked() {
    let first = format!("data: {}\n\n", chunk(json!({"content": "未完"}), None));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let steps = vec![Step::Write((head.to_owned() + &first).into_bytes()), Step::UntilClosed];
    let server = Server::start([Reply::raw(steps)]);
    let llm = llm().profile(&server).args(["chat", "问"]);
    let mut running = llm.spawn();
    running.read_stdout_until("未完", LONG);
    running.signal("INT");
    running.wait().code(130);
    let line = &lines(&llm)[0];
    assert_eq!((&line["end"], &line["answer"]["content"]), (&json!("interrupted"), &json!("未完")));
}

#[test]
fn thinking_is_sent_back_where_the_service_wants_it() {
    let think = || {
        let events = [
            chunk(json!({"reasoning_content": "想"}), None),
            chunk(json!({"content": "答"}), Some("stop")),
        ];
        let events: Vec<&str> = events.iter().map(String::as_str).chain(["[DONE]"]).collect();
        Reply::sse(&events)
    };
    for (field, expected) in [
        ("", json!({"role": "assistant", "content": "答"})),
        (
            "echo_reasoning = \"reasoning_content\"\n",
            json!({"role": "assistant", "content": "答", "reasoning_content": "想"}),
        ),
    ] {
        let server = Server::start([think(), think()]);
        let url = server.url();
        let profile = format!("[providers.x]\nbase_url = \"{url}\"\nmodel = \"m\"\n{field}");
        let llm = llm().watch(&server).config(&profile);
        llm.clone().args(["chat", "一"]).run().code(0);
        llm.args(["chat", "-c", "二"]).run().code(0);
        assert_eq!(messages(&server, 1)[1], expected);
    }
}

#[test]
fn two_runs_on_one_session_are_both_kept() {
    let held = |text: &str| {
        let events = chat_events(&[text]);
        Reply::sse(&events.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let server = Server::start((0..30).map(|_| held("答")).collect::<Vec<_>>());
    let llm = llm().profile(&server).args(["chat", "--session", "同"]);
    let running: Vec<_> =
        (0..30).map(|number| llm.clone().arg(format!("问{number}")).spawn()).collect();
    for run in running {
        run.wait().code(0).stdout("答\n").stderr_empty();
    }
    let mut asked: Vec<String> = lines(&llm).iter().map(|line| line["user"].to_string()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 30);
}

#[test]
fn a_terminal_goes_on_with_its_own_conversation() {
    let (server, llm) = talk(&["甲", "乙", "丙"]);
    let line = |text: &str| {
        let program = env!("CARGO_BIN_EXE_llm");
        let script = format!("'{program}' chat 一 && sleep 1 && '{program}' chat -c {text}");
        crate::support::program("sh").args(["-c", &script])
    };
    // A second conversation begins elsewhere while the first one waits.
    let shell = line("二");
    let place = [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")];
    let shell =
        place.into_iter().fold(shell, |shell, (name, folder)| shell.env(name, llm.folder(folder)));
    let Some(running) = spawn_in_terminal(&shell) else { return };
    server.wait_requests(1, LONG);
    std::thread::sleep(Duration::from_millis(300));
    llm.clone().args(["chat", "外"]).run().code(0);
    let _ = running.wait();
    assert_eq!(messages(&server, 2)[0]["content"], "一");
}

#[test]
fn history_lists_and_shows() {
    let (_server, llm) = talk(&["甲\n乙", "丙"]);
    llm.clone()
        .args(["history"])
        .run()
        .code(0)
        .stdout_empty()
        .stderr_has("no conversation is kept");
    llm.clone().args(["chat", "写一首\n关于秋天的诗"]).run().code(0);
    std::thread::sleep(Duration::from_millis(20));
    llm.clone().args(["chat", "--session", "周报", "Second one"]).run().code(0);
    let history = |args: &[&str]| llm.clone().env("TZ", "CST-8").arg("history").args(args).run();
    let list = history(&[]);
    list.code(0).stderr_empty();
    let text = list.stdout_text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].starts_with("周报          20") && rows[0].ends_with("  Second one"), "{text}");
    assert!(rows[1].ends_with("test/test-model   写一首 关于秋天的诗"), "{text}");
    let listed = history(&["list", "--json"]).stdout_json();
    assert_eq!((&listed[0]["session"], &listed[1]["turns"]), (&json!("周报"), &json!(1)));
    let id = listed[1]["id"].as_str().expect("an id").to_owned();
    assert!(rows[1].starts_with(&id), "{text}");
    history(&["list", "-n", "1"]).code(0).stderr_has("1 of 2 are listed");

    let shown = history(&["show", &id[..11]]);
    shown
        .code(0)
        .stderr_empty()
        .stdout_has("# you · 20")
        .stdout_has(" CST\n\n写一首\n关于秋天的诗\n\n");
    shown.stdout_has("# test/test-model\n\n甲\n乙\n");
    history(&["show"]).code(0).stdout_has("Second one");
    let whole = history(&["show", &id, "--json"]).stdout_json();
    assert_eq!(whole["turns"][0]["answer"]["content"], "甲\n乙");
    let exported = history(&["export", "周报"]).stdout_json();
    let expected =
        json!([{"role": "user", "content": "Second one"}, {"role": "assistant", "content": "丙"}]);
    assert_eq!(exported, expected);
}

#[test]
fn history_searches_and_removes() {
    let (_server, llm) = talk(&["秋风起", "Spring rain"]);
    for text in ["写一首诗", "About SPRING"] {
        llm.clone().args(["chat", text]).run().code(0);
    }
    let history = |args: &[&str]| llm.clone().arg("history").args(args).run();
    let count = |args: &[&str]| history(args).stdout_text().lines().count();
    assert_eq!(count(&["search", "秋风", "诗"]), 1);
    assert_eq!(count(&["search", "sPRING", "about"]), 1);
    assert_eq!(count(&["search", "秋", "rain"]), 0);
    history(&["search", "冬"]).code(0).stdout_empty().stderr_has("no conversation has all these");
    history(&["search"]).code(2);
    assert_eq!(history(&["search", "冬", "--json"]).stdout_json(), json!([]));

    let listed = history(&["list", "--json"]).stdout_json();
    let id = listed[0]["id"].as_str().expect("an id");
    history(&["rm", id, "none"]).code(2).stderr_has("there is no conversation `none`");
    assert_eq!(files(&llm).len(), 2);
    history(&["rm", id]).code(0).stdout_empty().stderr_empty();
    assert_eq!(files(&llm).len(), 1);
    history(&["show", id]).code(2).stderr_has("there is no conversation");
    history(&["show", "1"]).code(0);
    history(&["show", ""]).code(2);
}

#[test]
fn a_broken_line_is_named_and_left_alone() {
    let (server, llm) = talk(&["甲", "乙"]);
    llm.clone().args(["chat", "一"]).run().code(0);
    let path = files(&llm).remove(0);
    let mut bytes = std::fs::read(&path).expect("readable");
    bytes.extend_from_slice(b"{\"turn\":\"x\xff\n[]\n{\"turn\"");
    std::fs::write(&path, &bytes).expect("is written");
    let outcome = llm.clone().args(["chat", "-c", "二"]).run();
    outcome.code(0).stdout("乙\n");
    let words = "lines 2, 3, 4 can't be read and are skipped";
    outcome.stderr(&format!("llm: warning: {}: {words}\n", path.display()));
    assert_eq!(messages(&server, 1).as_array().map(Vec::len), Some(3));
    let now = std::fs::read(&path).expect("readable");
    assert!(now.starts_with(&bytes), "something was deleted");
    let shown = llm.args(["history", "show"]).run();
    shown.code(0).stdout_has("一").stdout_has("乙").stderr_has("lines 2, 3, 4");
}

/// With many conversations on disk a question looks at none of them: no folder is listed.
#[cfg(target_os = "linux")]
#[test]
fn a_question_lists_no_folder() {
    // It may be missing, and a container may forbid it.
    let strace = || std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    let is_there = strace().is_ok_and(|status| status.success());
    if !is_there {
        return;
    }
    let (server, llm) = talk(&["甲"]);
    let trace = llm.dir().join("trace");
    let program = crate::support::program("strace")
        .args(["-f", "-e", "trace=getdents64,openat,connect", "-o"])
        .arg(&trace)
        .args([env!("CARGO_BIN_EXE_llm"), "chat", "一"])
        .env("XDG_CONFIG_HOME", llm.folder("config"))
        .env("XDG_DATA_HOME", llm.folder("data"))
        .watch(&server);
    program.run().code(0).stdout("甲\n");
    let text = std::fs::read_to_string(&trace).expect("readable");
    let data = llm.folder("data").display().to_string();
    let before = text.split("connect(").next().unwrap_or_default();
    assert!(!before.contains(&data), "before the request:\n{before}");
    assert!(!text.contains("getdents64"), "a folder was listed:\n{text}");
    assert!(text.contains(&data), "nothing was kept:\n{text}");
}

#[test]
fn history_can_be_removed_as_a_whole_or_by_age() {
    let (_server, llm) = talk(&["甲", "乙"]);
    for (name, question) in [("旧", "一"), ("新", "二")] {
        llm.clone().arg("chat").args(["--session", name, question]).run().code(0);
    }
    let history = |args: &[&str]| llm.clone().bare_args(["history"]).args(args).run();
    let old = files(&llm)
        .into_iter()
        .find(|path| std::fs::read_to_string(path).expect("readable").contains("\"user\":\"一\""));
    let old = old.expect("is kept");
    let text = std::fs::read_to_string(&old).expect("readable");
    let turn: Value = serde_json::from_str(text.trim()).expect("JSON");
    let time = turn["time"].as_str().expect("a time").to_owned();
    std::fs::write(&old, text.replace(&time, "2026-01-02T12:00:00Z")).expect("written");
    let inputs = llm.folder("data").join("llm/inputs.jsonl");
    let key = old.file_stem().expect("a name").to_string_lossy().into_owned();
    let typed = format!("\"alt\"\n{}\n", json!({"text": "一", "conversation": key}));
    std::fs::write(&inputs, typed).expect("written");

    // Nobody can be asked here, and one of the three ways is chosen.
    history(&["rm", "--all"]).code(2).stderr_has("no terminal to ask on").stderr_has("--yes");
    history(&["rm", "--before", "2026-01-03"]).code(2);
    history(&["rm"]).code(2);
    history(&["rm", "--all", "旧"]).code(2);
    history(&["rm", "--before", "gestern", "--yes"]).code(2).stderr_has("2026-11-01");
    assert_eq!(files(&llm).len(), 2);
    history(&["rm", "--before", "2026-01-01", "--yes"])
        .code(0)
        .stderr_has("no conversation is older");
    assert_eq!(files(&llm).len(), 2);

    history(&["rm", "--before", "2026-01-04", "--yes"]).code(0).stdout_empty();
    assert_eq!(files(&llm).len(), 1);
    assert_eq!(std::fs::read_to_string(&inputs).expect("readable"), "\"alt\"\n");
    // What the runs took is kept, and said where.
    let notes = llm.folder("data").join("llm/usage.jsonl");
    let removed = history(&["rm", "--all", "--yes"]);
    removed.code(0).stdout_empty().stderr_has(&format!("stay in {}", notes.display()));
    assert!(files(&llm).is_empty() && !inputs.exists());
    assert_eq!(std::fs::read_to_string(&notes).expect("is there").lines().count(), 2);
    history(&["rm", "--all", "--yes"]).code(0);
}

#[test]
fn the_folder_is_told() {
    let folder = llm().arg("history").arg("path");
    let path = folder.folder("data").join("llm");
    let run = folder.run();
    run.code(0).stdout(&format!("{}\n", path.display())).stderr_empty();
    assert!(!path.exists());
    let elsewhere = folder.env("XDG_DATA_HOME", "/nowhere/数据").run();
    elsewhere.code(0).stdout("/nowhere/数据/llm\n");
}

#[test]
fn without_an_id_the_last_conversation_is_exported() {
    let (_server, llm) = talk(&["甲", "乙"]);
    let export = llm.clone().bare_args(["history", "export"]);
    export.run().code(2).stderr_has("no conversation is kept yet");
    llm.clone().args(["chat", "一"]).run().code(0);
    llm.clone().args(["chat", "二"]).run().code(0);
    let messages = export.run().code(0).stdout_json();
    assert_eq!(messages[0]["content"], "二");
    assert_eq!(messages[1]["content"], "乙");
}

#[test]
fn removing_all_is_asked_for_on_a_terminal() {
    let (_server, llm) = talk(&["甲"]);
    llm.clone().arg("chat").arg("一").run().code(0);
    let rm = llm.clone().bare_args(["history", "rm", "--all"]);
    for (answer, left) in [("n\r", 1), ("y\r", 0)] {
        let Some(mut run) = spawn_in_terminal(&rm) else { return };
        run.read_stdout_until("anything else = no", LONG);
        run.write_stdin(answer);
        run.wait().code(0);
        assert_eq!(files(&llm).len(), left);
    }
}

#[test]
fn the_number_of_listed_conversations_may_stand_without_list() {
    let (_server, llm) = talk(&["甲", "乙"]);
    for question in ["一", "二"] {
        llm.clone().arg("chat").arg(question).run().code(0);
    }
    let listed = |args: &[&str]| llm.clone().bare_args(["history"]).args(args).run().stdout_text();
    assert_eq!(listed(&["-n", "1"]).lines().count(), 1);
    assert_eq!(listed(&["-n", "0"]).lines().count(), 2);
    assert_eq!(listed(&["list", "-n", "0"]).lines().count(), 2);
}

#[test]
fn nothing_on_a_terminal_can_steer_it() {
    let (_server, llm) = talk(&["甲\u{9b}2J"]);
    llm.clone().arg("chat").args(["--session", "名", "问\u{202e}\u{9b}31m"]).run().code(0);
    for args in [
        &["history"][..],
        &["history", "--json"],
        &["history", "show", "名"],
        &["history", "show", "名", "--json"],
        &["history", "export", "名"],
        &["chat", "-c", "--dry-run", "--no-stdin", "再"],
    ] {
        let Some(run) = spawn_in_terminal(&llm.clone().bare_args(args)) else { return };
        let shown = run.wait().code(0).stdout_text();
        assert!(!shown.contains(['\u{9b}', '\u{202e}']), "{args:?}: {shown}");
        assert!(shown.contains("202e"), "{args:?}: {shown}");
    }
}
