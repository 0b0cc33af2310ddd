//! `llm batch submit` and what follows it, at a service that takes batches.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, chat_body, llm, names};

pub(super) const ROWS: &str = "一\n二\n三\n";

pub(super) fn batch(status: &str, more: Value) -> Reply {
    let mut batch = json!({"id": "batch_1", "object": "batch", "status": status, "errors": null,
        "input_file_id": "file-in", "output_file_id": null, "error_file_id": null,
        "request_counts": {"total": 3, "completed": 0, "failed": 0}});
    for (name, value) in more.as_object().expect("an object") {
        batch[name] = value.clone();
    }
    Reply::json(200, batch)
}

pub(super) fn none() -> Reply {
    Reply::json(200, json!({"object": "list", "data": [], "has_more": false}))
}

pub(super) fn uploaded() -> Reply {
    Reply::json(200, json!({"id": "file-in", "object": "file", "bytes": 1, "purpose": "batch"}))
}

pub(super) fn lines(lines: &[Value]) -> Reply {
    let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    Reply::bytes(200, "application/octet-stream", text)
}

pub(super) fn good(id: &str, text: &str) -> Value {
    json!({"custom_id": id, "response": {"status_code": 200, "request_id": "r", "body": chat_body(text)}, "error": null})
}

pub(super) fn place(server: &Server, batch: &str) -> Llm {
    let url = server.url();
    let profile = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\napi_key = \"sk-geheim\"\nbatch = {batch}\n"
    );
    llm().config(&profile).watch(server).file("w.txt", ROWS)
}

pub(super) fn openai(server: &Server) -> Llm {
    place(server, "{ form = \"openai\" }")
}

pub(super) fn submit(llm: &Llm) -> Outcome {
    llm.clone().args(["batch", "submit", "-f", "w.txt", "译"]).run()
}

/// Methods and paths of all requests.
pub(super) fn asked(server: &Server) -> Vec<String> {
    let requests = server.requests();
    requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[test]
fn rows_are_handed_over_and_their_answers_fetched() {
    let server = Server::start([
        none(),
        uploaded(),
        batch("validating", json!({})),
        batch("in_progress", json!({})),
        batch("in_progress", json!({"request_counts": {"total": 3, "completed": 1, "failed": 0}})),
        batch("in_progress", json!({"request_counts": {"total": 3, "completed": 2, "failed": 0}})),
        batch("completed", json!({"output_file_id": "file-out", "error_file_id": "file-err"})),
        lines(&[good("row-3", "three"), good("row-1", "one")]),
        lines(&[
            json!({"custom_id": "row-2", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}}),
        ]),
    ]);
    let llm = openai(&server);
    let run = submit(&llm);
    run.code(0)
        .stdout("batch_1\n")
        .stderr("llm: test has 3 rows, and keeps them until `llm batch rm batch_1`\n");
    let requests = server.requests();
    let parts = requests[1].parts();
    assert_eq!((&*parts[0].name, &*parts[0].text()), ("purpose", "batch"));
    assert_eq!(parts[1].filename.as_deref(), Some("requests.jsonl"));
    let sent = parts[1].text();
    assert_eq!(sent.lines().count(), 3);
    assert!(sent.contains("\"custom_id\":\"row-2\"") && sent.contains("译\\n\\n二"), "{sent}");
    let made = requests[2].json();
    assert_eq!(made["input_file_id"], "file-in");
    assert_eq!(made["endpoint"], "/v1/chat/completions");
    assert_eq!(made["completion_window"], "24h");
    let mark = made["metadata"]["llm"].as_str().expect("a mark").to_owned();
    assert_eq!(mark.len(), 16);
    for request in &requests {
        assert_eq!(request.header("authorization"), Some("Bearer sk-geheim"));
    }

    // What is kept is for the user alone, and holds no key.
    let kept = llm.folder("data").join("llm/batches");
    let text = std::fs::read_to_string(kept.join("batch_1.json")).expect("is kept");
    assert!(!text.contains("geheim"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!((mode(&kept.join("batch_1.json")), mode(&kept)), (0o600, 0o700));
    }
    // The rows may change or go meanwhile.
    std::fs::remove_file(llm.dir().join("w.txt")).expect("removed");

    let status = llm.clone().args(["batch", "status", "batch_1"]).run();
    status.code(0).stdout("in_progress, 1 of 3\n");
    let early = llm.clone().args(["batch", "fetch", "batch_1", "-o", "a.jsonl"]).run();
    early.code(1).stdout_empty().stderr(
        "llm: the batch is not done: in_progress, 2 of 3\nhint: --wait waits until it is\n",
    );
    assert!(!early.names().contains(&"a.jsonl".to_owned()));
    let run = llm.clone().args(["batch", "fetch", "batch_1", "-o", "a.jsonl"]).run();
    run.code(4).stderr_has("1 row failed: 1 bad request");
    run.stderr_has("until `llm batch rm batch_1`");
    let text = String::from_utf8(run.read("a.jsonl")).expect("text");
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows[0], json!({"id": "1", "input": "一", "answer": "one"}));
    assert_eq!((&rows[1]["answer"], &rows[1]["error"]["status"]), (&Value::Null, &json!(400)));
    assert_eq!(rows[2]["answer"], "three");
    let list = llm.args(["batch", "list"]).run();
    list.code(0).stdout_has("batch_1\ttest\tm\t3 rows\tcompleted\t");
    assert_eq!(server.requests().len(), 9);
}

