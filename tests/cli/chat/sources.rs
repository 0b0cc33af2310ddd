//! The pages that an answer cites: listed on stderr, numbered as the text has them, and kept.

use serde_json::{Value, json};

use crate::support::{Outcome, Reply, Server, chunk, llm};

/// A whole reply with this message, and these fields beside its choices.
fn whole(message: Value, beside: Value) -> Reply {
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let mut body = json!({"object": "chat.completion", "model": "m", "choices": [choice]});
    let fields = beside.as_object().cloned().unwrap_or_default();
    body.as_object_mut().expect("an object").extend(fields);
    Reply::json(200, body)
}

/// A stream that says 见一 in two pieces, in the last of which the message has these fields, and with these
/// beside the choices of each chunk.
fn stream(delta: Value, beside: Value) -> Reply {
    let mut last = json!({"content": "一"});
    let fields = delta.as_object().cloned().unwrap_or_default();
    last.as_object_mut().expect("an object").extend(fields);
    let chunks = [
        chunk(json!({"role": "assistant", "content": "见"}), None),
        chunk(last, None),
        chunk(json!({}), Some("stop")),
    ];
    let with = |chunk: String| {
        let mut value: Value = serde_json::from_str(&chunk).expect("JSON");
        let fields = beside.as_object().cloned().unwrap_or_default();
        value.as_object_mut().expect("an object").extend(fields);
        value.to_string()
    };
    let mut events: Vec<String> = chunks.into_iter().map(with).collect();
    events.push("[DONE]".to_owned());
    Reply::sse(&events)
}

fn run(reply: Reply, args: &[&str]) -> Outcome {
    let server = Server::start([reply]);
    let run = llm().profile(&server).args(["chat", "问", "--retries", "0"]).args(args).run();
    server.request();
    run
}

fn url_citation(url: &str, title: &str) -> Value {
    json!({"type": "url_citation", "url_citation": {"url": url, "title": title, "start_index": 0, "end_index": 1}})
}

/// Each form in which services name pages: what stands in the message, what beside the choices, and what
/// is listed of it. Fields of late 2026; the service of each is beside it.
fn forms() -> Vec<(&'static str, Value, Value, &'static str)> {
    let (a, b) = ("https://a.example/", "https://b.example/");
    vec![
        (
            "gpt-5-search-api, OpenRouter",
            json!({"annotations": [url_citation(a, "甲"), url_citation(b, "乙"), url_citation(a, "甲")]}),
            json!({}),
            "llm: [1] 甲 https://a.example/\nllm: [2] 乙 https://b.example/\n",
        ),
        (
            "a gateway to /responses",
            json!({"annotations": [{"type": "url_citation", "url": b, "title": "乙"}]}),
            json!({}),
            "llm: [1] 乙 https://b.example/\n",
        ),
        (
            "Perplexity",
            json!({}),
            json!({"citations": [b, a], "search_results": [
                {"title": "甲", "url": a, "date": "2026-11-01", "snippet": "…"}, {"title": "乙", "url": b}]}),
            "llm: [1] 乙 https://b.example/\nllm: [2] 甲 https://a.example/\n",
        ),
        (
            "Perplexity behind OpenRouter",
            json!({"annotations": [url_citation(a, "甲")]}),
            json!({"citations": [b, a]}),
            "llm: [1] https://b.example/\nllm: [2] 甲 https://a.example/\n",
        ),
        (
            "千帆",
            json!({}),
            json!({"search_results": [{"index": 1, "url": a, "title": "甲"}, {"index": 3, "url": b, "title": "乙"}]}),
            "llm: [1] 甲 https://a.example/\nllm: [3] 乙 https://b.example/\n",
        ),
        (
            "智谱",
            json!({}),
            json!({"web_search": [
                {"title": "甲", "link": a, "content": "…", "media": "报", "icon": "", "refer": "ref_2", "publish_date": "2026-11-01"},
                {"title": "乙", "link": b, "content": "…", "media": "报", "icon": "", "refer": "ref_1"}]}),
            "llm: [1] 乙 https://b.example/\nllm: [2] 甲 https://a.example/\n",
        ),
        (
            "Groq",
            json!({"executed_tools": [
                {"index": 0, "type": "search", "arguments": "{}", "search_results": {"results": [
                    {"title": "甲", "url": a, "content": "…", "score": 0.9}]}},
                {"index": 1, "type": "visit", "search_results": null}]}),
            json!({}),
            "llm: [1] 甲 https://a.example/\n",
        ),
        (
            "混元",
            json!({}),
            json!({"search_info": {"search_results": [{"index": 1, "title": "甲", "url": a}]}}),
            "llm: [1] 甲 https://a.example/\n",
        ),
    ]
}

