//! Pictures and sound in chat answers: where they go, what is kept of them, and what goes wrong.
#![cfg(unix)]

use std::fs;

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, ask, ask_once, chunk, llm};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PNG_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0";
const JPEG_URL: &str = "data:image/jpeg;base64,/9j/4AA=";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
const WAV_BASE64: &str = "UklGRiQAAABXQVZFZm10IA==";
const KEY: &str = "sk-geheim-0123456789";

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// A whole reply with this message.
fn whole(message: Value) -> Reply {
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    Reply::json(200, json!({"object": "chat.completion", "model": "m", "choices": [choice]}))
}

/// A stream of these deltas that ends well.
fn stream(deltas: &[Value]) -> Reply {
    let mut events: Vec<String> = deltas.iter().map(|delta| chunk(delta.clone(), None)).collect();
    events.extend([chunk(json!({}), Some("stop")), "[DONE]".to_owned()]);
    Reply::sse(&events)
}

/// The replies that all hold the text 看 and these pictures, streamed and whole.
fn replies(urls: &[&str]) -> [Reply; 3] {
    let images: Vec<Value> = urls.iter().map(|url| image(url)).collect();
    let mut pieces = vec![json!({"role": "assistant", "content": "看"})];
    pieces.extend(images.iter().map(|image| json!({"images": [image]})));
    let text = json!([{"type": "text", "text": "看"}]);
    let parts: Vec<Value> = text.as_array().into_iter().flatten().chain(&images).cloned().collect();
    [
        whole(json!({"role": "assistant", "content": "看", "images": images})),
        stream(&pieces),
        whole(json!({"role": "assistant", "content": parts})),
    ]
}

/// A run of `llm chat 一只猫` with these arguments.
fn run(reply: Reply, args: &[&str]) -> Outcome {
    let server = Server::start([reply]);
    let run = llm().profile(&server).args(["chat", "一只猫", "--retries", "0"]).args(args).run();
    server.request();
    run
}

#[test]
fn an_ending_of_a_picture_takes_the_picture() {
    for reply in replies(&[PNG_URL]) {
        let run = run(reply, &["-o", "x.png"]);
        run.code(0).stdout("看\n").stderr_empty();
        assert_eq!(run.names(), ["x.png"]);
        assert_eq!(run.read("x.png"), PNG);
    }
}

#[test]
fn several_pictures_are_numbered() {
    for reply in replies(&[PNG_URL, JPEG_URL]) {
        let run = run(reply, &["-o", "x.png"]);
        run.code(0).stdout("看\n").stderr_has("x-1.png").stderr_has("x-2.png");
        run.stderr_has("x-2.png is a JPEG picture, despite its ending");
        assert_eq!(run.names(), ["x-1.png", "x-2.png"]);
        assert_eq!((run.read("x-1.png"), run.read("x-2.png")), (PNG.to_vec(), JPEG.to_vec()));
    }
}

#[test]
fn other_files_take_the_text_and_pictures_are_named_after_the_prompt() {
    for args in [&["-o", "答.txt"][..], &["-o", "答.svg"], &["-o", "-"], &[]] {
        for reply in replies(&[PNG_URL]) {
            let run = run(reply, args);
            run.code(0).stderr("llm: the picture is in 一只猫.png\n");
            assert_eq!(run.read("一只猫.png"), PNG);
            match args.get(1).filter(|name| **name != "-") {
                Some(name) => assert_eq!(run.read(name), "看\n".as_bytes()),
                None => assert_eq!(run.stdout_text(), "看\n"),
            }
        }
    }
    let run = run(replies(&[PNG_URL, PNG_URL, JPEG_URL])[1].clone(), &[]);
    run.code(0);
    assert_eq!(run.names(), ["一只猫-1.png", "一只猫-2.jpg"], "the same one twice is one");
}