#[test]
fn an_early_refusal_is_told_and_leaves_nothing_behind() {
    let problem = |code: &str| json!({"errors": {"data": [{"code": code, "message": "Something is wrong.", "line": 2, "param": null}]}});
    for (code, exit) in [("duplicate_custom_id", 4), ("token_limit_exceeded", 5)] {
        let server = Server::start([
            none(),
            uploaded(),
            batch("validating", json!({})),
            batch("failed", problem(code)),
            Reply::json(200, json!({"id": "file-in", "deleted": true})),
        ]);
        let llm = openai(&server);
        let run = submit(&llm);
        run.code(exit).stdout_empty();
        run.stderr_has(&format!(
            "llm: test refused the batch: line 2: {code}: Something is wrong."
        ));
        assert_eq!(asked(&server).last().map(String::as_str), Some("DELETE /v1/files/file-in"));
        llm.args(["batch", "list"]).run().code(0).stdout_empty();
    }
}

#[test]
fn a_refusal_is_looked_for_whatever_the_first_word_is() {
    let made = json!({"id": "batch_1", "status": "IN_PROGRESS", "progress": 0});
    let refused = json!({"id": "batch_1", "status": "FAILED", "error": "bad file"});
    let deleted = || Reply::json(200, json!({"id": "file-in", "deleted": true}));
    for first in [made.clone(), json!({"job": made}), json!({"batch_id": "batch_1"})] {
        let server = Server::start([
            none(),
            uploaded(),
            Reply::json(200, first),
            // It does not stand everywhere yet.
            Reply::json(404, json!({"error": {"message": "No such batch"}})),
            Reply::json(200, refused.clone()),
            deleted(),
        ]);
        let run = submit(&openai(&server));
        run.code(4).stdout_empty().stderr_has("llm: test refused the batch: bad file");
    }
}

#[test]
fn a_batch_that_is_not_made_leaves_nothing_behind() {
    let server = Server::start([
        none(),
        uploaded(),
        Reply::json(400, json!({"error": {"message": "no batches for this model"}})),
        Reply::json(200, json!({"id": "file-in", "deleted": true})),
        // Whether this one was made is not known.
        none(),
        uploaded(),
        Reply::json(504, json!({"error": {"message": "late"}})),
        Reply::json(200, json!({"id": "file-in", "deleted": true})),
    ]);
    let llm = openai(&server);
    submit(&llm).code(4).stderr_has("no batches for this model");
    assert_eq!(asked(&server)[3], "DELETE /v1/files/file-in");
    let batch = |args: &[&str]| llm.clone().arg("batch").args(args).run();
    batch(&["list"]).code(0).stdout_empty();
    submit(&llm).code(6);
    let list = batch(&["list"]);
    list.code(0).stdout_has("\tnot handed over\t");
    let id = list.stdout_text().split('\t').next().expect("an id").to_owned();
    batch(&["status", &id]).code(1).stderr_has("was not handed over");
    batch(&["rm", &id]).code(0).stderr_has("1 file was removed");
    batch(&["list"]).code(0).stdout_empty();
}

