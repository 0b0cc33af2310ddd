//! How an answer comes out of `llm chat`: live, whole, in order, and in the form that was asked for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Outcome, Reply, Server, Step, ask, ask_for, chat_body, chat_events, chunk, in_terminal, llm,
};

const LONG: Duration = Duration::from_secs(10);

fn data(event: &str) -> String {
    format!("data: {event}\n\n")
}

/// An event that says this much of choice 0.
fn says(text: &str) -> String {
    data(&chunk(json!({"content": text}), None))
}

fn stops() -> String {
    data(&chunk(json!({}), Some("stop")))
}

const DONE: &str = "data: [DONE]\n\n";

fn stream(pieces: &[&str]) -> Reply {
    Reply::chunks("text/event-stream", pieces.iter().copied())
}

/// A chunk for any choice.
fn choice(index: u64, delta: Value, finish: Option<&str>) -> String {
    let choice = json!({"index": index, "delta": delta, "finish_reason": finish});
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}).to_string()
}

/// What comes of this reply to the one question.
fn answered(reply: Reply, args: &[&str]) -> Outcome {
    ask_for([reply], args).0
}

#[test]
fn text_appears_before_the_end_of_the_stream() {
    let first = stream(&[&says("第一"), &says("句")]);
    let server = Server::start([first.then([Step::UntilClosed])]);
    let mut run = ask(&server).spawn();
    assert_eq!(run.read_stdout_until("第一句", LONG), "第一句");
    run.signal("INT");
    run.wait().code(130).stdout("第一句\n").stderr_empty();
    assert_eq!(server.request().json()["stream"], true);
}

#[test]
fn a_character_in_two_segments_is_never_cut() {
    let event = says("你好🙂");
    let cut = event.find('好').expect("it is there") + 1;
    let pause = Duration::from_millis(150);
    let server = Server::start([Reply::chunks(
        "text/event-stream",
        [&event.as_bytes()[..cut], &event.as_bytes()[cut..]],
    )
    .pace(pause)
    .then([Step::UntilClosed])]);
    let mut run = ask(&server).spawn();
    assert_eq!(run.read_stdout_until("🙂", LONG), "你好🙂");
    run.signal("INT");
    run.wait().code(130).stdout("你好🙂\n");
}

#[test]
fn an_answer_ends_with_exactly_one_newline_if_it_had_none() {
    for (texts, expected) in [
        (&["你好"][..], "你好\n"),
        (&["你好\n"], "你好\n"),
        (&["你好", "\n"], "你好\n"),
        (&["你好\n\n"], "你好\n\n"),
        (&["  你好  "], "  你好  \n"),
        (&["\n", "你好"], "\n你好\n"),
    ] {
        answered(Reply::chat(texts), &[]).code(0).stdout(expected).stderr_empty();
        answered(Reply::chat_json(&texts.concat()), &["-S"])
            .code(0)
            .stdout(expected)
            .stderr_empty();
    }
}

#[test]
fn control_sequences_pass_a_pipe_and_are_harmless_on_a_terminal() {
    let text = "红\u{1b}[31m色\u{1b}]0;title\u{7}\r\n";
    answered(Reply::chat(&[text]), &[]).code(0).stdout(text);
    let server = Server::new().reply(Reply::chat(&[text])).allow_unused().start();
    let Some(shown) = in_terminal(&ask(&server).arg("--no-stdin")) else { return };
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    assert!(shown.contains('红') && shown.contains('色'), "{shown:?}");
}

#[test]
fn every_ending_of_a_whole_stream_is_taken() {
    let (text, stop) = (says("完整"), stops());
    // No chunk has the field.
    let bare = data(&json!({"choices": [{"index": 0, "delta": {"content": "完整"}}]}).to_string());
    for (name, pieces) in [
        ("a finish without [DONE]", &[&*text, &*stop][..]),
        ("[DONE] without a finish", &[&bare, DONE]),
        ("both", &[&text, &stop, DONE]),
        ("no blank line at the end", &[&text, stop.trim_end()]),
        ("[DONE] without a line end", &[&bare, "data: [DONE]"]),
        ("no space after the colon", &[&bare, "data:[DONE]\n\n"]),
        (
            "carriage returns",
            &["\u{feff}: hello\r\n\r\n", &bare.replace('\n', "\r\n"), "data: [DONE]\r\r"],
        ),
        ("an error of null", &[&text, "data: {\"error\":null,\"choices\":[]}\n\n", &stop]),
    ] {
        let run = answered(stream(pieces), &["--retries", "0"]);
        if run.code != Some(0) || run.stdout != "完整\n".as_bytes() || !run.stderr.is_empty() {
            run.fail(name);
        }
    }
}

