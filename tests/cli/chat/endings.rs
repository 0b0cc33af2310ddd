//! How an answer ended, as services and the gateways before them say it: what is whole, what is asked for
//! again, and what is told.

use serde_json::{Value, json};

use crate::support::{Outcome, Recorded, Reply, Server, ask, ask_for, chunk, llm};

const DONE: &str = "[DONE]";

fn says(text: &str) -> String {
    chunk(json!({"content": text}), None)
}

/// A chunk with these fields in its choice.
fn ends(delta: Value, fields: Value) -> String {
    let mut choice = json!({"index": 0, "delta": delta});
    let more = fields.as_object().expect("fields").clone();
    choice.as_object_mut().expect("a choice").extend(more);
    json!({"choices": [choice]}).to_string()
}

/// What comes of a stream of these events; each further try gets another one.
fn tried(replies: Vec<Vec<String>>, args: &[&str]) -> (Outcome, Vec<Recorded>) {
    ask_for(replies.iter().map(|events| Reply::sse(events)).collect::<Vec<_>>(), args)
}

/// What comes of the one stream, which is not asked for again.
fn once(events: &[String], args: &[&str]) -> Outcome {
    tried(vec![events.to_vec()], &[&["--retries", "0"], args].concat()).0
}

fn done() -> String {
    DONE.to_owned()
}

const NO_WAIT: [&str; 2] = ["--retries", "1"];

#[test]
fn a_bad_reason_decides_wherever_it_stands() {
    for (word, code) in [
        ("network_error", 6),
        ("error", 6),
        ("abort", 6),
        ("aborted", 6),
        ("cancelled", 6),
        ("timeout", 6),
        ("upstream_error", 6),
        ("server_error", 6),
        ("MALFORMED_FUNCTION_CALL", 6),
        ("OTHER", 6),
        ("length", 7),
        ("MAX_TOKENS", 7),
        ("SAFETY", 4),
        ("RECITATION", 4),
        ("BLOCKLIST", 4),
        ("SPII", 4),
        ("IMAGE_SAFETY", 4),
        ("content_filter", 4),
        ("content_filter: SAFETY", 4),
        ("ERROR_TOXIC", 4),
    ] {
        let own = json!({"finish_reason": word});
        let native = json!({"finish_reason": "stop", "native_finish_reason": word});
        let alone = json!({"finish_reason": null, "native_finish_reason": word});
        for fields in [own, native.clone(), alone] {
            let events = [says("一半"), ends(json!({}), fields), done()];
            once(&events, &[]).code(code).stdout("一半\n").stderr_has("llm: ");
        }
        // In the last piece of text, and in a whole reply.
        once(&[ends(json!({"content": "一半"}), native.clone()), done()], &[])
            .code(code)
            .stdout("一半\n");
        let mut choice = native;
        choice["message"] = json!({"content": "一半"});
        let whole = Reply::json(200, json!({"choices": [choice]}));
        let (run, _) = ask_for([whole], &["-S", "--retries", "0"]);
        run.code(code).stdout("一半\n");
    }
    // A later word that is bad is not lost behind a good one, nor the other way round.
    let stop = || ends(json!({}), json!({"finish_reason": "stop"}));
    let cut = || ends(json!({}), json!({"finish_reason": "length"}));
    once(&[says("一半"), stop(), cut(), done()], &[]).code(7);
    once(&[says("一半"), cut(), stop(), done()], &[]).code(7);
}

#[test]
fn a_failure_before_any_text_is_tried_again() {
    for word in ["error", "aborted", "upstream_error", "MALFORMED_FUNCTION_CALL", "OTHER"] {
        let failed = vec![ends(json!({"content": ""}), json!({"finish_reason": word})), done()];
        let good = vec![ends(json!({"content": "好"}), json!({"finish_reason": "stop"})), done()];
        let (run, requests) = tried(vec![failed.clone(), good], &NO_WAIT);
        run.code(0).stdout("好\n").stderr_has(word).stderr_has("trying again");
        assert_eq!(requests.len(), 2);
        once(&failed, &[]).code(6).stdout_empty().stderr_has(word);
    }
    // The same of a reply that is printed whole.
    let failed = json!({"choices": [{"message": {"content": ""}, "finish_reason": "error"}]});
    let good = json!({"choices": [{"message": {"content": "好"}, "finish_reason": "stop"}]});
    let replies = [Reply::json(200, failed), Reply::json(200, good.clone())];
    let (run, _) = ask_for(replies, &["--json", "--retries", "1"]);
    run.code(0).stdout(&good.to_string());
}

