//! How `llm chat` ends: every exit code, every way in which an answer can fail, every interruption.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Outcome, Reply, Server, Step, ask_for, ask_once, chat_body, chunk, llm, spawn_in_terminal,
};

const LONG: Duration = Duration::from_secs(10);

/// What comes of this reply to the one question, which is not asked again.
fn answered(reply: Reply, args: &[&str]) -> Outcome {
    let (run, _) = ask_for([reply], &[&["--retries", "0"], args].concat());
    let lines = run.stderr_lines();
    let is_ours = |line: &&String| line.starts_with("llm: ") || line.starts_with("hint: ");
    assert!(lines.len() <= 2 && lines.iter().all(|line| is_ours(&line)), "{run}");
    run
}

fn says(text: &str) -> String {
    chunk(json!({"content": text}), None)
}

/// A stream that says `一半` and finishes for this reason.
fn finished(reason: &str) -> Reply {
    Reply::sse(&[says("一半"), chunk(json!({}), Some(reason)), "[DONE]".to_owned()])
}

/// The same as one document.
fn finished_whole(reason: &str) -> Reply {
    let mut body = chat_body("一半");
    body["choices"][0]["finish_reason"] = json!(reason);
    Reply::json(200, body)
}

#[test]
fn every_status_has_its_exit_code() {
    for (status, code) in [
        (400, 4),
        (401, 3),
        (402, 5),
        (403, 3),
        (404, 4),
        (408, 6),
        (409, 4),
        (413, 4),
        (422, 4),
        (429, 5),
        (451, 4),
        (500, 6),
        (502, 6),
        (503, 6),
        (504, 6),
        (529, 6),
    ] {
        let body = json!({"error": {"message": "原因在此", "type": "x"}});
        let reply = Reply::json(status, body).header("x-request-id", "req-42");
        let run = answered(reply, &[]);
        run.code(code).stdout_empty().stderr_has("原因在此").stderr_has("req-42");
        run.stderr_has(&status.to_string());
        if !matches!(status, 401 | 404 | 429 | 502) {
            continue;
        }
        // A body that says nothing at all, or is a gateway's page.
        let run = answered(Reply::bytes(status, "", ""), &[]);
        run.code(code).stdout_empty().stderr_has(&status.to_string());
        let page = "<html><head><title>网关出错</title></head><body><p>…</p></body></html>";
        let run = answered(Reply::html(status, page), &[]);
        run.code(code).stdout_empty().stderr_has("网关出错").stderr_lacks("<");
    }
}

#[test]
fn an_error_in_a_200_answer_exits_by_the_code_that_it_carries() {
    for (code, exit) in [
        (json!(400), 4),
        (json!("401"), 3),
        (json!(402), 5),
        (json!(408), 6),
        (json!(429), 5),
        (json!(500), 6),
        (json!(529), 6),
        (json!("server_error"), 6),
        (Value::Null, 6),
    ] {
        let error = json!({"error": {"message": "原因在此", "code": code}});
        let run = answered(Reply::json(200, error.clone()), &[]);
        run.code(exit).stdout_empty().stderr_has("原因在此");
        let run = answered(Reply::sse(&[error.to_string()]), &[]);
        run.code(exit).stdout_empty().stderr_has("原因在此");
        let run = answered(Reply::sse(&[says("一半"), error.to_string(), "[DONE]".into()]), &[]);
        run.code(exit).stdout("一半\n").stderr_has("原因在此");
    }
    let named = "event: error\ndata: 内存不足\n\n".to_owned();
    let reply = Reply::chunks("text/event-stream", [format!("data: {}\n\n", says("一半")), named]);
    answered(reply, &[]).code(6).stdout("一半\n").stderr_has("内存不足");
}

#[test]
fn a_content_filter_exits_4() {
    for reply in [finished("content_filter"), finished_whole("content_filter")] {
        answered(reply, &[]).code(4).stdout("一半\n").stderr_has("content filter");
    }
}

