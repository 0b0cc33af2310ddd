//! Services whose speech is asked for or given in a shape of their own: the request that goes out, and
//! the sound that comes of the reply.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::image::service_formats::{base, service};
use crate::support::{Llm, Reply, Server, wav};

const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\x05 and the sound of a voice";
const SAMPLES: &[u8] = b"\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0\x07\0\x08\0";

/// The reply of a service as it is in `tests/shapes`, with sound or the address of some in it.
fn sample(name: &str, store: &str) -> Reply {
    let path = format!("{}/tests/shapes/speech/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the sample is there");
    let text = text.replace("{store}", store).replace("{mp3}", &STANDARD.encode(MP3));
    Reply::bytes(200, "application/json", text.replace("{samples}", &STANDARD.encode(SAMPLES)))
}

fn speak(name: &str, server: &Server) -> Llm {
    service(name, base(name), server).arg("speak")
}

#[test]
fn speech_is_asked_for_as_each_service_wants_it() {
    let native = "/api/v1/services/aigc/multimodal-generation/generation";
    for (name, args, path, body) in [
        (
            "dashscope",
            &["你好"][..],
            native,
            json!({"model": "qwen3-tts-flash", "input": {"text": "你好", "voice": "Cherry"}}),
        ),
        (
            "dashscope-intl",
            &[
                "-m",
                "qwen3-tts-instruct-flash",
                "--voice",
                "Ethan",
                "--instructions",
                "轻声",
                "-O",
                "input.language_type=Chinese",
                "你好",
            ],
            native,
            json!({
                "model": "qwen3-tts-instruct-flash",
                "input": {"text": "你好", "voice": "Ethan", "instructions": "轻声", "language_type": "Chinese"},
            }),
        ),
        (
            "xai",
            &["--format", "mp3", "--speed", "1.2", "你好"],
            "/v1/tts",
            json!({
                "text": "你好", "voice_id": "eve", "language": "auto", "speed": 1.2,
                "output_format": {"codec": "mp3"},
            }),
        ),
        (
            "xai",
            &["-O", "language=zh", "-O", "output_format.codec=mulaw", "你好"],
            "/v1/tts",
            json!({
                "text": "你好", "voice_id": "eve", "language": "zh",
                "output_format": {"codec": "mulaw"},
            }),
        ),
        (
            "gemini",
            &["--voice", "Puck", "--instructions", "轻声", "你好"],
            "/v1beta/models/gemini-3.8-flash-tts:generateContent",
            json!({
                "contents": [{"parts": [
                    {"text": "你好", "speechMetadata": {"style": "轻声"}},
                ]}],
                "generationConfig": {
                    "responseModalities": ["AUDIO"],
                    "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}},
                },
            }),
        ),
        (
            "mistral",
            &["--voice", "v1", "--format", "mp3", "你好"],
            "/v1/audio/speech",
            json!({
                "model": "voxtral-mini-tts-3-0", "input": "你好", "voice_id": "v1",
                "response_format": "mp3",
            }),
        ),
    ] {
        let server = Server::start([Reply::bytes(200, "audio/mpeg", MP3)]);
        speak(name, &server).args(args).run().code(0).stdout_bytes(MP3).stderr_empty();
        let request = server.request();
        assert_eq!((&*request.method, &*request.path), ("POST", path), "{name}");
        assert_eq!(request.json(), body, "{name}");
        let (header, key) = match name {
            "gemini" => ("x-goog-api-key", "sk-geheim-123456"),
            _ => ("authorization", "Bearer sk-geheim-123456"),
        };
        assert_eq!(request.header(header), Some(key), "{name}");
        assert!(name != "gemini" || request.header("authorization").is_none());
    }
}

#[test]
fn an_address_is_fetched_without_the_key() {
    let sound = wav(24_000, SAMPLES);
    let store = Server::start([Reply::bytes(200, "audio/x-wav", sound.clone())]);
    let server = Server::start([sample("dashscope", &store.origin())]);
    let run = speak("dashscope", &server).args(["-u", "-o", "早.wav", "早上好"]).run();
    run.code(0).stdout_empty().stderr_has("60 bytes, 3 tokens in, 40 out");
    assert_eq!(run.read("早.wav"), sound);
    let request = store.request();
    assert_eq!((&*request.method, &*request.path), ("GET", "/a.wav?Expires=1&Signature=b%2Bc"));
    assert!(!request.to_string().contains("geheim"), "{request}");
    assert_eq!(request.header("authorization"), None);
}