#[test]
fn every_form_is_listed_whole_and_streamed() {
    for (service, message, beside, expected) in forms() {
        let mut said = json!({"role": "assistant", "content": "见一"});
        let fields = message.as_object().cloned().unwrap_or_default();
        said.as_object_mut().expect("an object").extend(fields);
        for reply in [whole(said, beside.clone()), stream(message, beside)] {
            let run = run(reply, &["--sources"]);
            run.code(0).stdout("见一\n");
            assert_eq!(run.stderr_text(), expected, "{service}: {run}");
        }
    }
}

#[test]
fn over_responses_too() {
    let note = |url: &str, title: &str| json!({"type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": 1});
    let message = |notes: Value| {
        json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "见一", "annotations": notes}]})
    };
    let response = |output: Value, beside: Value| {
        let mut response = json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": output});
        let fields = beside.as_object().cloned().unwrap_or_default();
        response.as_object_mut().expect("an object").extend(fields);
        response
    };
    let searched = json!({"type": "web_search_call", "id": "ws", "status": "completed",
        "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "https://not-cited.example/"}]}});
    // xAI has the number of the mark as the title.
    let xai = json!([
        note("https://b.example/", "2"),
        note("https://a.example/", "1"),
        note("https://b.example/", "2")
    ]);
    let file = json!({"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 3});
    let openai = json!([note("https://a.example/", "甲"), note("https://b.example/", "乙"), file]);
    let both = "llm: [1] 甲 https://a.example/\nllm: [2] 乙 https://b.example/\n";
    let events =
        |events: &[Value]| Reply::sse(&events.iter().map(Value::to_string).collect::<Vec<_>>());
    let delta = json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "item_id": "m", "delta": "见一"});
    let added = |annotation: &Value| {
        json!({"type": "response.output_text.annotation.added", "output_index": 1,
        "content_index": 0, "item_id": "m", "annotation_index": 0, "annotation": annotation})
    };
    let completed = |response: Value| json!({"type": "response.completed", "response": response});
    let none = || json!({});
    let list = json!({"citations": ["https://a.example/"], "search_results": [{"url": "https://a.example/", "title": "甲"}]});
    for (reply, expected) in [
        (Reply::json(200, response(json!([searched, message(openai.clone())]), none())), both),
        (
            events(&[
                delta.clone(),
                completed(response(json!([searched, message(openai.clone())]), none())),
            ]),
            both,
        ),
        // Only the events tell of them.
        (
            events(&[
                delta.clone(),
                added(&openai[0]),
                added(&openai[1]),
                added(&openai[2]),
                added(&openai[0]),
                completed(response(json!([]), none())),
            ]),
            both,
        ),
        (
            Reply::json(200, response(json!([message(xai)]), none())),
            "llm: [1] https://a.example/\nllm: [2] https://b.example/\n",
        ),
        (
            Reply::json(200, response(json!([message(json!([]))]), list)),
            "llm: [1] 甲 https://a.example/\n",
        ),
    ] {
        let run = run(reply, &["--sources", "--api", "responses"]);
        run.code(0).stdout("见一\n");
        assert_eq!(run.stderr_text(), expected, "{run}");
    }
}

/// A reply of Perplexity's form with one page.
fn one_page() -> Reply {
    let beside = json!({"citations": ["https://a.example/"], "search_results": [{"title": "甲", "url": "https://a.example/"}]});
    whole(json!({"role": "assistant", "content": "见[1]"}), beside)
}

const ONE_PAGE: &str = "llm: [1] 甲 https://a.example/\n";

#[test]
fn they_are_listed_where_they_are_asked_for_and_the_answer_stays_alone() {
    run(one_page(), &[]).code(0).stdout("见[1]\n").stderr_empty();
    run(one_page(), &["--sources"]).code(0).stdout("见[1]\n").stderr(ONE_PAGE);
    // What is typed counts for more than what --quiet leaves out by itself.
    run(one_page(), &["--sources", "-q"]).code(0).stdout("见[1]\n").stderr(ONE_PAGE);
    let run_to_file = run(one_page(), &["--sources", "-o", "答.txt"]);
    run_to_file.code(0).stdout_empty().stderr(ONE_PAGE);
    assert_eq!(run_to_file.read("答.txt"), "见[1]\n".as_bytes());
    let json = run(one_page(), &["--json"]);
    json.code(0).stderr_empty();
    assert_eq!(json.stdout_json()["citations"], json!(["https://a.example/"]));
    let json = run(one_page(), &["--json", "--sources"]);
    json.code(0).stderr(ONE_PAGE);
    assert_eq!(json.stdout_json()["citations"], json!(["https://a.example/"]));
    // Before the tokens, which belong to the whole run.
    let usage = run(one_page(), &["--sources", "-u"]);
    assert!(usage.code(0).stderr_text().starts_with(ONE_PAGE), "{usage}");
}

#[cfg(unix)]
#[test]
fn on_a_terminal_they_are_listed_unasked() {
    use crate::support::in_terminal;

    let hostile = json!({"citations": [{"url": "https://a.example/\u{7}x", "title": "甲\r\n\u{1b}[2J乙\u{202e}"}]});
    for (args, is_listed) in [(&[][..], true), (&["-q"][..], false), (&["--json"][..], false)] {
        let reply = whole(json!({"role": "assistant", "content": "见[1]"}), hostile.clone());
        let server = Server::start([reply]);
        let Some(shown) = in_terminal(&llm().profile(&server).args(["chat", "问"]).args(args))
        else {
            return;
        };
        server.request();
        assert_eq!(shown.contains("llm: [1]"), is_listed, "{args:?}: {shown}");
        if is_listed {
            let line = "llm: [1] 甲 [2J乙\\u{202e} https://a.example/x\r\n";
            assert!(shown.ends_with(line), "{shown:?}");
        }
    }
}

#[test]
fn an_answer_that_broke_off_has_them_too() {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "见[1]"}, "finish_reason": null}],
        "citations": ["https://a.example/"]});
    let run = run(Reply::sse(&[chunk.to_string()]), &["--sources"]);
    run.code(6).stdout("见[1]\n").stderr_has("llm: [1] https://a.example/\n");
}

