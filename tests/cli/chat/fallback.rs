//! `--fallback` and the profile's `fallback`: another service is asked where the first gives no answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, Step, chunk, llm};
#[cfg(unix)]
use crate::support::{Running, spawn_in_terminal};

fn error(status: u16, code: &str, words: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": words, "code": code, "type": code}}))
}

fn no_money() -> Reply {
    error(429, "insufficient_quota", "You exceeded your current quota")
}

/// A run with the profiles `first` (model `m`) and `second` (model `s`) at these servers. `lines` go to the
/// first one's, `more` behind both.
fn asking_with(first: &Server, second: &Server, lines: &str, more: &str) -> Llm {
    let profile = format!(
        "default = \"first\"\n[providers.first]\nbase_url = \"{}\"\nmodel = \"m\"\n{lines}\n\
         [providers.second]\nbase_url = \"{}\"\nmodel = \"s\"\n{more}\n[tools.t]\ncommand = \"echo 1\"\n",
        first.url(),
        second.url()
    );
    llm().config(&profile).watch(first).watch(second).args(["chat", "--retries", "0"])
}

fn asking(first: &Server, second: &Server) -> Llm {
    asking_with(first, second, "", "")
}

const TO_SECOND: [&str; 2] = ["--fallback", "second"];

#[test]
fn a_service_that_gives_no_answer_is_followed_by_another() {
    for (reply, words) in [
        (no_money(), "You exceeded your current quota"),
        (error(429, "rate_limit_exceeded", "slow down"), "slow down"),
        (error(402, "", "Insufficient Balance"), "Insufficient Balance"),
        (error(503, "", "overloaded"), "overloaded"),
        (error(500, "", "oops"), "oops"),
        (Reply::raw([Step::Close]), "first"),
        (Reply::raw([Step::Reset]), "first"),
        (
            Reply::sse(
                &[json!({"error": {"message": "坏了", "code": "server_error"}}).to_string()],
            ),
            "坏了",
        ),
        (Reply::sse(&[chunk(json!({"content": ""}), None)]), "ended early"),
    ] {
        let (first, second) = (Server::start([reply]), Server::start([Reply::chat(&["好"])]));
        let run = asking(&first, &second).args(TO_SECOND).arg("问").run();
        run.code(0)
            .stdout("好\n")
            .stderr_has("llm: warning: ")
            .stderr_has(words)
            .stderr_has("; asking second (s) instead");
        assert_eq!(second.request().json()["model"], "s");
        assert_eq!(second.request().json()["messages"], json!([{"role": "user", "content": "问"}]));
    }
}

#[test]
fn a_dead_address_and_silence_are_no_answer() {
    let (dead, second) = (Server::refusing(), Server::start([Reply::chat(&["好"])]));
    let profile = format!(
        "default = \"first\"\n[providers.first]\nbase_url = \"{}\"\nmodel = \"m\"\nfallback = \"second:s:7b\"\n\
         [providers.second]\nbase_url = \"{}\"\n",
        dead.url(),
        second.url()
    );
    let run = llm().config(&profile).watch(&second).args(["chat", "--retries", "0", "问"]).run();
    run.code(0).stdout("好\n").stderr_has("asking second (s:7b) instead");
    assert_eq!(second.request().json()["model"], "s:7b");
    let (first, second) = (Server::silent(), Server::start([Reply::chat(&["好"])]));
    let run = asking(&first, &second).args(["--timeout", "1"]).args(TO_SECOND).arg("问").run();
    run.code(0).stdout("好\n").stderr_has("asking second (s) instead");
}

#[test]
fn what_another_service_would_refuse_too_is_not_asked_of_it() {
    for (reply, code) in [
        (error(401, "invalid_api_key", "no"), 3),
        (error(403, "", "no"), 3),
        (error(400, "", "bad"), 4),
        (error(404, "model_not_found", "no such model"), 4),
        (Reply::json(200, json!({})), 4),
    ] {
        let (first, second) = (Server::start([reply]), Server::start([]));
        let run = asking(&first, &second).args(TO_SECOND).arg("问").run();
        run.code(code).stdout("").stderr_lacks("instead");
        assert_eq!(second.requests().len(), 0);
    }
}