#[test]
fn a_connection_that_stays_open_behind_the_end_does_not_hold_us() {
    let server = Server::start([Reply::chat(&["好"]).then([Step::UntilClosed])]);
    let run = ask(&server).run();
    run.code(0).stdout("好\n").stderr_empty();
    assert!(run.elapsed < Duration::from_secs(4), "{run}");
    assert!(server.wait_closed(LONG).is_some());
}

#[test]
fn a_finished_answer_is_whole_even_if_the_connection_then_stalls_or_breaks() {
    for ending in [Step::UntilClosed, Step::Reset, Step::Close] {
        let reply = stream(&[&says("好"), &stops()]).then([ending.clone()]);
        let run = answered(reply, &["--timeout", "0.4"]);
        run.code(0).stdout("好\n").stderr_empty();
    }
}

#[test]
fn comments_and_other_events_are_passed_over() {
    let pieces = [
        ": OPENROUTER PROCESSING\n\n",
        ":\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "data: ping\n\n",
        "id: 7\nretry: 100\n\n",
        "data: {\"choices\":[]}\n\n",
        "data: {}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":null}]}\n\n",
    ];
    let text = [says("你"), says("好"), stops()];
    let pieces = [&pieces[..], &[&text[0], ": keep-alive\n\n", &text[1], &text[2], DONE]].concat();
    answered(stream(&pieces), &[]).code(0).stdout("你好\n").stderr_empty();
}

#[test]
fn content_in_typed_parts_is_joined() {
    let parts = json!([{"type": "text", "text": "一"}, {"type": "text", "text": "二"}]);
    let event = data(&chunk(json!({"content": parts}), Some("stop")));
    answered(stream(&[&event, DONE]), &[]).code(0).stdout("一二\n").stderr_empty();
    let mut body = chat_body("");
    body["choices"][0]["message"]["content"] = parts;
    answered(Reply::json(200, body), &["-S"]).code(0).stdout("一二\n").stderr_empty();
}

#[test]
fn a_server_that_ignores_stream_is_understood() {
    answered(Reply::chat_json("整个"), &[]).code(0).stdout("整个\n").stderr_empty();
    let spaced = format!("\n\n  {}", chat_body("整个"));
    for content_type in ["application/json", "text/event-stream", "text/plain", ""] {
        let reply = Reply::bytes(200, content_type, spaced.clone());
        answered(reply, &[]).code(0).stdout("整个\n").stderr_empty();
    }
    // And one that streams although it was not asked to.
    answered(Reply::chat(&["整", "个"]), &["-S"]).code(0).stdout("整个\n").stderr_empty();
}

#[test]
fn several_answers_come_in_index_order_with_a_blank_line_between() {
    let events = [
        choice(2, json!({"content": "三"}), None),
        choice(1, json!({"content": "二"}), None),
        choice(0, json!({"content": "一\n"}), None),
        choice(1, json!({"content": "号"}), Some("stop")),
        choice(0, json!({"content": ""}), Some("stop")),
        choice(2, json!({}), Some("stop")),
        "[DONE]".to_owned(),
    ];
    for args in [&["-n", "3"][..], &["-O", "n=3"]] {
        let run = answered(Reply::sse(&events), args);
        run.code(0).stdout("一\n\n二号\n\n三\n").stderr_empty();
    }
    let body = json!({"choices": [
        {"index": 1, "message": {"content": "二"}, "finish_reason": "stop"},
        {"index": 0, "message": {"content": "一"}, "finish_reason": "stop"},
    ]});
    let run = answered(Reply::json(200, body), &["-n", "2", "-S"]);
    run.code(0).stdout("一\n\n二\n").stderr_empty();
}

#[test]
fn the_first_of_several_answers_is_live() {
    let events =
        [choice(1, json!({"content": "后"}), None), choice(0, json!({"content": "先"}), None)];
    let server = Server::start([Reply::sse(&events).then([Step::UntilClosed])]);
    let mut run = ask(&server).args(["-n", "2"]).spawn();
    assert_eq!(run.read_stdout_until("先", LONG), "先");
    run.signal("INT");
    run.wait().code(130).stdout("先\n\n后\n").stderr_empty();
}

#[test]
fn several_answers_exit_7_if_one_was_cut_and_6_if_one_did_not_end() {
    let cut = [
        choice(0, json!({"content": "一"}), Some("stop")),
        choice(1, json!({"content": "二"}), Some("length")),
        "[DONE]".to_owned(),
    ];
    answered(Reply::sse(&cut), &["-n", "2"]).code(7).stdout("一\n\n二\n").stderr_has("cut");
    let broken = [
        choice(0, json!({"content": "一"}), Some("stop")),
        choice(1, json!({"content": "二"}), None),
    ];
    answered(Reply::sse(&broken), &["-n", "2"]).code(6).stdout("一\n\n二\n").stderr_has("llm: ");
}