#[test]
fn a_cut_answer_exits_7_unless_the_user_set_a_limit() {
    for reply in [finished("length"), finished_whole("length")] {
        let run = answered(reply.clone(), &[]);
        run.code(7).stdout("一半\n").stderr_has("llm: ").stderr_has("cut");
        for limit in [
            &["--max-tokens", "5"][..],
            &["-O", "max_tokens=5"],
            &["-O", "max_completion_tokens=5"],
            &["-O", "options.num_predict=5"],
        ] {
            let run = answered(reply.clone(), limit);
            run.code(0).stdout("一半\n").stderr_has("llm: warning: ").stderr_has("cut");
        }
        answered(reply, &["--max-tokens", "5", "-q"]).code(0).stdout("一半\n").stderr_empty();
    }
    for line in ["options = { max_tokens = 5 }", "options = { max_completion_tokens = 5 }"] {
        let server = Server::start([finished("length")]);
        let url = server.url();
        let config = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{line}\n");
        let run = llm().config(&config).watch(&server).args(["chat", "你好"]).run();
        run.code(0).stdout("一半\n").stderr_has("llm: warning: ");
    }
}

#[test]
fn an_answer_that_failed_in_its_middle_exits_6() {
    for reason in ["error", "network_error", "insufficient_system_resource"] {
        answered(finished(reason), &[]).code(6).stdout("一半\n").stderr_has(reason);
    }
    for reason in ["stop", "eos", "end_turn", "STOP"] {
        answered(finished(reason), &[]).code(0).stdout("一半\n").stderr_empty();
    }
}

#[test]
fn a_reply_without_text_exits_4_and_says_what_it_held() {
    let call = json!([{"index": 0, "id": "1", "function": {"name": "查天气", "arguments": "{}"}}]);
    for (message, finish, words) in [
        (json!({"content": null, "tool_calls": call}), "tool_calls", &["tool", "查天气"][..]),
        (json!({"refusal": "恕难从命"}), "stop", &["refuse", "恕难从命"]),
        (json!({"content": ""}), "stop", &["no text"]),
        (json!({"reasoning_content": "想了又想"}), "length", &["only thinking", "limit"]),
        (json!({"content": "<think>想了又想</think>"}), "stop", &["only thinking"]),
    ] {
        let events = [chunk(message.clone(), Some(finish)), "[DONE]".to_owned()];
        let mut body = chat_body("");
        body["choices"][0] = json!({"index": 0, "message": message, "finish_reason": finish});
        let whole = Reply::json(200, body.clone());
        for run in [answered(Reply::sse(&events), &[]), answered(whole.clone(), &["-S"])] {
            run.code(4).stdout_empty();
            words.iter().for_each(|word| _ = run.stderr_has(word));
        }
        let exit = if finish == "length" { 7 } else { 0 };
        let printed = answered(whole, &["--json"]);
        printed.stdout(&body.to_string());
        assert!(matches!(printed.code, Some(code) if code == 0 || code == exit), "{printed}");
    }
    answered(Reply::json(200, json!({"choices": []})), &[])
        .code(4)
        .stdout_empty()
        .stderr_has("no text");
}

#[test]
fn what_is_no_answer_is_said() {
    for (reply, code, words) in [
        (Reply::html(200, "<html><title>登录</title></html>"), 4, "登录"),
        (Reply::text(200, "it works"), 4, "it works"),
        (Reply::json(200, json!(["一", "二"])), 4, "no text"),
        (Reply::json(200, json!({"hello": "world"})), 4, "no text"),
        (Reply::bytes(200, "application/json", ""), 4, "empty"),
        (Reply::bytes(204, "", ""), 4, "empty"),
        (Reply::bytes(200, "application/json", "{\"choices\":[{\"mess"), 6, "llm: "),
        (Reply::bytes(200, "application/json", "{\"choices\": wrong}"), 6, "llm: "),
        (Reply::chunks("text/event-stream", ["data: {\"choices\":[{]\n\n"]), 6, "llm: "),
        (Reply::chunks("text/event-stream", ["\n"]), 6, "ended early"),
    ] {
        let run = answered(reply, &[]);
        run.code(code).stdout_empty().stderr_has(words);
    }
    // A document that is cut although its length was promised.
    let half = Reply::bytes(200, "application/json", "{\"choices\":[").content_length(500);
    answered(half, &[]).code(6).stdout_empty().stderr_has("broke off");
}

