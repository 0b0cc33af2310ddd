//! `llm chat` on a terminal without a prompt: a conversation that survives its questions.
#![cfg(unix)]

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Running, Server, Step, chunk, llm, spawn_in_terminal};

const LONG: Duration = Duration::from_secs(15);

/// Types these lines, each when what stands before it has been shown; then leaves.
#[track_caller]
fn converse(llm: &Llm, lines: &[(&str, &str)]) -> Option<Outcome> {
    let mut run: Running = spawn_in_terminal(llm)?;
    for (before, typed) in lines {
        run.read_stdout_until(before, LONG);
        // What is typed before the line editor listens is shown twice, but not lost.
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(typed);
    }
    Some(run.wait())
}

fn talk(answers: &[&str]) -> (Server, Llm) {
    let server = Server::start(answers.iter().map(|text| Reply::chat(&[text])).collect::<Vec<_>>());
    let llm = llm().profile(&server).arg("chat");
    (server, llm)
}

fn contents(server: &Server, number: usize) -> Vec<Value> {
    let body = server.requests()[number].json();
    let messages = body["messages"].as_array().expect("a list");
    messages.iter().map(|message| message["content"].clone()).collect()
}

#[test]
fn a_conversation_goes_on_and_is_kept() {
    let (server, llm) = talk(&["答甲", "答乙", "答丙"]);
    let lines = [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0).stdout_has("llm: test, test-model; /help lists the commands");
    assert_eq!(contents(&server, 1), ["一", "答甲", "二"]);
    let lines = [("after 2 questions", "三\r"), ("答丙", "/exit\r")];
    let Some(outcome) = converse(&llm.clone().arg("-c"), &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 2), ["一", "答甲", "二", "答乙", "三"]);
    let list = llm.clone().bare_args(["history", "list", "--json"]).run().stdout_json();
    assert_eq!((list[0]["turns"].clone(), list.as_array().map(Vec::len)), (json!(3), Some(1)));
}

#[test]
fn a_model_that_stood_in_once_is_asked_from_then_on() {
    let missing = Reply::json(404, json!({"error": {"message": "model 'qwen3' not found"}}));
    let list = Reply::json(200, json!({"data": [{"id": "llama3.2:3b"}, {"id": "bge-m3"}]}));
    let server = Server::start([missing, list, Reply::chat(&["答甲"]), Reply::chat(&["答乙"])]);
    let host = format!("127.0.0.1:{}", server.port());
    let llm = llm().watch(&server).env("OLLAMA_HOST", host).args(["chat", "-p", "ollama"]);
    let lines = [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0).stdout_has("llm: ollama, qwen3; /help lists the commands");
    let last = server.requests()[3].json();
    assert_eq!(
        (&last["model"], &last["messages"][1]["content"]),
        (&json!("llama3.2:3b"), &json!("答甲"))
    );
    // A conversation asks for the count of tokens: it is how a lost beginning is noticed.
    assert_eq!(last["stream_options"], json!({"include_usage": true}));
}

#[test]
fn control_c_stops_the_answer_and_not_the_conversation() {
    let part = |text: &str| {
        Reply::sse(&[&chunk(json!({"content": text}), None)]).then([Step::UntilClosed])
    };
    let server = Server::start([part("半甲"), part("半乙"), Reply::chat(&["答丙"])]);
    let llm = llm().profile(&server).arg("chat");
    let lines = [
        ("leaves", "清掉\x03"),
        ("清掉", "一\r"),
        ("半甲", "\x03"),
        ("was stopped", "二\r"),
        ("半乙", "\x03"),
        ("", "三\r"),
        ("答丙", "\x04"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 2), ["一", "半甲", "二", "半乙", "三"]);
    let shown = llm.bare_args(["history", "show"]).run();
    shown.code(0).stdout_has("半甲\n\n(interrupted)\n");
}

