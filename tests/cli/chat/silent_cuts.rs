//! A service that reads less than was sent, or writes more than was allowed, and says nothing: its count
//! of tokens is the only sign.

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, llm};

/// An answer with these token counts.
fn counted(usage: Value) -> Reply {
    replied(json!({"usage": usage}))
}

/// An answer with these fields in the place of the usual ones.
fn replied(fields: Value) -> Reply {
    let mut body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "test-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "好"}, "finish_reason": "stop"}]});
    let object = body.as_object_mut().expect("an object");
    object.extend(fields.as_object().expect("an object").clone());
    Reply::json(200, body)
}

fn tokens(prompt: u64) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": 1, "total_tokens": prompt + 1})
}

/// Two turns of a conversation; what the second says.
fn second_turn(first: Reply, second: Reply, args: [&[&str]; 2]) -> Outcome {
    let server = Server::start([first, second]);
    let llm = llm().profile(&server);
    let ask = |args: &[&str]| llm.clone().args(["chat", "--session", "s"]).args(args).run();
    ask(args[0]).code(0).stderr_lacks(LOST);
    let run = ask(args[1]);
    run.code(0);
    run
}

const PLAIN: [&[&str]; 2] = [&["一"], &["二"]];

const LOST: &str = "did not read all that was sent";

/// The bytes of a real Ollama: its context is 4,096 tokens, and the oldest message is gone.
const CUT_BY_OLLAMA: &str = r#"{"id":"chatcmpl-946","object":"chat.completion","created":1795889207,"model":"tiny-bigram","system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"举头望明月，花落知多少。"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1026,"completion_tokens":12,"total_tokens":1038}}"#;

#[test]
fn ollama_drops_the_beginning_of_a_conversation() {
    let cut = CUT_BY_OLLAMA;
    let whole: Value = serde_json::from_str(cut).expect("JSON");
    let mut before = whole.clone();
    before["usage"] = json!({"prompt_tokens": 3915, "completion_tokens": 12, "total_tokens": 3927});
    let server = Server::start([
        Reply::json(200, before),
        Reply::bytes(200, "application/json", cut),
        Reply::json(200, whole),
    ]);
    let host = format!("127.0.0.1:{}", server.port());
    let llm = llm().watch(&server).env("OLLAMA_HOST", host).env("LLM_PROVIDER", "ollama");
    let ask = |args: &[&str]| llm.clone().args(["chat", "-m", "tiny-bigram"]).args(args).run();
    ask(&["--session", "书", "一本书"]).code(0).stderr_empty();
    let run = ask(&["-c", "讲什么？"]);
    run.code(0).stdout("举头望明月，花落知多少。\n");
    run.stderr(
        "llm: warning: ollama counted 1026 tokens and 3915 for the turn before, which was shorter: it did not \
         read all that was sent\nhint: `OLLAMA_CONTEXT_LENGTH=16384 ollama serve` reads more at once\n",
    );
    // Ollama is asked for the count, although nobody said -u.
    assert_eq!(server.requests()[1].json()["stream_options"], json!({"include_usage": true}));
    // The turn after it is compared with the cut one.
    ask(&["-c", "还有呢？"]).code(0).stderr_empty();
}

#[test]
fn a_conversation_is_told_over_a_quarter_and_from_2000_tokens_on() {
    for (then, now, is_told) in [
        (3915, 1026, true),
        (2000, 1499, true),
        (2000, 1500, false),
        (1999, 64, false),
        (9000, 63, false),
        (4000, 4100, false),
        (0, 100, false),
    ] {
        let run = second_turn(counted(tokens(then)), counted(tokens(now)), PLAIN);
        let stderr = run.stderr_text();
        assert_eq!(stderr.contains(LOST), is_told, "{then} {now} {stderr}");
        if is_told {
            run.stderr_has(&format!(" {now} tokens and {then} "));
        }
    }
}

