//! Services whose transcripts are asked for or given in a shape of their own: the request that goes
//! out, what comes of the reply, and recordings that must be cut.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::image::service_formats::{base, service};
use crate::support::{Llm, Recorded, Reply, Server, wav};

const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\0 \xff\xfb\x90 sound";

/// Samples a second, 16 bits, one channel.
const RATE: u32 = 4000;

/// A WAV file of so many seconds of noise.
fn noise(seconds: u32) -> Vec<u8> {
    wav(RATE, &(0..seconds * RATE * 2).map(|at| (at % 251) as u8).collect::<Vec<u8>>())
}

/// `llm transcribe` with this service at the server, in a folder with a recording.
fn listen(name: &str, server: &Server) -> Llm {
    service(name, base(name), server).file("音.mp3", MP3).arg("transcribe")
}

fn chat(text: &str, reason: &str) -> Reply {
    let message = json!({
        "role": "assistant", "content": text,
        "annotations": [{"type": "audio_info", "language": "zh", "emotion": "neutral"}],
    });
    Reply::json(
        200,
        json!({
            "id": "chatcmpl-1", "choices": [{"index": 0, "finish_reason": reason, "message": message}],
            "usage": {"prompt_tokens": 42, "completion_tokens": 6, "seconds": 3},
        }),
    )
}

/// The recording in a request of 百炼's shape.
fn recording(request: &Recorded) -> Vec<u8> {
    let url = request.json()["messages"][0]["content"][0]["input_audio"]["data"].clone();
    let (kind, data) = url.as_str().and_then(|url| url.split_once(',')).expect("a data URL");
    assert!(kind.starts_with("data:audio/") && kind.ends_with(";base64"), "{kind}");
    STANDARD.decode(data).expect("base64")
}

#[test]
fn a_recording_is_a_message_with_a_data_url() {
    for name in ["dashscope", "dashscope-intl"] {
        let server = Server::start([chat("春天来了。", "stop")]);
        let run = listen(name, &server).args(["音.mp3", "--language", "zh", "-u"]).run();
        run.code(0)
            .stdout("春天来了。\n")
            .stderr_has("llm: usage: 3 s of sound, 42 tokens in, 6 out");
        let request = server.request();
        assert_eq!(request.path, "/compatible-mode/v1/chat/completions");
        let url = format!("data:audio/mpeg;base64,{}", STANDARD.encode(MP3));
        let part = json!({"type": "input_audio", "input_audio": {"data": url}});
        let expected = json!({
            "model": "qwen3-asr-flash",
            "messages": [{"role": "user", "content": [part]}],
            "asr_options": {"language": "zh"},
        });
        assert_eq!(request.json(), expected);
        assert_eq!(recording(&request), MP3);
    }
    let server = Server::start([chat("好", "stop")]);
    let args = ["音.mp3", "-O", "asr_options.enable_itn=true"];
    listen("dashscope", &server).args(args).run().code(0).stderr_empty();
    assert_eq!(server.request().json()["asr_options"], json!({"enable_itn": true}));
}

#[test]
fn a_model_of_chat_is_told_what_to_do() {
    let server = Server::start([chat("春天来了。\n", "stop")]);
    let args = ["音.mp3", "--prompt", "林先生", "--language", "zh"];
    listen("gemini", &server).args(args).run().code(0).stdout("春天来了。\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1beta/openai/chat/completions");
    let body = request.json();
    assert_eq!((&body["model"], &body["temperature"]), (&json!("gemini-3.8-flash"), &json!(null)));
    let parts = body["messages"][0]["content"].as_array().expect("parts");
    let [task, language, names, sound] = &parts[..] else { panic!("four parts: {body}") };
    assert!(task["text"].as_str().is_some_and(|text| text.contains("word for word")), "{task}");
    assert_eq!(language["text"], "The language is: zh");
    assert!(names["text"].as_str().is_some_and(|text| text.ends_with("林先生")), "{names}");
    let expected = json!({"data": STANDARD.encode(MP3), "format": "mp3"});
    assert_eq!(sound["input_audio"], expected);
}

fn heard_by_xai() -> Value {
    json!({"text": "早上好。今天下雨。", "language": "Chinese", "duration": 2.5, "words": [
        {"text": "早上", "start": 0.1, "end": 0.4}, {"text": "好。", "start": 0.4, "end": 0.6},
        {"text": "今天", "start": 1.1, "end": 1.5}, {"text": "下雨。", "start": 1.5, "end": 2.1},
    ]})
}

#[test]
fn words_with_times_become_subtitles() {
    let server = Server::start([Reply::json(200, heard_by_xai())]);
    let run = listen("xai", &server).args(["音.mp3", "--format", "srt"]).run();
    let srt = "1\n00:00:00,100 --> 00:00:00,600\n早上好。\n\n2\n00:00:01,100 --> 00:00:02,100\n今天下雨。\n";
    run.code(0).stdout(srt).stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/stt");
    let names: Vec<String> = request.parts().into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["file"]);
    let server = Server::start([Reply::json(200, heard_by_xai())]);
    let run = listen("xai", &server).args(["音.mp3", "--language", "zh", "--prompt", "x"]).run();
    run.code(0).stdout("早上好。今天下雨。\n").stderr_has("llm: warning: `prompt` is left out");
    let names: Vec<String> = server.request().parts().into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["language", "file"], "the file comes last");
}

