//! `llm embed`: what is sent for which input, and what comes out in every format.

use serde_json::{Value, json};

use crate::support::{Llm, Recorded, Reply, Server, llm};

/// A reply with these entries of `data`.
pub(super) fn data(entries: Value) -> Reply {
    Reply::json(200, json!({"object": "list", "data": entries, "usage": {"prompt_tokens": 3}}))
}

/// A reply with one vector for each of these numbers.
pub(super) fn numbers(numbers: &[f32]) -> Reply {
    let entry = |(index, number): (usize, &f32)| json!({"index": index, "embedding": [number]});
    data(numbers.iter().enumerate().map(entry).collect())
}

/// `llm embed` with the profile `test` at this server.
pub(super) fn embed(server: &Server) -> Llm {
    llm().profile(server).args(["embed", "-m", "bge"])
}

fn inputs(request: &Recorded) -> Value {
    request.json()["input"].clone()
}

/// The rows of a NumPy file of 32-bit floats, read as its format describes it.
fn npy(bytes: &[u8]) -> (String, Vec<f32>) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(end % 64, 0);
    let head = std::str::from_utf8(&bytes[10..end]).expect("the head is text");
    let head = head.strip_prefix("{'descr': '<f4', 'fortran_order': False, 'shape': ");
    let shape = head.expect("the head is a description").trim_end();
    let (floats, rest) = bytes[end..].as_chunks::<4>();
    assert!(rest.is_empty());
    (shape.to_owned(), floats.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

#[test]
fn every_argument_is_an_input() {
    let server = Server::start([data(json!([
        {"index": 1, "embedding": [0.10, -2e-3]},
        {"index": 0, "embedding": "AACAPwAAAMA="},
    ]))]);
    let run = embed(&server).args(["你好", "two words"]).stdin("不读").run();
    run.code(0).stdout("[1.0,-2.0]\n[0.1,-0.002]\n").stderr_empty();
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/embeddings"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let wire = r#"{"model":"bge","input":["你好","two words"],"encoding_format":"base64"}"#;
    assert_eq!(request.text(), wire);
}

#[test]
fn decimal_numbers_pass_through_as_they_came() {
    let body = "{\"data\": [ {\"embedding\": [\n  0.10 ,\n -2E-3,7 ]} ]}";
    for (args, expected) in [
        (&["a"][..], "[0.10,-2E-3,7]\n"),
        (&["a", "--format", "csv"], "0.10,-2E-3,7\n"),
        (
            &["a", "--format", "jsonl"],
            "{\"index\":0,\"input\":\"a\",\"embedding\":[0.10,-2E-3,7],\"model\":\"bge\"}\n",
        ),
    ] {
        let server = Server::start([Reply::bytes(200, "application/json", body)]);
        embed(&server).args(args).run().code(0).stdout(expected).stderr_empty();
    }
}

#[test]
fn without_arguments_stdin_is_one_input() {
    let server = Server::start([numbers(&[1.0])]);
    embed(&server).stdin("第一行\n第二行\n\n").run().code(0).stdout("[1.0]\n").stderr_empty();
    assert_eq!(inputs(&server.request()), json!("第一行\n第二行"));
}

#[test]
fn every_line_is_an_input_and_an_empty_one_keeps_its_place() {
    let server = Server::start([numbers(&[1.0, 2.0])]);
    let run = embed(&server).args(["--lines", "--format", "jsonl"]).stdin("一\r\n\n三").run();
    let lines = "{\"index\":0,\"input\":\"一\",\"embedding\":[1.0],\"model\":\"bge\"}\n\
                 {\"index\":1,\"input\":\"\",\"embedding\":null,\"model\":\"bge\"}\n\
                 {\"index\":2,\"input\":\"三\",\"embedding\":[2.0],\"model\":\"bge\"}\n";
    run.code(0).stdout(lines).stderr("llm: warning: line 2 is empty and has no vector\n");
    assert_eq!(inputs(&server.request()), json!(["一", "三"]));
}

#[test]
fn files_are_read_whole_or_by_lines() {
    let files = |llm: Llm| llm.file("a.txt", "一\n二\n").file("b.txt", "\u{feff}三");
    let server = Server::start([numbers(&[1.0, 2.0, 3.0])]);
    let run = files(embed(&server)).args(["参数", "-f", "a.txt", "-f", "b.txt"]).run();
    run.code(0).stdout("[1.0]\n[2.0]\n[3.0]\n").stderr_empty();
    assert_eq!(inputs(&server.request()), json!(["参数", "一\n二", "三"]));
    let server = Server::start([numbers(&[1.0, 2.0, 3.0, 4.0])]);
    let run = files(embed(&server)).args(["--lines", "-f", "a.txt", "-f", "-", "-f", "b.txt"]);
    run.stdin("x\n").run().code(0).stdout("[1.0]\n[2.0]\n[3.0]\n[4.0]\n").stderr_empty();
    assert_eq!(inputs(&server.request()), json!(["一", "二", "x", "三"]));
}

#[test]
fn the_file_decides_about_the_format() {
    for (name, expected) in [
        ("v.csv", "1.0\n2.0\n"),
        ("v.txt", "[1.0]\n[2.0]\n"),
        (
            "v.JSONL",
            "{\"index\":0,\"input\":\"a\",\"embedding\":[1.0],\"model\":\"bge\"}\n{\"index\":1,\"input\":\"b\",\"embedding\":[2.0],\"model\":\"bge\"}\n",
        ),
    ] {
        let server = Server::start([numbers(&[1.0, 2.0])]);
        let run = embed(&server).args(["a", "b", "-o", name]).run();
        run.code(0).stdout_empty().stderr_empty();
        assert_eq!(String::from_utf8_lossy(&run.read(name)), expected);
        // An array and jsonl have no file beside them.
        let count = if name == "v.csv" { 2 } else { 1 };
        assert_eq!(run.names().len(), count, "{run}");
    }
}

#[test]
fn a_numpy_file_has_the_right_head_in_a_file_and_in_a_pipe() {
    let replies = || [numbers(&[1.0, 0.1]), data(json!([{"embedding": "AACAPw=="}]))];
    let args = ["--lines", "--batch-size", "2", "--concurrency", "1"];
    let expected = ("(3, 1), }".to_owned(), vec![1.0, 0.1, 1.0]);
    let server = Server::start(replies());
    let run = embed(&server).args(args).args(["-o", "v.npy"]).stdin("a\nb\nc\n").run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(npy(&run.read("v.npy")), expected);
    let server = Server::start(replies());
    let run = embed(&server).args(args).args(["--format", "npy"]).stdin("a\nb\nc\n").run();
    run.code(0).stderr_empty();
    assert_eq!(npy(&run.stdout), expected);
}

#[test]
fn large_replies_stand_in_a_numpy_file_in_the_order_of_the_texts() {
    // Some MiB a reply, so that each is more than one write.
    const TEXTS: usize = 300;
    // Number `n` of text `t` in batch `b`.
    let vector = |batch: usize, text: usize, columns: usize| -> Vec<f32> {
        (0..columns).map(|number| ((batch * TEXTS + text) * 1000 + number) as f32 / 8.0).collect()
    };
    let reply = |batch: usize, columns: usize| {
        let entry = |text: usize| json!({"index": text, "embedding": vector(batch, text, columns)});
        let mut entries: Vec<Value> = (0..TEXTS).map(entry).collect();
        if batch == 1 {
            entries.reverse();
        }
        data(Value::Array(entries))
    };
    let lines = "a\n".repeat(3 * TEXTS);
    let args = ["--lines", "--batch-size", "300", "--concurrency", "1", "--format", "npy"];
    let all = (0..3 * TEXTS).flat_map(|text| vector(0, text, 1000)).collect::<Vec<f32>>();
    let expected = ("(900, 1000), }".to_owned(), all);
    for output in [&["-o", "v.npy"][..], &[]] {
        let server = Server::start([reply(0, 1000), reply(1, 1000), reply(2, 1000)]);
        let run = embed(&server).args(args).args(output).stdin(&lines).run();
        run.code(0).stderr_empty();
        let file = if output.is_empty() { run.stdout.clone() } else { run.read("v.npy") };
        assert!(npy(&file) == expected, "the rows are others");
    }
    let server = Server::start([reply(0, 1000), reply(2, 1001)]);
    let run = embed(&server).args(args).args(["-o", "v.npy"]).stdin(&lines).run();
    run.code(4).stderr_has("the vector of line 301 has 1001 numbers, those before it had 1000");
}

#[test]
fn a_number_that_no_float_holds_has_no_place_in_a_numpy_file() {
    let reply = || data(json!([{"index": 0, "embedding": [1e39, 1.5]}]));
    let server = Server::start([reply(), reply()]);
    let run = embed(&server).args(["一", "-o", "v.npy"]).run();
    run.code(4).stderr_has("contains a value that is no 32-bit number");
    assert!(!run.dir().join("v.npy").exists());
    // As text it is passed on as it came.
    embed(&server).args(["一"]).run().code(0).stdout("[1e+39,1.5]\n").stderr_empty();
}

#[test]
fn batches_are_bounded_and_their_answers_put_into_order() {
    let server = Server::start([numbers(&[1.0, 2.0]), numbers(&[3.0, 4.0]), numbers(&[5.0])]);
    let run = embed(&server).args(["--lines", "--batch-size", "2", "--concurrency", "1", "-u"]);
    let run = run.stdin("一\n二\n三\n四\n五\n").run();
    run.code(0).stdout("[1.0]\n[2.0]\n[3.0]\n[4.0]\n[5.0]\n");
    run.stderr_has("llm: usage: 9 tokens in, 3 requests, ");
    let requests = server.requests();
    let sent: Vec<Value> = requests.iter().map(inputs).collect();
    assert_eq!(sent, [json!(["一", "二"]), json!(["三", "四"]), json!(["五"])]);
}

#[test]
fn the_profile_bounds_a_batch_and_holds_fields() {
    let server = Server::start([numbers(&[1.0]), numbers(&[2.0])]);
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodels = {{ embed = \"m3\" }}\n\
         embed = {{ encoding_format = \"float\", user = \"我\" }}\nlimits = {{ embed_inputs = 1 }}\n\
         rules = [{{ jobs = [\"embed\"], rename = {{ dimensions = \"output_dimension\" }} }}]\n",
        server.url()
    );
    let run = llm().config(&config).watch(&server).args(["embed", "a", "b", "--dimensions", "1"]);
    run.args(["--concurrency", "1"]).run().code(0).stdout("[1.0]\n[2.0]\n").stderr_empty();
    let expected = json!({
        "model": "m3", "input": ["a"], "encoding_format": "float", "user": "我", "output_dimension": 1,
    });
    assert_eq!(server.requests()[0].json(), expected);
}

#[test]
fn parallel_requests_ask_for_every_text_once() {
    let server = Server::start((0..40).map(|_| numbers(&[1.0])));
    let lines: String = (0..40).map(|number| format!("{number}\n")).collect();
    let run = embed(&server).args(["--lines", "--batch-size", "1"]).stdin(lines).run();
    run.code(0).stdout(&"[1.0]\n".repeat(40)).stderr_empty();
    let mut sent: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.json()["input"][0].as_str().expect("a text").to_owned())
        .collect();
    sent.sort_unstable_by_key(|text| text.parse::<u32>().expect("a number"));
    assert_eq!(sent, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn the_demo_keeps_the_order_of_many_parallel_requests() {
    let lines: Vec<String> = (0..300).map(|number| format!("第 {number} 行")).collect();
    let demo = |args: &[&str]| {
        let run = llm().args(["embed", "-p", "demo", "--lines", "--dimensions", "8"]).args(args);
        run.stdin(lines.join("\n")).run()
    };
    let whole = demo(&[]);
    whole.code(0).stderr_empty();
    let parallel = demo(&["--batch-size", "3", "--concurrency", "16"]);
    parallel.code(0).stdout_bytes(&whole.stdout).stderr_empty();
    let file = demo(&["--batch-size", "7", "-o", "v.npy"]);
    file.code(0).stdout_empty().stderr_empty();
    let (shape, floats) = npy(&file.read("v.npy"));
    assert_eq!(shape, "(300, 8), }");
    let texts: Vec<Vec<f32>> =
        whole.stdout_text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(floats, texts.concat());
}

#[test]
fn json_prints_the_replies_as_they_came() {
    let body = "{ \"data\": [{\"embedding\": [[1, 2]]}], \"x\": \"你\" }";
    let server = Server::new().reply(Reply::bytes(200, "application/json", body).repeat()).start();
    let run = embed(&server).args(["a", "b", "--json", "--batch-size", "1"]).run();
    run.code(0).stdout(&format!("{body}\n{body}")).stderr_empty();
    assert_eq!(server.requests()[0].json().get("encoding_format"), None);
}

#[test]
fn a_dry_run_shows_the_first_request() {
    let llm = llm().profile_at("http://127.0.0.1:9/v1");
    let run = llm.args(["embed", "-m", "m", "--lines", "--dry-run", "--batch-size", "2"]);
    let run = run.stdin("它's\n二\n三\n四\n五\n").run();
    run.code(0).stderr("llm: 2 more requests would follow\n");
    run.stdout_has("'http://127.0.0.1:9/v1/embeddings'");
    run.stdout_has(r#"{"model":"m","input":["它'\''s","二"],"encoding_format":"base64"}"#);
}

#[test]
fn what_cannot_be_used_is_said_before_anything_is_sent() {
    let server = Server::start([]);
    let make = || {
        embed(&server)
            .file("empty", "")
            .file("gap", "a\n\nb\n")
            .file("picture", b"\x89PNG\0\0")
            .file("gbk", b"a\n\xc4\xe3\n")
    };
    for (args, code, words) in [
        (&[][..], 2, "there is no text to embed"),
        (&["a", ""], 2, "input 2 is empty"),
        (&["-f", "missing"], 2, "cannot read missing: no such file or directory"),
        (&["-f", "empty"], 2, "empty is empty"),
        (&["--lines", "-f", "empty"], 2, "there is no text to embed"),
        (&["-f", "picture"], 2, "picture is not text: there is a zero byte at byte 4"),
        (&["--lines", "-f", "gbk"], 2, "line 2 of gbk is not text: it is not UTF-8 at byte 0"),
        (&["--lines", "-f", "gap", "-o", "v.npy"], 2, "line 2 is empty, and npy can't hold"),
        (&["--lines", "-f", "gap", "--format", "csv"], 2, "line 2 is empty, and csv can't hold"),
        (&["--lines", "文字"], 2, "--lines"),
        (&["a", "--format", "csv", "-o", "v.npy"], 2, "--format csv contradicts the ending"),
        (&["a", "--json", "-o", "v.npy"], 2, "--json contradicts the ending"),
        (&["a", "--json", "--format", "csv"], 2, "--json"),
        (&["a", "--batch-size", "0"], 2, "--batch-size"),
        (&["a", "--dimensions", "0"], 2, "--dimensions"),
        (&["a", "--concurrency", "0"], 2, "--concurrency"),
        (&["a", "-o", "."], 1, "cannot write .: it is a directory"),
        (&["a", "-o", "no/v.npy"], 1, "cannot write no/v.npy: no such file or directory"),
    ] {
        let run = make().args(args).run();
        run.code(code).stdout_empty().stderr_has(words);
    }
    let run = embed(&server).arg("--lines").stdin(b"a\n\xff\n").run();
    run.code(2).stdout_empty().stderr_has("line 2 of standard input is not text");
}

#[test]
fn without_a_model_nothing_is_sent() {
    let run = llm()
        .config("[providers.test]\nbase_url = \"http://llm.invalid/v1\"\n")
        .args(["embed", "a"])
        .run();
    run.code(2).stderr_has("no model is set for embeddings at test").stderr_has("hint: ");
}

#[test]
fn a_silent_pipe_is_waited_for_with_a_word() {
    let server = Server::start([numbers(&[1.0])]);
    let mut running = embed(&server).arg("--lines").stdin_pipe_open().spawn();
    running.read_stderr_until("llm: waiting for", std::time::Duration::from_secs(10));
    running.write_stdin("晚\n");
    running.close_stdin();
    running.wait().code(0).stdout("[1.0]\n");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_once_and_in_its_turn() {
    let server = Server::start([numbers(&[1.0, 2.0])]);
    let llm = embed(&server).args(["--lines", "-f", "fifo", "-o", "v.jsonl"]);
    let path = llm.dir().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
    assert!(made.success());
    let running = llm.spawn();
    std::fs::write(&path, "一\n二\n").expect("the pipe takes text");
    let run = running.wait();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("v.jsonl").iter().filter(|byte| **byte == b'\n').count(), 2);
}