#[test]
fn a_reason_that_nobody_knows_earns_one_warning() {
    for word in ["repetition", "another_reason", "停"] {
        let events = [says("完"), ends(json!({}), json!({"finish_reason": word})), done()];
        let run = once(&events, &[]);
        run.code(0).stdout("完\n").stderr_has("llm: warning: ").stderr_has(word);
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
        once(&events, &["-q"]).code(0).stdout("完\n").stderr_empty();
    }
    // A foreign word beside a good one of the service's own is none of ours.
    let fields = json!({"finish_reason": "stop", "native_finish_reason": "completed_ok"});
    once(&[says("完"), ends(json!({}), fields), done()], &[]).code(0).stderr_empty();
}

#[test]
fn white_space_alone_is_no_answer() {
    for blank in ["\n", "  ", " \n\t ", "　", "\r\n\r\n"] {
        let stop = ends(json!({}), json!({"finish_reason": "stop"}));
        let run = once(&[says(blank), says(""), stop, done()], &[]);
        run.code(4).stdout_empty().stderr_has("only white space");
        let whole = json!({"choices": [{"message": {"content": blank}, "finish_reason": "stop"}]});
        let (run, _) = ask_for([Reply::json(200, whole)], &["-S"]);
        run.code(4).stdout_empty().stderr_has("only white space");
        let call = json!({"content": blank, "tool_calls": [
            {"index": 0, "id": "a", "function": {"name": "查", "arguments": "{}"}}]});
        let run = once(&[ends(call, json!({"finish_reason": "tool_calls"})), done()], &[]);
        run.code(4).stdout_empty().stderr_has("`查`");
        // In front of words it is text.
        let stop = ends(json!({}), json!({"finish_reason": "stop"}));
        once(&[says(blank), says("好"), stop, done()], &[]).code(0).stdout(&format!("{blank}好\n"));
    }
}

#[test]
fn a_refusal_is_shown() {
    let refusal = json!({"content": null, "refusal": "恕难从命"});
    for word in ["content_filter", "stop"] {
        let fields = json!({"finish_reason": word});
        let run = once(&[ends(refusal.clone(), fields), done()], &[]);
        run.code(4).stdout_empty().stderr_has("恕难从命");
        // Behind text too.
        let fields = json!({"finish_reason": word});
        let run = once(&[says("好的，"), ends(refusal.clone(), fields), done()], &[]);
        run.code(4).stdout("好的，\n").stderr_has("恕难从命");
    }
}

#[test]
fn a_reason_that_is_null_to_the_end_is_an_answer_cut_on_its_way() {
    for last in [json!({"finish_reason": null}), json!({"finish_reason": ""})] {
        let events = [says("一半"), ends(json!({}), last), done()];
        let run = once(&events, &[]);
        run.code(6).stdout("一半\n").stderr_has("finish_reason = \"never\"");
        // It was shown, so it is not asked for again.
        let (run, requests) = tried(vec![events.to_vec()], &NO_WAIT);
        run.code(6).stdout("一半\n");
        assert_eq!(requests.len(), 1);
    }
    // Nothing came, or thinking alone, or the end alone: asked again.
    let thinking = chunk(json!({"reasoning_content": "想"}), None);
    let nothing = [
        vec![done()],
        vec![says(""), done()],
        vec![thinking, done()],
        vec![json!({"choices": [], "usage": {"prompt_tokens": 1}}).to_string(), done()],
    ];
    for events in nothing {
        let good = vec![ends(json!({"content": "好"}), json!({"finish_reason": "stop"})), done()];
        let args = [&NO_WAIT[..], &["--reasoning", "show"]].concat();
        let (run, requests) = tried(vec![events.clone(), good], &args);
        run.code(0).stdout("好\n").stderr_has("trying again");
        assert_eq!(requests.len(), 2);
        once(&events, &["--reasoning", "show"]).code(6).stdout_empty();
    }
    // Each of several answers needs its own.
    let of = |index: u64, reason: Option<&str>| {
        let choice = json!({"index": index, "delta": {"content": "答"}, "finish_reason": reason});
        json!({"choices": [choice]}).to_string()
    };
    let run = once(&[of(0, Some("stop")), of(1, None), done()], &["-n", "2"]);
    run.code(6).stdout("答\n\n答\n");
}

