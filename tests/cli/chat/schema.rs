//! `--schema` and `--schema-multi`: what is sent, what fits, and what becomes of what does not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, Step, chat_events, chunk, llm};

fn with(server: &Server, lines: &str) -> Llm {
    let url = server.url();
    let profile = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{lines}\n");
    llm().config(&profile).watch(server).args(["chat", "你好"])
}

/// Runs against these replies, and gives the requests too.
#[track_caller]
fn run(replies: impl IntoIterator<Item = Reply>, args: &[&str]) -> (Outcome, Vec<Value>) {
    let server = Server::start(replies.into_iter().collect::<Vec<_>>());
    let outcome = with(&server, "").args(args).run();
    (outcome, server.requests().iter().map(|request| request.json()).collect())
}

const CITY: [&str; 2] = ["--schema", "城市, 人口 int：万"];

#[test]
fn the_short_form_is_sent_as_a_strict_schema() {
    let answer = "{\"城市\": \"上海\", \"人口\": 2487}";
    let (outcome, requests) = run([Reply::chat(&[answer])], &CITY);
    outcome.code(0).stdout(&format!("{answer}\n")).stderr_empty();
    let format = &requests[0]["response_format"]["json_schema"];
    assert_eq!(format["strict"], true);
    let meaning = json!({"type": "integer", "description": "万"});
    assert_eq!(format["schema"]["properties"]["人口"], meaning);
    assert_eq!(requests[0]["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_schema_that_is_none_is_refused_before_anything_is_sent() {
    let server = Server::start([]);
    for (schema, words) in [
        ("age integr", "has no type `integr`; types are str, int, float, bool, list"),
        ("", "names no field"),
        ("folder/none", "names a file that can't be read: folder/none: no such file"),
        ("[1]", "has a name that is not valid"),
    ] {
        for flag in ["--schema", "--schema-multi"] {
            let outcome = with(&server, "").args([flag, schema]).run();
            outcome.code(2).stdout_empty().stderr_has(&format!("llm: {flag} {words}"));
        }
    }
    let both = with(&server, "").args(["--schema-multi", "a", "--json"]).run();
    both.code(2).stderr_has("can't be combined with --json");
    with(&server, "").args(["--schema-multi", "a", "--schema", "b"]).run().code(2);
    // A file of that name is meant, whatever its ending.
    let file = with(&server, "").file("城市", "{\"type\": 5}").args(["--schema", "城市"]).run();
    file.code(2).stderr_has("is not a JSON Schema");
}

#[test]
fn a_service_is_told_of_the_schema_as_its_profile_has_it() {
    let sent = |lines: &str| {
        let server = Server::start([Reply::chat(&["```json\n{\"城市\": \"上海\"}\n```"])]);
        let llm = with(&server, lines).args(["-s", "简短", "--schema", "城市"]);
        llm.run().code(0).stdout("{\"城市\": \"上海\"}\n").stderr_empty();
        server.request().json()
    };
    let body = sent("schema = \"json_object\"");
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    let system = body["messages"][0]["content"].as_str().expect("a text");
    assert!(system.starts_with("简短\n\n") && system.contains("JSON"), "{system}");
    assert!(system.contains("\"required\":[\"城市\"]"), "{system}");
    let body = sent("schema = \"instructions\"");
    assert!(body.get("response_format").is_none(), "{body}");
    assert!(body["messages"][0]["content"].as_str().is_some_and(|text| text.contains("城市")));
    // A rule may hold for requests with a field alone.
    let rule = "schema = \"json_object\"\nrules = [{ with = [\"response_format\"], set = { enable_thinking = false } }]";
    assert_eq!(sent(rule)["enable_thinking"], false);
    let server = Server::start([Reply::chat(&["好"])]);
    with(&server, rule).run().code(0);
    assert!(server.request().json().get("enable_thinking").is_none());
}

#[test]
fn what_is_kept_of_the_question_has_no_schema_in_it() {
    let server = Server::start([Reply::chat(&["{\"a\": \"b\"}"]), Reply::chat(&["好"])]);
    let llm = with(&server, "schema = \"instructions\"");
    llm.clone().args(["-s", "简短", "--schema", "a"]).run().code(0);
    llm.args(["-c"]).run().code(0);
    assert_eq!(server.requests()[1].json()["messages"][0]["content"], "简短");
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_once_more() {
    let good = "{\"城市\": \"上海\", \"人口\": 2487}";
    for bad in ["{\"城市\": \"上海\", \"人口\": \"很多\"}", "上海有很多人。"] {
        let (outcome, requests) = run([Reply::chat(&[bad]), Reply::chat(&[good])], &CITY);
        outcome.code(0).stdout(&format!("{good}\n"));
        outcome.stderr_has("llm: warning: the answer from test does not fit the schema: ");
        outcome.stderr_has("; asking once more\n");
        assert_eq!(requests[1]["messages"][1], json!({"role": "assistant", "content": bad}));
        assert_eq!(requests[1]["messages"][2]["role"], "user");
        assert_eq!(requests[1]["response_format"], requests[0]["response_format"]);
        // The second answer is printed as it came, and is not asked for again.
        let (outcome, requests) = run([Reply::chat(&["{}"]), Reply::chat(&[bad])], &CITY);
        outcome
            .code(4)
            .stdout(&format!("{bad}\n"))
            .stderr_has("llm: the answer from test does not");
        assert_eq!(requests.len(), 2);
    }
    // What was asked for again was paid for too.
    let counted = |text: &str| {
        let mut events = chat_events(&[text]);
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}});
        events.insert(3, usage.to_string());
        Reply::sse(&events)
    };
    let args = [&CITY[..], &["-u", "-q"]].concat();
    let (outcome, _) = run([counted("{}"), counted(good)], &args);
    outcome.code(0).stderr_has("llm: usage: 20 tokens in, 10 out").stderr_lacks("warning");
}