#[test]
fn a_service_that_stops_no_batch_is_not_said_to() {
    let running = || Reply::json(200, json!({"id": "o", "status": "in_progress"}));
    let server = Server::start([none(), running(), running(), running()]);
    let llm = place(&server, "{ form = \"openrouter\" }");
    submit(&llm).code(0).stdout("o\n");
    let run = |action: &str| llm.clone().args(["batch", action, "o"]).run();
    run("rm").code(1).stderr("llm: the batch o is not over: in_progress\nhint: test has no way to stop a batch: it can be removed once it is over\n");
    run("cancel").code(2).stderr_has("test has no way to stop a batch");
    assert_eq!(asked(&server).len(), 4);
}

#[test]
fn a_batch_that_was_made_is_found_again() {
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
    ]);
    let llm = openai(&server);
    submit(&llm).code(0).stdout("batch_1\n");
    let again = submit(&llm);
    again
        .code(0)
        .stdout("batch_1\n")
        .stderr("llm: test had these 3 rows before; --fresh hands them over again\n");
    assert_eq!(asked(&server)[4..], ["GET /v1/batches/batch_1"]);
}

#[test]
fn a_batch_whose_files_were_removed_is_made_anew() {
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        batch("completed", json!({"output_file_id": "file-out"})),
        Reply::json(404, json!({"error": {"message": "No such File"}})),
        uploaded(),
        batch("in_progress", json!({"id": "batch_2"})),
        batch("in_progress", json!({"id": "batch_2"})),
    ]);
    let llm = openai(&server);
    submit(&llm).code(0).stdout("batch_1\n");
    submit(&llm).code(0).stdout("batch_2\n");
    assert_eq!(asked(&server)[4..6], ["GET /v1/batches/batch_1", "GET /v1/files/file-out"]);
}

#[test]
fn a_kill_after_the_batch_was_made_makes_no_second_one() {
    // The reply to the first call never comes: the run is killed while it waits for it.
    let server = Server::new()
        .reply(none())
        .reply(uploaded())
        .reply(Reply::raw([crate::support::Step::UntilClosed]))
        .start();
    let llm = openai(&server);
    let running = llm.clone().args(["batch", "submit", "-f", "w.txt", "译"]).spawn();
    server.wait_requests(3, Duration::from_secs(15));
    let until = std::time::Instant::now() + Duration::from_secs(15);
    while !server.requests()[2].whole {
        assert!(std::time::Instant::now() < until, "the call never comes whole");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mark = server.requests()[2].json()["metadata"]["llm"].clone();
    running.signal("KILL");
    assert_eq!(running.wait().signal, Some(9));
    let ours = json!({"id": "batch_1", "status": "in_progress", "metadata": {"llm": mark}, "input_file_id": "f"});
    server.then(Reply::json(200, json!({"data": [ours]})));
    let run = submit(&llm);
    run.code(0).stdout("batch_1\n");
    assert_eq!(asked(&server)[3..], ["GET /v1/batches?limit=100"]);
}

#[test]
fn rows_are_split_by_the_limits_of_the_service() {
    let made = |id: &str| batch("in_progress", json!({"id": id}));
    let server = Server::start([
        none(),
        uploaded(),
        made("batch_1"),
        made("batch_1"),
        none(),
        uploaded(),
        made("batch_2"),
        made("batch_2"),
        batch("completed", json!({"id": "batch_1", "output_file_id": "o1"})),
        batch("expired", json!({"id": "batch_2", "output_file_id": null, "error_file_id": "e2"})),
        lines(&[good("row-2", "two"), good("row-1", "one")]),
        lines(&[
            json!({"custom_id": "row-3", "response": null, "error": {"code": "batch_expired", "message": "too late"}}),
        ]),
    ]);
    let llm = place(&server, "{ form = \"openai\" }\nlimits = { batch_requests = 2 }");
    let run = submit(&llm);
    run.code(0).stdout("batch_1\n").stderr_has("test has 3 rows in 2 parts");
    let requests = server.requests();
    let count = |index: usize| requests[index].parts()[1].text().lines().count();
    assert_eq!((count(1), count(5)), (2, 1));
    let mark = |index: usize| {
        requests[index].json()["metadata"]["llm"].as_str().unwrap_or_default().to_owned()
    };
    assert!(mark(2).ends_with("-1") && mark(6).ends_with("-2"), "{} {}", mark(2), mark(6));
    let run = llm.args(["batch", "fetch", "batch_2"]).run();
    run.code(4).stdout(
        "{\"id\":\"1\",\"input\":\"一\",\"answer\":\"one\"}\n\
         {\"id\":\"2\",\"input\":\"二\",\"answer\":\"two\"}\n\
         {\"id\":\"3\",\"input\":\"三\",\"answer\":null,\"error\":{\"kind\":\"not_asked\",\"message\":\"too late\"}}\n",
    );
}

#[test]
fn after_a_batch_that_expired_only_the_rest_is_handed_over() {
    let expired = |id: &str| json!({"custom_id": id, "response": null, "error": {"code": "batch_expired", "message": "too late"}});
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        batch("expired", json!({"output_file_id": "o", "error_file_id": "e"})),
        lines(&[good("row-2", "two")]),
        lines(&[expired("row-1"), expired("row-3")]),
        none(),
        uploaded(),
        batch("in_progress", json!({"id": "batch_2"})),
        batch("in_progress", json!({"id": "batch_2"})),
        batch("completed", json!({"id": "batch_2", "output_file_id": "o2"})),
        lines(&[good("row-3", "three"), good("row-1", "one")]),
    ]);
    let llm = openai(&server);
    let run = |args: &[&str]| llm.clone().arg("batch").args(args).run();
    run(&["submit", "-f", "w.txt", "译", "-o", "a.jsonl"]).code(0).stdout("batch_1\n");
    run(&["fetch", "batch_1", "-o", "a.jsonl"]).code(4).stderr_has("2 rows failed: 2 not asked");
    run(&["submit", "-f", "w.txt", "译", "-o", "a.jsonl"])
        .code(0)
        .stdout("batch_2\n")
        .stderr_has("test has 2 rows");
    let sent = server.requests()[8].parts()[1].text();
    assert!(sent.contains("row-1") && sent.contains("row-3") && !sent.contains("row-2"), "{sent}");
    let fetched = run(&["fetch", "batch_2", "-o", "a.jsonl"]);
    fetched.code(0);
    let text = String::from_utf8(fetched.read("a.jsonl")).expect("text");
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["answer"].clone())
        .collect();
    assert_eq!(answers, ["one", "two", "three"]);
    assert!(!fetched.names().contains(&"a.jsonl.part".to_owned()));
}

