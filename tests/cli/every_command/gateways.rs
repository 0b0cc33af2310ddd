//! What gateways and a real Ollama send (`tests/gateways`), with the exit code, the number of tries out of
//! two, and the words of each. `.http` files have a head, the others the status of their row.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Llm, Outcome, Reply, Server, llm};

/// A sample and what becomes of it.
struct Row {
    name: &'static str,
    status: u16,
    args: &'static [&'static str],
    exit: i32,
    tries: usize,
    /// What standard output and standard error hold, in this order.
    words: &'static [&'static str],
    /// What is nowhere.
    lacks: &'static [&'static str],
}

const CHAT: &[&str] = &["chat", "你好"];
const WHOLE: &[&str] = &["chat", "-S", "你好"];
const EMBED: &[&str] = &["embed", "你好"];

const TOP_UP: &str = "hint: top up";
const MODELS: &str = "hint: `llm models -p test` lists the models";
const CHECK_KEY: &str = "hint: check the key";
const WAIT: &str = "hint: wait a while";

const fn row(
    name: &'static str,
    status: u16,
    args: &'static [&'static str],
    exit: i32,
    tries: usize,
    words: &'static [&'static str],
) -> Row {
    Row { name, status, args, exit, tries, words, lacks: &[] }
}

const fn lacking(row: Row, lacks: &'static [&'static str]) -> Row {
    Row { lacks, ..row }
}

const MONEY_LACKS: &[&str] = &["check the key", "wait a while", "trying again"];

