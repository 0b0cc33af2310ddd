//! A conversation that version 0.1 kept (tests/history): calls of tools, thinking, a file, several
//! answers, one that was cut and one that broke off. It is shown, exported, gone on with as by the
//! program that wrote it, and its lines stay as they are.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, chunk, llm};

const NAME: &str = "天气";

/// What 0.1 wrote or printed.
fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/history").join(name);
    std::fs::read_to_string(path).expect("the sample is there")
}

fn json_sample(name: &str) -> Value {
    serde_json::from_str(&sample(name)).expect("the sample is JSON")
}

/// The file of the conversation in a program's data folder, put there.
fn kept(llm: &Llm) -> PathBuf {
    let folder = llm.folder("data").join("llm/history");
    std::fs::create_dir_all(&folder).expect("is made");
    let path = folder.join("@%E5%A4%A9%E6%B0%94.jsonl");
    std::fs::write(&path, sample("0.1.jsonl")).expect("is written");
    path
}

#[test]
fn it_is_shown_exported_and_found_as_before() {
    let llm = llm().env("TZ", "UTC");
    kept(&llm);
    let history = |args: &[&str]| llm.clone().arg("history").args(args).run();
    history(&["show", NAME]).code(0).stdout(&sample("0.1-shown.txt")).stderr_empty();
    assert_eq!(history(&["show", NAME, "--json"]).stdout_json(), json_sample("0.1-shown.json"));
    assert_eq!(history(&["export", NAME]).stdout_json(), json_sample("0.1-exported.json"));
    for words in ["weather", "23 度", "先查", "乙", "简短"] {
        assert_eq!(history(&["search", words]).stdout_text().lines().count(), 1, "{words}");
    }
}

#[test]
fn it_goes_on_and_its_lines_stay() {
    let expected = json_sample("0.1-sent.json");
    for (name, more) in [("test", ""), ("other", "echo_reasoning = \"reasoning_content\"")] {
        let server = Server::start([Reply::chat(&["好"])]);
        let url = server.url();
        let profile = format!("[providers.{name}]\nbase_url = \"{url}\"\nmodel = \"m\"\n{more}\n");
        let llm = llm().watch(&server).config(&profile);
        let path = kept(&llm);
        // The picture's content is not in the sample.
        let run = llm.args(["chat", "-p", name, "--session", NAME, "然后呢？"]).run();
        run.code(0).stdout("好\n").stderr_has("only the name of 图.png is sent");
        let mut sent = server.request().json()["messages"].clone();
        let mut expected = expected[name].clone();
        let (picture, name_of_it) = (&mut expected[10], &mut sent[10]);
        assert_eq!(picture["content"][0]["text"], "这是什么？");
        assert_eq!(name_of_it["content"], "这是什么？\n\n[attached: 图.png]");
        (*picture, *name_of_it) = (Value::Null, Value::Null);
        assert_eq!(sent, expected, "{name}");
        let now = std::fs::read_to_string(&path).expect("readable");
        assert!(now.starts_with(&sample("0.1.jsonl")), "a line was changed");
    }
}

#[cfg(unix)]
#[test]
fn new_turns_are_appended_in_the_form_of_today() {
    let call = json!({"index": 0, "id": "c1", "type": "function",
        "function": {"name": "weather", "arguments": "{}"}, "extra_content": {"google": 1}});
    let calling = [
        chunk(json!({"reasoning_content": "想", "tool_calls": [call]}), None),
        chunk(json!({}), Some("tool_calls")),
        "[DONE]".to_owned(),
    ];
    let cited = json!({"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "甲"}});
    let answer = [
        chunk(json!({"content": "晴", "annotations": [cited]}), Some("stop")),
        "[DONE]".to_owned(),
    ];
    let server = Server::start([Reply::sse(&calling), Reply::sse(&answer)]);
    let tool = "[tools.weather]\ncommand = [\"echo\", \"23 度\"]\n";
    let url = server.url();
    let profile = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{tool}");
    let llm = llm().watch(&server).config(&profile);
    let path = kept(&llm);
    let ask = ["chat", "--session", NAME, "--tool", "weather", "--yes", "再查"];
    llm.clone().args(ask).run().code(0).stdout("晴\n");
    let text = std::fs::read_to_string(&path).expect("readable");
    let last: Value =
        text.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("JSON");
    let kept = json!({"id": "c1", "name": "weather", "arguments": "{}",
        "extra": {"extra_content": {"google": 1}}, "result": "23 度"});
    assert_eq!(last["rounds"], json!([{"content": "", "reasoning": "想", "calls": [kept]}]));
    let source = json!({"url": "https://a.example", "title": "甲", "number": 1});
    assert_eq!(last["answer"], json!({"content": "晴", "sources": [source]}));
    // Other programs see calls as before, in old turns and in new ones.
    let shown = llm.clone().args(["history", "show", NAME, "--json"]).run().stdout_json();
    let steps = &shown["turns"][5]["steps"];
    assert_eq!(steps[0]["reasoning"], "想");
    assert_eq!(steps[0]["tool_calls"][0]["extra_content"], json!({"google": 1}));
    assert_eq!(steps[1], json!({"role": "tool", "tool_call_id": "c1", "content": "23 度"}));
}
