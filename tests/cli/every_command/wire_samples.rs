//! The table of `tests/wire`: every recorded shape is sent to the program, which must lose nothing of it.
//! What each file says is in `expected.json`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Outcome, Reply, Server, llm};

/// One recorded body and what is known of it.
struct Sample {
    name: String,
    body: Vec<u8>,
    expected: Value,
}

impl Sample {
    fn text(&self, key: &str) -> Option<&str> {
        self.expected.get(key).and_then(Value::as_str)
    }

    fn number(&self, key: &str) -> i32 {
        let number = self.expected[key].as_i64().and_then(|number| i32::try_from(number).ok());
        number.unwrap_or_else(|| panic!("{} has no number `{key}`", self.name))
    }

    fn status(&self) -> u16 {
        u16::try_from(self.number("status")).expect("a status is no large number")
    }

    fn content_type(&self) -> &str {
        self.text("content_type").unwrap_or("application/json")
    }

    /// A reply that succeeds at the HTTP level and answers a chat.
    fn is_chat(&self) -> bool {
        self.expected.get("text").is_some()
    }

    fn is_stream(&self) -> bool {
        self.is_chat() && self.name.ends_with(".sse")
    }

    fn is_models(&self) -> bool {
        self.expected.get("models").is_some()
    }

    /// The answer as it must stand on standard output, with its last newline.
    fn answer(&self) -> String {
        let text = self.text("text").expect("a chat has a text");
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{end}")
    }

    fn whole(&self) -> Reply {
        Reply::bytes(self.status(), self.content_type(), self.body.clone())
    }

