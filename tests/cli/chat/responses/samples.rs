//! The table of `tests/responses`: every recorded reply of `/responses` is sent to the program, which must
//! lose nothing of it. What each file says is in `expected.json`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::support::{Outcome, Reply, Server, llm};

/// One recorded body and what is known of it.
struct Sample {
    name: String,
    body: Vec<u8>,
    expected: Value,
}

impl Sample {
    fn text(&self, key: &str) -> &str {
        self.expected.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> i64 {
        self.expected[key].as_i64().unwrap_or_else(|| panic!("{} has no `{key}`", self.name))
    }

    fn is_stream(&self) -> bool {
        self.name.ends_with(".sse")
    }

    fn content_type(&self) -> &str {
        if self.is_stream() { "text/event-stream" } else { "application/json" }
    }

    fn whole(&self) -> Reply {
        let status = u16::try_from(self.number("status")).expect("a status is no large number");
        Reply::bytes(status, self.content_type(), self.body.clone())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("responses")
}

fn samples(wanted: impl Fn(&Sample) -> bool) -> Vec<Sample> {
    let text = fs::read(folder().join("expected.json")).expect("the table is there");
    let table: Map<String, Value> = serde_json::from_slice(&text).expect("an object");
    let read = |name: &str| fs::read(folder().join(name));
    let all = table.into_iter().map(|(name, expected)| Sample {
        body: read(&name).unwrap_or_else(|error| panic!("{name}: {error}")),
        name,
        expected,
    });
    let chosen: Vec<Sample> = all.filter(wanted).collect();
    assert!(!chosen.is_empty(), "no sample is wanted");
    chosen
}

/// Asks this server, and looks at everything that a sample says.
fn check(sample: &Sample, server: &Server, more: &[&str]) -> Outcome {
    let stream: &[&str] = if sample.is_stream() { &[] } else { &["-S"] };
    let command = llm().profile(server).args(["chat", "--api", "responses", "--retries", "0"]);
    let run = command.args(["--reasoning", "show"]).args(stream).args(more).arg("你好").run();
    let failed = |what: &str| -> ! { run.fail(&format!("{}: {what}", sample.name)) };
    if run.code.map(i64::from) != Some(sample.number("exit")) {
        failed("the exit code is another one");
    }
    let text = sample.text("text");
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    if run.stdout != format!("{text}{end}").as_bytes() {
        failed("standard output is not the text");
    }
    let stderr = run.stderr_text();
    let Some(ours) = stderr.strip_prefix(sample.text("reasoning")) else {
        failed("the thinking is not on standard error");
    };
    let mut lines = ours.lines().filter(|line| !line.is_empty());
    if !lines.clone().all(|line| line.starts_with("llm: ") || line.starts_with("hint: ")) {
        failed("standard error has a line that is not ours");
    }
    if !lines.any(|line| line.contains(sample.text("error"))) && !sample.text("error").is_empty() {
        failed("the words of the error are lost");
    }
    run
}

fn replay(wanted: impl Fn(&Sample) -> bool) {
    for sample in samples(wanted) {
        // It names a field that is given up, and refuses the rest as well.
        let again = sample.name == "made-transformers-error-422.json";
        let replies: Vec<Reply> =
            if again { vec![sample.whole(), sample.whole()] } else { vec![sample.whole()] };
        let server = Server::start(replies);
        let _ = check(&sample, &server, &[]);
        let request = &server.requests()[0];
        assert_eq!((&*request.method, &*request.path), ("POST", "/v1/responses"));
    }
}

#[test]
fn no_file_is_without_its_line_in_the_table() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the samples are there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "expected.json")
        .collect();
    names.sort();
    let mut known: Vec<String> = samples(|_| true).into_iter().map(|sample| sample.name).collect();
    known.sort();
    assert_eq!(names, known);
}

#[test]
fn every_stream_keeps_its_text() {
    replay(Sample::is_stream);
}

#[test]
fn every_whole_answer_keeps_its_text() {
    replay(|sample| !sample.is_stream() && sample.number("status") == 200);
}

#[test]
fn every_error_keeps_its_words() {
    replay(|sample| sample.number("status") != 200);
}

#[test]
fn every_count_of_tokens_is_told() {
    for sample in samples(|sample| !sample.text("usage").is_empty()) {
        let run = check(&sample, &Server::start([sample.whole()]), &["-u"]);
        run.stderr_has(&format!("llm: usage: {}, ", sample.text("usage")));
    }
}

/// Streams of all kinds, for the tests that send a byte at a time.
const DIFFICULT: [&str; 21] = [
    "azure-text.sse",
    "bedrock-reasoning-text.sse",
    "copilot-id-rotation.sse",
    "deepseek-reasoning-text.sse",
    "hfresponses-failed-cut.sse",
    "hfresponses-text-tool-call.sse",
    "llamaserver-thinking.sse",
    "llamaserver-tool-call.sse",
    "made-dashscope-text.sse",
    "made-localai-error-done.sse",
    "made-openai-content-filter.sse",
    "made-openai-cut-off.sse",
    "made-unknown-items.sse",
    "ollama-thinking.sse",
    "ollama-tool-call.sse",
    "openai-failed-quota-200.sse",
    "openai-incomplete-max.sse",
    "openai-phase.sse",
    "openai-refusal.sse",
    "openai-tool-calls-two.sse",
    "openrouter-reasoning-done.sse",
];

#[test]
fn streams_in_single_bytes_keep_their_text() {
    let chosen = samples(|sample| DIFFICULT.contains(&&*sample.name));
    assert_eq!(chosen.len(), DIFFICULT.len());
    for sample in chosen {
        let reply = Reply::chunks(sample.content_type(), sample.body.chunks(1));
        let _ = check(&sample, &Server::start([reply]), &[]);
    }
}

#[test]
fn a_stream_that_is_cut_before_its_end_is_told() {
    // The last event is what says how the answer ended; before it all items may have come to their end.
    for (name, is_whole) in [
        ("openai-text.sse", true),
        ("made-dashscope-text.sse", true),
        ("hfresponses-text-tool-call.sse", false),
        ("xai-reasoning-text.sse", true),
    ] {
        let sample = samples(|sample| sample.name == name).remove(0);
        let text = String::from_utf8(sample.body).expect("it is text");
        let end = text.rfind("response.completed\"").expect("it ends");
        let cut = &text[..text[..end].rfind("\n\n").expect("events stand before it") + 2];
        let server = Server::start([Reply::bytes(200, "text/event-stream", cut.as_bytes())]);
        let run = llm()
            .profile(&server)
            .args(["chat", "--api", "responses", "--retries", "0", "问"])
            .run();
        run.code(if is_whole { 0 } else { 6 })
            .stdout_has(sample.expected["text"].as_str().expect("a text"));
        // `[DONE]` says no more than the end of the connection.
        let done = format!("{cut}data: [DONE]\n\n");
        let server = Server::start([Reply::bytes(200, "text/event-stream", done.as_bytes())]);
        let run = llm()
            .profile(&server)
            .args(["chat", "--api", "responses", "--retries", "0", "问"])
            .run();
        run.code(if is_whole { 0 } else { 6 });
    }
}