#[test]
fn a_file_that_is_still_looked_at_is_waited_for() {
    let file = |status: &str| Reply::json(200, json!({"id": "file-in", "status": status}));
    let server = Server::start([
        none(),
        file("pending"),
        file("processed"),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
    ]);
    submit(&openai(&server)).code(0).stdout("batch_1\n");
    assert_eq!(asked(&server)[2], "GET /v1/files/file-in");
}

#[test]
fn a_list_that_fails_matters_only_where_a_batch_may_be_lost() {
    let broken = || Reply::json(501, json!({"error": {"message": "not implemented"}}));
    let server = Server::start([
        broken(),
        uploaded(),
        Reply::json(504, json!({"error": {"message": "late"}})),
        broken(),
    ]);
    let llm = openai(&server);
    let run = submit(&llm);
    run.code(6).stderr_has("hint: the batch may have been made: the same command finds it then");
    submit(&llm).code(6);
    assert_eq!(asked(&server).len(), 4);
}

#[test]
fn what_a_batch_took_is_noted_once() {
    let done = || batch("completed", json!({"output_file_id": "o"}));
    let all = || lines(&[good("row-1", "a"), good("row-2", "b"), good("row-3", "c")]);
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        done(),
        all(),
        done(),
        all(),
    ]);
    let llm = openai(&server);
    submit(&llm).code(0);
    for _ in 0..2 {
        llm.clone()
            .args(["batch", "fetch", "batch_1", "-u"])
            .run()
            .code(0)
            .stderr_has("27 tokens in, 12 out");
    }
    let used = llm.args(["usage", "--json"]).run().stdout_json();
    assert_eq!(
        (&used["total"]["input_tokens"], &used["total"]["output_tokens"]),
        (&json!(27), &json!(12)),
        "{used}"
    );
}

