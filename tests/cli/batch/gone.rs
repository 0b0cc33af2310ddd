//! A batch of which something is gone when it is fetched: what it was made of here, or a part of it at the
//! service.

use serde_json::{Value, json};

use super::handed_over::{asked, batch, good, lines, none, openai, place, submit, uploaded};
use crate::support::{Llm, Reply, Server, chat_body};

fn gone() -> Reply {
    Reply::json(404, json!({"error": {"message": "No such thing", "code": "not_found"}}))
}

fn made(id: &str) -> [Reply; 4] {
    [none(), uploaded(), batch("in_progress", json!({"id": id})), running(id)]
}

fn running(id: &str) -> Reply {
    batch("in_progress", json!({"id": id}))
}

fn done(id: &str, file: &str) -> Reply {
    batch("completed", json!({"id": id, "output_file_id": file}))
}

fn answers(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("text");
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    text.lines().map(|text| line(text)["answer"].clone()).collect()
}

/// Three rows in two parts, both at work.
fn two_parts(later: impl IntoIterator<Item = Reply>) -> (Server, Llm) {
    let server = Server::start(made("batch_1").into_iter().chain(made("batch_2")).chain(later));
    let llm = place(&server, "{ form = \"openai\" }\nlimits = { batch_requests = 2 }");
    submit(&llm).code(0).stdout("batch_1\n");
    (server, llm)
}

#[test]
fn what_went_along_may_be_gone() {
    let both = || lines(&[good("row-1", "one"), good("row-2", "two")]);
    let later = [done("batch_1", "o"), both(), done("batch_1", "o"), both()];
    let server = Server::start(made("batch_1").into_iter().chain(later));
    let llm =
        openai(&server).file("r.csv", "path\na.txt\nb.txt\n").file("a.txt", "A").file("b.txt", "B");
    let run = |args: &[&str]| llm.clone().arg("batch").args(args).run();
    run(&["submit", "-f", "r.csv", "-f", "{{path}}", "看"]).code(0);
    std::fs::remove_file(llm.dir().join("a.txt")).expect("removed");
    let fetched = run(&["fetch", "batch_1", "-o", "o.jsonl"]);
    fetched.code(0);
    assert_eq!(answers(&fetched.read("o.jsonl")), ["one", "two"]);
    run(&["fetch", "batch_1"]).code(0).stdout_has("\"answer\":\"one\"");
    // Who asks them anew needs the files.
    run(&["-f", "r.csv", "-f", "{{path}}", "看"]).code(2).stderr_has("cannot read a.txt");
}

#[test]
fn the_prompt_may_be_gone() {
    let prompt = "[prompts.tr]\nprompt = \"译：{{input}}\"\nextract = true\nvars = { x = \"1\" }\noptions = { top_k = 5, top_p = 0.5 }\n";
    let asked = [
        Reply::json(200, chat_body("```\nkept\n```")),
        Reply::json(500, json!({"error": {"message": "busy"}})),
    ];
    let results = || lines(&[good("row-1", "```\none\n```"), good("row-2", "two")]);
    let fetches = (0..2).flat_map(|_| [done("batch_1", "o"), results()]);
    let server = Server::start(asked.into_iter().chain(made("batch_1")).chain(fetches));
    let llm = openai(&server).file("r.txt", "一\n二\n");
    let profile = std::fs::read_to_string(llm.config_file()).expect("is there");
    let run = |prompt: &str, args: &[&str]| {
        std::fs::write(llm.config_file(), format!("{profile}{prompt}")).expect("written");
        llm.clone().arg("batch").args(args).args(["--retries", "0"]).run()
    };
    let rows = ["-f", "r.txt", "--prompt", "tr"];
    let asked = [&rows[..], &["-o", "o.jsonl", "--concurrency", "1"]].concat();
    run(prompt, &asked).code(4);
    run(prompt, &[&["submit"], &rows[..]].concat()).code(0);
    let other = "[prompts.tr]\nprompt = \"{{input}}\"\nschema = \"city\"\n";
    run(other, &["fetch", "batch_1"]).code(0).stdout_has("\"answer\":\"one\"");
    // What a run has kept is still the same run's.
    let fetched = run("", &["fetch", "batch_1", "-o", "o.jsonl"]);
    fetched.code(0);
    assert_eq!(answers(&fetched.read("o.jsonl")), ["kept", "two"]);
}

#[test]
fn the_other_parts_of_a_batch_are_written() {
    for (first, second) in [
        // The batch, and only its file.
        (vec![gone()], vec![done("batch_2", "o2"), lines(&[good("row-3", "three")])]),
        (
            vec![done("batch_1", "o1")],
            vec![done("batch_2", "o2"), gone(), lines(&[good("row-3", "three")])],
        ),
    ] {
        let (_server, llm) = two_parts(first.into_iter().chain(second));
        let run = llm.args(["batch", "fetch", "batch_1", "-o", "a.jsonl"]).run();
        run.code(4).stderr_has("2 rows failed: 2 not asked").stderr_has("test does not have the ");
        assert_eq!(answers(&run.read("a.jsonl")), [json!(null), json!(null), json!("three")]);
    }
}

#[test]
fn a_batch_that_is_gone_altogether_writes_nothing() {
    for later in
        [vec![gone(), gone()], vec![done("batch_1", "o1"), done("batch_2", "o2"), gone(), gone()]]
    {
        let (_server, llm) = two_parts(later);
        let run = llm.args(["batch", "fetch", "batch_1", "-o", "a.jsonl"]).run();
        run.code(4).stderr_has("test does not have the ");
        assert!(!run.names().contains(&"a.jsonl".to_owned()));
    }
}

#[test]
fn what_is_left_of_a_batch_is_told_and_stopped() {
    let cancelled = || batch("cancelled", json!({"id": "batch_2"}));
    let (server, llm) = two_parts([
        gone(),
        running("batch_2"),
        // cancel
        gone(),
        running("batch_2"),
        cancelled(),
        gone(),
        cancelled(),
        // rm
        gone(),
        cancelled(),
        Reply::json(200, json!({"id": "file-in", "deleted": true})),
    ]);
    let run = |action: &str| llm.clone().args(["batch", action, "batch_1"]).run();
    run("status")
        .code(0)
        .stdout("in_progress, 0 of 3\n")
        .stderr_has("does not have the batch batch_1");
    run("cancel").code(0).stderr_has("batch_1: cancelled");
    run("rm").code(0).stderr_has("1 file was removed");
    assert_eq!(asked(&server)[12], "POST /v1/batches/batch_2/cancel");
}