#[test]
fn no_second_answer_leaves_the_first_one() {
    let refusal = || Reply::json(429, json!({"error": {"message": "太多"}}));
    let args = [&CITY[..], &["--retries", "0"]].concat();
    let (outcome, _) = run([Reply::chat(&["{}"]), refusal()], &args);
    outcome.code(5).stdout("{}\n").stderr_has("太多");
    // A cut answer is none that could be asked for again.
    let cut = Reply::sse(&[&chunk(json!({"content": "{\"城"}), Some("length")), "[DONE]"]);
    let (outcome, requests) = run([cut], &CITY);
    outcome.code(4).stdout("{\"城\n").stderr_has("was cut at the token limit and does not fit");
    assert_eq!(requests.len(), 1);
}

#[test]
fn a_cut_answer_is_never_taken_for_whole() {
    for limit in [&[][..], &["--max-tokens", "5"], &["-O", "max_tokens=5"]] {
        let cut = |text: &str| {
            let whole = chunk(json!({"content": text}), Some("length"));
            Reply::sse(&[&whole, "[DONE]"])
        };
        let args = [&CITY[..], limit, &["-o", "x.json"]].concat();
        let (outcome, _) = run([cut("{\"城\": ")], &args);
        outcome.code(4).stdout_empty().stderr_has("token limit");
        assert!(!outcome.dir().join("x.json").exists());
        // It fits all the same: the last brace came, what was meant behind it did not.
        let whole = "{\"城市\": \"上海\", \"人口\": 2487}";
        let (outcome, _) = run([cut(whole)], &[&CITY[..], limit].concat());
        outcome.code(7).stdout(&format!("{whole}\n")).stderr_has("cut at the token limit");
        // The list of `--schema-multi` was cut behind its first item.
        let items = cut("{\"items\": [{\"名\": \"甲\", \"年\": 1}, {");
        let (outcome, _) = run([items], &[&PEOPLE[..], limit].concat());
        outcome.code(4).stdout("{\"名\":\"甲\",\"年\":1}\n");
    }
    // A gateway cut it, and says that it is whole.
    let cut = Reply::sse(&[
        &chunk(json!({"content": "{\"城市\": \"上海\", \"人口\": 2487}"}), None),
        "[DONE]",
    ]);
    let args = [&CITY[..], &["--retries", "0", "-o", "x.json"]].concat();
    let (outcome, _) = run([cut], &args);
    outcome.code(6).stdout_empty();
    assert!(!outcome.dir().join("x.json").exists());
}

const PEOPLE: [&str; 2] = ["--schema-multi", "名, 年 int"];

#[cfg(unix)]
#[test]
fn items_are_printed_while_they_come() {
    let first = chunk(json!({"content": "{\"items\": [{\"名\": \"甲\",\n \"年\": 1}, {"}), None);
    let server = Server::start([Reply::sse(&[first]).then([Step::UntilClosed])]);
    let mut run = with(&server, "").args(PEOPLE).spawn();
    run.read_stdout_until("{\"名\":\"甲\",\"年\":1}\n", Duration::from_secs(10));
    run.signal("INT");
    run.wait().code(130).stdout("{\"名\":\"甲\",\"年\":1}\n").stderr_empty();
}

#[test]
fn a_list_is_asked_for_as_an_object_and_printed_as_lines() {
    let items = "{\"items\": [{\"名\": \"甲\",\n \"年\": 1}, {\"名\": \"乙, ]\", \"年\": 2}]}";
    let letters: Vec<String> = items.chars().map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    let (outcome, requests) = run([Reply::chat(&letters)], &PEOPLE);
    let lines = "{\"名\":\"甲\",\"年\":1}\n{\"名\":\"乙, ]\",\"年\":2}\n";
    outcome.code(0).stdout(lines).stderr_empty();
    let schema = &requests[0]["response_format"]["json_schema"];
    assert_eq!((&schema["strict"], &schema["schema"]["type"]), (&json!(true), &json!("object")));
    let item = &schema["schema"]["properties"]["items"]["items"];
    assert_eq!(item["required"], json!(["名", "年"]));
}