#[test]
fn wide_characters_are_edited_and_a_paste_is_not_sent_by_its_first_newline() {
    let (server, llm) = talk(&["答甲", "答乙", "答丙"]);
    let lines = [
        ("leaves", "你好世界\x1b[D\x1b[D\x7f大\r"),
        ("答甲", "\x1b[200~贴一 \\\r贴二\x1b[201~尾\r"),
        ("答乙", "行一\\\r行二\r"),
        ("答丙", "\x04"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    let last = |number: usize| contents(&server, number).pop();
    assert_eq!(last(0), Some(json!("你大世界")));
    assert_eq!(last(1), Some(json!("贴一 \\\n贴二尾")));
    assert_eq!(last(2), Some(json!("行一\n行二")));
}

#[test]
fn errors_of_one_question_leave_the_conversation_alone() {
    let cut = [chunk(json!({"content": "切"}), None), chunk(json!({}), Some("length"))];
    let cut: Vec<&str> = cut.iter().map(String::as_str).chain(["[DONE]"]).collect();
    let server = Server::start([
        Reply::json(401, json!({"error": {"message": "bad key"}})),
        Reply::chat(&["答甲"]),
        Reply::sse(&cut),
    ]);
    let llm = llm().profile(&server).arg("chat");
    let lines = [
        ("leaves", "一\r"),
        ("bad key", "/retry\r"),
        ("答甲", "/provider nobody\r"),
        ("no profile `nobody`", "/modle x\r"),
        ("no command /modle", "二\r"),
        ("was cut at the token limit", "\x04"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0).stdout_has("llm: warning: the answer was cut");
    assert_eq!(contents(&server, 1), ["一"]);
    assert_eq!(contents(&server, 2), ["一", "答甲", "二"]);
}

#[test]
fn the_commands_of_a_conversation_work() {
    let (server, llm) = talk(&["答甲", "答乙", "答丙", "答丁"]);
    let llm = llm.file("说明.txt", "内容\n");
    let lines = [
        ("leaves", "/system 用诗\r/model m2\r/file 没有\r"),
        ("cannot read 没有", "/file 说明.txt\r"),
        ("will be put before", "一\r"),
        ("答甲", "/undo\r"),
        ("removed: ", "二\r"),
        ("答乙", "/retry\r"),
        ("答丙", "/save 对话.md\r"),
        ("对话.md is written", "/clear\r"),
        ("a new conversation begins", "/usage\r"),
        ("usage is shown", "三\r"),
        ("usage: ", "/help\r"),
        ("stops an answer", "/exit\r"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 0), ["用诗", "说明.txt:\n```\n内容\n```\n\n一"]);
    assert_eq!(server.requests()[0].json()["model"], "m2");
    assert_eq!(contents(&server, 1), ["用诗", "二"]);
    assert_eq!(contents(&server, 2), ["用诗", "二"]);
    assert_eq!(contents(&server, 3), ["用诗", "三"]);
    let saved = String::from_utf8(outcome.read("对话.md")).expect("is UTF-8");
    assert!(saved.contains("用诗") && saved.contains("答丙") && !saved.contains("答乙"), "{saved}");
}

#[test]
fn usage_tells_what_the_conversation_took_so_far() {
    let counted = || {
        let usage = json!({"prompt_tokens": 1000, "completion_tokens": 500});
        let end = json!({"choices": [], "usage": usage}).to_string();
        Reply::sse(&[&chunk(json!({"content": "数"}), Some("stop")), &end, "[DONE]"])
    };
    let server = Server::start([counted(), Reply::chat(&["不数"]), counted()]);
    let url = server.url();
    let prices = "[{ input = 1, output = 2, currency = \"元\" }]";
    let llm = llm().config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\nprices = {prices}\n"
    ));
    let lines = [
        ("leaves", "一\r"),
        ("数\r\n", "二\r"),
        ("不数\r\n", "三\r"),
        ("数\r\n", "/usage\r"),
        ("so far 2000 tokens in, 1000 out, 0.0040 元 (1 of 3 answers were not counted)", "/exit\r"),
    ];
    let Some(outcome) = converse(&llm.watch(&server).arg("chat"), &lines) else { return };
    outcome.code(0);
}

#[test]
fn nothing_of_a_conversation_is_kept_where_nothing_shall_be() {
    let (server, llm) = talk(&["答甲", "答乙"]);
    let lines = [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")];
    let Some(outcome) = converse(&llm.clone().arg("--no-log"), &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 1), ["一", "答甲", "二"]);
    assert_eq!(std::fs::read_dir(llm.folder("data")).expect("readable").count(), 0);
}

#[test]
fn an_input_of_several_lines_comes_back_as_it_was_sent() {
    let (server, llm) = talk(&["答甲", "答乙"]);
    let lines = [("leaves", "一\\\r二\r"), ("答甲", "\x1b[A\r"), ("答乙", "\x04")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 1), ["一\n二", "答甲", "一\n二"]);
    // What was typed names its conversation, and goes with it.
    let inputs = llm.folder("data").join("llm/inputs.jsonl");
    let text = std::fs::read_to_string(&inputs).expect("is kept");
    let first: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    let id = first["conversation"].as_str().expect("a conversation").to_owned();
    assert_eq!(first["text"], "一\n二");
    llm.clone().bare_args(["history", "rm", &id]).run().code(0);
    assert_eq!(std::fs::read_to_string(&inputs).expect("is there"), "");
}

