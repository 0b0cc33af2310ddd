//! `-n` at a service that gives fewer answers than it is asked for: the rest is asked for, one answer a
//! request.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, ask, chunk};

/// A stream of one answer, which ended for this reason; with token counts.
fn answer(text: &str, finish: &str) -> Reply {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
    let events = [
        chunk(json!({"role": "assistant", "content": text}), None),
        chunk(json!({}), Some(finish)),
        usage.to_string(),
        "[DONE]".to_owned(),
    ];
    Reply::sse(&events)
}

fn one(text: &str) -> Reply {
    answer(text, "stop")
}

fn with(server: &Server, args: &[&str]) -> Llm {
    ask(server).args(args)
}

/// `n` and `seed` of every request.
fn sent(server: &Server) -> Vec<(Value, Value)> {
    let pair = |body: &Value| (body["n"].clone(), body["seed"].clone());
    server.bodies().iter().map(pair).collect()
}

#[test]
fn the_rest_is_asked_for_without_a_word() {
    for args in [&["-n", "3"][..], &["-O", "n=3"]] {
        let server = Server::start(["甲", "乙", "丙"].map(one));
        let run = with(&server, args).run();
        run.code(0).stdout("甲\n\n乙\n\n丙\n").stderr_empty();
        let expected =
            [(json!(3), Value::Null), (Value::Null, Value::Null), (Value::Null, Value::Null)];
        assert_eq!(sent(&server), expected);
    }
}

#[test]
fn what_a_service_gives_at_once_is_not_asked_for_again() {
    let choice = |index: u64, text: &str| json!({"index": index, "message": {"content": text}, "finish_reason": "stop"});
    let two = json!({"choices": [choice(0, "甲"), choice(1, "乙")]});
    let server = Server::start([Reply::json(200, two), one("丙")]);
    with(&server, &["-n", "3"]).run().code(0).stdout("甲\n\n乙\n\n丙\n").stderr_empty();
}

#[test]
fn a_typed_seed_counts_up() {
    let server = Server::start(["甲", "乙", "丙"].map(one));
    with(&server, &["-n", "3", "--seed", "7"]).run().code(0);
    let seeds: Vec<Value> = sent(&server).into_iter().map(|(_, seed)| seed).collect();
    assert_eq!(seeds, [7, 8, 9]);
}

#[test]
fn tokens_are_added_and_json_is_printed_reply_by_reply() {
    let server = Server::start(["甲", "乙", "丙"].map(one));
    let run = with(&server, &["-n", "3", "-u"]).run();
    run.code(0).stderr_has("usage: 15 tokens in, 6 out");

    let whole = |text: &str| json!({"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]});
    let server = Server::start(["甲", "乙"].map(|text| Reply::json(200, whole(text))));
    let run = with(&server, &["-n", "2", "--json"]).run();
    run.code(0).stdout(&format!("{}\n{}\n", whole("甲"), whole("乙"))).stderr_empty();
}

#[test]
fn one_that_fails_ends_the_run_with_its_own_code() {
    let refused = || Reply::json(401, json!({"error": {"message": "no"}}));
    let server = Server::start([one("甲"), one("乙"), refused()]);
    let run = with(&server, &["-n", "4"]).run();
    run.code(3).stdout("甲\n\n乙\n").stderr_has("no");

    // It is tried again as any request is, and what is there stays.
    let server = Server::start([one("甲"), Reply::text(503, "busy"), one("乙")]);
    with(&server, &["-n", "2"]).run().code(0).stdout("甲\n\n乙\n");

    // What came of a broken one is printed.
    let broken = Reply::sse(&[chunk(json!({"content": "乙"}), None)]);
    let server = Server::start([one("甲"), broken]);
    let run = with(&server, &["-n", "2", "--retries", "0"]).run();
    run.code(6).stdout("甲\n\n乙\n");
}

#[test]
fn a_cut_one_among_them_is_told() {
    let server = Server::start([one("甲"), answer("乙", "length")]);
    with(&server, &["-n", "2"]).run().code(7).stdout("甲\n\n乙\n").stderr_has("cut");
    let server = Server::start([answer("甲", "length"), one("乙")]);
    with(&server, &["-n", "2", "--max-tokens", "9"]).run().code(0).stdout("甲\n\n乙\n");
    // One without text ends it: asked again it would give none either.
    let server = Server::start([one("甲"), one("")]);
    let run = with(&server, &["-n", "3"]).run();
    run.code(0).stdout("甲\n").stderr("llm: warning: test gave 1 of 3 answers\n");
}