#[test]
fn a_profile_can_say_that_no_reason_comes() {
    let server = Server::start([Reply::sse(&[says("完"), done()])]);
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\nfinish_reason = \"never\"\n",
        server.url()
    );
    let run = llm().config(&profile).watch(&server).args(["chat", "问"]).run();
    run.code(0).stdout("完\n").stderr_empty();
    let wrong = profile.replace("\"never\"", "\"no\"");
    llm().config(&wrong).args(["chat", "问"]).run().code(2).stderr_has("never");
}

#[test]
fn a_whole_call_is_an_end() {
    let call = |arguments: &str| {
        let call =
            json!({"index": 0, "id": "a", "function": {"name": "t", "arguments": arguments}});
        chunk(json!({"tool_calls": [call]}), None)
    };
    let run = |arguments: &str, replies: usize| {
        let mut all = vec![Reply::sse(&[call(arguments), done()])];
        all.extend((1..replies).map(|_| Reply::chat(&["完"])));
        let server = Server::start(all);
        let profile = format!(
            "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n[tools.t]\ncommand = \"touch ran\"\n",
            server.url()
        );
        let llm = llm().config(&profile).watch(&server);
        llm.args(["chat", "--yes", "--tool", "t", "--retries", "0", "问"]).run()
    };
    run("{\"城\": 1}", 2).code(0).stdout("完\n");
    for cut in ["", "{\"城\": ", "{\"城\": {}"] {
        let outcome = run(cut, 1);
        outcome.code(6).stdout_empty();
        assert!(!outcome.dir().join("ran").exists(), "{cut}");
    }
}

#[test]
fn nothing_is_read_behind_the_end() {
    let more = [says("多余"), json!({"error": {"message": "出错"}}).to_string()];
    for pieces in [1, 2] {
        let mut events =
            vec![says("完"), ends(json!({}), json!({"finish_reason": "stop"})), done()];
        events.extend(more[..pieces].iter().cloned());
        once(&events, &[]).code(0).stdout("完\n").stderr_empty();
    }
}

#[test]
fn what_repeats_the_whole_adds_nothing() {
    let stop = json!({"finish_reason": "stop"});
    let text = [says("你"), says("好")];
    let with = |field: &str, message: Value| {
        let mut last = json!({"index": 0, "finish_reason": "stop"});
        last[field] = message;
        json!({"choices": [last]}).to_string()
    };
    let whole = json!({"role": "assistant", "content": "你好", "reasoning_content": "想"});
    let both = json!({"index": 0, "delta": {}, "message": whole, "finish_reason": "stop"});
    for last in [
        with("message", whole.clone()),
        with("delta", json!({"content": "你好"})),
        json!({"choices": [both]}).to_string(),
        json!({"object": "chat.completion", "choices": [{"message": whole, "finish_reason": "stop"}]})
            .to_string(),
    ] {
        let events = [&text[..], &[last, done()]].concat();
        once(&events, &["--reasoning", "show"]).code(0).stdout("你好\n").stderr_empty();
    }
    // Behind the end, and with thinking.
    let think = |text: &str| chunk(json!({"reasoning_content": text}), None);
    let again = ends(json!({"content": "你好", "reasoning_content": "想一想"}), stop.clone());
    let events = [&[think("想"), think("一想")], &text[..], &[again, done()]].concat();
    once(&events, &["--reasoning", "show"]).code(0).stdout("你好\n").stderr("想一想\n\n");
    // One that only looks like it is text.
    let events = [says("哈"), ends(json!({"content": "哈"}), stop), done()];
    once(&events, &[]).code(0).stdout("哈哈\n");
}

