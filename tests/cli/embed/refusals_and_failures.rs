//! `llm embed` where the service refuses, fails, or sends what can't be used.

use serde_json::{Value, json};

use super::inputs_and_formats::{data, embed, numbers};
use crate::support::{Reply, Server, Step};

fn refusal(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": message, "type": "invalid_request_error"}}))
}

fn sent(server: &Server) -> Vec<Value> {
    server.requests().iter().map(|request| request.json()["input"].clone()).collect()
}

#[test]
fn a_batch_is_halved_until_the_refused_text_is_found() {
    for (args, expected) in [
        (&[][..], "[1.0]\nnull\n[3.0]\n[4.0]\n"),
        (&["--skip-errors"], "[1.0]\n[3.0]\n[4.0]\n"),
        (&["--skip-errors", "--format", "csv"], "1.0\n3.0\n4.0\n"),
    ] {
        let server = Server::start([
            refusal(400, "太长"),
            refusal(413, "太长"),
            numbers(&[1.0]),
            refusal(422, "太长"),
            numbers(&[3.0, 4.0]),
        ]);
        let run = embed(&server).args(["--lines"]).args(args).stdin("一\n坏\n三\n四\n").run();
        run.code(4).stdout(expected).stderr(
            "llm: line 2: test refused the request (422): 太长\nllm: 1 of 4 texts have no vector\n",
        );
        let expected = [
            json!(["一", "坏", "三", "四"]),
            json!(["一", "坏"]),
            json!(["一"]),
            json!(["坏"]),
            json!(["三", "四"]),
        ];
        assert_eq!(sent(&server), expected);
    }
}

#[test]
fn numpy_has_no_place_for_a_refused_text() {
    let replies = || [refusal(400, "too long"), numbers(&[1.0]), refusal(400, "too long")];
    let server = Server::start(replies());
    let run = embed(&server).args(["a", "b", "-o", "v.npy"]).file("v.npy", "old").run();
    run.code(4)
        .stdout_empty()
        .stderr_has("llm: input 2: test refused the request (400): too long\n");
    run.stderr_has("hint: --skip-errors leaves such texts out; the same command goes on; 1 of 2");
    assert_eq!(
        (run.names(), run.read("v.npy")),
        (vec!["v.npy".into(), "v.npy.part".into()], b"old".to_vec())
    );
    let server = Server::start(replies());
    let run = embed(&server).args(["a", "b", "-o", "v.npy", "--skip-errors"]).run();
    run.code(4).stdout_empty().stderr_has("llm: 1 of 2 texts have no vector\n");
    assert!(String::from_utf8_lossy(&run.read("v.npy")).contains("'shape': (1, 1), }"));
}

#[test]
fn a_single_text_that_is_refused_is_the_run() {
    let server = Server::start([refusal(400, "太长")]);
    let run = embed(&server).arg("文").run();
    run.code(4).stdout_empty().stderr("llm: test refused the request (400): 太长\n");
}

#[test]
fn a_refusal_of_the_request_is_not_looked_for_in_the_texts() {
    let with = |more: Value| {
        let mut error = json!({"message": "no", "type": "invalid_request_error"});
        error.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        json!({"error": error})
    };
    for (status, body, code) in [
        (400, with(json!({"param": "dimensions"})), 4),
        (400, with(json!({"code": "model_not_found"})), 4),
        (404, with(json!({})), 4),
        (401, with(json!({})), 3),
        (402, with(json!({})), 5),
        (400, with(json!({"message": "The API key is not valid"})), 3),
    ] {
        let server = Server::start([Reply::json(status, body)]);
        let run = embed(&server).args(["a", "b", "--dimensions", "7"]).run();
        run.code(code).stdout_empty().stderr_has("llm: test ");
    }
}