#[test]
fn no_file_is_replaced_that_the_user_did_not_name() {
    let [reply, ..] = replies(&[PNG_URL]);
    let server = Server::start([reply]);
    let run = ask(&server).file("你好.png", "旧").file("你好-2.png", "旧").run();
    run.code(0).stderr_has("你好-3.png");
    assert_eq!(run.read("你好.png"), "旧".as_bytes());
    assert_eq!(run.read("你好-3.png"), PNG);
    let [reply, ..] = replies(&[PNG_URL]);
    let server = Server::start([reply]);
    let run = ask(&server).file("x.png", "旧").args(["-o", "x.png"]).run();
    run.code(0);
    assert_eq!((run.names(), run.read("x.png")), (vec!["x.png".to_owned()], PNG.to_vec()));
}

#[test]
fn a_picture_or_a_sound_alone_is_an_answer() {
    let message = json!({"role": "assistant", "content": "", "images": [image(PNG_URL)]});
    run(whole(message.clone()), &["-o", "x.png"]).code(0).stdout_empty().stderr_empty();
    run(whole(message), &[]).code(0).stdout_empty().stderr_has("一只猫.png");
    let message =
        json!({"role": "assistant", "content": null, "audio": {"id": "a", "data": WAV_BASE64}});
    let run = run(whole(message), &["-o", "x.wav"]);
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("x.wav"), WAV);
}

#[test]
fn sound_comes_in_pieces_with_its_words() {
    let deltas = [
        json!({"role": "assistant", "audio": {"id": "audio_1", "transcript": "你"}}),
        json!({"audio": {"id": "audio_1", "data": "AQA="}}),
        json!({"audio": {"id": "audio_1", "transcript": "好"}}),
        json!({"audio": {"data": "AgADAA=="}}),
        json!({"audio": {"expires_at": 1_790_000_000}}),
    ];
    let samples = b"\x01\0\x02\0\x03\0";
    let run = run(stream(&deltas), &["-o", "x.pcm", "-O", "audio={\"format\":\"pcm16\"}"]);
    run.code(0).stdout("你好\n").stderr_empty();
    assert_eq!(run.read("x.pcm"), samples);
    for args in [&["-o", "x.wav"][..], &[]] {
        let server = Server::start([stream(&deltas)]);
        let run = ask_once(&server).args(args).run();
        run.code(0).stdout("你好\n");
        let file = run.read(args.get(1).unwrap_or(&"你好.wav"));
        assert!(file.starts_with(b"RIFF") && file.ends_with(samples), "{file:?}");
        assert_eq!(file.len(), 44 + samples.len());
    }
}

#[test]
fn each_kind_goes_to_the_file_of_its_kind() {
    let message = json!({
        "role": "assistant", "content": "看", "images": [image(PNG_URL)],
        "audio": {"id": "a", "data": WAV_BASE64}
    });
    let one = run(whole(message.clone()), &["-o", "x.wav"]);
    one.code(0).stdout("看\n").stderr("llm: the picture is in 一只猫.png\n");
    assert_eq!(one.names(), ["x.wav", "一只猫.png"]);
    let other = run(whole(message), &["-o", "x.png"]);
    other.code(0).stderr("llm: the sound is in 一只猫.wav\n");
    assert_eq!(other.names(), ["x.png", "一只猫.wav"]);
}

#[test]
fn nothing_for_the_file_is_a_failure_without_a_file() {
    for (name, word) in [("x.png", "picture"), ("x.JPG", "picture"), ("x.mp3", "sound")] {
        let run = run(Reply::chat(&["只有字"]), &["-o", name]);
        run.code(4).stdout("只有字\n");
        run.stderr_has(&format!("llm: the answer from test has no {word}")).stderr_has("hint: ");
        assert!(run.names().is_empty(), "{run}");
    }
}