/// A usual stream, and where its texts and its end stand in it.
fn whole_stream() -> (String, Vec<(usize, &'static str)>, usize) {
    let mut text = ": 开始\n\n".to_owned();
    let mut places = Vec::new();
    for piece in ["第一", "句🙂", "，完"] {
        text.push_str("data: ");
        text.push_str(&says(piece));
        places.push((text.len(), piece));
        text.push_str("\n\n");
    }
    text.push_str("data: ");
    text.push_str(&chunk(json!({}), Some("stop")));
    let end = text.len();
    text.push_str("\n\ndata: [DONE]\n\n");
    (text, places, end)
}

/// Cuts the stream at this byte, and asserts that what had arrived was printed.
fn cut_at(cut: usize, ending: &[Step]) {
    let (text, places, end) = whole_stream();
    let reply = Reply::chunks("text/event-stream", [&text.as_bytes()[..cut]]);
    let reply = if ending.is_empty() { reply } else { reply.then(ending) };
    let server = Server::start([reply]);
    let run = ask_once(&server).run();
    let arrived = places.iter().filter(|(place, _)| *place <= cut);
    let mut expected: String = arrived.map(|(_, piece)| *piece).collect();
    if !expected.is_empty() {
        expected.push('\n');
    }
    let code = if cut >= end { 0 } else { 6 };
    if run.code != Some(code) || run.stdout != expected.as_bytes() {
        run.fail(&format!("cut at byte {cut}: expected exit code {code} and {expected:?}"));
    }
    assert_eq!(run.stderr.is_empty(), code == 0, "{run}");
}

#[test]
fn a_stream_that_ends_early_keeps_what_had_arrived() {
    let (text, places, end) = whole_stream();
    let near = |place: usize| [place - 1, place, place + 1, place + 2, place + 3];
    let borders = places.iter().flat_map(|(place, _)| near(*place)).chain(near(end));
    let cuts = borders.chain((1..text.len()).step_by(37)).filter(|cut| *cut <= text.len());
    for cut in cuts {
        cut_at(cut, &[]);
    }
}

#[test]
fn a_stream_that_breaks_or_resets_keeps_what_had_arrived() {
    let (_, places, end) = whole_stream();
    for cut in [1, 9, places[0].0 - 30, places[1].0, places[1].0 + 2, places[2].0 + 40, end + 2] {
        cut_at(cut, &[Step::Close]);
        cut_at(cut, &[Step::Reset]);
    }
}

#[test]
fn a_stall_ends_after_the_time_out() {
    let half = Reply::sse(&[says("一半")]).then([Step::UntilClosed]);
    let run = answered(half, &["--timeout", "0.3"]);
    run.code(6).stdout("一半\n").stderr_has("time-out").stderr_has("0.3 s");
    assert!(run.elapsed >= Duration::from_millis(300), "{run}");
    let silent = [
        Reply::raw([Step::UntilClosed]),
        Reply::chunks("text/event-stream", [": wait\n\n"]).then([Step::UntilClosed]),
        Reply::bytes(200, "application/json", "{").content_length(9).then([Step::UntilClosed]),
    ];
    thread::scope(|scope| {
        for reply in silent {
            scope.spawn(|| {
                let run = answered(reply, &["--timeout", "0.3"]);
                run.code(6).stdout_empty().stderr_has("time-out").stderr_has("\nhint: ");
                assert!(run.elapsed < Duration::from_secs(8), "{run}");
            });
        }
    });
}

#[test]
fn the_time_out_counts_silence_and_not_the_whole_time() {
    let pause = Duration::from_millis(150);
    let slow = Reply::chat(&["一", "二", "三", "四", "五", "六"]).pace(pause);
    let run = answered(slow, &["--timeout", "1"]);
    run.code(0).stdout("一二三四五六\n").stderr_empty();
    assert!(run.elapsed > Duration::from_secs(1), "{run}");
}

#[test]
fn an_unknown_host_is_named() {
    let url = "http://no-such-host.invalid/v1";
    let run = llm().profile_at(url).args(["chat", "你好", "--retries", "0"]).run();
    run.code(6).stdout_empty().stderr_has("no-such-host.invalid");
}

#[test]
fn no_key_reaches_standard_error_even_if_the_server_echoes_it() {
    const KEY: &str = "sk-geheim-1234567890";
    let words = format!("bad key {KEY}!");
    let error = |status| Reply::json(status, json!({"error": {"message": words, "code": KEY}}));
    for reply in [
        error(401).header("x-request-id", KEY),
        error(429),
        error(200),
        Reply::json(400, json!({"error": {"code": KEY, "param": KEY}})),
        Reply::json(200, json!({"error": {"code": KEY}, "request_id": KEY})),
        Reply::html(502, &format!("<title>{words}</title>")),
        Reply::text(200, &words),
        Reply::text(404, &words),
        error(301).header("location", &format!("/login?from={KEY}")),
        finished(KEY),
        Reply::sse(&[says("一"), json!({"error": words}).to_string()]),
    ] {
        for how in ["api_key", "Authorization", "X-Api-Key"] {
            let server = Server::start([reply.clone()]);
            let base = ask_once(&server).arg("-v");
            let command = match how {
                "api_key" => base.env("K", KEY).args([
                    "-m",
                    "m",
                    "--base-url",
                    &server.url(),
                    "--api-key-env",
                    "K",
                ]),
                header => base.args(["-H", &format!("{header}: Bearer {KEY}")]),
            };
            let run = command.run();
            run.stderr_lacks(KEY).stderr_has("llm: < ");
            let sent = server.request();
            assert!(sent.headers.iter().any(|(_, value)| value.contains(KEY)), "{how}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_and_drops_the_request_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for silent in [false, true] {
            let reply = match silent {
                true => Reply::raw([Step::UntilClosed]),
                false => Reply::sse(&[says("一半")]).then([Step::UntilClosed]),
            };
            let server = Server::start([reply]);
            let mut run = ask_once(&server).spawn();
            server.wait_requests(1, LONG);
            if !silent {
                run.read_stdout_until("一半", LONG);
            }
            server.mark();
            run.signal(signal);
            let run = run.wait();
            run.code(code).stdout(if silent { "" } else { "一半\n" }).stderr_empty();
            let closed = server.wait_closed(LONG);
            assert!(closed.is_some_and(|time| time < Duration::from_secs(2)), "{closed:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_the_run_silently() {
    // While the server is silent.
    let first = Reply::sse(&[says("一半")]);
    let server = Server::start([first.then([Step::UntilClosed])]);
    let mut run = ask_once(&server).spawn();
    run.read_stdout_until("一半", LONG);
    server.mark();
    run.close_stdout();
    run.wait().code(141).stderr_empty();
    let closed = server.wait_closed(LONG);
    assert!(closed.is_some_and(|time| time < Duration::from_secs(2)), "{closed:?}");
    // While it writes.
    let events = vec![says(&"字".repeat(5000)); 400];
    let server = Server::start([Reply::sse(&events).then([Step::UntilClosed])]);
    let mut run = ask_once(&server).spawn();
    run.read_stdout_until("字", LONG);
    server.mark();
    run.close_stdout();
    run.wait().code(141).stderr_empty();
    let closed = server.wait_closed(LONG);
    assert!(closed.is_some_and(|time| time < Duration::from_secs(2)), "{closed:?}");
}

#[cfg(unix)]
#[test]
fn control_c_on_a_terminal_ends_the_line() {
    let reply = Reply::sse(&[says("一半")]).then([Step::UntilClosed]);
    let server = Server::new().reply(reply).allow_unused().start();
    let Some(mut run) = spawn_in_terminal(&ask_once(&server).arg("--no-stdin")) else {
        return;
    };
    run.read_stdout_until("一半", LONG);
    run.write_stdin("\x03");
    let run = run.wait();
    run.code(130);
    let shown = run.stdout_text();
    assert!(shown.starts_with("一半") && shown.ends_with("\r\n"), "{shown:?}");
    assert!(!shown.contains("llm:"), "{shown:?}");
}