#[test]
fn an_answer_that_has_begun_is_nobody_elses() {
    let begun = Reply::sse(&[chunk(json!({"content": "半"}), None)]);
    let (first, second) = (Server::start([begun]), Server::start([]));
    let run = asking(&first, &second).args(TO_SECOND).arg("问").run();
    run.code(6).stdout("半\n").stderr_lacks("instead");
    // Of several answers the first one is there.
    let (first, second) = (Server::start([Reply::chat(&["甲"]), no_money()]), Server::start([]));
    let run = asking(&first, &second).args(TO_SECOND).args(["-n", "2", "问"]).run();
    run.code(5).stdout("甲\n").stderr_lacks("instead");
}

#[test]
fn the_tries_of_the_first_come_before_and_those_of_the_second_are_its_own() {
    let busy = || error(503, "", "overloaded").header("retry-after-ms", "1");
    let (first, second) =
        (Server::start([busy(), busy()]), Server::start([busy(), Reply::chat(&["好"])]));
    let run = asking(&first, &second).bare_args(["chat", "--retries", "1"]).args(TO_SECOND);
    let run = run.arg("问").run();
    run.code(0).stdout("好\n");
    assert_eq!((first.requests().len(), second.requests().len()), (2, 2));
    let said = run.stderr_text();
    assert_eq!(said.matches("trying again").count(), 2, "{run}");
}

#[test]
fn several_are_asked_in_order_and_the_last_failure_is_the_runs() {
    let (first, second) = (Server::start([no_money()]), Server::start([error(500, "", "oops")]));
    let third = Server::start([Reply::chat(&["好"])]);
    let more = format!("[providers.third]\nbase_url = \"{}\"\nmodel = \"t\"", third.url());
    let run = asking_with(&first, &second, "", &more).watch(&third);
    let run = run.args(["--fallback", "second", "--fallback", "third:t2", "问"]).run();
    run.code(0).stdout("好\n").stderr_has("asking second (s)").stderr_has("asking third (t2)");
    for (last, code, words) in [
        (error(500, "", "oops"), 6, "oops"),
        (no_money(), 5, "quota"),
        (error(401, "", "no key"), 3, "no key"),
        (error(400, "", "bad"), 4, "bad"),
    ] {
        let (first, second) = (Server::start([no_money()]), Server::start([last]));
        let run = asking(&first, &second).args(TO_SECOND).arg("问").run();
        run.code(code).stdout("").stderr_has("asking second").stderr_has(words);
    }
}

#[test]
fn the_flag_wins_over_the_profile_which_has_one_or_several() {
    for (line, flags, models) in [
        ("fallback = \"second\"", &[][..], ["s", ""]),
        ("fallback = [\"second:a\", \"second:b\"]", &[], ["a", "b"]),
        ("fallback = \"second\"", &["--fallback", "second:x"], ["x", ""]),
    ] {
        let replies = models.iter().filter(|model| !model.is_empty()).count();
        let failing = (1..replies).map(|_| no_money());
        let second = Server::start(failing.chain([Reply::chat(&["好"])]).collect::<Vec<_>>());
        let first = Server::start([no_money()]);
        let run = asking_with(&first, &second, line, "").args(flags).arg("问").run();
        run.code(0).stdout("好\n");
        let asked: Vec<Value> = second.bodies().iter().map(|body| body["model"].clone()).collect();
        assert_eq!(asked, models[..replies], "{line}");
    }
    // The one that was asked is not asked again; one of its other models is.
    let (first, second) = (Server::start([no_money()]), Server::start([]));
    asking(&first, &second).args(["--fallback", "first:m", "问"]).run().code(5);
    let (first, second) = (Server::start([no_money(), Reply::chat(&["好"])]), Server::start([]));
    asking(&first, &second).args(["--fallback", "first:k", "问"]).run().code(0).stdout("好\n");
    assert_eq!(first.requests()[1].json()["model"], "k");
    // Of the second one's own list nobody is asked.
    let (first, second) = (Server::start([no_money()]), Server::start([no_money()]));
    let run = asking_with(&first, &second, "", "fallback = \"first:z\"").args(TO_SECOND);
    run.arg("问").run().code(5);
}