const ROWS: &[Row] = &[
    lacking(
        row("aiproxy-error-401-quota.json", 401, CHAT, 5, 1, &["total quota is exhausted", TOP_UP]),
        MONEY_LACKS,
    ),
    row(
        "aiproxy-error-404-model.json",
        404,
        CHAT,
        4,
        1,
        &["The model `no-such` does not exist", "/v1/chat/completions", MODELS],
    ),
    row(
        "aiproxy-error-429-rate.http",
        0,
        CHAT,
        5,
        1,
        &["(429)", "request id 1795891573042067", "it asks to wait 60 s", "hint: --max-wait 60"],
    ),
    lacking(
        row("aiproxy-error-502-html-in-message.json", 502, CHAT, 6, 2, &["(502): 502 Bad Gateway"]),
        &["<", "nginx"],
    ),
    row("aiproxy-chat-stream-error.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "上游模型内部错误"]),
    row("anyllm-chat-stream-error.sse", 200, CHAT, 6, 1, &["Hello there", "An error occurred"]),
    row(
        "anyllm-error-429-rate.http",
        0,
        CHAT,
        5,
        1,
        &["Rate limit exceeded", "it asks to wait 60 s"],
    ),
    row("anyllm-error-500.json", 500, CHAT, 6, 2, &["could not be completed by the provider"]),
    row("hub-chat-stream-miderr.sse", 200, CHAT, 6, 1, &["Hello there", "ended early"]),
    row("hub-chat-stream-tools.sse", 200, CHAT, 4, 1, &["`get_weather`, `get_weather`"]),
    row("hub-chat-stream.sse", 200, CHAT, 0, 1, &["Hello there, this is the upstream.\n"]),
    row("hub-error-422.txt", 422, CHAT, 4, 1, &["missing field `messages`"]),
    row("hub-error-429-empty.http", 0, CHAT, 5, 2, &["asks to slow down (429)", WAIT]),
    lacking(
        row(
            "musistudio-error-429-stack.json",
            429,
            CHAT,
            5,
            2,
            &["3 requests per min. Please try again in 1s.", WAIT],
        ),
        &["server.cjs", "{", "\\n"],
    ),
    row("oneapi-chat-stream-200-error.json", 200, CHAT, 6, 2, &["模型负载过高"]),
    row(
        "oneapi-error-400-speech-bytes.json",
        400,
        &["speak", "你好", "--voice", "v", "-o", "-"],
        4,
        1,
        &["input is too long (over 4096 characters)"],
    ),
    lacking(
        row("oneapi-error-400-upstream.json", 400, CHAT, 4, 1, &["Model does not exist", MODELS]),
        &["field `400`"],
    ),
    row("oneapi-error-401-expired.json", 401, CHAT, 3, 1, &["该令牌已过期", CHECK_KEY]),
    row("oneapi-error-401-key.json", 401, CHAT, 3, 1, &["无效的令牌", CHECK_KEY]),
    lacking(
        row("oneapi-error-401-quota.json", 401, CHAT, 5, 1, &["额度已用尽", TOP_UP]),
        MONEY_LACKS,
    ),
    row("oneapi-error-403-model.json", 403, CHAT, 4, 1, &["该令牌无权使用模型", MODELS]),
    lacking(
        row("oneapi-error-403-tokenquota.json", 403, CHAT, 5, 1, &["令牌额度不足", TOP_UP]),
        MONEY_LACKS,
    ),
    lacking(
        row(
            "oneapi-error-403-userquota.json",
            403,
            CHAT,
            5,
            1,
            &["user quota is not enough", TOP_UP],
        ),
        MONEY_LACKS,
    ),
    row(
        "oneapi-error-404-responses.json",
        404,
        CHAT,
        4,
        1,
        &["Invalid URL", "/v1/chat/completions was asked", "may not have this endpoint"],
    ),
    row(
        "oneapi-error-429-noquota-rewritten.json",
        429,
        CHAT,
        5,
        1,
        &["上游负载已饱和", "no money is left", "a limit of the service behind the gateway"],
    ),
    row("oneapi-error-429-rewritten.http", 0, CHAT, 5, 2, &["上游负载已饱和", WAIT]),
    row("oneapi-error-500-upstream-dead.json", 500, CHAT, 6, 2, &["connection refused"]),
    row("oneapi-error-502-empty.json", 502, CHAT, 6, 2, &["failed (502)"]),
    row("oneapi-error-503-nochannel.json", 503, CHAT, 4, 1, &["无可用渠道", MODELS]),
    row("oneapi-html-200-wrong-path.http", 0, CHAT, 4, 1, &["an HTML page", "base URL"]),
    row("onehub-chat-heartbeat-error-200.http", 0, WHOLE, 5, 2, &["上游负载已饱和", WAIT]),
    row("onehub-chat-stream-cut.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "ended early"]),
    row("onehub-chat-stream-error.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "上游模型内部错误"]),
    row(
        "onehub-chat-stream-heartbeat-error.sse",
        200,
        CHAT,
        5,
        1,
        &["上游负载已饱和", "no money is left"],
    ),
    row("onehub-chat-stream-heartbeat.sse", 200, CHAT, 0, 1, &["你好，世界。Emoji 😀\n第二行\n"]),
    row("onehub-error-400-overloaded.json", 400, CHAT, 6, 2, &["模型负载过高"]),
    lacking(
        row("onehub-error-400-upstream.json", 400, CHAT, 4, 1, &["bad response status code 400"]),
        &["field `400`"],
    ),
    lacking(
        row("onehub-error-401-quota.json", 401, CHAT, 5, 1, &["令牌额度已用尽", TOP_UP]),
        MONEY_LACKS,
    ),
    row(
        "onehub-error-404-model.http",
        0,
        CHAT,
        4,
        1,
        &["is not supported for current token", MODELS],
    ),
    row("onehub-error-429-rate.http", 0, CHAT, 5, 2, &["您的速率达到上限", WAIT]),
    lacking(
        row("onehub-error-429-userquota.http", 0, CHAT, 5, 1, &["上游负载已饱和", TOP_UP]),
        MONEY_LACKS,
    ),
    row("onehub-error-500-upstream-dead.json", 500, CHAT, 6, 2, &["请求上游地址失败"]),
    row("onehub-error-503-nochannel.json", 503, CHAT, 4, 1, &["无可用渠道", MODELS]),
    row("optillm-chat-stream.sse", 200, CHAT, 7, 1, &["请告诉我你需要什么，\n"]),
    row("optillm-error-401.json", 401, CHAT, 3, 1, &["Invalid API key", CHECK_KEY]),
    row("optillm-error-500-wrapped-404.json", 500, CHAT, 4, 1, &["'no-such' not found", MODELS]),
    row("optillm-error-500-wrapped-429.json", 500, CHAT, 5, 2, &["Rate limit reached", WAIT]),
    row(
        "portkey-chat-246-guardrail.http",
        0,
        WHOLE,
        7,
        1,
        &["请告诉我你需要什么，\n", "llm: warning: test says (246)", "guardrail"],
    ),
    row(
        "portkey-chat-stream-246-guardrail.http",
        0,
        CHAT,
        7,
        1,
        &["请告诉我你需要什么，\n", "llm: warning: test says (246)"],
    ),
    row("portkey-chat-stream-cut.sse", 200, CHAT, 6, 1, &["Hello there", "ended early"]),
    row(
        "portkey-chat-stream-error.sse",
        200,
        CHAT,
        6,
        1,
        &["Hello there", "The server had an error"],
    ),
    row("portkey-chat-stream-guardrail-out-skipped.sse", 200, CHAT, 7, 1, &["请告诉我"]),
    row("portkey-chat-stream-tools.sse", 200, CHAT, 4, 1, &["`get_weather`"]),
    row(
        "portkey-error-400-config.json",
        400,
        CHAT,
        4,
        1,
        &["Invalid config passed", "Invalid 'mode' value"],
    ),
    row("portkey-error-401.json", 401, CHAT, 3, 1, &["Incorrect API key provided", CHECK_KEY]),
    row("portkey-error-408.json", 408, CHAT, 6, 2, &["timed out (408)"]),
    row(
        "portkey-error-446-guardrail-in.http",
        0,
        CHAT,
        4,
        1,
        &["(446)", "Check failed for 'none' words. Some words were found."],
    ),
    row(
        "portkey-error-500-unsupported.json",
        500,
        &["image", "猫", "-o", "-"],
        6,
        1,
        &["imageGenerate is not supported by ollama"],
    ),
    lacking(
        row("portkey-error-500-upstream-dead.json", 500, CHAT, 6, 2, &["connect ECONNREFUSED"]),
        &["html-message", "{"],
    ),
    row("portkey-error-500-went-wrong.json", 500, CHAT, 6, 2, &["Something went wrong"]),
    lacking(
        row("portkey-error-502-html-message.json", 502, CHAT, 6, 2, &["(502): 502 Bad Gateway"]),
        &["<", "html-message"],
    ),
    row(
        "xinference-chat-stream-error.sse",
        200,
        CHAT,
        6,
        1,
        &["The chat completion request failed"],
    ),
    row("ollama-real-chat-schema.json", 200, WHOLE, 0, 1, &["{\"a\": 42, \"b\": \"y\"}\n"]),
    row("ollama-real-chat-text.json", 200, WHOLE, 0, 1, &["请告诉我你需要什么，"]),
    row("ollama-real-chat-text.sse", 200, CHAT, 0, 1, &["请告诉我你需要什么，"]),
    row("ollama-real-chat-tools.json", 200, WHOLE, 4, 1, &["`get_weather`"]),
    row("ollama-real-chat-tools.sse", 200, CHAT, 4, 1, &["`get_weather`"]),
    row("ollama-real-embeddings.json", 200, &["embed", "a", "b"], 0, 1, &["[", "]\n["]),
    row("ollama-real-embeddings-base64.json", 200, &["embed", "a", "b"], 0, 1, &["[", "]\n["]),
    lacking(
        row(
            "ollama-real-error-400-context.json",
            400,
            CHAT,
            4,
            1,
            &["too long (400): request (40015 tokens) exceeds the available context size"],
        ),
        &["{"],
    ),
    row(
        "ollama-real-error-400-empty-text.json",
        400,
        EMBED,
        4,
        1,
        &["input exceeds maximum context length"],
    ),
    lacking(
        row(
            "ollama-real-error-400-schema-nested.json",
            400,
            CHAT,
            4,
            1,
            &["(400): Unable to generate parser"],
        ),
        &["{"],
    ),
    row("ollama-real-error-400-think.json", 400, CHAT, 4, 1, &["does not support thinking"]),
    row("ollama-real-error-404-model.json", 404, CHAT, 4, 1, &["model 'nope:7b' not found"]),
    lacking(
        row(
            "ollama-real-error-500-picture.json",
            500,
            CHAT,
            6,
            1,
            &["image input is not supported"],
        ),
        &["{"],
    ),
    row(
        "ollama-real-error-501-embed-chat-model.json",
        501,
        EMBED,
        6,
        2,
        &["This server does not support embeddings"],
    ),
    row("ollama-real-models.json", 200, &["models"], 0, 1, &["tiny-tools:latest\n"]),
    row(
        "aiproxy-chat-stream-cut.sse",
        200,
        CHAT,
        6,
        1,
        &["你好，世界。\n", "finish_reason", "hint: ", "finish_reason = \"never\""],
    ),
    row(
        "aiproxy-transcription-srt-asked.json",
        200,
        &[
            "transcribe",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/replies/kokoro-speech-sse-requested.mp3"),
        ],
        0,
        1,
        &["你好，世界\n"],
    ),
    row("anyllm-chat-stream-cut-done.sse", 200, CHAT, 6, 1, &["Hello there, this\n", "hint: "]),
    row("oneapi-chat-stream-cut.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "hint: "]),
    row("oneapi-chat-stream-error-swallowed.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "hint: "]),
    row("onehub-chat-stream-cut-clean.sse", 200, CHAT, 6, 1, &["你好，世界。\n", "hint: "]),
    row("onehub-chat-stream-200-error-swallowed.sse", 200, CHAT, 6, 2, &["trying again"]),
    row("portkey-chat-content-blocks.json", 200, WHOLE, 4, 1, &["thinking"]),
    row("portkey-chat-stream-content-blocks.sse", 200, CHAT, 4, 1, &["token limit"]),
    row("portkey-error-400-embed-array.json", 400, EMBED, 4, 2, &["cannot unmarshal array"]),
    row("ollama-real-chat-cut-in-silence.json", 200, WHOLE, 0, 1, &["举头望明月"]),
    row("ollama-real-chat-n-ignored.json", 200, WHOLE, 0, 1, &["请告诉我"]),
    row("ollama-real-chat-text-and-tools.sse", 200, CHAT, 0, 1, &["{\"name\""]),
    row("ollama-real-chat-thinking.json", 200, WHOLE, 0, 1, &["北京"]),
    row("ollama-real-chat-thinking.sse", 200, CHAT, 0, 1, &["北京"]),
    row("ollama-real-embeddings-cut-in-silence.json", 200, EMBED, 0, 1, &["[-0.33"]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("gateways")
}

/// The reply of a sample.
fn reply(row: &Row) -> Reply {
    let bytes =
        fs::read(folder().join(row.name)).unwrap_or_else(|error| panic!("{}: {error}", row.name));
    if !row.name.ends_with(".http") {
        let content_type = match row.name.rsplit('.').next() {
            Some("json") => "application/json",
            Some("sse") => "text/event-stream",
            _ => "text/plain",
        };
        return Reply::bytes(row.status, content_type, bytes);
    }
    let text = String::from_utf8(bytes).expect("a sample is UTF-8").replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").expect("a head ends with a blank line");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let is_framing = |name: &str| {
        ["content-length", "transfer-encoding", "connection"].contains(&&*name.to_lowercase())
    };
    let reply = Reply::bytes(status.expect("a status line"), "", body.as_bytes());
    lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !is_framing(name))
        .fold(reply, |reply, (name, value)| reply.header(name, value.trim()))
}

/// A run with a profile that has a key and a model for every job.
fn with_key(server: &Server) -> Llm {
    llm().watch(server).config(&format!(
        "[providers.test]\nbase_url = \"{}\"\napi_key = \"sk-probe-0001\"\nmodel = \"m\"\n\
         models = {{ embed = \"m\", image = \"m\", speak = \"m\", transcribe = \"m\" }}\n",
        server.url()
    ))
}

fn replay(begins: &[&str]) {
    for row in ROWS.iter().filter(|row| begins.iter().any(|begin| row.name.starts_with(begin))) {
        let server = Server::start(vec![reply(row); row.tries]);
        let run = with_key(&server).args(row.args);
        let run = run.args(["--retries", "1", "--max-wait", "2"]).run();
        check(row, &run);
        assert_eq!(server.requests().len(), row.tries, "{}: tries", row.name);
    }
}

fn check(row: &Row, run: &Outcome) {
    let all = format!("{}{}", run.stdout_text(), run.stderr_text());
    if run.code != Some(row.exit) {
        run.fail(&format!("{}: the exit code is not {}", row.name, row.exit));
    }
    let mut rest = &*all;
    for words in row.words {
        let Some(at) = rest.find(words) else {
            run.fail(&format!("{}: {words:?} is missing", row.name));
        };
        rest = &rest[at + words.len()..];
    }
    for words in row.lacks {
        if all.contains(words) {
            run.fail(&format!("{}: {words:?} is there", row.name));
        }
    }
    for id in all
        .split("request id")
        .skip(1)
        .filter_map(|rest| rest.split([' ', ':', ')']).find(|id| !id.is_empty()))
    {
        for line in all.lines() {
            if line.matches(id).count() > 1 {
                run.fail(&format!("{}: the request id is told twice", row.name));
            }
        }
    }
    for line in run.stderr_text().lines() {
        if !line.starts_with("llm: ") && !line.starts_with("hint: ") {
            run.fail(&format!("{}: a line is not ours", row.name));
        }
    }
}

#[test]
fn every_sample_has_its_row() {
    let files = fs::read_dir(folder()).expect("the samples are there");
    let mut names: Vec<String> = files
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn aiproxy_anyllm_and_hub_are_read() {
    replay(&["aiproxy", "anyllm", "hub"]);
}

#[test]
fn one_api_is_read() {
    replay(&["oneapi"]);
}

#[test]
fn one_hub_is_read() {
    replay(&["onehub"]);
}

#[test]
fn portkey_is_read() {
    replay(&["portkey"]);
}

#[test]
fn musistudio_optillm_and_xinference_are_read() {
    replay(&["musistudio", "optillm", "xinference"]);
}

#[test]
fn a_real_ollama_is_read() {
    replay(&["ollama"]);
}

/// The same error in the forms in which gateways give it: under another type, behind a BOM, as JSON in a
/// text, and in a good reply, whole or as an event.
#[test]
fn an_error_is_the_same_in_every_form() {
    let cases = [
        (429, json!({"message": "额度已用尽，请充值", "type": "x"}), 5, TOP_UP),
        (401, json!({"message": "Your credit balance is too low", "type": "x"}), 5, TOP_UP),
        (503, json!({"message": "model qwen 无可用渠道", "type": "x"}), 4, MODELS),
        (400, json!({"message": "Invalid API key", "type": "x"}), 3, CHECK_KEY),
    ];
    for (status, error, exit, hint) in cases {
        let words = error["message"].as_str().expect("a text").to_owned();
        let body = json!({"error": error}).to_string();
        let nested =
            json!({"error": {"message": format!("upstream: {body}\n    at f (/a.js:1:2)")}});
        let forms = [
            Reply::text(status, &body),
            Reply::bytes(status, "application/json", format!("\u{feff}{body}")),
            Reply::bytes(status, "", format!("\n\n {body}\n")),
            Reply::json(status, nested),
            Reply::text(status, &format!("bad response: {body} end")),
            Reply::bytes(200, "application/json", format!("\n\n\n{body}")),
            Reply::bytes(200, "text/event-stream", format!("::PING\n\ndata: {body}\n\n")),
            Reply::bytes(
                200,
                "text/event-stream",
                format!("\u{feff}data: {body}\n\ndata: [DONE]\n\n"),
            ),
        ];
        for reply in forms {
            let server = Server::start([reply]);
            let run = with_key(&server).args(["chat", "你好"]).run();
            run.code(exit).stdout_empty().stderr_has(&words).stderr_has(hint);
            run.stderr_lacks("trying again").stderr_lacks("{").stderr_lacks("a.js");
        }
    }
}