#[test]
fn a_picture_at_an_address_is_fetched_without_the_key() {
    let web = Server::start([Reply::bytes(200, "application/octet-stream", PNG)]);
    let url = format!("{}/p.png?sig=1", web.origin());
    let [reply, ..] = replies(&[&url]);
    let server = Server::start([reply]);
    let profile = format!(
        "[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key = \"{KEY}\"\nheaders = {{ X-Api-Key = \"{KEY}\" }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&profile).args(["chat", "猫", "-o", "x.png"]).run();
    run.code(0).stdout("看\n").stderr_empty();
    assert_eq!(run.read("x.png"), PNG);
    let request = web.request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/p.png?sig=1"));
    assert!(!request.to_string().contains(KEY), "{request}");
}

#[test]
fn what_is_no_picture_is_said_and_leaves_no_file() {
    let web = Server::start([Reply::html(200, "<html>gone</html>"), Reply::text(404, "no")]);
    let page = format!("{}/p.png", web.origin());
    for (url, code, words) in [
        (page.as_str(), 4, "is not a picture"),
        (page.as_str(), 4, "cannot fetch"),
        ("data:image/png;base64,@@", 4, "is not valid base64"),
        ("data:image/png;base64,", 4, "has 0 bytes"),
        ("file:///etc/passwd", 4, "is not valid base64"),
    ] {
        let [reply, ..] = replies(&[url]);
        let run = run(reply, &["-o", "x.png"]);
        run.code(code).stdout("看\n").stderr_has(words);
        assert!(run.names().is_empty(), "{run}");
    }
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let [reply, ..] = replies(&["data:image/png;base64,@@", PNG_URL]);
    let run = run(reply, &["-o", "x.png"]);
    run.code(4).stdout("看\n").stderr_has("is not valid base64");
    assert_eq!(run.read("x.png"), PNG);
}

#[test]
fn bytes_that_nobody_knows_are_written_with_a_warning() {
    let [reply, ..] = replies(&["data:image/webp;base64,YWJj"]);
    let run = run(reply, &[]);
    run.code(0).stderr_has("llm: warning: 一只猫.webp is no picture that is known here");
    assert_eq!(run.read("一只猫.webp"), b"abc");
}

#[test]
fn an_answer_that_breaks_off_leaves_the_file_as_it_was() {
    let broken = || {
        Reply::sse(&[chunk(json!({"content": "看", "images": [image(PNG_URL)]}), None)])
            .then([crate::support::Step::Close])
    };
    let server = Server::start([broken()]);
    let run = ask_once(&server).file("x.png", "旧").args(["-o", "x.png"]).run();
    run.code(6).stdout("看\n");
    assert_eq!(run.read("x.png"), "旧".as_bytes());
    // A picture that came whole was paid for; a file of its own takes nothing from anybody.
    run.stderr_has("你好.png");
    assert_eq!(run.names(), ["x.png", "你好.png"]);
}

#[test]
fn a_file_that_can_not_be_written_is_said_before_anything_is_sent() {
    let server = Server::start([]);
    let run = ask_once(&server).args(["-o", "no/x.png"]).run();
    run.code(1).stderr_has("cannot write no/x.png");
    assert!(server.requests().is_empty());
}

#[test]
fn json_prints_the_reply_and_writes_no_picture() {
    let [reply, ..] = replies(&[PNG_URL]);
    let server = Server::start([reply]);
    let run = ask_once(&server).arg("--json").run();
    run.code(0).stderr_empty();
    let url = &run.stdout_json()["choices"][0]["message"]["images"][0]["image_url"]["url"];
    assert_eq!(url, PNG_URL);
    assert!(run.names().is_empty());
    let server = Server::start([]);
    let run = ask_once(&server).args(["--json", "-o", "x.png"]).run();
    run.code(2).stdout_empty().stderr_has("--json prints a reply, but x.png");
    assert!(server.requests().is_empty());
}

#[test]
fn several_answers_have_pictures_too() {
    let choice = |index: u64, url: &str| json!({"index": index, "message": {"content": format!("{index}"), "images": [image(url)]}, "finish_reason": "stop"});
    let body = json!({"choices": [choice(0, PNG_URL), choice(1, JPEG_URL)]});
    let run = run(Reply::json(200, body), &["-n", "2", "-o", "x.png"]);
    run.code(0).stdout("0\n\n1\n");
    assert_eq!((run.read("x-1.png"), run.read("x-2.png")), (PNG.to_vec(), JPEG.to_vec()));
}

/// Two questions, the second with `-c`; gives the second request's messages.
fn gone_on(reply: Reply) -> (Value, Llm) {
    let server = Server::start([reply, Reply::chat(&["好"])]);
    let llm = llm().profile(&server).watch(&server);
    llm_run(&llm, &["chat", "一只猫", "-o", "x.png"]).code(0);
    llm_run(&llm, &["chat", "-c", "更蓝"]).code(0).stdout("好\n").stderr_empty();
    (server.requests()[1].json()["messages"].clone(), llm)
}

fn llm_run(llm: &Llm, args: &[&str]) -> Outcome {
    llm.clone().args(args).run()
}

#[test]
fn a_picture_goes_along_with_the_next_question_and_is_kept() {
    let [reply, ..] = replies(&[PNG_URL]);
    let (messages, llm) = gone_on(reply);
    let content = json!([{"type": "text", "text": "更蓝"}, image(PNG_URL)]);
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": "一只猫"},
            {"role": "assistant", "content": "看"},
            {"role": "user", "content": content},
        ])
    );
    let shown = llm_run(&llm, &["history", "show"]);
    shown.code(0).stdout_has("看\n\n[attached: x.png]\n");
    let kept = llm_run(&llm, &["history", "show", "--json"]).stdout_json();
    assert_eq!(kept["turns"][0]["made"][0]["name"], "x.png");
    let files = || fs::read_dir(llm.folder("data").join("llm/files")).map_or(0, Iterator::count);
    assert_eq!(files(), 1);
    let id = kept["id"].as_str().expect("an id").to_owned();
    llm_run(&llm, &["history", "rm", &id]).code(0);
    assert_eq!(files(), 0);
}