#[test]
fn lists_in_other_shapes_are_taken_too() {
    let two = "{\"名\":\"甲\",\"年\":1}\n{\"名\":\"乙\",\"年\":2}\n";
    for answer in [
        two.to_owned(),
        format!("[{}]", two.trim().replace('\n', ",")),
        format!("两个：\n```json\n{two}```\n"),
    ] {
        let (outcome, _) = run([Reply::chat(&[&answer])], &PEOPLE);
        outcome.code(0).stdout(two).stderr_empty();
    }
    let (outcome, _) = run([Reply::chat(&["{\"items\": []}"])], &PEOPLE);
    outcome.code(0).stdout_empty().stderr_empty();
}

#[test]
fn an_item_that_does_not_fit_is_left_out_and_told() {
    let items = "[{\"名\":\"甲\",\"年\":1},{\"名\":\"乙\",\"年\":\"二\"},{\"名\":\"丙\",\"年\":3}]";
    let (outcome, requests) = run([Reply::chat(&[items])], &PEOPLE);
    outcome.code(4).stdout("{\"名\":\"甲\",\"年\":1}\n{\"名\":\"丙\",\"年\":3}\n");
    outcome.stderr_has("does not fit the schema: item 2: ").stderr_has("/年");
    assert_eq!(requests.len(), 1, "what was printed is not asked for again");
    // As long as nothing was printed, it is.
    let good = Reply::chat(&["[{\"名\":\"甲\",\"年\":1}]"]);
    let (outcome, requests) = run([Reply::chat(&["没有"]), good], &PEOPLE);
    outcome.code(0).stdout("{\"名\":\"甲\",\"年\":1}\n").stderr_has("it contains no list");
    assert_eq!(requests.len(), 2);
    let (outcome, _) = run([Reply::chat(&["没有"]), Reply::chat(&["还是没有"])], &PEOPLE);
    outcome.code(4).stdout("还是没有\n");
    // A list that broke off: what was whole is printed.
    let half = Reply::sse(&[chunk(json!({"content": "[{\"名\":\"甲\",\"年\":1},{\"名\""}), None)]);
    let (outcome, _) = run([half], &PEOPLE);
    outcome.code(6).stdout("{\"名\":\"甲\",\"年\":1}\n");
    let (outcome, _) = run([Reply::chat(&["[{\"名\":\"甲\",\"年\":1},"])], &PEOPLE);
    outcome.code(4).stdout("{\"名\":\"甲\",\"年\":1}\n").stderr_has("ends inside or after item 1");
}

#[test]
fn a_file_holds_the_items_alone() {
    let (outcome, _) = run(
        [Reply::chat(&["[{\"名\":\"甲\",\"年\":1}]"])],
        &[&PEOPLE[..], &["-o", "人.jsonl"]].concat(),
    );
    outcome.code(0).stdout_empty();
    assert_eq!(outcome.read("人.jsonl"), "{\"名\":\"甲\",\"年\":1}\n".as_bytes());
    // A file that would hold less than all is not written.
    let (outcome, _) = run(
        [Reply::chat(&["[{\"名\":\"甲\",\"年\":1},5]"])],
        &[&PEOPLE[..], &["-o", "人.jsonl"]].concat(),
    );
    outcome.code(4);
    assert!(!outcome.dir().join("人.jsonl").exists());
}

#[test]
fn the_demo_answers_schemas_of_both_kinds() {
    let demo = |flag: &str| {
        llm().args(["chat", "-p", "demo", "你好", flag, "名, 年 int: 岁, 标签 list"]).run()
    };
    let one = demo("--schema");
    one.code(0).stderr_empty();
    assert!(one.stdout_json()["年"].is_i64(), "{one}");
    let several = demo("--schema-multi");
    several.code(0).stderr_empty();
    let lines: Vec<Value> = several
        .stdout_text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert!(lines.len() > 1 && lines.iter().all(|line| line["名"].is_string()), "{several}");
}

#[test]
fn a_schema_that_constrains_nothing_earns_a_warning() {
    for schema in ["{}", r#"{"type":"object"}"#, r#"{"name":"str"}"#] {
        let (outcome, _) = run([Reply::chat(&["{\"a\": 1}"])], &["--schema", schema]);
        outcome
            .code(0)
            .stdout("{\"a\": 1}\n")
            .stderr_has("llm: warning: --schema constrains nothing");
    }
    for schema in [r#"{"type":"object","required":["a"]}"#, "a int"] {
        run([Reply::chat(&["{\"a\": 1}"])], &["--schema", schema]).0.code(0).stderr_empty();
    }
}