#[test]
fn several_answers_are_numbered_on_a_terminal_alone() {
    let events = [
        choice(0, json!({"content": "一"}), Some("stop")),
        choice(1, json!({"content": "二"}), Some("stop")),
        "[DONE]".to_owned(),
    ];
    let server = Server::new().reply(Reply::sse(&events).repeat()).allow_unused().start();
    let llm = ask(&server).args(["--no-stdin", "-n", "2"]);
    let Some(shown) = in_terminal(&llm) else { return };
    assert_eq!(shown, "[1]\r\n一\r\n\r\n[2]\r\n二\r\n");
    let Some(plain) = in_terminal(&llm.clone().args(["--json"])) else { return };
    assert!(!plain.contains("[1]"), "{plain:?}");
    llm.run().code(0).stdout("一\n\n二\n");
}

#[test]
fn extract_prints_the_first_or_the_last_code_block_alone() {
    let answer = "这样：\n\n```bash\nls -l | wc -l\necho '```'\n```\n\n或者：\n```\n别的\n```\n";
    let block = "ls -l | wc -l\necho '```'\n";
    let letters: Vec<String> = answer.chars().map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    answered(Reply::chat(&letters), &["-x"]).code(0).stdout(block).stderr_empty();
    answered(Reply::chat_json(answer), &["--extract", "-S"]).code(0).stdout(block).stderr_empty();
    let last = answered(Reply::chat(&letters), &["--extract-last"]);
    last.code(0).stdout("别的\n").stderr_empty();
    // As a shell wants it: CR LF, a quotation, a fence on the line of the last words.
    for answer in ["```sh\r\nls -l\r\n```\r\n", "> ```sh\n> ls -l\n> ```\n", "```sh\nls -l```"] {
        answered(Reply::chat(&[answer]), &["-x"]).code(0).stdout("ls -l\n").stderr_empty();
        answered(Reply::chat(&[answer]), &["--extract-last"]).code(0).stdout("ls -l\n");
    }
    // Of an answer that broke off too, the last block is what arrived of it.
    let broken = Reply::sse(&[chunk(json!({"content": "```\n一\n```\n```\n二"}), None)]);
    answered(broken, &["--extract-last", "--retries", "0"]).code(6).stdout("二\n");
    answered(Reply::chat(&["没有代码"]), &["--extract-last"]).code(0).stdout("没有代码\n");
    answered(Reply::chat(&["没有代码"]), &["-x"]).code(0).stdout("没有代码\n").stderr_empty();
}

#[test]
fn an_answer_is_checked_against_its_schema() {
    let schema =
        json!({"type": "object", "properties": {"城市": {"type": "string"}}, "required": ["城市"]});
    let command = |answer: &[&str]| {
        let server = Server::new().reply(Reply::chat(answer).repeat()).start();
        let llm = ask(&server).file("schema.json", schema.to_string());
        let run = llm.args(["--schema", "schema.json"]).run();
        let sent = server.requests()[0].json();
        assert_eq!(sent["response_format"]["json_schema"]["schema"], schema);
        run
    };
    let fits = command(&["{\"城市\":", " \"上海\"}"]);
    fits.code(0).stdout("{\"城市\": \"上海\"}\n").stderr_empty();
    let unfit = command(&["{\"城市\": 5}"]);
    unfit.code(4).stdout("{\"城市\": 5}\n").stderr_has("llm: ").stderr_has("schema");
    let body = chat_body("{\"城市\": \"上海\"}");
    let text = schema.to_string();
    let json = answered(Reply::json(200, body.clone()), &["--schema", &text, "--json"]);
    json.code(0).stdout(&body.to_string()).stderr_empty();
    let unfit = answered(Reply::chat_json("{}"), &["--schema", &text, "--json"]);
    unfit.code(4).stdout_has("choices").stderr_has("schema");
    let no_json = command(&["上海。"]);
    no_json.code(4).stdout("上海。\n").stderr_has("schema");
}

