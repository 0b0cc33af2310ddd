//! `llm embed` and what services do in their own way: numbering, base64, lengths, texts that they fail at.

use serde_json::{Value, json};

use super::inputs_and_formats::{data, embed, numbers};
use crate::support::{Reply, Server};

fn encodings(server: &Server) -> Vec<Value> {
    let encoding = |body: Value| body.get("encoding_format").cloned().unwrap_or_default();
    server.bodies().into_iter().map(encoding).collect()
}

fn inputs(server: &Server) -> Vec<String> {
    server.bodies().into_iter().map(|body| body["input"].to_string()).collect()
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": message}})).header("retry-after-ms", "1")
}

#[test]
fn vectors_belong_to_their_texts_however_they_are_numbered() {
    let in_order = "[1]\n[2]\n[3]\n";
    for (indexes, expected) in [
        (json!([null, null, null]), in_order),
        (json!([0, 0, 0]), in_order),
        (json!([7, 7, 7]), in_order),
        (json!([null, 1, 2]), in_order),
        (json!([1, 2, 3]), in_order),
        (json!([3, 1, 2]), "[2]\n[3]\n[1]\n"),
        (json!([96, 97, 98]), in_order),
        (json!(["0", "2", "1"]), "[1]\n[3]\n[2]\n"),
        (json!([2.0, 0.0, 1.0]), "[2]\n[3]\n[1]\n"),
    ] {
        let entries = indexes.as_array().expect("a list").iter().zip(1..);
        let entry = |(index, number): (&Value, u32)| json!({"index": index, "embedding": [number]});
        let server = Server::start([data(entries.map(entry).collect())]);
        embed(&server).args(["a", "b", "c"]).run().code(0).stdout(expected).stderr_empty();
    }
    for (indexes, words) in [
        (json!([0, 0, 2]), "index 0 comes twice"),
        (json!([0, 1, 3]), "unexpected index 3"),
        (json!([null, 0, 2]), "index 0 comes twice"),
        (json!([0, 1, -2]), "unexpected index -2"),
        (json!([0, 1, 2.5]), "unexpected index 2.5"),
        (json!([0, 1, "x"]), "unexpected index \"x\""),
    ] {
        let entries = indexes.as_array().expect("a list").iter();
        let entry = |index: &Value| json!({"index": index, "embedding": [1]});
        let server = Server::start([data(entries.map(entry).collect())]);
        let run = embed(&server).args(["a", "b", "c"]).run();
        run.code(4).stdout_empty().stderr_has(words);
    }
}

#[test]
fn an_index_that_is_left_out_is_that_of_the_place() {
    // Gemini leaves out what is 0.
    let entries = json!([{"embedding": [1]}, {"index": 1, "embedding": [2]}]);
    let server = Server::start([data(entries)]);
    embed(&server).args(["a", "b"]).run().code(0).stdout("[1]\n[2]\n");
}

#[test]
fn base64_that_is_not_served_is_given_up_whatever_is_said() {
    for reply in [
        error(400, "base64 encoding is not currently supported"),
        error(400, "Bad Request"),
        error(422, "不支持的编码"),
        error(415, "no such form"),
        Reply::json(500, json!({"error": {"message": "Internal Server Error"}})),
        Reply::text(500, ""),
        Reply::json(501, json!({"error": "not implemented"})),
        Reply::json(502, json!({"detail": "upstream"})),
        data(json!([])),
        data(json!(null)),
        data(json!([{"index": 0, "embedding": ""}])),
        data(json!([{"index": 0, "embedding": []}])),
        data(json!([{"index": 0, "embedding": null}])),
        Reply::json(200, json!({"object": "list", "model": "bge"})),
    ] {
        let server = Server::start([reply, numbers(&[1.0]), numbers(&[2.0])]);
        let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
        run.code(0).stdout("[1.0]\n[2.0]\n");
        run.stderr_has("asked for numbers instead of base64, which works").stderr_has(
            "a rule spares the first try: { jobs = [\"embed\"], drop = [\"encoding_format\"] }",
        );
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
        assert_eq!(encodings(&server), [json!("base64"), json!(null), json!(null)]);
    }
}