#[test]
fn a_cache_is_no_loss_whichever_way_it_is_meant() {
    let openai = |prompt: u64, cached: u64| json!({"prompt_tokens": prompt, "prompt_tokens_details": {"cached_tokens": cached}});
    let anthropic = |prompt: u64, read: u64, written: u64| json!({"prompt_tokens": prompt, "cache_read_input_tokens": read, "cache_creation_input_tokens": written});
    for (then, now, is_told) in [
        (openai(4000, 3900), openai(4100, 0), false),
        (openai(4000, 0), openai(4100, 4000), false),
        (openai(4000, 0), openai(300, 3800), false),
        (openai(4000, 3900), openai(1000, 100), true),
        (anthropic(20, 0, 3900), anthropic(40, 3900, 0), false),
        (anthropic(20, 0, 3900), anthropic(1000, 0, 0), true),
        (tokens(4000), json!(null), false),
        (tokens(4000), json!({"prompt_tokens": null}), false),
    ] {
        let run = second_turn(counted(then.clone()), counted(now.clone()), PLAIN);
        assert_eq!(run.stderr_text().contains(LOST), is_told, "{then} {now}");
    }
}

#[test]
fn turns_that_differ_in_more_than_their_length_are_not_compared() {
    let cases: [[&[&str]; 2]; 7] = [
        [&["一"], &["-m", "other", "二"]],
        [&["-s", "长", "一"], &["-s", "短", "二"]],
        [&["一"], &["-n", "2", "二"]],
        [&["一"], &["-O", "enable_search=true", "二"]],
        [&["-m", "x:online", "一"], &["二"]],
        [&["一"], &["-O", "tools=[{\"type\":\"web_search\"}]", "二"]],
        [&["-O", "n=2", "一"], &["二"]],
    ];
    for args in cases {
        let run = second_turn_with_n(args);
        run.stderr_lacks(LOST);
    }
    let schema = ["--schema", "{\"type\": \"string\"}", "--json", "二"];
    second_turn(counted(tokens(3915)), quoted(1026), [&["一"], &schema]).stderr_empty();
    // Who replied, in the reply's own words.
    for field in [json!({"model": "smaller"}), json!({"provider": "other"})] {
        let mut second = json!({"usage": tokens(1026)});
        second.as_object_mut().expect("an object").extend(field.as_object().expect("one").clone());
        second_turn(counted(tokens(3915)), replied(second), PLAIN).stderr_empty();
    }
}

fn quoted(prompt: u64) -> Reply {
    let choices = json!([{"index": 0, "message": {"content": "\"好\""}, "finish_reason": "stop"}]);
    replied(json!({"usage": tokens(prompt), "choices": choices}))
}

fn second_turn_with_n(args: [&[&str]; 2]) -> Outcome {
    let choice = |index: u64| json!({"index": index, "message": {"content": "\"好\""}, "finish_reason": "stop"});
    let two =
        |prompt: u64| replied(json!({"usage": tokens(prompt), "choices": [choice(0), choice(1)]}));
    second_turn(two(3915), two(1026), args)
}

#[test]
fn a_new_attachment_is_no_growth_that_tells() {
    let server = Server::start([counted(tokens(3915)), counted(tokens(1026))]);
    let png = b"\x89PNG\r\n\x1a\n0000".to_vec();
    let llm = llm().profile(&server).file("a.png", png);
    llm.clone().args(["chat", "--session", "s", "一"]).run().code(0);
    let run = llm.clone().args(["chat", "-c", "-f", "a.png", "二"]).run();
    run.code(0).stderr_empty();
}

fn long(server: &Server, text: &str) -> Llm {
    llm().profile(server).args(["chat", "--no-stream"]).stdin(text)
}

#[test]
fn a_long_text_of_which_little_was_read_is_told() {
    let book = "床前明月光，疑是地上霜。举头望明月，低头思故乡。".repeat(3900);
    for (text, prompt, is_told) in [
        (book.as_str(), 510, true),
        (&book, 4096, true),
        (&book, 70_000, false),
        (&book, 63, false),
        (&"plain words ".repeat(400), 100, true),
        (&"plain words ".repeat(300), 100, false),
        (&"=".repeat(100_000), 70, false),
        (&"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ".repeat(3000), 70, false),
        (&"a\n".repeat(2000), 2000, false),
    ] {
        let server = Server::start([counted(tokens(prompt))]);
        let run = long(&server, text).run();
        run.code(0).stdout("好\n");
        let stderr = run.stderr_text();
        assert_eq!(!stderr.is_empty(), is_told, "{prompt} {stderr}");
        if is_told {
            let bytes = text.len();
            run.stderr_has(&format!("test counted {prompt} tokens for {bytes} bytes of text"));
        }
    }
    let server = Server::start([counted(tokens(510))]);
    long(&server, &book).arg("-q").run().code(0).stderr_empty();
}

