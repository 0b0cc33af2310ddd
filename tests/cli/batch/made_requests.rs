//! `llm batch make`: a file of requests that `vllm run-batch` and every Batch API of OpenAI's form read.

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, llm};

fn make(rows: &str, name: &str) -> Llm {
    let llm = llm().profile_at("http://127.0.0.1:9/v1");
    llm.args(["batch", "make", "-f", name]).file(name, rows)
}

fn lines(run: &Outcome) -> Vec<Value> {
    let text = run.stdout_text();
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn every_row_is_a_line_that_others_read() {
    let run = make("一\n\n\"二\" \u{2028}three\u{85}\n", "w.txt").arg("译成英文").run();
    run.code(0).stderr_empty().stdout(
        "{\"custom_id\":\"row-1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":\
         {\"model\":\"test-model\",\"messages\":[{\"role\":\"user\",\"content\":\"译成英文\\n\\n一\"}]}}\n\
         {\"custom_id\":\"row-2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":\
         {\"model\":\"test-model\",\"messages\":[{\"role\":\"user\",\"content\":\"译成英文\\n\\n\\\"二\\\" \\u2028three\\u0085\"}]}}\n",
    );
}

#[test]
fn the_request_is_that_of_a_run_but_never_a_stream() {
    let rows = "{\"id\":\"a\",\"t\":\"一\"}\n{\"id\":\"b\",\"t\":\"二\"}\n";
    let run = make(rows, "r.jsonl")
        .args([
            "-s",
            "短",
            "-t",
            "0.5",
            "--max-tokens",
            "9",
            "--schema",
            "city",
            "-O",
            "stream=true",
        ])
        .args(["-O", "top_k=3", "-m", "other", "{{t}}?"])
        .run();
    run.code(0);
    let lines = lines(&run);
    assert_eq!(lines[1]["custom_id"], "b");
    let body = &lines[1]["body"];
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "短"}));
    assert_eq!(body["messages"][1]["content"], "二?");
    let told = |name: &str| body[name].clone();
    assert_eq!(
        [told("model"), told("temperature"), told("max_tokens"), told("top_k"), told("stream")],
        [json!("other"), json!(0.5), json!(9), json!(3), Value::Null]
    );
    assert_eq!(body["response_format"]["type"], "json_schema");
}

#[test]
fn ids_that_others_would_change_are_replaced_in_all_rows() {
    for (ids, expected) in [
        (["a", "b-2_X"], ["a", "b-2_X"]),
        (["a", "7"], ["row-1", "row-2"]),
        (["007", "8"], ["row-1", "row-2"]),
        (["a", "b c"], ["row-1", "row-2"]),
        (["a", "书"], ["row-1", "row-2"]),
        (["a", &"x".repeat(65)], ["row-1", "row-2"]),
    ] {
        let rows = format!("id,t\n{},x\n{},y\n", ids[0], ids[1]);
        let run = make(&rows, "r.csv").arg("{{t}}").run();
        run.code(0);
        let found: Vec<Value> = lines(&run).iter().map(|line| line["custom_id"].clone()).collect();
        assert_eq!(found, expected, "{ids:?}");
    }
}

#[test]
fn a_line_that_would_end_the_whole_run_is_never_written() {
    for (option, words) in [
        ("temperature=very hot", "`temperature` must be a number"),
        ("max_tokens=1.5", "`max_tokens` must be a whole number"),
        ("stop=3", "`stop` must be a text or a list of texts"),
        ("tool_choice=auto", "`tool_choice` needs tools"),
        ("top_logprobs=2", "`top_logprobs` needs logprobs"),
        (r#"response_format={"type":"json_schema"}"#, "`response_format.json_schema` must be"),
        (r#"response_format={"type":"xml"}"#, "`response_format.type` must be"),
    ] {
        let run = make("a\nb\n", "w.txt").args(["-O", option, "x", "-o", "out.jsonl"]).run();
        run.code(2).stdout_empty().stderr_has("the request of row 1 of w.txt can't be used: ");
        run.stderr_has(words);
        assert_eq!(run.names(), ["w.txt"], "{option}");
    }
    make("{\"t\":1}\n{\"x\":1}\n", "r.jsonl").arg("{{t}}").run().code(2).stdout_empty();
    make("{\"t\":\"\\ud83d\"}\n", "r.jsonl").arg("{{t}}").run().code(2).stdout_empty();
}

#[test]
fn a_file_appears_whole_and_never_over_its_rows() {
    let run = make("a\nb\n", "w.txt").args(["x", "-o", "out.jsonl"]).run();
    run.code(0).stdout_empty().stderr("llm: 2 requests are in out.jsonl\n");
    assert_eq!(run.read("out.jsonl").split(|byte| *byte == b'\n').count(), 3);
    make("a\n", "w.txt").args(["x", "-o", "w.txt"]).run().code(2);
}

#[test]
fn what_goes_along_is_in_the_line() {
    let llm = make("path\na.png\n", "r.csv").args(["-f", "{{path}}", "what?"]);
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let run = llm.file("a.png", png).run();
    run.code(0);
    let content = &lines(&run)[0]["body"]["messages"][0]["content"];
    let picture =
        content.as_array().expect("parts").iter().find(|part| part["type"] == "image_url");
    let url = picture.expect("a picture")["image_url"]["url"].as_str().expect("a URL").to_owned();
    assert!(url.starts_with("data:image/png;base64,iVBORw0KGgo"), "{url}");
}

#[test]
fn no_key_and_no_profile_are_needed() {
    let run = llm()
        .args(["batch", "make", "-m", "Qwen/Qwen3-8B", "-f", "w.txt", "译成英文"])
        .file("w.txt", "一\n")
        .run();
    run.code(0).stderr_empty();
    assert_eq!(lines(&run)[0]["body"]["model"], "Qwen/Qwen3-8B");
    let run = llm()
        .args(["batch", "make", "-p", "zhipu", "-f", "w.txt", "x"])
        .file("w.txt", "一\n")
        .run();
    run.code(0);
    assert_eq!(lines(&run)[0]["url"], "/v4/chat/completions");
}
