//! `docs/ray_batch.py`: the way over Ray and back, with Ray itself where it can be imported.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Reply, Server, chat_body, llm, program};

/// A Python that can import Ray, if there is one: that of `RAY_PYTHON`, else `python3`.
#[expect(
    clippy::disallowed_methods,
    reason = "the rule is for the program; the tester says where Ray is"
)]
fn python() -> Option<String> {
    let python = std::env::var("RAY_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let tried = Command::new(&python).args(["-c", "import ray, ray.data"]).output();
    tried.is_ok_and(|tried| tried.status.success()).then_some(python)
}

#[test]
fn the_way_over_ray_and_back() {
    let Some(python) = python() else {
        let told = concat!(env!("CARGO_TARGET_TMPDIR"), "/ray.txt");
        let words = "not run: no Python here can import Ray (RAY_PYTHON names one that can)\n";
        std::fs::write(told, words).expect("the folder is there");
        return;
    };
    // One row is asked again after a 429, one is refused; the others are answered.
    let server = Server::always(Reply::json(200, chat_body("好")));
    let rows = "{\"id\":\"a\",\"t\":\"一\\u2028二\",\"n\":1}\n{\"id\":\"b\",\"t\":\"三\"}\n{\"id\":\"c\",\"t\":\"四\"}\n";
    let place = llm().profile(&server).file("r.jsonl", rows);
    place
        .clone()
        .args(["batch", "make", "-f", "r.jsonl", "{{t}}", "-o", "requests.jsonl"])
        .run()
        .code(0);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ray_batch.py");
    let (requests, results) = (place.dir().join("requests.jsonl"), place.dir().join("results"));
    let run = program(python)
        .arg(script)
        .args([&requests, &results])
        .arg(server.url())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .watchdog(Duration::from_secs(180))
        .run();
    run.code(0);
    let mut asked: Vec<Value> = server.bodies();
    asked.sort_by_key(|body| body["messages"][0]["content"].to_string());
    let texts: Vec<&Value> = asked.iter().map(|body| &body["messages"][0]["content"]).collect();
    assert_eq!(texts, ["一\u{2028}二", "三", "四"]);
    assert_eq!(
        asked[0],
        json!({"model": "test-model", "messages": [{"role": "user", "content": "一\u{2028}二"}]})
    );
    let fetched =
        place.args(["batch", "fetch", "--from", "results", "-f", "r.jsonl", "{{t}}"]).run();
    fetched.code(0).stderr_empty();
    let text = fetched.stdout_text();
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone())
        .collect();
    assert_eq!(answers, ["好", "好", "好"]);
}