#[test]
fn a_row_that_is_too_large_is_told_before_anything_is_sent() {
    let server = Server::start([]);
    let llm = place(&server, "{ form = \"openai\" }\nlimits = { batch_bytes = 40 }");
    submit(&llm).code(2).stderr_has("the request of row 1 of w.txt has");
}

#[test]
fn what_the_service_has_is_stopped_and_removed_on_request() {
    let over = || batch("cancelled", json!({"output_file_id": "file-out"}));
    let gone =
        || Reply::json(404, json!({"error": {"message": "No such File", "code": "not_found"}}));
    let deleted = || Reply::json(200, json!({"id": "x", "deleted": true}));
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        // rm is too early
        batch("in_progress", json!({})),
        // cancel
        batch("in_progress", json!({})),
        batch("cancelling", json!({})),
        batch("cancelling", json!({})),
        // rm
        over(),
        deleted(),
        gone(),
    ]);
    let llm = openai(&server);
    submit(&llm).code(0);
    let early = llm.clone().args(["batch", "rm", "batch_1"]).run();
    early.code(1).stderr("llm: the batch batch_1 is not over: in_progress\nhint: `llm batch cancel batch_1` stops it\n");
    let cancelled = llm.clone().args(["batch", "cancel", "batch_1"]).run();
    cancelled.code(0).stdout_empty().stderr_has("batch_1: cancelling");
    let removed = llm.clone().args(["batch", "rm", "batch_1"]).run();
    removed.code(0).stderr_has("1 file was removed from test");
    assert_eq!(
        asked(&server)[4..],
        [
            "GET /v1/batches/batch_1",
            "GET /v1/batches/batch_1",
            "POST /v1/batches/batch_1/cancel",
            "GET /v1/batches/batch_1",
            "GET /v1/batches/batch_1",
            "DELETE /v1/files/file-in",
            "DELETE /v1/files/file-out",
        ]
    );
    assert!(names(&llm.folder("data").join("llm/batches")).is_empty());
    llm.args(["batch", "list"]).run().code(0).stdout_empty();
}

#[test]
fn a_batch_that_is_gone_is_told() {
    let gone = || {
        Reply::json(
            404,
            json!({"error": {"message": "No batch found", "type": "invalid_request_error"}}),
        )
    };
    let server = Server::start([
        none(),
        uploaded(),
        batch("in_progress", json!({})),
        batch("in_progress", json!({})),
        gone(),
        batch("completed", json!({"output_file_id": "file-out"})),
        gone(),
    ]);
    let llm = openai(&server);
    submit(&llm).code(0);
    let fetch = || llm.clone().args(["batch", "fetch", "batch_1", "-o", "a.jsonl"]).run();
    let run = fetch();
    run.code(4).stderr_has("llm: test does not have the batch batch_1: No batch found");
    let run = fetch();
    run.code(4).stderr_has("test does not have the results of the batch (file-out)");
    assert!(!run.names().contains(&"a.jsonl".to_owned()));
    let unknown = llm.clone().args(["batch", "fetch", "batch_9"]).run();
    unknown.code(2).stderr_has("batch_9 was not handed over from here");
    llm.args(["batch", "fetch"]).run().code(2).stderr_has("no batch is named");
}

#[test]
fn every_end_of_a_batch_is_read() {
    let refused = json!({"status_code": 400, "body": {"error": {"message": "too long"}}});
    for (status, more, results, code, words) in [
        (
            "completed",
            json!({"error_file_id": "e"}),
            vec![lines(
                &(1..=3)
                    .map(|row| json!({"custom_id": format!("row-{row}"), "response": refused}))
                    .collect::<Vec<_>>(),
            )],
            4,
            "3 rows failed: 3 bad request",
        ),
        ("completed", json!({}), vec![], 4, "3 rows failed: 3 not asked"),
        (
            "cancelled",
            json!({"output_file_id": "o"}),
            vec![lines(&[good("row-1", "x")])],
            4,
            "2 rows failed: 2 not asked",
        ),
        (
            "failed",
            json!({"errors": {"data": [{"message": "bad file"}]}}),
            vec![],
            4,
            "test refused the batch: bad file",
        ),
    ] {
        let mut replies = vec![
            none(),
            uploaded(),
            batch("in_progress", json!({})),
            batch("in_progress", json!({})),
            batch(status, more),
        ];
        replies.extend(results);
        let server = Server::start(replies);
        let llm = openai(&server);
        submit(&llm).code(0);
        llm.args(["batch", "fetch", "batch_1"]).run().code(code).stderr_has(words);
    }
}