#[test]
fn a_limit_without_effect_is_told() {
    let usage = |output: u64, thinking: Option<u64>| {
        json!({"prompt_tokens": 5, "completion_tokens": output,
            "completion_tokens_details": {"reasoning_tokens": thinking}})
    };
    let message = |fields: Value, finish: &str| json!([{"index": 0, "message": fields, "finish_reason": finish}]);
    let text = || json!({"content": "好"});
    let thought = || json!({"content": "好", "reasoning": "想"});
    for (limit, output, thinking, fields, finish, is_told) in [
        ("10", 19, None, text(), "stop", true),
        ("10", 18, None, text(), "stop", false),
        ("100", 110, None, text(), "stop", false),
        ("100", 111, None, text(), "stop", true),
        ("100", 500, None, text(), "length", false),
        ("100", 500, Some(450), thought(), "stop", false),
        ("100", 500, Some(100), thought(), "stop", true),
        ("100", 500, None, thought(), "stop", false),
    ] {
        let server = Server::start([replied(
            json!({"usage": usage(output, thinking), "choices": message(fields, finish)}),
        )]);
        let run =
            llm().profile(&server).args(["chat", "--no-stream", "--max-tokens", limit, "x"]).run();
        let stderr = run.code(0).stderr_text();
        assert_eq!(stderr.contains("had no effect"), is_told, "{limit} {output} {stderr}");
        if is_told {
            run.stderr_has(&format!("your limit of {limit}"));
        }
    }
    // A limit of the service's own is none of the user's.
    let server = Server::start([replied(json!({"usage": usage(500, None)}))]);
    llm().profile(&server).args(["chat", "--no-stream", "x"]).run().code(0).stderr_empty();
    // Of several answers each has the limit.
    let choice =
        |index: u64| json!({"index": index, "message": {"content": "好"}, "finish_reason": "stop"});
    let three = json!({"usage": usage(30, None), "choices": [choice(0), choice(1), choice(2)]});
    let server = Server::start([replied(three)]);
    let args = ["chat", "--no-stream", "-n", "3", "-O", "max_completion_tokens=10", "x"];
    llm().profile(&server).args(args).run().code(0).stderr_empty();
}

#[cfg(unix)]
#[test]
fn the_rounds_of_a_turn_are_compared_with_each_other() {
    let call = json!([{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}]}}]);
    for (now, is_told) in [(1026, true), (3000, false)] {
        let calling = replied(json!({"choices": call, "usage": tokens(3915)}));
        let server = Server::start([calling, counted(tokens(now))]);
        let config = format!(
            "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\ncontext_hint = \"用大的\"\n\
             [tools.t]\ncommand = [\"echo\", \"晴\"]\n",
            server.url()
        );
        let llm = llm().config(&config).watch(&server);
        let run = llm.args(["chat", "--no-stream", "--tool", "t", "--yes", "天气？"]).run();
        run.code(0).stdout("好\n");
        let told = "counted 1026 tokens and 3915 for the request before, which was shorter";
        assert_eq!(run.stderr_text().contains(told), is_told);
        assert_eq!(run.stderr_text().ends_with("\nhint: 用大的\n"), is_told);
    }
}

#[test]
fn a_context_that_is_too_small_is_told_with_the_profiles_hint() {
    for body in [
        r#"{"error":{"message":"{\"error\":{\"code\":400,\"message\":\"request (40015 tokens) exceeds the available context size (4096 tokens), try increasing it\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":40015,\"n_ctx\":4096}}","type":"invalid_request_error","param":null,"code":null}}"#,
        r#"{"error":{"message":"the prompt is longer than the context length currently available to the model; shorten the prompt","type":"invalid_request_error","param":null,"code":null}}"#,
    ] {
        let server = Server::start([Reply::bytes(400, "application/json", body)]);
        let host = format!("127.0.0.1:{}", server.port());
        let run =
            llm().watch(&server).env("OLLAMA_HOST", host).args(["chat", "-p", "ollama", "x"]).run();
        run.code(4)
            .stderr_has("\nhint: `OLLAMA_CONTEXT_LENGTH=16384 ollama serve` reads more at once\n");
    }
}
