//! `llm batch fetch --from`: results that others wrote, as if every row had been asked here.

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, chat_body, llm};

const ROWS: &str = "一\n二\n三\n四\n";

fn fetch(results: &str) -> Llm {
    let llm = llm().profile_at("http://127.0.0.1:9/v1").file("w.txt", ROWS);
    llm.args(["batch", "fetch", "--from", "out.jsonl", "-f", "w.txt", "译"])
        .file("out.jsonl", results)
}

fn good(id: &str, text: &str) -> String {
    let response = json!({"status_code": 200, "request_id": "r", "body": chat_body(text)});
    json!({"id": "x", "custom_id": id, "response": response, "error": null}).to_string() + "\n"
}

fn answers(run: &Outcome) -> Vec<Value> {
    let text = run.stdout_text();
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    text.lines().map(|text| line(text)["answer"].clone()).collect()
}

#[test]
fn the_file_is_the_one_that_a_run_writes() {
    let texts = ["one", "t\u{2028}wo", "```sh\nls\n```", "four"];
    let results: String =
        [2, 0, 3, 1].iter().map(|row| good(&format!("row-{}", row + 1), texts[*row])).collect();
    for options in [&[][..], &["-x"], &["-u"], &["--format", "csv"], &["--answer-column", "英文"]]
    {
        let server = Server::start(texts.map(|text| Reply::json(200, chat_body(text))));
        let ran = llm().profile(&server).file("w.txt", ROWS);
        let ran =
            ran.args(["batch", "-f", "w.txt", "--concurrency", "1", "译"]).args(options).run();
        ran.code(0);
        let fetched = fetch(&results).args(options).run();
        fetched.code(0).stdout(&ran.stdout_text());
        if !options.contains(&"-u") {
            fetched.stderr_empty();
        }
    }
}