#[test]
fn a_picture_without_words_is_told_by_its_name() {
    let message = json!({"role": "assistant", "content": "", "images": [image(PNG_URL)]});
    let (messages, _) = gone_on(whole(message));
    assert_eq!(messages[1], json!({"role": "assistant", "content": "[attached: x.png]"}));
    assert_eq!(messages[2]["content"][1], image(PNG_URL));
}

/// The picture is one of the items there; pieces of it that come before are no pictures.
#[test]
fn a_picture_over_responses_is_written_like_any_other() {
    let png = PNG_URL.split_once(',').expect("a data URL").1;
    let jpeg = JPEG_URL.split_once(',').expect("a data URL").1;
    let made = |id: &str, result: Value| {
        json!({"type": "image_generation_call", "id": id, "status": "completed",
        "output_format": "png", "result": result})
    };
    let message = json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "看", "annotations": []}]});
    let response = |output: Value| json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": output});
    let events =
        |events: &[Value]| Reply::sse(&events.iter().map(Value::to_string).collect::<Vec<_>>());
    let one = json!([made("ig_1", png.into()), message]);
    let streamed = events(&[
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "image_generation_call", "id": "ig_1", "status": "in_progress"}}),
        json!({"type": "response.image_generation_call.partial_image", "output_index": 0, "item_id": "ig_1", "partial_image_index": 0, "partial_image_b64": jpeg}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": one[0]}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "item_id": "m", "delta": "看"}),
        json!({"type": "response.completed", "response": response(one.clone())}),
    ]);
    for reply in [Reply::json(200, response(one)), streamed] {
        let over = ["--api", "responses"];
        let named = run(reply.clone(), &["--api", "responses", "-o", "x.png"]);
        named.code(0).stdout("看\n").stderr_empty();
        assert_eq!((named.names(), named.read("x.png")), (vec!["x.png".to_owned()], PNG.to_vec()));
        let derived = run(reply, &over);
        derived.code(0).stdout("看\n").stderr("llm: the picture is in 一只猫.png\n");
        assert_eq!(derived.read("一只猫.png"), PNG);
    }
    let two = json!([made("ig_1", png.into()), made("ig_2", jpeg.into())]);
    let both = run(Reply::json(200, response(two)), &["--api", "responses", "-o", "x.png"]);
    both.code(0).stdout_empty();
    assert_eq!((both.read("x-1.png"), both.read("x-2.png")), (PNG.to_vec(), JPEG.to_vec()));
    let failed = json!([made("ig_1", Value::Null), message]);
    let none = run(Reply::json(200, response(failed)), &["--api", "responses", "-o", "x.png"]);
    none.code(4).stdout("看\n").stderr_has("the answer from test has no picture");
    assert!(none.names().is_empty(), "{none}");
}