#[test]
fn a_long_text_is_fetched_part_by_part_and_joined() {
    let text = format!("{}。{}。", "春".repeat(500), "秋".repeat(500));
    let part = |tag: u8| Reply::bytes(200, "audio/wav", wav(24_000, &[tag; 8]));
    let store = Server::start([part(1), part(2)]);
    let replies = [sample("dashscope", &store.origin()), sample("dashscope", &store.origin())];
    let server = Server::start(replies);
    let run = speak("dashscope", &server).args(["-o", "a.wav"]).stdin(text).run();
    run.code(0).stderr_empty();
    assert_eq!(run.read("a.wav"), wav(24_000, &[[1; 8], [2; 8]].concat()));
    let first = server.requests()[0].json()["input"]["text"].as_str().map(str::len);
    assert_eq!(first, Some(1503));
}

#[test]
fn an_address_that_is_none_leaves_the_old_file() {
    let gone = Server::start([Reply::text(403, "expired")]);
    for (store, code, words) in [
        (gone.origin(), 4, "cannot fetch http://"),
        ("file:///etc".to_owned(), 4, "an address that can't be fetched"),
    ] {
        let server = Server::start([sample("dashscope", &store)]);
        let run =
            speak("dashscope", &server).file("a.wav", "alt").args(["-o", "a.wav", "早"]).run();
        run.code(code).stdout_empty().stderr_has(words);
        assert_eq!(run.read("a.wav"), b"alt");
    }
}

#[test]
fn samples_get_a_head_unless_samples_are_wanted() {
    let spoken = |args: &[&str]| {
        let server = Server::start([sample("gemini", "")]);
        let run = speak("gemini", &server).args(args).arg("早").run();
        run.code(0);
        run
    };
    spoken(&[]).stdout_bytes(&wav(16_000, SAMPLES)).stderr_empty();
    let run = spoken(&["-o", "a.wav"]);
    run.stderr_empty();
    assert_eq!(run.read("a.wav"), wav(16_000, SAMPLES));
    spoken(&["--format", "pcm"]).stdout_bytes(SAMPLES).stderr_empty();
    let run = spoken(&["-o", "a.mp3"]);
    run.stderr("llm: warning: the service sent wav, not mp3; it is written as it came\n");
}

#[test]
fn base64_in_json_is_the_sound_and_json_prints_the_reply() {
    let server = Server::start([sample("mistral", "")]);
    speak("mistral", &server).arg("早").run().code(0).stdout_bytes(MP3).stderr_empty();
    let text = std::fs::read_to_string(format!(
        "{}/tests/shapes/speech/dashscope.json",
        env!("CARGO_MANIFEST_DIR")
    ));
    let text = text.expect("the sample is there");
    let server = Server::start([sample("dashscope", "http://x.example")]);
    let run = speak("dashscope", &server).args(["--json", "早"]).run();
    run.code(0).stdout(&text.replace("{store}", "http://x.example")).stderr_empty();
}

#[test]
fn what_is_wrong_keeps_its_words() {
    let said = |name: &str, status: u16, body: Value| {
        let server = Server::start([Reply::json(status, body)]);
        speak(name, &server).args(["--retries", "0", "早"]).run()
    };
    let body = json!({"code": "InvalidParameter", "message": "没有这个音色", "request_id": "r1"});
    said("dashscope", 400, body.clone()).code(4).stderr_has("没有这个音色").stderr_has("r1");
    said("dashscope", 200, body).code(4).stdout_empty().stderr_has("没有这个音色");
    let body = json!({"error": "speed must lie between 0.7 and 1.5"});
    said("xai", 400, body).code(4).stderr_has("speed must lie");
    let body = json!({"candidates": [{"finishReason": "OTHER"}]});
    said("gemini", 200, body).code(4).stdout_empty().stderr_has("not audio");
    let body = json!({"output": {"audio": {"data": "", "url": ""}}});
    said("dashscope", 200, body).code(4).stdout_empty().stderr_has("not audio");
}

#[test]
fn a_flag_without_a_place_is_said() {
    for (name, args, words) in [
        (
            "dashscope",
            &["--speed", "2", "--instructions", "轻声"][..],
            &["`speed`", "`instructions`"][..],
        ),
        ("gemini", &["--speed", "2"], &["`speed`"]),
        ("xai", &["--instructions", "轻声"], &["`instructions`"]),
    ] {
        let server = Server::start([]);
        let run = speak(name, &server).args(args).args(["--dry-run", "早"]).run();
        run.code(0).stdout_has("curl -sN");
        for word in words {
            run.stderr_has(word);
        }
    }
}

#[test]
fn xai_hears_at_a_path_of_its_own() {
    let reply = json!({
        "text": "早上好", "language": "zh", "duration": 1.5,
        "words": [{"text": "早上好", "start": 0.0, "end": 1.2}],
    });
    let server = Server::start([Reply::json(200, reply)]);
    let llm = service("xai", base("xai"), &server).file("早.mp3", MP3);
    let run = llm.args(["transcribe", "早.mp3", "--language", "zh", "--temperature", "0"]).run();
    run.code(0).stdout("早上好\n").stderr_has("`temperature` is left out");
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/stt"));
    let names: Vec<String> = request.parts().into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["language", "file"]);
}
