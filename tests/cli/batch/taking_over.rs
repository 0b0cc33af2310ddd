//! `llm batch -o FILE` where FILE is there already: what is taken from it, and what is asked again.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::service::{Answer, Service};
use crate::support::Llm;

#[test]
fn a_run_that_is_killed_while_it_takes_a_file_over_asks_for_nothing_twice() {
    const ROWS: usize = 20_000;
    let service = Service::echo();
    let (mut rows, mut results) = (String::new(), String::new());
    let body = Answer::text("old").body;
    for number in 1..=ROWS {
        writeln!(rows, "r{number}").expect("memory");
        let response = json!({"status_code": 200, "body": body});
        let line = json!({"custom_id": format!("row-{number}"), "response": response});
        writeln!(results, "{line}").expect("memory");
    }
    let fetch = ["fetch", "--from", "s.jsonl", "-f", "r.txt", "{{input}}", "-o", "o.jsonl"];
    let fetched = service.batch().args(fetch).file("s.jsonl", results).file("r.txt", &rows);
    fetched.run().code(0);
    let run = ["batch", "-p", "test", "-f", "r.txt", "{{input}}", "-o", "o.jsonl"];
    let more = fetched.bare_args(run).file("r.txt", rows + "new\n");
    let part = more.dir().join("o.jsonl.part");
    for _ in 0..3 {
        let running = more.spawn();
        let is_copied = || std::fs::metadata(&part).is_ok_and(|facts| facts.len() > 1000);
        let begin = std::time::Instant::now();
        while !is_copied() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.signal("KILL");
        let _ = running.wait();
        assert!(service.texts().iter().all(|text| text == "new"), "{:?}", service.asked().len());
    }
    let run = more.run();
    run.code(0);
    assert!(service.texts().iter().all(|text| text == "new"), "{:?}", service.asked().len());
}

/// The answers of an output of JSON lines.
fn answers(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone();
    text.lines().map(line).collect()
}

/// Answers each text with itself and refuses `bad`.
fn picky() -> Service {
    Service::start(|text, _| match text {
        "bad" => Answer::error(400, "no"),
        text => Answer::text(&format!(">{text}")),
    })
}

fn rows(service: &Service, rows: &str) -> Llm {
    let args = ["{{input}}", "-f", "r.txt", "-o", "o.jsonl", "--concurrency", "1"];
    service.batch().args(args).file("r.txt", rows)
}

#[test]
fn answers_of_another_command_are_not_taken() {
    for args in [&[][..], &["--json"]] {
        let service = picky();
        let first = rows(&service, "one\nbad\n").args(args);
        first.run().code(4);
        // Other rows and another prompt; and the same rows with another prompt.
        for (prompt, text) in [("{{input}}!", "un\ndeux\n"), ("{{input}}?", "one\nbad\n")] {
            let other = ["batch", "-p", "test", "-f", "s.txt", "-o", "o.jsonl", prompt];
            let other = first.clone().bare_args(other).args(args).arg("--retry-failed");
            let before = service.asked().len();
            let run = other.file("s.txt", text).run();
            run.code(0);
            let last: Vec<String> =
                service.asked()[before..].iter().map(|asked| asked.text.clone()).collect();
            let sign = prompt.trim_start_matches("{{input}}");
            for line in text.lines() {
                assert!(last.contains(&format!("{line}{sign}")), "{last:?}");
                let written = String::from_utf8(run.read("o.jsonl")).expect("text");
                assert!(written.contains(&format!(">{line}{sign}")), "{written}");
            }
        }
    }
}

#[test]
fn answers_of_a_file_of_which_nothing_is_known_stay_with_their_rows() {
    for (output, args) in [("o.jsonl", &[][..]), ("o.csv", &[]), ("o.jsonl", &["--json"])] {
        let service = picky();
        let llm = service.batch().args(["{{t}}", "-f", "r.csv", "-o", output]).args(args);
        let llm = llm.arg("--concurrency=1").file("r.csv", "t,u\na,1\nbad,2\nc,3\nd,4\n");
        llm.run().code(4);
        let asked = service.asked().len();
        std::fs::remove_dir_all(llm.folder("data")).expect("is there");
        // The first and the last have changed their places, and a row is new.
        let swapped = llm.file("r.csv", "t,u\nd,4\nbad,2\nc,3\na,1\ne,5\n").arg("--retry-failed");
        let run = swapped.run();
        run.code(4);
        let texts: Vec<String> =
            service.asked()[asked..].iter().map(|asked| asked.text.clone()).collect();
        // A Batch API's form tells nothing of its rows where these have no names.
        let expected = match args.contains(&"--json") {
            true => &["d", "bad", "c", "a", "e"][..],
            false => &["d", "bad", "a", "e"],
        };
        assert_eq!(texts, expected, "{output} {args:?}");
        let written = String::from_utf8(run.read(output)).expect("text");
        for (line, text) in written.lines().skip(usize::from(output == "o.csv")).zip(["d", "", "c"])
        {
            assert!(line.contains(&format!(">{text}")) || text.is_empty(), "{written}");
        }
    }
}