/// Whoever ends a run by a signal, or reads no more, wants no more lines.
#[cfg(unix)]
#[test]
fn a_run_that_is_ended_from_outside_lists_none() {
    use crate::support::Step;

    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "见[1]"}, "finish_reason": null}],
        "citations": ["https://a.example/"]});
    let server = Server::start([Reply::sse(&[chunk.to_string()]).then([Step::UntilClosed])]);
    let mut run = llm().profile(&server).args(["chat", "--sources", "问"]).spawn();
    run.read_stdout_until("见[1]", std::time::Duration::from_secs(15));
    run.signal("INT");
    run.wait().code(130).stderr_lacks("a.example");
}

#[test]
fn of_several_answers_each_has_its_own() {
    let choice = |index: u64, text: &str, notes: Value| {
        json!({"index": index, "finish_reason": "stop",
        "message": {"role": "assistant", "content": text, "annotations": notes}})
    };
    let body = json!({"object": "chat.completion", "model": "m", "choices": [
        choice(0, "甲", json!([url_citation("https://a.example/", "甲")])),
        choice(1, "乙", json!([])),
        choice(2, "丙", json!([url_citation("https://c.example/", "丙")]))]});
    let server = Server::start([Reply::json(200, body)]);
    let llm = llm().profile(&server);
    let run = llm.clone().args(["chat", "-n", "3", "--sources", "问"]).run();
    run.code(0).stdout("甲\n\n乙\n\n丙\n").stderr(
        "llm: sources of answer 1:\nllm: [1] 甲 https://a.example/\n\
         llm: sources of answer 3:\nllm: [1] 丙 https://c.example/\n",
    );
    let shown = llm.clone().args(["history", "show"]).run().stdout_text();
    assert!(shown.contains("甲\n\n[1] 甲 https://a.example/\n\n# "), "{shown}");
    assert!(
        shown.contains("乙\n\n# ") && shown.ends_with("丙\n\n[1] 丙 https://c.example/\n"),
        "{shown}"
    );
    let shown = llm.args(["history", "show", "--json"]).run().stdout_json();
    let url = |path: &str| shown.pointer(path).cloned();
    assert_eq!(url("/turns/0/other_sources/1/0/url"), Some(json!("https://c.example/")));
}