#[test]
fn json_prints_the_bytes_as_they_came() {
    let body = " {\"choices\" : [ {\"message\":{\"content\":\"\\u4f60\\u597d\"}, \"extra\": 1.50e3} ],\r\n\"你\":\"好\"}\n\n";
    let reply = || Reply::bytes(200, "application/json", body);
    answered(reply(), &["--json"]).code(0).stdout(body).stderr_empty();
    let run = answered(reply(), &["--json", "-o", "答.json"]);
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("答.json"), body.as_bytes());
    // A reply without text is printed too.
    let calls = json!({"choices": [{"message": {"content": null, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "查天气", "arguments": "{}"}}]},
        "finish_reason": "tool_calls"}]});
    let run = answered(Reply::json(200, calls.clone()), &["--json"]);
    run.code(0).stdout(&calls.to_string()).stderr_empty();
}

#[test]
fn json_of_an_error_leaves_standard_output_empty() {
    for (reply, code) in [
        (Reply::json(400, json!({"error": {"message": "不行"}})), 4),
        (Reply::json(200, json!({"error": {"message": "不行", "code": 429}})), 5),
        (Reply::bytes(200, "application/json", "{\"choices\":["), 6),
        (Reply::html(200, "<html><title>不行</title></html>"), 4),
    ] {
        let run = answered(reply, &["--json", "--retries", "0"]);
        run.code(code).stdout_empty().stderr_has("llm: ");
    }
}

#[test]
fn usage_is_one_line_on_standard_error() {
    let mut events = chat_events(&["好"]);
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46});
    events.insert(3, json!({"choices": [], "usage": usage}).to_string());
    let run = answered(Reply::sse(&events), &["-u"]);
    run.code(0).stdout("好\n").stderr_has("12").stderr_has("34");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    assert!(run.stderr_text().starts_with("llm: "), "{run}");
    let whole = answered(Reply::chat_json("好"), &["-u", "-S"]);
    whole.code(0).stdout("好\n").stderr_has("9").stderr_has("4");
    answered(Reply::chat(&["好"]), &[]).code(0).stderr_empty();
    // Counts as text.
    let usage = json!({"prompt_tokens": "12", "completion_tokens": "34"});
    let mut events = chat_events(&["好"]);
    events.insert(3, json!({"choices": [], "usage": usage}).to_string());
    answered(Reply::sse(&events), &["-u"]).code(0).stderr_has("12 tokens in, 34 out");
}

#[test]
fn usage_tells_money_where_the_profile_has_prices() {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens_details": {"reasoning_tokens": 300}});
    let mut events = chat_events(&["好"]);
    events.insert(3, json!({"choices": [], "usage": usage}).to_string());
    let server = Server::start([Reply::sse(&events)]);
    let url = server.url();
    let prices = "[{ models = [\"gpt-*\"], input = 99 }, { input = 2, cached_input = 0.5, output = 8, currency = \"元\" }]";
    let llm = llm().config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\nprices = {prices}\n"
    ));
    let run = llm.watch(&server).args(["chat", "-u", "你好"]).run();
    run.code(0).stdout("好\n");
    run.stderr_has("llm: usage: 1000 tokens in, 500 out, 400 cached, 300 thinking, first token");
    run.stderr_has(", ended by stop, 0.0054 元\n");
}

#[test]
fn thinking_is_hidden_in_a_pipe_and_never_on_standard_output() {
    let events = [
        chunk(json!({"reasoning_content": "先想"}), None),
        chunk(json!({"reasoning_content": "一想"}), None),
        chunk(json!({"content": "答"}), Some("stop")),
    ];
    answered(Reply::sse(&events), &[]).code(0).stdout("答\n").stderr_empty();
    answered(Reply::sse(&events), &["--reasoning", "hide"]).code(0).stdout("答\n").stderr_empty();
    let shown = answered(Reply::sse(&events), &["--reasoning", "show"]);
    shown.code(0).stdout("答\n").stderr("先想一想\n\n");
    let tags = Reply::chat(&["<th", "ink>先想一想</thi", "nk>\n\n答"]);
    answered(tags, &["--reasoning", "show"]).code(0).stdout("答\n").stderr("先想一想\n\n");
    answered(Reply::chat(&["用 <think> 标签"]), &[]).code(0).stdout("用 <think> 标签\n");
}

#[test]
fn thinking_is_dimmed_on_a_terminal() {
    let events = [
        chunk(json!({"reasoning_content": "先想"}), None),
        chunk(json!({"content": "答"}), Some("stop")),
    ];
    let server = Server::new().reply(Reply::sse(&events).repeat()).allow_unused().start();
    let Some(shown) = in_terminal(&ask(&server).arg("--no-stdin")) else { return };
    assert!(shown.contains("\u{1b}[2m先想\u{1b}[0m"), "{shown:?}");
    let Some(plain) = in_terminal(&ask(&server).args(["--no-stdin", "--color", "never"])) else {
        return;
    };
    assert!(plain.contains("先想") && !plain.contains('\u{1b}'), "{plain:?}");
}