#[test]
fn what_is_wrong_with_it_is_said_before_anything_is_sent() {
    let silent = || (Server::start([]), Server::start([]));
    let (first, second) = silent();
    let run = asking(&first, &second).args(["--fallback", "secnd", "问"]).run();
    run.code(2).stderr_has("there is no profile `secnd`").stderr_has("did you mean `second`?");
    let (first, second) = silent();
    let run =
        asking_with(&first, &second, "fallback = [\"second\", \"secnd:x\"]", "").arg("问").run();
    run.code(2)
        .stderr_has("there is no profile `secnd`")
        .stderr_has("`fallback` of first")
        .stderr_has("providers.toml")
        .stderr_has("did you mean `second`?");
    // A typed one without its key; one that has no chat.
    let (first, second) = silent();
    let run = asking(&first, &second).args(["--fallback", "deepseek", "问"]).run();
    run.code(2).stderr_has("DEEPSEEK_API_KEY").stderr_has("--fallback deepseek");
    let (first, second) = silent();
    asking(&first, &second).args(["--fallback", "jina", "问"]).run().code(2).stderr_has("chat");
    let (first, second) = silent();
    asking_with(&first, &second, "fallback = 3", "").arg("问").run().code(2).stderr_has("fallback");
    assert_eq!(first.requests().len() + second.requests().len(), 0);
}

#[test]
fn one_of_the_profile_that_cannot_be_asked_is_passed_over_when_it_is_reached() {
    let lines = "fallback = [\"deepseek\", \"second\"]";
    let (first, second) = (Server::start([Reply::chat(&["好"])]), Server::start([]));
    asking_with(&first, &second, lines, "").arg("问").run().code(0).stdout("好\n").stderr("");
    let (first, second) = (Server::start([no_money()]), Server::start([Reply::chat(&["好"])]));
    let run = asking_with(&first, &second, lines, "").arg("问").run();
    run.code(0)
        .stdout("好\n")
        .stderr_has("deepseek can't be asked instead: ")
        .stderr_has("asking second (s) instead");
    // Where none is left, the failure is the first one's.
    let (first, second) = (Server::start([no_money()]), Server::start([]));
    let run = asking_with(&first, &second, "fallback = \"deepseek\"", "").arg("问").run();
    run.code(5).stdout("").stderr_has("can't be asked instead").stderr_has("llm: first");
}

#[test]
fn nothing_of_the_first_goes_to_the_second() {
    let (first, second) = (Server::start([no_money()]), Server::start([Reply::chat(&["好"])]));
    let run = asking_with(
        &first,
        &second,
        "api_key = \"sk-eins\"\nheaders = { x-one = \"1\" }",
        "api_key = \"sk-zwei\"",
    );
    let run = run.args([
        "-H",
        "x-typed: 2",
        "-m",
        "typed",
        "-O",
        "temperature=0.5",
        "-O",
        "model=\"gesetzt\"",
    ]);
    run.args(TO_SECOND).arg("问").run().code(0).stdout("好\n");
    let request = second.request();
    assert_eq!(request.header("authorization"), Some("Bearer sk-zwei"));
    assert_eq!((request.header("x-one"), request.header("x-typed")), (None, None));
    let body = request.json();
    assert_eq!((&body["model"], &body["temperature"]), (&json!("s"), &json!(0.5)));
    assert_eq!(first.request().json()["model"], "gesetzt");
}