#[test]
fn every_kind_of_failure_is_a_row_with_its_reason() {
    let error = |status: u16, body: Value| json!({"custom_id": "row-1", "response": {"status_code": status, "body": body}, "error": null});
    let fault = |message: &str| json!({"error": {"message": message, "type": "x", "param": null, "code": null}});
    for (line, kind, message) in [
        (error(400, fault("max_tokens is too large")), "bad_request", "max_tokens is too large"),
        (error(429, fault("slow")), "rate_limit", "slow"),
        (error(500, fault("boom")), "server_error", "boom"),
        (error(0, json!("")), "not_asked", "no answer for this row (status 0)"),
        (
            json!({"custom_id": "row-1", "response": null, "error": {"code": "batch_expired", "message": "too late"}}),
            "not_asked",
            "too late",
        ),
        (
            json!({"custom_id": "row-1", "response": {"status_code": 400, "body": null}, "error": "URL /v1/x was used."}),
            "bad_request",
            "URL /v1/x was used.",
        ),
        (
            json!({"custom_id": "row-1", "response": {"status_code": 500, "body": null},
                "error": {"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}}}),
            "server_error",
            "EngineCore encountered an issue.",
        ),
        (
            json!({"custom_id": "row-1", "response": {"status_code": 200, "body": {"choices": []}}}),
            "no_answer",
            "",
        ),
        (json!({"custom_id": "other", "response": null}), "not_asked", "no line for this row"),
    ] {
        let rest: String = (2..=4).map(|row| good(&format!("row-{row}"), "x")).collect();
        let run = fetch(&(rest + &line.to_string() + "\n")).run();
        run.code(4).stderr_has("1 row failed");
        let first: Value =
            serde_json::from_str(run.stdout_text().lines().next().expect("a row")).expect("JSON");
        assert_eq!(
            (&first["answer"], &first["error"]["kind"]),
            (&Value::Null, &json!(kind)),
            "{line}"
        );
        let told = first["error"]["message"].as_str().expect("a message");
        assert!(told.contains(message), "{told}");
        assert_eq!(answers(&run)[1..], ["x", "x", "x"]);
    }
}

#[test]
fn rows_without_an_answer_can_be_asked_for_here() {
    let results = good("row-1", "one") + &good("row-3", "three")
        + &json!({"custom_id": "row-4", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}}).to_string();
    let server =
        Server::start([Reply::json(200, chat_body("two")), Reply::json(200, chat_body("four"))]);
    let place = llm().profile(&server).file("w.txt", ROWS).file("out.jsonl", &results);
    let fetched = place
        .clone()
        .args(["batch", "fetch", "--from", "out.jsonl", "-f", "w.txt", "译", "-o", "a.jsonl"])
        .run();
    fetched.code(4).stderr_has("2 rows failed");
    assert_eq!(server.requests().len(), 0);
    // One at a time: the server gives its answers in the order in which it is asked.
    let again = place
        .args(["batch", "-f", "w.txt", "译", "-o", "a.jsonl", "--retry-failed"])
        .args(["--concurrency", "1"])
        .run();
    again.code(0);
    assert_eq!(server.requests().len(), 2);
    let text = String::from_utf8(again.read("a.jsonl")).expect("text");
    let found: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone())
        .collect();
    assert_eq!(found, ["one", "two", "three", "four"]);
}

#[test]
fn results_are_not_written_over() {
    for output in ["out.jsonl", "out/1.json", "link.jsonl"] {
        let results = good("row-1", "one");
        let place = llm().profile_at("http://127.0.0.1:9/v1").file("w.txt", "一\n");
        std::fs::create_dir(place.dir().join("out")).expect("made");
        let place = place.file("out.jsonl", &results).file("out/1.json", &results);
        #[cfg(unix)]
        std::os::unix::fs::symlink("out.jsonl", place.dir().join("link.jsonl")).expect("made");
        let from = if output.starts_with("out/") { "out" } else { "out.jsonl" };
        let format = ["--format", "jsonl"];
        let run = place.args(["batch", "fetch", "--from", from, "-f", "w.txt", "译", "-o", output]);
        let run = run.args(format).run();
        if cfg!(unix) || output != "link.jsonl" {
            run.code(2).stderr_has("is read and would be replaced");
        }
        assert_eq!(String::from_utf8(run.read("out.jsonl")).expect("text"), results);
    }
}

#[test]
fn rows_that_are_there_already_have_their_results_too() {
    let results = || good("row-1", "one") + &good("row-2", "two");
    let place = llm().profile_at("http://127.0.0.1:9/v1").file("w.txt", "一\n二\n三\n");
    let fetch = |results: String| {
        let place = place.clone().file("out.jsonl", results);
        place
            .args(["batch", "fetch", "--from", "out.jsonl", "-f", "w.txt", "译", "-o", "a.jsonl"])
            .run()
    };
    for _ in 0..2 {
        let run = fetch(results());
        run.code(4).stderr_has(
            "llm: 1 row failed: 1 not asked\n\
             hint: `llm batch run` with the same rows, prompt and FILE asks for the others; 2 of 3 rows are done\n",
        );
        run.stderr_lacks("belong");
    }
    fetch(results() + &good("row-3", "three")).code(0);
}

#[test]
fn a_folder_of_files_is_read_in_any_order() {
    // As Ray's write_json makes them: keys of other rows are null, a body may be a text, ids may be numbers.
    let body = chat_body("二").to_string();
    let odd = json!({"custom_id": "row-2", "response": {"status_code": 200.0, "body": body}, "error": {"code": null}});
    let place = llm().profile_at("http://127.0.0.1:9/v1").file("w.txt", ROWS);
    let folder = place.dir().join("out");
    std::fs::create_dir(&folder).expect("made");
    let write =
        |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
    write("1_000001.json", good("row-4", "四") + &odd.to_string() + "\n");
    write("0_000000.json", good("row-3", "三") + &good("row-1", "一"));
    write("_SUCCESS", String::new());
    write("notes.txt", good("row-1", "no"));
    let run = place.args(["batch", "fetch", "--from", "out", "-f", "w.txt", "译"]).run();
    run.code(0).stderr_empty();
    assert_eq!(answers(&run), ["一", "二", "三", "四"]);
}

#[test]
fn ids_are_found_as_they_are_and_as_numbers() {
    let rows =
        "{\"id\":\"007\",\"t\":\"a\"}\n{\"id\":\"8\",\"t\":\"b\"}\n{\"id\":\"c\",\"t\":\"c\"}\n";
    let line = |id: Value, text: &str| {
        json!({"custom_id": id, "response": {"status_code": 200, "body": chat_body(text)}})
            .to_string()
            + "\n"
    };
    let results = line(json!(7), "seven") + &line(json!(8.0), "eight") + &line(json!("row-3"), "c");
    let run =
        llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", rows).file("out.jsonl", results);
    let run = run.args(["batch", "fetch", "--from", "out.jsonl", "-f", "r.jsonl", "{{t}}"]).run();
    run.code(0).stderr_empty();
    assert_eq!(answers(&run), ["seven", "eight", "c"]);
}

#[test]
fn a_lost_line_is_not_another_rows_answer() {
    // The ids look as our own numbers do, but are those of other rows.
    let rows = "{\"id\":\"row-2\",\"t\":\"two\"}\n{\"id\":\"row-1\",\"t\":\"one\"}\n{\"id\":\"row-3\",\"t\":\"three\"}\n";
    let run = llm()
        .profile_at("http://127.0.0.1:9/v1")
        .file("r.jsonl", rows)
        .file("out.jsonl", good("row-3", "three") + &good("row-1", "one"))
        .args(["batch", "fetch", "--from", "out.jsonl", "-f", "r.jsonl", "{{t}}"])
        .run();
    run.code(4).stderr_has("1 row failed: 1 not asked");
    assert_eq!(answers(&run), [json!(null), json!("one"), json!("three")]);
    let request = |id: &str| {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": id}]});
        json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body})
            .to_string()
            + "\n"
    };
    let run = llm()
        .profile_at("http://127.0.0.1:9/v1")
        .file("r.jsonl", request("row-2") + &request("row-1"))
        .file("out.jsonl", good("row-1", "one"))
        .args(["batch", "fetch", "--from", "out.jsonl", "--rows", "requests", "-f", "r.jsonl"])
        .run();
    run.code(4).stderr_has("1 row failed: 1 not asked");
    assert_eq!(answers(&run), [json!(null), json!("one")]);
}