#[test]
fn a_service_that_refuses_everything_is_not_asked_for_ever() {
    let server = Server::new().reply(refusal(400, "坏").repeat()).start();
    let lines = "x\n".repeat(2048);
    let run = embed(&server).args(["--lines", "--concurrency", "1"]).stdin(lines).run();
    run.code(4).stdout_empty().stderr("llm: test refused the request (400): 坏\n");
    let count = server.requests().len();
    assert!(count < 40, "{count} requests");
}

#[test]
fn what_a_service_takes_at_once_is_learnt() {
    let server = Server::start([
        refusal(413, "at most 2"),
        refusal(413, "at most 2"),
        numbers(&[1.0, 2.0]),
        numbers(&[3.0, 4.0]),
        numbers(&[5.0, 6.0]),
        numbers(&[7.0, 8.0]),
        // The batch that was read ahead still has eight.
        numbers(&[1.0, 2.0]),
        numbers(&[3.0, 4.0]),
        numbers(&[5.0, 6.0]),
        numbers(&[7.0, 8.0]),
        numbers(&[9.0, 9.5]),
    ]);
    let run = embed(&server).args(["--lines", "--batch-size", "8", "--concurrency", "1"]);
    let run = run.stdin("x\n".repeat(18)).run();
    run.code(0).stderr_empty();
    assert!(run.stdout_text().ends_with("[7.0]\n[8.0]\n[9.0]\n[9.5]\n"), "{run}");
    let sizes: Vec<usize> =
        sent(&server).iter().map(|input| input.as_array().expect("a list").len()).collect();
    assert_eq!(sizes, [8, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn llama_cpp_says_500_to_a_long_text() {
    let long = "input (3002 tokens) is too large to process. increase the physical batch size";
    let body = json!({"error": {"code": 500, "message": long, "type": "server_error"}});
    let server =
        Server::start([Reply::json(500, body.clone()), numbers(&[1.0]), Reply::json(500, body)]);
    let run = embed(&server).args(["a", "长"]).run();
    run.code(4).stdout("[1.0]\nnull\n").stderr_has("llm: input 2: test failed (500): input (3002");
}

#[test]
fn base64_is_given_up_once_and_for_all() {
    let refused = |body: Value| Reply::json(400, body);
    for body in [
        json!({"error": {"message": "no", "param": "encoding_format"}}),
        json!({"error": {"message": "Unknown field: encoding_format"}}),
        json!({"detail": [{"loc": ["body", "encoding_format"], "msg": "Extra inputs", "type": "x"}]}),
    ] {
        let server = Server::start([refused(body), numbers(&[1.0]), numbers(&[2.0])]);
        let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
        run.code(0).stdout("[1.0]\n[2.0]\n");
        run.stderr_has("llm: warning: test refuses `encoding_format`; sent again without it");
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
        let asked: Vec<Value> = server
            .requests()
            .iter()
            .map(|request| request.json().get("encoding_format").cloned().unwrap_or_default())
            .collect();
        assert_eq!(asked, [json!("base64"), json!(null), json!(null)]);
    }
    // Who asked for it in person hears the answer.
    let server = Server::start([refusal(400, "encoding_format: no")]);
    let run = embed(&server).args(["a", "b", "-O", "encoding_format=base64"]).run();
    run.code(4).stderr_has("encoding_format: no");
}

#[test]
fn replies_that_cannot_be_used_name_the_batch() {
    let nested = json!([{"index": 0, "embedding": [[1, 2]]}, {"index": 1, "embedding": [[1, 2]]}]);
    let beyond = json!([{"index": 0, "embedding": [1]}, {"index": 5, "embedding": [1]}]);
    for (reply, words) in [
        (numbers(&[1.0]), "test sent 1 vector, 2 were asked for (line 1 to line 2)"),
        (data(nested), "test sent a vector for every token of a text, not one for the text"),
        (
            data(beyond),
            "for line 1 to line 2 can't be put in order: there is an unexpected index 5",
        ),
        (
            data(json!([{"embedding": "AAA="}, {"embedding": [1]}])),
            "the vector from test for line 1 can't be read: 2 bytes are not whole 32-bit floats",
        ),
        (Reply::html(200, "<h1>Welcome</h1>"), "has no list of vectors: Welcome"),
        (Reply::json(200, json!({"error": {"message": "坏", "code": 404}})), "(404): 坏"),
    ] {
        let server = Server::start([reply]);
        let run = embed(&server).args(["--lines", "-o", "v.npy"]).stdin("a\nb\n").run();
        run.code(4).stdout_empty().stderr_has(words);
        assert!(run.names().is_empty(), "{run}");
    }
}

#[test]
fn a_table_needs_vectors_of_one_length() {
    let entries = json!([{"embedding": [1, 2]}, {"embedding": [1]}]);
    let server = Server::start([data(entries.clone())]);
    let run = embed(&server).args(["a", "b", "-o", "v.npy"]).run();
    run.code(4).stderr_has("the vector of input 2 has 1 numbers, those before it had 2");
    let server = Server::start([data(entries)]);
    embed(&server).args(["a", "b"]).run().code(0).stdout("[1,2]\n[1]\n");
}

#[test]
fn a_vector_without_numbers_is_no_vector() {
    let server = Server::start([data(json!([{"embedding": [1, null]}, {"embedding": [1]}]))]);
    let run = embed(&server).args(["a", "b"]).run();
    run.code(4)
        .stdout("null\n[1]\n")
        .stderr_has("llm: input 1: its vector contains a value that is no 32-bit number");
}

#[test]
fn failures_are_tried_again_and_then_end_the_run() {
    let busy = || refusal(503, "busy").header("retry-after-ms", "1");
    let server = Server::start([busy(), numbers(&[1.0])]);
    let run = embed(&server).arg("a").run();
    run.code(0).stdout("[1.0]\n").stderr_has("trying again");
    let server = Server::start([busy(), busy()]);
    let run =
        embed(&server).args(["a", "--retries", "1", "-o", "v.npy"]).file("v.npy", "old").run();
    run.code(6).stdout_empty().stderr_has("llm: test failed (503): busy");
    assert_eq!((run.names(), run.read("v.npy")), (vec!["v.npy".to_owned()], b"old".to_vec()));
}

#[test]
fn a_reply_that_breaks_off_leaves_nothing() {
    let broken = || Reply::bytes(200, "application/json", "{\"data\":[").content_length(500);
    let server = Server::start([broken()]);
    let run = embed(&server).args(["a", "--retries", "0", "-o", "v.csv"]).run();
    run.code(6).stdout_empty().stderr_has("broke off");
    assert!(run.names().is_empty(), "{run}");
}

#[test]
fn what_came_before_a_failure_is_printed() {
    let server = Server::start([numbers(&[1.0]), refusal(401, "no")]);
    let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
    run.code(3).stdout("[1.0]\n").stderr_has("(401): no");
}

#[cfg(unix)]
#[test]
fn an_interruption_drops_all_requests() {
    let server =
        Server::new().reply(Reply::raw([Step::UntilClosed]).repeat()).allow_unused().start();
    let lines = "x\n".repeat(10);
    let run = embed(&server).args(["--lines", "--batch-size", "1", "-o", "v.npy"]).stdin(lines);
    let running = run.spawn();
    server.wait_requests(4, std::time::Duration::from_secs(10));
    server.mark();
    running.signal("INT");
    let run = running.wait();
    run.code(130).stdout_empty().stderr_empty();
    assert!(run.names().is_empty(), "{run}");
    assert!(server.wait_closed(std::time::Duration::from_secs(5)).is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    for format in ["array", "npy"] {
        let server = Server::new().reply(numbers(&[1.0])).allow_unused().start();
        let run = embed(&server).args(["a", "-o", "/dev/full", "--format", format]).run();
        run.code(1).stdout_empty().stderr_has("cannot write /dev/full: no space left on device");
    }
}