#[test]
fn every_way_of_asking_has_it() {
    // As JSON, as a whole, several, a schema.
    let whole = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "好"},
        "finish_reason": "stop"}]});
    let (first, second) =
        (Server::start([no_money()]), Server::start([Reply::json(200, whole.clone())]));
    let run = asking(&first, &second).args(TO_SECOND).args(["--json", "问"]).run();
    assert_eq!(run.code(0).stdout_json(), whole);
    let (first, second) =
        (Server::start([no_money()]), Server::start([Reply::chat(&["甲"]), Reply::chat(&["乙"])]));
    let run = asking(&first, &second).args(TO_SECOND).args(["-n", "2", "问"]).run();
    run.code(0).stdout("甲\n\n乙\n");
    let (first, second) =
        (Server::start([no_money()]), Server::start([Reply::chat(&["{\"a\":\"b\"}"])]));
    let run = asking(&first, &second).args(TO_SECOND).args(["--schema", "a", "问"]).run();
    run.code(0).stdout("{\"a\":\"b\"}\n");
    let (first, second) = (Server::start([no_money()]), Server::start([Reply::chat(&["好"])]));
    let run = asking(&first, &second).args(TO_SECOND).args(["-o", "a.txt", "问"]).run();
    assert_eq!(run.code(0).stdout("").read("a.txt"), "好\n".as_bytes());
    // A dry run shows the first alone.
    let (first, second) = (Server::start([]), Server::start([]));
    let run = asking(&first, &second).args(TO_SECOND).args(["--dry-run", "问"]).run();
    run.code(0).stdout_has(&first.url());
    assert!(!run.stdout_text().contains(&second.url()), "{run}");
    // The words of a run that ends by its limit of time.
    let (first, second) = (Server::silent(), Server::start([]));
    let run = asking(&first, &second).args(TO_SECOND).args(["--max-time", "1", "问"]).run();
    run.code(6).stderr_has("not finished within 1 s").stderr_lacks("instead");
}

#[test]
fn flags_that_the_second_has_no_field_for_are_left_out() {
    let message = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "好"}]});
    let reply = json!({"object": "response", "status": "completed", "output": [message]});
    let (first, second) = (Server::start([no_money()]), Server::start([Reply::json(200, reply)]));
    let run = asking_with(&first, &second, "", "api = \"responses\"").args(TO_SECOND);
    let run = run.args(["--api", "completions", "--seed", "3", "-S", "问"]).run();
    run.code(0).stdout("好\n").stderr_has("`--seed` is left out");
    assert_eq!(second.request().path, "/v1/responses");
}

fn calling() -> Reply {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}, "extra": "seal"}]);
    let details = json!([{"type": "reasoning.encrypted", "data": "gAAA", "index": 0}]);
    Reply::sse(&[
        chunk(json!({"tool_calls": call, "reasoning_details": details}), Some("tool_calls")),
        "[DONE]".to_owned(),
    ])
}

#[test]
fn rounds_of_tools_go_on_elsewhere_without_what_is_sealed_for_the_first() {
    let (first, second) =
        (Server::start([calling(), no_money()]), Server::start([Reply::chat(&["完"])]));
    let llm = asking(&first, &second);
    let run = llm.clone().args(TO_SECOND).args(["--yes", "--tool", "t", "问"]).run();
    run.code(0).stdout("完\n").stderr_has("asking second (s) instead");
    let body = second.request().json();
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["name"], "t");
    assert_eq!(body["messages"][2]["content"], "1");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(3), "{body}");
    assert!(!body.to_string().contains("gAAA") && !body.to_string().contains("seal"), "{body}");
    assert_eq!(body["tools"][0]["function"]["name"], "t");
    // The one that was asked first gets its own back, and not what the other one said as its own.
    first.then(Reply::chat(&["又"]));
    llm.clone().args(["-c", "再问"]).run().code(0).stdout("又\n");
    let later = first.requests()[2].json();
    assert!(later.to_string().contains("gAAA"), "{later}");
    let shown = llm.bare_args(["history", "show"]).run();
    shown
        .code(0)
        .stdout_has("# first/m\n\n> t {}")
        .stdout_has("# second/s · in place of first/m\n\n完");
}

