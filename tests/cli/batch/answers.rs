//! What is written of the answers, and what the run ends with.

use std::time::Duration;

use serde_json::{Value, json};

use super::service::{Answer, Service};
use crate::support::{Llm, Reply, Server, chat_body, llm};

fn rows(service: &Service, count: usize) -> Llm {
    let text: String = (1..=count).map(|number| format!("r{number}\n")).collect();
    service.batch().args(["{{input}}", "-f", "r.txt"]).file("r.txt", text)
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn answers_stand_in_the_order_of_the_rows() {
    let service = Service::start(|text, _| {
        let number: u64 = text[1..].parse().expect("a number");
        Answer::text(text).after(Duration::from_millis(20 * (10 - number)))
    });
    for output in [None, Some("o.jsonl")] {
        let llm = rows(&service, 9).args(["--concurrency", "9"]);
        let run = llm.args(output.iter().flat_map(|output| ["-o", output])).run();
        run.code(0).stderr_empty();
        let written = output.map_or_else(|| run.stdout.clone(), |output| run.read(output));
        let answers: Vec<Value> =
            lines(&written).into_iter().map(|line| line["answer"].clone()).collect();
        let expected: Vec<String> = (1..=9).map(|number| format!("r{number}")).collect();
        assert_eq!(answers, expected);
    }
}

#[test]
fn a_row_that_fails_is_a_line_with_its_error() {
    let service = Service::start(|text, _| match text {
        "r2" => Answer::error(400, "bad words"),
        "r3" => Answer::error(500, "broken"),
        "r4" => {
            let choice =
                json!({"index": 0, "message": {"content": ""}, "finish_reason": "content_filter"});
            Answer::json(200, json!({"choices": [choice]}))
        }
        text => Answer::text(text),
    });
    let run = rows(&service, 5).args(["-o", "o.jsonl", "--retries", "0"]).run();
    run.code(4).stdout_empty();
    run.stderr_has("llm: 3 rows failed: ")
        .stderr_has("1 bad request")
        .stderr_has("1 content filter");
    run.stderr_has("the same command goes on; 2 of 5 rows are done");
    run.stderr_has("--retry-failed");
    let written = lines(&run.read("o.jsonl"));
    assert_eq!(written.len(), 5);
    assert_eq!((&written[0]["answer"], written[0].get("error")), (&json!("r1"), None));
    assert_eq!(
        (&written[1]["answer"], &written[1]["error"]["kind"]),
        (&Value::Null, &json!("bad_request"))
    );
    assert_eq!(written[1]["error"]["status"], 400);
    assert!(written[1]["error"]["message"].as_str().expect("words").contains("bad words"));
    assert_eq!(written[2]["error"]["kind"], "server_error");
    assert_eq!(written[3]["error"]["kind"], "content_filter");
    assert!(run.names().contains(&"o.jsonl.part".to_owned()));
}

#[test]
fn the_exit_tells_how_the_run_ended() {
    let cut = || {
        let choice = json!({"index": 0, "message": {"content": "a"}, "finish_reason": "length"});
        Answer::json(200, json!({"choices": [choice]}))
    };
    for (args, answer, code, words) in [
        (&[][..], Answer::error(401, "no such key"), 3, "no such key"),
        (&[], Answer::error(402, "top up"), 5, "top up"),
        (&[], cut(), 7, "3 answers were cut at the token limit of test"),
        (&["--max-tokens", "5"], cut(), 0, ""),
        (&["--retries", "0"], Answer::error(429, "slow down"), 5, "slow down"),
        (&["--retries", "0"], Answer::error(500, "broken"), 4, "3 rows failed: 3 server error"),
    ] {
        let service = Service::start(move |_, _| answer.clone());
        let run = rows(&service, 3).args(args).run();
        run.code(code).stderr_has(words);
        if code == 7 || code == 0 {
            assert_eq!(lines(&run.stdout)[0]["finish_reason"], "length");
        }
    }
}

#[test]
fn a_run_that_only_fails_ends_early() {
    let service = Service::start(|_, _| Answer::error(404, "no such model"));
    let run = rows(&service, 40)
        .args(["-o", "o.jsonl", "--concurrency", "2"])
        .file("o.jsonl", "old")
        .run();
    run.code(4).stderr_has("none of the first rows was answered: ").stderr_has("no such model");
    assert!(service.asked().len() <= 12, "{}", service.asked().len());
    assert_eq!(run.read("o.jsonl"), b"old");
    // With the right model the same command asks for the others, and with this for all.
    run.stderr_has("; --retry-failed asks again for the rows that were refused too\n");
    let service = Service::start(|text, _| match text {
        "r3" | "r5" => Answer::error(400, "no"),
        text => Answer::text(text),
    });
    let args = ["-o", "o.jsonl", "--concurrency", "1", "--max-failures", "2"];
    let run = rows(&service, 40).args(args).run();
    run.code(4).stderr_has("--max-failures").stderr_has("the same command goes on; 3 of 40 rows");
    assert_eq!(service.asked().len(), 5);
    assert_eq!(run.names(), ["o.jsonl.part", "r.txt"]);
}

#[test]
fn an_unreachable_service_ends_the_run() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("bound");
    drop(closed);
    let llm = crate::support::llm().profile_at(&format!("http://{address}/v1"));
    let llm = llm.args(["batch", "x", "--retries", "0", "-o", "o.jsonl"]).stdin("a\nb\nc\n");
    let run = llm.run();
    run.code(6).stderr_has("cannot connect");
    assert!(run.names().is_empty(), "{:?}", run.names());
}

