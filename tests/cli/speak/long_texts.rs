//! `llm speak` with a text longer than the service takes, and with replies that are broken.

use std::time::Duration;

use serde_json::json;

use crate::support::{ByBody, Llm, Outcome, Reply, Server, Step, llm, wav, wav_head};

/// The profile `test` at the server, which takes six characters at once.
pub(super) fn voice(server: &Server) -> Llm {
    let url = server.url();
    let text = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\n\
         limits = {{ speech_characters = 6 }}\n"
    );
    llm().config(&text).watch(server).arg("speak")
}

/// Samples a second, 16 bits, one channel.
pub(super) const RATE: u32 = 24_000;

/// A WAV file with these samples, whose head has the lengths of a stream.
fn streamed_wav(samples: &[u8]) -> Vec<u8> {
    [&wav_head(RATE, u32::MAX, u32::MAX)[..], samples].concat()
}

pub(super) fn spoken(samples: &[u8]) -> Reply {
    Reply::bytes(200, "audio/wav", streamed_wav(samples))
}

/// The folder holds this file as it was, and nothing else but parts that came.
fn is_untouched(run: &Outcome) {
    assert_eq!(run.read("a.wav"), b"old");
    let names = run.names();
    assert!(names.iter().all(|name| name == "a.wav" || name == ".a.wav.llm-parts"), "{names:?}");
}

fn over_old(llm: Llm) -> Llm {
    llm.file("a.wav", "old").args(["-o", "a.wav"])
}

#[test]
fn a_long_text_becomes_one_file() {
    let server = Server::start([spoken(&[1; 20]), spoken(&[2; 30])]);
    let run = over_old(voice(&server)).args(["今天下雨。明天晴！", "-u"]).run();
    run.code(0).stdout_empty().stderr_has("llm: usage: 9 characters in 2 parts, 94 bytes");
    assert_eq!(run.read("a.wav"), wav(RATE, &[&[1; 20][..], &[2; 30]].concat()));
    let inputs: Vec<_> =
        server.requests().iter().map(|request| request.json()["input"].clone()).collect();
    assert_eq!(inputs, [json!("今天下雨。"), json!("明天晴！")]);
}

#[test]
fn in_a_pipe_the_head_is_that_of_a_stream() {
    let server = Server::start([spoken(&[1; 20]), spoken(&[2; 30])]);
    let run = voice(&server).args(["今天下雨。明天晴！", "--format", "wav"]).run();
    let expected = streamed_wav(&[&[1; 20][..], &[2; 30]].concat());
    run.code(0).stdout_bytes(&expected).stderr_empty();
}

#[test]
fn one_part_in_a_pipe_comes_as_it_is_and_in_a_file_with_its_length() {
    let server = Server::start([spoken(&[1; 20])]);
    voice(&server).args(["今天。"]).run().code(0).stdout_bytes(&streamed_wav(&[1; 20]));
    let server = Server::start([spoken(&[1; 20])]);
    let run = voice(&server).args(["今天。", "-o", "a.wav"]).run();
    run.code(0);
    assert_eq!(run.read("a.wav"), wav(RATE, &[1; 20]));
}

#[test]
fn the_parts_are_in_order_and_asked_for_ahead() {
    let demo = |text: &str, args: &[&str]| {
        let config = "[providers.demo]\nlimits = { speech_characters = 6 }\n";
        llm().config(config).args(["speak", "-p", "demo", text]).args(args).run()
    };
    let parts = ["今天下雨。", "明天晴！", "后天呢？", "大后天也", "晴。"];
    let mut samples = Vec::new();
    for part in parts {
        let run = demo(part, &["--format", "pcm"]);
        samples.extend_from_slice(&run.code(0).stdout);
    }
    let text = "今天下雨。明天晴！后天呢？\n大后天也\n晴。";
    demo(text, &["--format", "pcm"]).code(0).stdout_bytes(&samples);
    let run = demo(text, &["-o", "a.wav"]);
    run.code(0);
    let file = run.read("a.wav");
    let length = samples.len() as u32;
    assert_eq!(file[..4], *b"RIFF");
    assert_eq!(file[4..8], (length + 36).to_le_bytes());
    assert_eq!(file[40..44], length.to_le_bytes());
    assert_eq!(file[44..], samples);
}