#[test]
fn the_forms_of_other_services_are_spoken() {
    // Mistral: a job, whose lines have no path.
    let job = |status: &str, more: Value| {
        let mut job = json!({"id": "job_1", "object": "batch", "status": status, "total_requests": 3, "errors": []});
        for (name, value) in more.as_object().expect("an object") {
            job[name] = value.clone();
        }
        Reply::json(200, job)
    };
    let all = || lines(&[good("row-1", "a"), good("row-2", "b"), good("row-3", "c")]);
    let server = Server::start([
        none(),
        uploaded(),
        job("QUEUED", json!({})),
        job("RUNNING", json!({})),
        job("SUCCESS", json!({"output_file": "o", "succeeded_requests": 3})),
        all(),
    ]);
    let llm = place(&server, "{ form = \"mistral\" }");
    submit(&llm).code(0).stdout("job_1\n");
    let requests = server.requests();
    assert_eq!(requests[2].path, "/v1/batch/jobs");
    let made = requests[2].json();
    assert_eq!(
        (&made["input_files"], &made["model"], &made["timeout_hours"]),
        (&json!(["file-in"]), &json!("m"), &json!(24))
    );
    let first: Value =
        serde_json::from_str(requests[1].parts()[1].text().lines().next().expect("a line"))
            .expect("JSON");
    assert!(first.get("url").is_none() && first["body"]["messages"].is_array(), "{first}");
    llm.args(["batch", "fetch", "job_1"]).run().code(0).stdout_has("\"answer\":\"c\"");

    // Together: another path, another purpose, the answer wrapped, capitals.
    let server = Server::start([
        none(),
        uploaded(),
        Reply::json(
            200,
            json!({"job": {"id": "b", "status": "IN_PROGRESS", "progress": 5}, "warning": ""}),
        ),
        Reply::json(200, json!({"id": "b", "status": "IN_PROGRESS", "progress": 5})),
        Reply::json(
            200,
            json!({"id": "b", "status": "COMPLETED", "output_file_id": "o", "error": ""}),
        ),
        all(),
    ]);
    let llm = place(
        &server,
        "{ form = \"openai\", upload = \"/files/upload\", purpose = \"batch-api\" }",
    );
    submit(&llm).code(0).stdout("b\n");
    assert_eq!(asked(&server)[1], "POST /v1/files/upload");
    assert_eq!(server.requests()[1].parts()[0].text(), "batch-api");
    llm.args(["batch", "fetch", "b"]).run().code(0).stdout_has("\"answer\":\"a\"");

    // xAI: no word for the state, results in pages.
    let state = |pending: u64| {
        let state = json!({"num_requests": 3, "num_pending": pending, "num_success": 2, "num_error": 1, "num_cancelled": 0});
        Reply::json(
            200,
            json!({"batch_id": "x", "name": "n", "cancel_time": null, "cancel_by_xai_message": null, "state": state}),
        )
    };
    let result = |row: u64| {
        json!({"batch_request_id": format!("row-{row}"),
        "batch_result": {"response": {"chat_get_completion": chat_body("x")}}})
    };
    let failed = json!({"batch_request_id": "row-3", "batch_result": {"error": {"code": 3, "message": "bad request"}}});
    let server = Server::start([
        none(),
        uploaded(),
        state(3),
        state(3),
        state(0),
        Reply::json(200, json!({"results": [result(2), failed], "pagination_token": "n"})),
        Reply::json(200, json!({"results": [result(1)], "pagination_token": null})),
    ]);
    let llm = place(&server, "{ form = \"xai\" }");
    submit(&llm).code(0).stdout("x\n");
    llm.args(["batch", "fetch", "x"]).run().code(4).stderr_has("1 row failed: 1 bad request");
    assert_eq!(asked(&server)[6], "GET /v1/batches/x/results?limit=1000&pagination_token=n");

    // OpenRouter: the requests go along, the results come along.
    let results = json!([good("row-1", "a"), good("row-3", "c"), good("row-2", "b")]);
    let server = Server::start([
        Reply::json(404, json!({"error": {"message": "no list"}})),
        Reply::json(202, json!({"id": "o", "status": "in_progress"})),
        Reply::json(200, json!({"id": "o", "status": "in_progress"})),
        Reply::json(200, json!({"id": "o", "status": "completed", "results": results})),
    ]);
    let llm = place(&server, "{ form = \"openrouter\" }");
    submit(&llm).code(0).stdout("o\n");
    let text = server.requests()[1].text().to_owned();
    assert!(text.starts_with("{\"endpoint\":\"/v1/chat/completions\",\"model\":\"m\",\"requests\":[{\"custom_id\":\"row-1\""), "{text}");
    llm.args(["batch", "fetch", "o"]).run().code(0).stdout_has("\"answer\":\"b\"");
}