#[test]
fn keys_make_new_lines_and_three_quotes_hold_several() {
    let (server, llm) = talk(&["答甲", "答乙", "答丙"]);
    let lines = [
        ("leaves", "一\x1b\r二\r"),
        ("答甲", "三\n四\r"),
        ("答乙", "\"\"\"\r五\r\r六\r\"\"\"\r"),
        ("答丙", ":q\r"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    let last = |number: usize| contents(&server, number).pop();
    assert_eq!(last(0), Some(json!("一\n二")));
    assert_eq!(last(1), Some(json!("三\n四")));
    assert_eq!(last(2), Some(json!("五\n\n六")));
}

/// An answer whose text comes after a while, and its end after another one.
fn slowly(text: &str, before: Duration, behind: Duration) -> Reply {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let write = |text: String| Step::Write(text.into_bytes());
    Reply::raw([
        Step::Wait(before),
        write(format!("{head}data: {}\n\n", chunk(json!({"content": text}), None))),
        Step::Wait(behind),
        write(format!("data: {}\n\ndata: [DONE]\n\n", chunk(json!({}), Some("stop")))),
        Step::Close,
    ])
}

#[test]
fn words_typed_while_an_answer_comes_wait_for_their_turn() {
    let slow = slowly("答甲", Duration::ZERO, Duration::from_millis(1500));
    let server = Server::start([slow, Reply::chat(&["答乙"]), Reply::chat(&["答丙"])]);
    let llm = llm().profile(&server).arg("chat");
    let lines = [("leaves", "一\r"), ("答甲", "二\r三\r"), ("答丙", "exit\r")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 1), ["一", "答甲", "二"]);
    assert_eq!(contents(&server, 2), ["一", "答甲", "二", "答乙", "三"]);
}

#[test]
fn full_width_signs_fields_models_and_the_clipboard() {
    let list = Reply::json(200, json!({"data": [{"id": "qwen3:8b"}, {"id": "bge-m3"}]}));
    let server = Server::start([Reply::chat(&["答甲"]), list, Reply::chat(&["答乙"])]);
    let llm = llm().profile(&server).arg("chat");
    let lines = [
        ("leaves", "／set top_k＝3\r"),
        ("top_k is set", "/set temperature 0.5\r"),
        ("temperature is set", "/set\r"),
        ("temperature = 0.5", "一\r"),
        ("答甲", "/copy\r"),
        ("2 characters are sent", "/models qwen\r"),
        ("qwen3:8b", "/set top_k\r"),
        ("top_k is taken back", "/model qw\t\r"),
        ("test, qwen3:8b", "二\r"),
        ("答乙", "：q\r"),
    ];
    let Some(outcome) = converse(&llm, &lines) else { return };
    // 答甲 in base64, as terminals take it for their clipboard.
    outcome.code(0).stdout_has("\u{1b}]52;c;562U55Sy\u{7}");
    let (first, last) = (server.requests()[0].json(), server.requests()[2].json());
    assert_eq!((&first["top_k"], &first["model"]), (&json!(3), &json!("test-model")));
    assert_eq!(first["temperature"], json!(0.5));
    assert_eq!((&last["top_k"], &last["model"]), (&Value::Null, &json!("qwen3:8b")));
}

#[test]
fn a_terminal_that_knows_no_sequences_gets_none_for_its_clipboard() {
    let (server, llm) = talk(&["答甲"]);
    let dumb = llm.in_place("env").args(["TERM=dumb", env!("CARGO_BIN_EXE_llm"), "chat"]);
    let lines = [("leaves", "一\r"), ("答甲", "/copy\r"), ("TERM=dumb", "exit\r")];
    let Some(outcome) = converse(&dumb.watch(&server), &lines) else { return };
    outcome.code(0);
    assert!(!outcome.stdout_text().contains("\u{1b}]52"), "{outcome}");
}

#[test]
fn a_message_is_written_in_the_editor() {
    let (server, llm) = talk(&["答甲"]);
    let editor = "#!/bin/sh\nprintf '\\n第二行\\n' >> \"$1\"\n";
    let llm = llm.file("editor", editor).env("EDITOR", "sh ./editor");
    let lines = [("leaves", "/edit 第一行\r"), ("答甲", "quit\r")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0);
    assert_eq!(contents(&server, 0), ["第一行\n第二行"]);
}

#[test]
fn a_file_on_a_terminal_opens_a_conversation() {
    let (server, llm) = talk(&["答甲", "答乙"]);
    let llm = llm.file("报告.md", "内容\n").args(["-f", "报告.md"]);
    let lines = [("leaves", "说什么？\r"), ("答甲", "还有呢？\r"), ("答乙", "\x04")];
    let Some(outcome) = converse(&llm, &lines) else { return };
    outcome.code(0).stdout_has("报告.md will be put before the first message");
    assert_eq!(contents(&server, 0), ["报告.md:\n```\n内容\n```\n\n说什么？"]);
    assert_eq!(contents(&server, 1).pop(), Some(json!("还有呢？")));
    let Some(outcome) = converse(&llm.bare_args(["chat", "-f", "没有.md"]), &[]) else { return };
    outcome.code(2).stdout_has("cannot read 没有.md");
}

#[test]
fn a_model_that_takes_long_to_begin_is_waited_for_in_one_line() {
    let late = slowly("答甲", Duration::from_millis(2600), Duration::ZERO);
    let server = Server::start([late]);
    let llm = llm().profile(&server).args(["chat", "问"]);
    let Some(shown) = crate::support::in_terminal(&llm) else { return };
    let line = "llm: waiting for test-model, 2 s (it may be loading)\r\u{1b}[K";
    assert!(shown.contains(line) && shown.ends_with("答甲\r\n"), "{shown:?}");
}

#[test]
fn thinking_and_answer_are_told_apart_without_colour() {
    let thought = [
        chunk(json!({"reasoning_content": "嗯"}), None),
        chunk(json!({"content": "答"}), Some("stop")),
    ];
    let events: Vec<&str> = thought.iter().map(String::as_str).chain(["[DONE]"]).collect();
    let server = Server::start([Reply::sse(&events)]);
    let llm = llm().profile(&server).args(["chat", "问"]).env("NO_COLOR", "1");
    let Some(shown) = crate::support::in_terminal(&llm) else { return };
    assert_eq!(shown, "llm: thinking:\r\n嗯\r\n\r\nllm: answer:\r\n答\r\n");
}