#[test]
fn numbers_are_not_asked_for_where_that_would_help_nothing() {
    for (reply, code) in [
        (error(401, "base64? no key"), 3),
        (error(400, "This model's maximum context length is 512 tokens"), 4),
        (error(404, "no such model"), 4),
    ] {
        let server = Server::start([reply]);
        embed(&server).arg("a").run().code(code).stdout_empty();
    }
    // Once base64 has come, nothing is tried any more.
    let server = Server::start([numbers(&[1.0]), error(400, "Bad Request")]);
    let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
    run.code(4).stdout("[1.0]\nnull\n");
    // Where neither comes, the second failure is told.
    let server = Server::start([error(400, "Bad Request"), error(400, "still bad")]);
    embed(&server).arg("a").run().code(4).stderr_has("still bad");
}

#[test]
fn one_text_that_makes_the_server_fail_is_found() {
    let failing = || error(500, "failed to encode response: json: unsupported value: NaN");
    let crash = || Reply::bytes(200, "application/json", "{\"data\":[").content_length(500);
    for failure in [&failing as &dyn Fn() -> Reply, &crash] {
        // The first text tells that the server works, and that it sends base64.
        let mut replies = vec![numbers(&[0.0]), failure(), failure(), failure(), numbers(&[1.0])];
        replies.extend([failure(), failure(), numbers(&[3.0, 4.0])]);
        let server = Server::start(replies);
        let run = embed(&server).args(["--lines", "--concurrency", "1", "--batch-size", "4"]);
        let lines = ["x".repeat(900_000), "一\n坏\n三\n四\n".into()].join("\n");
        let run = run.args(["--retries", "1"]).stdin(lines).run();
        run.code(4).stdout("[0.0]\n[1.0]\nnull\n[3.0]\n[4.0]\n");
        run.stderr_has("llm: line 3: ").stderr_has("llm: 1 of 5 texts have no vector\n");
        let found = &inputs(&server)[1..];
        let all = r#"["一","坏","三","四"]"#;
        let expected =
            [all, all, r#"["一","坏"]"#, r#"["一"]"#, r#"["坏"]"#, r#"["坏"]"#, r#"["三","四"]"#];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_server_that_is_down_ends_the_run_soon() {
    for (reply, most) in
        [(error(500, "boom"), 24), (error(503, "busy"), 4), (error(504, "late"), 4)]
    {
        let server = Server::new().reply(reply.repeat()).start();
        let lines = "x\n".repeat(2048);
        let run = embed(&server).args(["--lines", "--retries", "1"]).stdin(lines).run();
        run.code(6).stdout_empty();
        let count = server.requests().len();
        assert!(count <= most, "{count} requests");
    }
}

#[test]
fn nan_costs_one_vector() {
    for (bad, good) in
        [("NaN,1", "[2]"), ("Infinity", "[2]"), ("1,-Infinity", "[2]"), ("\"NaN\"", "[2]")]
    {
        let body = format!(
            r#"{{"data":[{{"index":0,"embedding":[{bad}]}},{{"index":1,"embedding":{good}}}],"x":"NaN \" NaN"}}"#
        );
        let server = Server::start([Reply::bytes(200, "application/json", body)]);
        let run = embed(&server).args(["a", "b"]).run();
        run.code(4).stdout("null\n[2]\n");
        run.stderr_has("llm: input 1: its vector contains a value that is no 32-bit number");
    }
}

#[test]
fn vectors_of_another_length_than_was_asked_for_are_refused() {
    for args in [&["--dimensions", "3"][..], &["-O", "dimensions=3"]] {
        for output in ["v.npy", "v.jsonl", "v.csv"] {
            let server =
                Server::start([data(json!([{"embedding": [1, 2]}, {"embedding": [1, 2]}]))]);
            let run =
                embed(&server).args(["a", "b", "-o", output]).args(args).file(output, "old").run();
            run.code(4).stdout_empty();
            run.stderr_has("llm: test sent vectors of 2 numbers, 3 were asked for\nhint: ");
            assert_eq!((run.names(), run.read(output)), (vec![output.to_owned()], b"old".to_vec()));
        }
        let server = Server::start([data(json!([{"embedding": [1, 2]}]))]);
        embed(&server).arg("a").args(args).run().code(4).stdout_empty();
    }
    let server = Server::start([data(json!([{"embedding": "AACAPwAAAEAAAEBA"}]))]);
    embed(&server).args(["a", "--dimensions", "3"]).run().code(0).stdout("[1.0,2.0,3.0]\n");
}

#[test]
fn a_request_that_is_too_large_for_a_minute_is_halved() {
    let words = "Request too large for bge on tokens per min (TPM): Limit 10, Requested 20.";
    let server = Server::start([
        Reply::json(429, json!({"error": {"message": words, "code": "rate_limit_exceeded"}})),
        numbers(&[1.0]),
        numbers(&[2.0]),
    ]);
    embed(&server).args(["a", "b"]).run().code(0).stdout("[1.0]\n[2.0]\n");
}

/// Bytes with a sign, as numbers of one byte have them.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| ((n * 7919 % 61) as i8 - 30).cast_unsigned()).collect()
}

fn in_base64(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}

#[test]
fn base64_of_single_bytes_is_not_read_as_floats() {
    let one = |bytes: &[u8]| data(json!([{"index": 0, "embedding": in_base64(bytes)}]));
    for (reply, args, told) in [
        (one(&bytes(1024)), &["a"][..], "1024 bytes"),
        (one(&bytes(1023)), &["a"], "1023 bytes"),
        (one(&bytes(8)), &["a", "--dimensions", "8"], "8 bytes"),
        (one(&bytes(1024)), &["a", "-O", "encoding_format=float"], "1024 bytes"),
        (
            data(json!([{"index": 0, "embedding": [1, 2, 3, 4]},
                {"index": 1, "embedding": in_base64(&bytes(4))}])),
            &["a", "b"],
            "4 bytes",
        ),
        (
            data(json!([{"index": 0, "embedding": in_base64(&bytes(4))},
                {"index": 1, "embedding": [1, 2, 3, 4]}])),
            &["a", "b"],
            "4 bytes",
        ),
    ] {
        let server = Server::start([reply]);
        let run = embed(&server).args(args).run();
        run.code(4).stdout_empty().stderr_has(told).stderr_has("(int8)");
        run.stderr_has("hint: `-O encoding_format=base64_int8`");
    }
    // The length of an earlier reply tells it too.
    let floats = |numbers: &[f32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let server = Server::start([one(&floats(&[0.5, 1.5])), one(&floats(&[0.5]))]);
    let run = embed(&server).args(["a", "b", "--batch-size", "1", "--concurrency", "1"]).run();
    run.code(4).stderr_has("4 bytes");
    // Floats stay floats, asked for or not.
    let server = Server::start([one(&floats(&[0.5, 1.5]))]);
    let run = embed(&server).args(["a", "-O", "encoding_format=float", "--dimensions", "2"]).run();
    run.code(0).stdout("[0.5,1.5]\n");
}

#[test]
fn bytes_that_were_asked_for_are_read_as_bytes() {
    let raw = [0_u8, 1, 127, 128, 255];
    for (field, dimensions, expected) in [
        ("encoding_format=base64_int8", "5", "[0.0,1.0,127.0,-128.0,-1.0]\n"),
        ("output_dtype=int8", "5", "[0.0,1.0,127.0,-128.0,-1.0]\n"),
        ("output_dtype=uint8", "5", "[0.0,1.0,127.0,128.0,255.0]\n"),
        ("encoding_format=base64_binary", "40", "[0.0,1.0,127.0,128.0,255.0]\n"),
    ] {
        let server = Server::start([data(json!([{"index": 0, "embedding": in_base64(&raw)}]))]);
        let run = embed(&server).args(["a", "-O", field, "--dimensions", dimensions]).run();
        run.code(0).stdout(expected);
    }
}