#[test]
fn the_history_keeps_who_answered_and_the_next_turn_asks_the_first_again() {
    let (first, second) =
        (Server::start([no_money(), Reply::chat(&["又"])]), Server::start([Reply::chat(&["好"])]));
    let llm = asking_with(&first, &second, "fallback = \"second\"", "");
    llm.clone().args(["--session", "周报", "问"]).run().code(0).stdout("好\n");
    llm.clone().args(["--session", "周报", "再问"]).run().code(0).stdout("又\n").stderr("");
    assert_eq!(first.requests()[1].json()["model"], "m");
    let history = |args: &[&str]| llm.clone().bare_args(["history"]).args(args).run();
    history(&["show", "周报"])
        .code(0)
        .stdout_has("# second/s · in place of first/m\n\n好")
        .stdout_has("# first/m\n\n又");
    let shown = history(&["show", "周报", "--json"]).stdout_json();
    let turn = &shown["turns"][0];
    assert_eq!((&turn["provider"], &turn["model"]), (&json!("first"), &json!("m")));
    assert_eq!(turn["answer"]["by"], json!({"provider": "second", "model": "s"}));
    assert_eq!(shown["turns"][1]["answer"].get("by"), None);
    let export = history(&["export", "周报"]);
    export.code(0).stderr_has("llm history show");
    assert_eq!(export.stdout_json()[1], json!({"role": "assistant", "content": "好"}));
    // What was spent is told of each service.
    let path = llm.folder("data").join("llm/usage.jsonl");
    let notes = std::fs::read_to_string(path).expect("notes");
    let notes: Vec<Value> =
        notes.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<(&str, i64)> = notes
        .iter()
        .map(|note| {
            (note["provider"].as_str().unwrap_or_default(), note["exit"].as_i64().unwrap_or(0))
        })
        .collect();
    assert_eq!(told, [("first", 5), ("second", 0), ("first", 0)], "{notes:?}");
}

#[test]
fn it_is_of_chat_alone() {
    for (args, words) in [
        (&["embed", "--fallback", "second", "x"][..], "`--fallback` is of `llm chat` alone"),
        (&["batch", "--fallback", "second", "-f", "a", "-o", "b", "x"], "a batch asks one service"),
    ] {
        let (first, second) = (Server::start([]), Server::start([]));
        asking(&first, &second).bare_args(args).run().code(2).stderr_has(words);
    }
    // The profile's is nothing to the others.
    let (first, second) = (Server::start([no_money()]), Server::start([]));
    let run = asking_with(&first, &second, "fallback = \"nowhere\"", "");
    run.bare_args(["embed", "--retries", "0", "x"]).run().code(5);
}

#[cfg(unix)]
#[test]
fn each_turn_of_a_conversation_begins_with_the_first() {
    let (first, second) = (
        Server::start([no_money(), Reply::chat(&["答乙"]), no_money()]),
        Server::start([Reply::chat(&["答甲"]), Reply::chat(&["答丙"])]),
    );
    let llm = asking_with(&first, &second, "fallback = \"second\"", "");
    let Some(mut run): Option<Running> = spawn_in_terminal(&llm) else { return };
    for (before, typed) in
        [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "三\r"), ("答丙", "\x04")]
    {
        run.read_stdout_until(before, Duration::from_secs(15));
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(typed);
    }
    let outcome = run.wait();
    outcome.code(0);
    assert_eq!(outcome.stdout_text().matches("asking second").count(), 2, "{outcome}");
    assert_eq!((first.requests().len(), second.requests().len()), (3, 2));
    let last = second.requests()[1].json()["messages"].clone();
    assert_eq!(last.as_array().map(Vec::len), Some(5), "{last}");
}