#[test]
fn the_history_keeps_them() {
    let server = Server::start([one_page(), Reply::chat(&["好"])]);
    let llm = llm().profile(&server);
    llm.clone().args(["chat", "问"]).run().code(0).stderr_empty();
    let shown = llm.clone().args(["history", "show"]).run();
    assert!(
        shown.code(0).stdout_text().ends_with("见[1]\n\n[1] 甲 https://a.example/\n"),
        "{shown}"
    );
    let shown = llm.clone().args(["history", "show", "--json"]).run().stdout_json();
    let expected = json!([{"url": "https://a.example/", "title": "甲", "number": 1}]);
    assert_eq!(shown["turns"][0]["answer"]["sources"], expected);
    let exported = llm.clone().args(["history", "export"]).run().stdout_json();
    let page = json!({"url": "https://a.example/", "title": "甲"});
    let expected = json!([{"type": "url_citation", "url_citation": page}]);
    assert_eq!(exported[1]["annotations"], expected);
    // They are for readers: the service is not told of them again.
    llm.args(["chat", "-c", "再问"]).run().code(0);
    let told = server.bodies()[1]["messages"][1].clone();
    assert_eq!(told, json!({"role": "assistant", "content": "见[1]"}));
}

#[cfg(unix)]
#[test]
fn words_before_a_call_of_a_tool_may_cite_pages_as_well() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}});
    let calling = json!({"role": "assistant", "content": "查", "tool_calls": [call],
        "annotations": [url_citation("https://b.example/", "乙"), url_citation("https://a.example/", "甲")]});
    let server = Server::start([whole(calling, json!({})), one_page()]);
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n[tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    let llm = llm().config(&profile).watch(&server);
    let run = llm.clone().args(["chat", "--tool", "t", "--yes", "-q", "--sources", "问"]).run();
    run.code(0).stderr_has("llm: [1] 甲 https://a.example/\nllm: [2] 乙 https://b.example/\n");
    // They are shown with the words that cite them.
    let shown = llm.clone().args(["history", "show"]).run();
    shown
        .code(0)
        .stdout_has("查\n\n[1] 乙 https://b.example/\n[2] 甲 https://a.example/\n\n> t {}\n< 1\n");
    let step = llm.clone().args(["history", "show", "--json"]).run().stdout_json();
    let url = |place: usize| step["turns"][0]["steps"][0]["sources"][place]["url"].clone();
    assert_eq!((url(0), url(1)), (json!("https://b.example/"), json!("https://a.example/")));
    let exported = llm.args(["history", "export"]).run().stdout_json();
    let notes = exported[1]["annotations"].clone();
    assert_eq!(notes[1]["url_citation"]["url"], "https://a.example/", "{exported}");
    assert_eq!(server.bodies()[1]["messages"][1].get("annotations"), None);
}