#[test]
fn csv_and_the_form_of_batch_apis() {
    let service = Service::start(|text, _| match text {
        "y" => Answer::error(400, "no"),
        text => Answer::text(&format!("{text},\"\n")).header("x-request-id", "req_1"),
    });
    let llm = |args: &[&str]| {
        let rows = "id,t\na,x\nb,y\n";
        service.batch().args(["-f", "r.csv", "{{t}}"]).args(args).file("r.csv", rows).run()
    };
    let run = llm(&["-o", "o.csv"]);
    run.code(4);
    let written = String::from_utf8(run.read("o.csv")).expect("text");
    assert!(
        written.starts_with("id,t,answer,error\na,x,\"x,\"\"\n\",\nb,y,,bad request: "),
        "{written}"
    );
    for args in [&["--json"][..], &["--format", "openai"]] {
        let run = llm(args);
        run.code(4);
        let lines = lines(&run.stdout);
        assert_eq!(lines[0]["custom_id"], "a");
        let response = &lines[0]["response"];
        assert_eq!(
            (&response["status_code"], &response["request_id"]),
            (&json!(200), &json!("req_1"))
        );
        assert_eq!(response["body"]["choices"][0]["message"]["content"], "x,\"\n");
        assert_eq!(lines[0]["error"], Value::Null);
        assert_eq!(lines[1]["response"]["status_code"], 400);
        assert!(lines[1]["response"]["body"]["error"]["message"].is_string());
    }
    llm(&["-o", "o.csv", "--json"]).code(2).stderr_has("contradicts");
}

#[test]
fn an_answer_must_fit_the_schema_and_is_asked_for_once_more() {
    let service = Service::start(|text, before| match (text, before) {
        ("r1", _) => Answer::text("```json\n{\"n\":\n 1}\n```"),
        ("r2" | "r3", _) => Answer::text("no"),
        (text, _) if text.contains("r3") => Answer::text("no"),
        _ => Answer::text("{\"n\": 2}"),
    });
    let run = rows(&service, 2).args(["--schema", "n int", "-u"]).run();
    run.code(0).stderr_has("llm: usage: 21 tokens in, 9 out");
    let written = lines(&run.stdout);
    assert_eq!(
        (&written[0]["answer"], &written[1]["answer"]),
        (&json!({"n": 1}), &json!({"n": 2}))
    );
    assert_eq!(written[1]["usage"]["total_tokens"], 20);
    let again = service.asked().pop().expect("asked").body;
    assert_eq!(again["messages"][1], json!({"role": "assistant", "content": "no"}));
}

#[test]
fn a_code_block_is_taken_out() {
    let service = Service::start(|_, _| Answer::text("好：\n```sh\nls\n```\n"));
    let run = rows(&service, 1).arg("-x").run();
    run.code(0).stdout("{\"id\":\"1\",\"input\":\"r1\",\"answer\":\"ls\"}\n");
}

#[test]
fn answers_go_to_a_pipe_as_well() {
    let service = Service::echo();
    let run = rows(&service, 2).args(["-o", "-"]).run();
    run.code(0).stdout_has("\"answer\":\">r2\"").stderr_empty();
    assert_eq!(run.names(), ["r.txt"]);
}

#[test]
fn a_column_is_written_once_whatever_the_answers_are_called() {
    for (name, format, keys) in [
        ("error", "jsonl", &["id", "input", "error"][..]),
        (
            "finish_reason",
            "jsonl",
            &["id", "input", "finish_reason", "finish_reason_finish_reason"],
        ),
        ("error", "csv", &["input", "error", "error_error"]),
        ("id", "csv", &["input", "id", "error"]),
    ] {
        let mut body = chat_body("one");
        if name == "finish_reason" {
            body["choices"][0]["finish_reason"] = json!("length");
        }
        let server = Server::start([Reply::json(200, body)]);
        let run = llm().profile(&server).file("w.txt", "一\n");
        let run = run
            .args(["batch", "-f", "w.txt", "译", "--answer-column", name, "--format", format])
            .run();
        let head = run.stdout_text().lines().next().expect("a line").to_owned();
        match format {
            "csv" => assert_eq!(head.split(',').collect::<Vec<_>>(), keys),
            _ => {
                let places: Vec<Option<usize>> =
                    keys.iter().map(|key| head.find(&format!("\"{key}\":"))).collect();
                assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{head}");
                assert_eq!(head.matches("\":").count(), keys.len(), "{head}");
            }
        }
    }
    let server = Server::start([]);
    let run = llm().profile(&server).file("w.txt", "一\n");
    let run = run.args(["batch", "-f", "w.txt", "译", "--answer-column", "id"]).run();
    run.code(2).stderr_has("`id` names the rows");
}