#[test]
fn as_many_parts_are_asked_for_as_the_service_bears() {
    let server = ByBody::start(|body, crowd| {
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        let input = body["input"].as_str().expect("a text");
        let number: u8 = input[1..2].parse().expect("the number of the part");
        if number > 1 {
            crowd.wait_for(4);
            // The last one answers first.
            std::thread::sleep(Duration::from_millis(u64::from(9 - number) * 20));
        }
        ("audio/wav", streamed_wav(&[number; 20]))
    });
    let text: String = (1..=8).map(|number| format!("a{number}bc. ")).collect();
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodels = {{ speak = \"tts-1\" }}\nlimits = {{ speech_characters = 6 }}\n",
        server.url
    );
    let run = llm().config(&profile).args(["speak", "-p", "test", "-o", "a.wav", &text]).run();
    run.code(0);
    let samples: Vec<u8> = (1..=8).flat_map(|number| [number; 20]).collect();
    assert_eq!(run.read("a.wav"), wav(RATE, &samples));
    assert_eq!(server.most_out(), 4);
}

#[test]
fn a_later_part_is_asked_for_again() {
    let failed =
        Reply::json(500, json!({"error": {"message": "先歇一下"}})).header("retry-after-ms", "1");
    let broken = Reply::chunks("audio/wav", [streamed_wav(&[9; 20])]).then([Step::Close]);
    let server = Server::start([spoken(&[1; 20]), failed, broken, spoken(&[2; 30])]);
    let run = over_old(voice(&server)).args(["今天下雨。明天晴！", "--retries", "3"]).run();
    run.code(0).stderr_has("trying again");
    assert_eq!(run.read("a.wav"), wav(RATE, &[&[1; 20][..], &[2; 30]].concat()));
}

#[test]
fn a_part_that_fails_leaves_nothing() {
    let refused = Reply::json(400, json!({"error": {"message": "不念这个"}}));
    for (second, code, words) in [
        (refused, 4, "不念这个 (part 2 of 2 of the text)"),
        (Reply::bytes(200, "audio/wav", ""), 4, "is empty (part 2 of 2 of the text)"),
        (
            Reply::bytes(200, "audio/mpeg", [0xFF, 0xFB, 0x90, 0].repeat(9)),
            4,
            "part 2 of 2 is not a WAV file",
        ),
    ] {
        let server = Server::start([spoken(&[1; 20]), second]);
        let run = over_old(voice(&server)).args(["今天下雨。明天晴！"]).run();
        run.code(code).stdout_empty().stderr_has(words);
        is_untouched(&run);
    }
}

#[test]
fn a_broken_reply_leaves_nothing() {
    let whole = streamed_wav(&[1; 200]);
    let error = json!({"error": {"message": "嗓子坏了", "code": 503}});
    for (reply, code, words) in [
        (Reply::bytes(200, "audio/wav", whole.clone()).content_length(9999), 6, "broke off"),
        (Reply::chunks("audio/wav", [whole.clone()]).then([Step::Close]), 6, "broke off"),
        (Reply::chunks("audio/wav", [whole]).then([Step::Reset]), 6, "broke off"),
        (Reply::bytes(200, "audio/wav", ""), 4, "the reply from test is empty"),
        (Reply::json(200, error), 6, "test failed (503): 嗓子坏了"),
        (Reply::json(200, json!({"id": "1"})), 4, "the reply from test is not audio"),
        (Reply::html(200, "<html><title>欢迎</title></html>"), 4, "not audio: 欢迎"),
        (Reply::sse(&[r#"{"type":"speech.audio.delta","audio":"SUQz"}"#]), 6, "ended early"),
        (Reply::json(401, json!({"error": {"message": "谁？"}})), 3, "refused the key"),
    ] {
        let server = Server::start([reply]);
        let run = over_old(voice(&server)).args(["今天。", "--retries", "0"]).run();
        run.code(code).stdout_empty().stderr_has(words);
        is_untouched(&run);
    }
}

#[test]
fn a_refused_first_part_sends_no_other() {
    let server = Server::start([Reply::json(401, json!({"error": {"message": "谁？"}}))]);
    voice(&server).args(["今天下雨。明天晴！后天呢？"]).run().code(3).stdout_empty();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_failed_before_any_sound_is_tried_again() {
    let busy =
        Reply::json(429, json!({"error": {"message": "慢点"}})).header("retry-after-ms", "1");
    let server = Server::start([busy, spoken(&[1; 20])]);
    let run = voice(&server).args(["今天。"]).run();
    run.code(0).stdout_bytes(&streamed_wav(&[1; 20])).stderr_has("trying again");
    // Sound that is out can't be taken back.
    let broken = Reply::chunks("audio/wav", [streamed_wav(&[9; 20])]).then([Step::Close]);
    let server = Server::start([broken]);
    voice(&server).args(["今天。"]).run().code(6).stdout_bytes(&streamed_wav(&[9; 20]));
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let reply = Reply::chunks("audio/wav", [streamed_wav(&[1; 20])]).then([Step::UntilClosed]);
    let server = Server::start([reply]);
    let run = over_old(voice(&server)).args(["今天。"]).spawn();
    server.wait_requests(1, Duration::from_secs(10));
    run.signal("INT");
    let run = run.wait();
    run.code(130).stdout_empty().stderr_empty();
    is_untouched(&run);
}

#[test]
fn a_failure_of_parts_beside_each_other_is_said_once() {
    let failed = || {
        let reply = Reply::json(500, json!({"error": {"message": "先歇一下"}}));
        reply.header("retry-after-ms", "300")
    };
    let server = Server::start([
        spoken(&[1; 20]),
        failed().behind(3),
        failed(),
        spoken(&[2; 20]),
        spoken(&[2; 20]),
    ]);
    let run = voice(&server).args(["今天下雨。明天晴！后天呢？", "-o", "a.wav"]).run();
    run.code(0);
    let said = String::from_utf8_lossy(&run.stderr).matches("trying again").count();
    assert_eq!(said, 1);
}

#[test]
fn a_refused_value_names_the_others() {
    let words = "Invalid value: 'bob'. Supported values are: 'alloy', 'echo' and 'nova'.";
    let refused = Reply::json(400, json!({"error": {"message": words, "param": "voice"}}));
    let server = Server::start([refused]);
    let run = voice(&server).args(["今天。", "--voice", "bob", "-o", "a.wav"]).run();
    run.code(4).stderr_has("--voice").stderr_has("alloy, echo");
}