#[test]
fn times_that_a_model_does_not_give_are_refused_before_anything_is_sent() {
    for (name, args) in [
        ("dashscope", &["--format", "srt"][..]),
        ("gemini", &["-o", "a.vtt"]),
        ("cohere", &["--format", "verbose_json"]),
        ("siliconflow", &["--format", "srt"]),
        ("openai", &["--format", "srt", "-m", "gpt-4o-transcribe"]),
    ] {
        let server = Server::start([]);
        let run = listen(name, &server).arg("音.mp3").args(args).run();
        run.code(2).stdout_empty().stderr_has(&format!("llm: {name} gives no timestamps for "));
        run.stderr_has("hint: --format text prints the words alone").stderr_has("mistral");
    }
    let server = Server::start([Reply::text(200, "1\n00:00:00,000 --> 00:00:01,000\n好\n")]);
    let args = ["音.mp3", "--format", "srt", "-m", "whisper-1"];
    listen("openai", &server).args(args).run().code(0).stderr_empty();
    // Where nobody names a model, the one for times is asked.
    let server = Server::start([Reply::text(200, "1\n00:00:00,000 --> 00:00:01,000\n好\n")]);
    let run = listen("openai", &server).args(["音.mp3", "-o", "a.srt"]).run();
    run.code(0).stderr("llm: whisper-1 is used, as gpt-transcribe gives no timestamps\n");
    let model = server.request().parts().into_iter().find(|part| part.name == "model");
    assert_eq!(model.expect("a model").text(), "whisper-1");
    // The user knows better.
    let server = Server::start([Reply::json(200, heard_by_xai())]);
    let config = format!(
        "[providers.cohere]\nbase_url = \"{}\"\napi_key = \"sk-zeit-0001\"\nuntimed = []\n",
        server.url()
    );
    let run = crate::support::llm().config(&config).watch(&server).file("音.mp3", MP3);
    run.args(["transcribe", "音.mp3", "--format", "srt"]).run().code(0).stdout_has("-->");
}

#[test]
fn json_is_that_of_a_transcript_or_the_reply_itself() {
    let server = Server::start([chat("春天来了。", "stop")]);
    let run = listen("dashscope", &server).args(["音.mp3", "--format", "json"]).run();
    let expected = json!({"text": "春天来了。", "language": "zh",
        "usage": {"prompt_tokens": 42, "completion_tokens": 6, "seconds": 3}});
    assert_eq!(run.code(0).stdout_json(), expected);
    let server = Server::start([chat("春天来了。", "stop")]);
    let run = listen("dashscope", &server).args(["音.mp3", "--json"]).run();
    assert_eq!(run.code(0).stdout_json()["choices"][0]["message"]["content"], "春天来了。");
}

#[test]
fn a_transcript_that_was_cut_is_written_and_exits_7() {
    let server = Server::start([chat("春天", "length")]);
    let run = listen("gemini", &server).args(["音.mp3", "-o", "a.txt"]).run();
    run.code(7).stdout_empty().stderr_has("llm: gemini cut the transcript");
    assert_eq!(run.read("a.txt"), "春天\n".as_bytes());
    let server = Server::start([chat("春天", "length")]);
    listen("gemini", &server).arg("音.mp3").run().code(7).stdout("春天\n");
}

#[test]
fn replies_without_a_text_say_so() {
    let blocked =
        json!({"choices": [{"finish_reason": "content_filter", "message": {"role": "assistant"}}]});
    let server = Server::start([Reply::json(200, blocked)]);
    listen("gemini", &server)
        .arg("音.mp3")
        .run()
        .code(4)
        .stdout_empty()
        .stderr_has("is not a transcript");
    // What is no field of the request is not taken out of it.
    let words = "asr_options is not supported";
    let refused = json!({"error": {"message": words, "param": "asr_options"}});
    let server = Server::start([Reply::json(400, refused)]);
    let run = listen("dashscope", &server).args(["音.mp3", "--language", "zh"]).run();
    run.code(4).stdout_empty().stderr_has(words).stderr_lacks("asked again");
}

/// The user's file for 百炼 with a limit of its own.
fn limited(server: &Server, limits: &str) -> Llm {
    let config = format!(
        "[providers.dashscope]\nbase_url = \"{}\"\napi_key = \"sk-lang-0001\"\nlimits = {{ {limits} }}\n",
        server.url()
    );
    let run = crate::support::llm().config(&config).watch(server);
    run.file("长.wav", noise(5)).args(["transcribe", "长.wav"])
}

#[test]
fn base64_counts_where_a_recording_is_cut() {
    // 40,044 bytes, of which 32,000 and what stands around them have room as base64.
    let server = Server::start([chat("一", "stop"), chat("二", "stop")]);
    let run = limited(&server, "upload_bytes = 43000").run();
    run.code(0).stdout_has("一").stdout_has("二").stderr_has("it is sent in 2 parts");
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.body.len() <= 43_000));
    let samples: Vec<u8> =
        requests.iter().flat_map(|request| recording(request)[44..].to_vec()).collect();
    assert_eq!(samples, noise(5)[44..]);
    // One byte of room more than it needs.
    let server = Server::start([chat("全", "stop")]);
    limited(&server, "upload_bytes = 54000").run().code(0).stdout("全\n").stderr_empty();
}

#[test]
fn a_recording_is_cut_by_its_length_in_time() {
    let server = Server::start([chat("一", "stop"), chat("二", "stop"), chat("三", "stop")]);
    let run = limited(&server, "audio_seconds = 2").run();
    run.code(0)
        .stderr_has("more than dashscope takes at once (10 MiB, 2 s); it is sent in 3 parts");
    let lengths: Vec<usize> =
        server.requests().iter().map(|request| recording(request).len() - 44).collect();
    assert!(lengths.iter().all(|length| *length <= 2 * 2 * RATE as usize), "{lengths:?}");
    assert_eq!(lengths.iter().sum::<usize>(), noise(5).len() - 44);
    let server = Server::start([chat("全", "stop")]);
    limited(&server, "audio_seconds = 5").run().code(0).stdout("全\n").stderr_empty();
}