#[test]
fn services_without_batches_are_refused_in_words() {
    let server = Server::start([]);
    let run = submit(&llm().profile(&server).file("w.txt", ROWS));
    run.code(2).stderr_has("llm: test has no Batch API that is known\nhint: `llm batch run`");
    let run = submit(&place(&server, "{ form = \"anthropic\" }"));
    run.code(2).stderr_has("the batches of test take its own form of requests");
    let run = place(&server, "{ form = \"openai\", window = \"\" }");
    run.args(["batch", "submit", "--window", "7d", "-f", "w.txt", "x"])
        .run()
        .code(2)
        .stderr_has("--window");
}

#[test]
fn a_dry_run_shows_the_upload_and_keeps_nothing() {
    let server = Server::start([]);
    let llm = openai(&server);
    let run = llm.clone().args(["batch", "submit", "--dry-run", "-f", "w.txt", "译"]).run();
    run.code(0).stdout_has("/v1/files").stdout_has("purpose=batch").stderr_has("3 requests, ");
    assert!(!run.stdout_text().contains("geheim"));
    let kept = llm.folder("data").join("llm/batches");
    assert!(!kept.exists() || names(&kept).is_empty());
}

#[test]
fn the_demo_goes_all_the_way() {
    let llm = llm().file("w.txt", "苹果\na cherry\nplum\n");
    let with = |args: &[&str]| {
        llm.clone().args(["batch"]).args(args).watchdog(Duration::from_secs(60)).run()
    };
    let ran = with(&["-p", "demo", "-f", "w.txt", "译成英文", "-o", "ran.jsonl"]);
    ran.code(0);
    let id = with(&["submit", "-p", "demo", "-f", "w.txt", "译成英文"]).stdout_text();
    let id = id.trim();
    let fetched = with(&["fetch", "--wait", id, "-o", "fetched.jsonl"]);
    fetched.code(0);
    assert_eq!(
        String::from_utf8(fetched.read("fetched.jsonl")),
        String::from_utf8(ran.read("ran.jsonl"))
    );
    with(&["rm", id]).code(0).stderr_has("2 files were removed from demo");
    with(&["fetch", id]).code(2).stderr_has("was not handed over from here");

    let id = with(&[
        "submit",
        "-p",
        "demo",
        "-H",
        "X-Demo: refuse=cherry, expire",
        "-f",
        "w.txt",
        "译成英文",
    ])
    .stdout_text();
    let run = with(&["fetch", "--wait", id.trim()]);
    run.code(4).stderr_has("2 rows failed: 1 not asked, 1 bad request");
}

#[test]
fn the_demo_plays_what_goes_wrong() {
    let llm = llm().file("w.txt", "apple\ncherry\nplum\nfig\npear\nlime\n");
    let batch = |args: &[&str]| {
        let run = llm.clone().args(["batch", "-p", "demo", "-f", "w.txt", "hi"]).args(args);
        run.watchdog(Duration::from_secs(60)).run()
    };
    // Too fast: every row is answered all the same.
    batch(&["-H", "X-Demo: limit=4", "-o", "a.jsonl"])
        .code(0)
        .stderr_has("(429): only 4 requests a second");
    let faults = "X-Demo: refuse=cherry, break=plum";
    let run = batch(&["-H", faults, "--retries", "0", "-o", "b.jsonl"]);
    run.code(4).stderr_has("2 rows failed: 1 server error, 1 bad request");
    let run = batch(&["-o", "b.jsonl", "--retry-failed"]);
    run.code(0).stderr_has("4 of 6 rows are done");
    assert_eq!(String::from_utf8(run.read("a.jsonl")), String::from_utf8(run.read("b.jsonl")));
}