#[test]
fn a_message_beside_an_empty_delta_is_the_answer() {
    let choice = json!({"index": 0, "delta": {"role": "assistant", "content": ""},
        "message": {"role": "assistant", "content": "八"}, "finish_reason": "stop"});
    let body = json!({"choices": [choice]});
    let (run, _) = ask_for([Reply::json(200, body.clone())], &["-S"]);
    run.code(0).stdout("八\n").stderr_empty();
    once(&[body.to_string(), done()], &[]).code(0).stdout("八\n").stderr_empty();
}

#[test]
fn one_answer_is_shown_where_one_was_asked_for() {
    let second = |index: Value| {
        json!({"choices": [
            {"index": 0, "message": {"content": "一"}, "finish_reason": "stop"},
            {"index": index, "message": {"content": "二"}, "finish_reason": "stop"}]})
    };
    for index in [json!(1), json!(0), Value::Null] {
        let server = Server::start([Reply::json(200, second(index))]);
        let run = ask(&server).arg("-S").run();
        run.code(0).stdout("一\n").stderr_empty();
    }
    let empty = json!({"choices": [
        {"index": 0, "message": {"content": ""}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": "二"}, "finish_reason": "stop"}]});
    let (run, _) = ask_for([Reply::json(200, empty)], &["-S"]);
    run.code(0).stdout("二\n").stderr_empty();
}

#[test]
fn thinking_in_other_forms_is_no_answer_text() {
    let stop = || ends(json!({}), json!({"finish_reason": "stop"}));
    for (text, thinking) in [
        ("[THINK]想一想[/THINK]答", "想一想"),
        ("◁think▷想一想◁/think▷答", "想一想"),
        ("<|channel>thought\n想一想\n<channel|>答", "\n想一想\n"),
        (
            "<|channel|>analysis<|message|>想一想<|end|><|start|>assistant<|channel|>final<|message|>答",
            "想一想",
        ),
        ("<|channel|>final<|message|>答", ""),
        ("<seed:think>想一想</seed:think>\n\n答", "想一想"),
    ] {
        let letters: Vec<String> = text.chars().map(|letter| says(&letter.to_string())).collect();
        let run = once(&[&letters[..], &[stop(), done()]].concat(), &["--reasoning", "show"]);
        run.code(0).stdout("答\n");
        assert_eq!(run.stderr_text().trim_end(), thinking.trim_end(), "{text}");
    }
    // Portkey's blocks of Anthropic's, in pieces and whole.
    let blocks = json!({"content_blocks": [{"index": 0, "delta": {"thinking": "想"}}]});
    let events = [chunk(blocks, None), says("答"), stop(), done()];
    once(&events, &["--reasoning", "show"]).code(0).stdout("答\n").stderr("想\n\n");
    let message =
        json!({"content": "", "content_blocks": [{"type": "thinking", "thinking": "想"}]});
    let whole = json!({"choices": [{"message": message, "finish_reason": "end_turn"}]});
    let (run, _) = ask_for([Reply::json(200, whole)], &["-S"]);
    run.code(4).stdout_empty().stderr_has("only thinking");
}

#[test]
fn what_a_flag_alone_marks_is_the_answer_where_nothing_else_came() {
    let flag = json!({"google": {"thought": true}});
    let part = |text: &str| json!({"content": text, "extra_content": flag});
    let stop = || ends(json!({}), json!({"finish_reason": "stop"}));
    let alone = [chunk(part("正"), None), chunk(part("午"), None), stop(), done()];
    once(&alone, &[]).code(0).stdout("正午\n");
    let whole = json!({"choices": [{"message": part("正午"), "finish_reason": "stop"}]});
    let (run, _) = ask_for([Reply::json(200, whole)], &["-S"]);
    run.code(0).stdout("正午\n");
    // Tags mark it too, or an answer follows.
    let tagged = [chunk(part("<thought>想</thought>"), None), stop(), done()];
    once(&tagged, &[]).code(4).stdout_empty().stderr_has("only thinking");
    once(&[chunk(part("想"), None), says("答"), stop(), done()], &[]).code(0).stdout("答\n");
}