    fn in_pieces_of(&self, size: usize) -> Reply {
        Reply::chunks(self.content_type(), self.body.chunks(size))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("wire")
}

fn table() -> serde_json::Map<String, Value> {
    let text = fs::read(folder().join("expected.json")).expect("the table is there");
    serde_json::from_slice(&text).expect("the table is a JSON object")
}

fn samples(wanted: impl Fn(&Sample) -> bool) -> Vec<Sample> {
    let read = |name: &str| fs::read(folder().join(name));
    let all = table().into_iter().map(|(name, expected)| Sample {
        body: read(&name).unwrap_or_else(|error| panic!("{name}: {error}")),
        name,
        expected,
    });
    let chosen: Vec<Sample> = all.filter(wanted).collect();
    assert!(!chosen.is_empty(), "no sample is wanted");
    chosen
}

/// Runs `llm chat` against this reply and looks at everything but the thinking.
fn chat(sample: &Sample, reply: Reply, more: &[&str]) -> Outcome {
    let server = Server::start([reply]);
    let many: &[&str] = if sample.name.contains("-n2") { &["-n", "2"] } else { &[] };
    let command = llm().profile(&server).args(["chat", "你好", "--retries", "0"]);
    let run = command.args(many).args(more).run();
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/chat/completions"));
    assert_eq!(request.json()["messages"][0]["content"], "你好");
    let named = |what: &str| format!("{}: {what}", sample.name);
    if run.code != Some(sample.number("exit")) {
        run.fail(&named(&format!("the exit code is not {}", sample.number("exit"))));
    }
    let answer = if sample.is_chat() { sample.answer() } else { String::new() };
    if run.stdout != answer.as_bytes() {
        run.fail(&named(&format!("standard output is not {answer:?}")));
    }
    run
}

/// Asserts that standard error, behind the thinking, has our own lines alone and the error's words.
fn check_stderr(sample: &Sample, run: &Outcome, thinking: &str) {
    let stderr = run.stderr_text();
    let Some(ours) = stderr.strip_prefix(thinking) else {
        run.fail(&format!("{}: the thinking {thinking:?} is not on standard error", sample.name));
    };
    let lines: Vec<&str> = ours.lines().filter(|line| !line.is_empty()).collect();
    let is_ours = |line: &&str| line.starts_with("llm: ") || line.starts_with("hint: ");
    if !lines.iter().all(is_ours) {
        run.fail(&format!("{}: standard error has a line that is not ours", sample.name));
    }
    if sample.number("exit") == 0 && !lines.is_empty() {
        run.fail(&format!("{}: there is nothing to say", sample.name));
    }
    if sample.number("exit") != 0 && !lines.first().is_some_and(|line| line.starts_with("llm: ")) {
        run.fail(&format!("{}: the first line does not say what failed", sample.name));
    }
    let words = sample.text("error").unwrap_or_default();
    if !lines.iter().any(|line| line.contains(words)) && !words.is_empty() {
        run.fail(&format!("{}: the words {words:?} are lost", sample.name));
    }
}

/// Streams and whole answers, each sent in one piece.
fn replay(wanted: impl Fn(&Sample) -> bool) {
    for sample in samples(wanted) {
        let more: &[&str] = if sample.is_stream() { &[] } else { &["--no-stream"] };
        let run = chat(&sample, sample.whole(), more);
        check_stderr(&sample, &run, "");
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
    let mut known: Vec<String> = table().into_iter().map(|(name, _)| name).collect();
    known.sort();
    assert_eq!(names, known);
    let classes = |sample: &Sample| {
        let classes = [sample.is_chat(), sample.is_models(), sample.status() != 200];
        classes.into_iter().filter(|is_so| *is_so).count()
    };
    // Errors that come with status 200 as a whole document are in no class; the next test has them.
    for sample in samples(|sample| classes(sample) != 1) {
        assert!(sample.text("error").is_some(), "{} belongs to no test", sample.name);
    }
}

#[test]
fn every_stream_keeps_its_text() {
    replay(|sample| sample.is_stream());
}

#[test]
fn every_whole_answer_keeps_its_text() {
    replay(|sample| sample.is_chat() && !sample.is_stream());
}

#[test]
fn every_count_of_tokens_is_told() {
    for sample in samples(|sample| sample.is_chat() && sample.number("exit") == 0) {
        let more: &[&str] = if sample.is_stream() { &["-u"] } else { &["-u", "--no-stream"] };
        let run = chat(&sample, sample.whole(), more);
        let words = sample.text("usage").unwrap_or_else(|| panic!("{}: no usage", sample.name));
        let lines = run.stderr_lines();
        assert!(
            lines.len() == 1 && lines[0].starts_with(&format!("llm: usage: {words}, ")),
            "{run}"
        );
    }
}

#[test]
fn a_whole_answer_to_a_stream_request_keeps_its_text() {
    for sample in samples(|sample| sample.is_chat() && !sample.is_stream()) {
        let run = chat(&sample, sample.whole(), &[]);
        check_stderr(&sample, &run, "");
    }
}

#[test]
fn every_client_error_keeps_its_words() {
    replay(|sample| !sample.is_chat() && (400..500).contains(&sample.status()));
}

#[test]
fn every_server_error_keeps_its_words() {
    let is_error = |sample: &Sample| !sample.is_chat() && !sample.is_models();
    replay(|sample| is_error(sample) && !(400..500).contains(&sample.status()));
}

#[test]
fn an_error_body_to_a_json_request_leaves_standard_output_empty() {
    let is_error = |sample: &Sample| !sample.is_chat() && !sample.is_models();
    for sample in samples(|sample| is_error(sample) && sample.name.contains("-error-42")) {
        let run = chat(&sample, sample.whole(), &["--json"]);
        check_stderr(&sample, &run, "");
    }
}

#[test]
fn every_list_of_models_is_read() {
    for sample in samples(Sample::is_models) {
        let server = Server::start([sample.whole()]);
        let run = llm().profile(&server).args(["models"]).run();
        let request = server.request();
        assert_eq!((&*request.method, &*request.path), ("GET", "/v1/models"));
        let names = sample.expected["models"].as_array().expect("a list");
        let lines = names.iter().map(|name| format!("{}\n", name.as_str().expect("a name")));
        run.code(0).stdout(&lines.collect::<String>());
        if names.is_empty() {
            run.stderr_has("no models");
        } else {
            // Beside the list stands only which models end.
            let is_told = |line: &String| line.contains(" shut down on ");
            assert!(run.stderr_lines().iter().all(is_told), "{run}");
        }
    }
}

#[test]
fn lists_of_models_are_printed_unchanged_as_json() {
    for sample in samples(Sample::is_models) {
        let server = Server::start([sample.whole()]);
        let run = llm().profile(&server).args(["models", "--json"]).run();
        run.code(0).stdout_bytes(&sample.body).stderr_empty();
        assert_eq!(server.request().path, "/v1/models");
    }
}

#[test]
fn errors_to_a_list_of_models_keep_their_words() {
    for sample in samples(|sample| sample.status() >= 400 && sample.name.contains("-401")) {
        let server = Server::start([sample.whole()]);
        let run = llm().profile(&server).args(["models", "--retries", "0"]).run();
        run.code(sample.number("exit")).stdout_empty();
        check_stderr(&sample, &run, "");
        assert_eq!(server.request().path, "/v1/models");
    }
}

/// Streams of all the difficult kinds, for the tests that send a byte at a time.
const DIFFICULT: [&str; 12] = [
    "azure-chat-stream.sse",
    "dashscope-chat-stream-error-in-200.sse",
    "fastchat-chat-stream-error.sse",
    "gemini-chat-stream-thoughts.sse",
    "groq-chat-stream-error-event.sse",
    "huggingface-chat-stream-think-tags.sse",
    "llamaserver-chat-stream-n2.sse",
    "llamaserver-chat-stream-nousage.sse",
    "mistral-chat-stream-reasoning.sse",
    "openrouter-chat-stream-text.sse",
    "transformers-chat-stream-error.sse",
    "vllm-chat-stream-keepalive.sse",
];

#[test]
fn streams_in_single_bytes_keep_their_text() {
    for sample in samples(|sample| DIFFICULT.contains(&&*sample.name)) {
        let run = chat(&sample, sample.in_pieces_of(1), &[]);
        check_stderr(&sample, &run, "");
    }
}

#[test]
fn streams_in_pieces_of_seven_bytes_keep_their_text() {
    for sample in samples(|sample| sample.is_stream() && sample.name.contains("-stream-")) {
        let run = chat(&sample, sample.in_pieces_of(7), &[]);
        check_stderr(&sample, &run, "");
    }
}

#[test]
fn thinking_goes_to_standard_error_when_it_is_asked_for() {
    let thinks = |sample: &Sample| sample.text("reasoning").is_some_and(|text| !text.is_empty());
    for sample in samples(thinks) {
        let more: &[&str] = if sample.is_stream() { &[] } else { &["--no-stream"] };
        let thinking = sample.text("reasoning").expect("it thinks");
        let run = chat(&sample, sample.whole(), &[&["--reasoning", "show"], more].concat());
        check_stderr(&sample, &run, thinking);
        let hidden = chat(&sample, sample.whole(), &[&["--reasoning", "hide"], more].concat());
        hidden.stderr_lacks(thinking.trim());
        check_stderr(&sample, &hidden, "");
    }
}