#[test]
fn lines_of_no_use_are_told() {
    let results = good("row-1", "one")
        + "broken\n"
        + &good("row-1", "again")
        + &good("row-9", "x")
        + &json!({"custom_id": null, "response": {"status_code": 200, "body": chat_body("x")}})
            .to_string()
        + "\n"
        + &(2..=4).map(|row| good(&format!("row-{row}"), "x")).collect::<String>();
    let run = fetch(&results).run();
    run.code(0).stderr(
        "llm: warning: out.jsonl: 1 line is no JSON object\n\
         llm: warning: out.jsonl: 1 line has no custom_id\n\
         llm: warning: out.jsonl: 1 line answers a row a second time\n\
         llm: warning: out.jsonl: 1 line belongs to no row\n",
    );
    assert_eq!(answers(&run)[0], "one");
    for (results, words) in [
        ("", "holds no results"),
        ("[1]\n", "holds no results"),
        ("{\"response\":{}}\n", "have no custom_id"),
    ] {
        fetch(results).run().code(2).stdout_empty().stderr_has(words);
    }
    let missing = llm().profile_at("http://127.0.0.1:9/v1").file("w.txt", ROWS);
    missing
        .args(["batch", "fetch", "--from", "none", "-f", "w.txt", "译"])
        .run()
        .code(2)
        .stderr_has("cannot read none");
}

#[test]
fn neither_a_service_nor_a_model_has_to_be_named() {
    let results: String = (1..=4).map(|row| good(&format!("row-{row}"), "x")).collect();
    let run = llm().file("w.txt", ROWS).file("out.jsonl", results);
    let run = run.args(["batch", "fetch", "--from", "out.jsonl", "-f", "w.txt", "译"]).run();
    run.code(0).stderr_empty();
    assert_eq!(answers(&run), ["x", "x", "x", "x"]);
}

#[test]
fn a_schema_is_checked_as_in_a_run() {
    let results = good("row-1", "{\"city\":\"巴黎\"}")
        + &good("row-2", "Paris")
        + &good("row-3", "```json\n{\"city\": \"x\"}\n```")
        + &good("row-4", "{\"town\":1}");
    let run = fetch(&results).args(["--schema", "city"]).run();
    run.code(4).stderr_has("2 rows failed: 2 schema");
    assert_eq!(answers(&run)[0], json!({"city": "巴黎"}));
    assert_eq!(answers(&run)[1], Value::Null);
}

#[test]
fn what_vllm_wrote_for_real_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/batch");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect("is there");
    let input = read("input.vllm-real.jsonl");
    let ids: Vec<String> = input
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["custom_id"].to_string())
        .filter(|id| id != "\"same-id\"")
        .collect();
    let rows: String = ids.iter().map(|id| format!("{{\"id\":{id},\"t\":\"x\"}}\n")).collect();
    let place = llm().profile_at("http://127.0.0.1:9/v1").file("r.jsonl", rows);
    let run = place
        .file("out.jsonl", read("output.vllm-real.jsonl"))
        .args(["batch", "fetch", "--from", "out.jsonl", "-f", "r.jsonl", "{{t}}"])
        .run();
    run.code(4).stderr_has("5 rows failed: 5 bad request");
    run.stderr_has("1 line belongs to no row");
    let text = run.stdout_text();
    let of = |id: &str| {
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.into_iter().find(|line| line["id"] == id).expect("the row")
    };
    assert!(of("odd-chars")["answer"].is_string());
    assert_eq!(of("json-cut")["finish_reason"], "length");
    let told = of("bad-url")["error"]["message"].as_str().expect("a message").to_owned();
    assert!(told.contains("URL /v1/nothing was used."), "{told}");
    assert_eq!(of("no-model")["error"]["status"], 404);
}