#[test]
fn rows_with_names_are_taken_from_a_form_that_has_nothing_else() {
    let service = picky();
    let args = ["{{t}}", "-f", "r.csv", "-o", "o.jsonl", "--json", "--concurrency", "1"];
    let llm = service.batch().args(args).file("r.csv", "id,t\nx,a\ny,bad\nz,c\n");
    llm.run().code(4);
    std::fs::remove_dir_all(llm.folder("data")).expect("is there");
    llm.arg("--retry-failed").run().code(4);
    assert_eq!(service.texts(), ["a", "bad", "bad", "c"]);
}

#[test]
fn a_refused_row_is_not_asked_again_in_any_form() {
    for (output, args) in [("o.jsonl", &[][..]), ("o.csv", &[]), ("o.jsonl", &["--json"])] {
        let service = picky();
        let llm = service.batch().args(["{{input}}", "-f", "r.txt", "-o", output]).args(args);
        let llm = llm.file("r.txt", "one\nbad\n");
        let first = llm.run().code(4).read(output);
        llm.run().code(0).stderr(&format!(
            "llm: {output} has all 2 rows already, 1 of them refused; \
             --retry-failed asks again for those, --fresh for all\n"
        ));
        let run = llm.clone().file("r.txt", "one\nbad\nnew\n").run();
        run.code(4).stderr_has("1 row failed: 1 bad request");
        assert_eq!(service.texts(), ["bad", "new", "one"], "{args:?}");
        let written = run.read(output);
        assert!(written.starts_with(&first), "{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn a_schema_that_was_not_fitted_is_not_asked_again() {
    for args in [&[][..], &["--json"]] {
        let service = Service::start(|text, _| match text {
            "new" => Answer::text("{\"n\": 1}"),
            _ => Answer::text("no"),
        });
        let llm = rows(&service, "one\n").args(["--schema", "n int"]).args(args);
        let first = llm.run().code(4).read("o.jsonl");
        assert_eq!(service.asked().len(), 2);
        let run = llm.clone().file("r.txt", "one\nnew\n").run();
        run.code(4);
        assert_eq!(service.asked().len(), 3, "{args:?}");
        assert!(run.read("o.jsonl").starts_with(&first));
    }
}

#[test]
fn an_answer_that_was_cut_stays_one() {
    for (output, args) in [
        ("o.csv", &[][..]),
        ("o.jsonl", &[]),
        ("o.jsonl", &["--json"]),
        ("o.jsonl", &["--schema", "n int", "--max-tokens", "5"]),
        ("o.csv", &["--schema", "n int", "--max-tokens", "5"]),
    ] {
        let service = Service::start(|text, _| {
            let end = if text == "cut" { "length" } else { "stop" };
            let message = json!({"content": "{\"n\": 1}"});
            let choice = json!({"index": 0, "message": message, "finish_reason": end});
            Answer::json(200, json!({"choices": [choice]}))
        });
        let llm = service.batch().args(["{{input}}", "-f", "r.txt", "-o", output]).args(args);
        let llm = llm.file("r.txt", "one\ncut\n");
        llm.run().code(7);
        let run = llm.clone().file("r.txt", "one\ncut\nnew\n").run();
        run.code(7).stderr_has("1 answer was cut at the token limit");
        assert_eq!(service.texts(), ["cut", "new", "one"], "{output} {args:?}");
    }
}

#[test]
fn answers_are_taken_from_another_form_and_another_column() {
    let service = picky();
    let rows = "one\nbad\nthree\n";
    let with = |args: &[&'static str]| {
        let all = ["batch", "-p", "test", "{{input}}", "-f", "r.txt", "-o", "o"];
        all.iter().chain(args).copied().collect::<Vec<_>>()
    };
    let llm = service.batch().file("r.txt", rows);
    llm.clone().bare_args(with(&["--format", "csv"])).run().code(4);
    let run = llm.clone().bare_args(with(&["--format", "jsonl"])).run();
    run.code(4).stderr_has("goes on: 2 of 3 rows are done");
    assert_eq!(answers(&run.read("o")), [json!(">one"), Value::Null, json!(">three")]);
    assert_eq!(service.asked().len(), 3);
    let run = llm.clone().bare_args(with(&["--answer-column", "out", "--retry-failed"])).run();
    run.code(4);
    assert_eq!(service.texts(), ["bad", "bad", "one", "three"]);
    let written = String::from_utf8(run.read("o")).expect("text");
    assert!(
        written.starts_with("{\"id\":\"1\",\"input\":\"one\",\"out\":\">one\"}\n"),
        "{written}"
    );
    // Back again, with a new row.
    let llm = llm.file("r.txt", "one\nbad\nthree\nnew\n");
    let run = llm.clone().bare_args(with(&["--format", "csv"])).run();
    run.code(4);
    assert_eq!(service.texts(), ["bad", "bad", "new", "one", "three"]);
    let written = String::from_utf8(run.read("o")).expect("text");
    assert!(written.starts_with("input,answer,error\none,>one,\n"), "{written}");
}
