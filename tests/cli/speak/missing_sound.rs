//! `llm speak`: sound that is missing, cut or made of several files, and samples without a head.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::long_texts::{RATE, voice};
use crate::support::{Llm, Outcome, Reply, Server, wav, wav_head};

fn spoken(reply: Reply, args: &[&str]) -> Outcome {
    let server = Server::start([reply]);
    voice(&server).args(["今天。", "--retries", "0"]).args(args).run()
}

/// A head for more or fewer samples than there are.
fn lying(said: u32, samples: &[u8]) -> Vec<u8> {
    [&wav_head(RATE, said.saturating_add(36), said)[..], samples].concat()
}

#[test]
fn sound_that_is_missing_is_an_error() {
    for (kind, body, code, words) in [
        ("audio/wav", lying(0, b""), 4, "has no sound in it"),
        ("audio/wav", lying(u32::MAX, b""), 4, "has no sound in it"),
        (
            "audio/wav",
            lying(1000, &[1; 600]),
            6,
            "it has 600 bytes of sound where its head says 1000",
        ),
        ("audio/wav", lying(1000, b"")[..30].to_vec(), 6, "it ends inside its header"),
        (
            "audio/mpeg",
            b"ID3\x04\0\0\0\0\0\x0cTIT2\0\0\0\x02\0\0\x03x".to_vec(),
            4,
            "has no sound in it",
        ),
        ("audio/flac", [&b"fLaC\x80\0\0\x22"[..], &[0; 34]].concat(), 4, "has no sound in it"),
        ("audio/mpeg", Vec::new(), 4, "the reply from test is empty"),
    ] {
        let ending = kind.rsplit('/').next().unwrap_or_default().replace("mpeg", "mp3");
        let run = spoken(Reply::bytes(200, kind, body), &["-o", &format!("a.{ending}")]);
        run.code(code).stdout_empty().stderr_has(words);
        assert!(run.names().is_empty(), "{words}");
    }
}

#[test]
fn several_files_one_behind_the_other_become_one() {
    let (one, two) = (wav(RATE, &[1; 20]), wav(RATE, &[2; 30]));
    let whole = wav(RATE, &[&[1; 20][..], &[2; 30]].concat());
    let body = [&one[..], &two].concat();
    let delta = |file: &[u8]| {
        json!({"type": "speech.audio.delta", "audio": STANDARD.encode(file)}).to_string()
    };
    let done = r#"{"type":"speech.audio.done"}"#;
    let events = || Reply::sse(&[&delta(&one), &delta(&two), done]);
    for reply in [
        Reply::bytes(200, "audio/wav", body.clone()),
        Reply::chunks("audio/wav", [&one[..], &two[..10], &two[10..]]),
        Reply::json(200, json!({"audio_data": STANDARD.encode(&body)})),
        events(),
    ] {
        let run = spoken(reply, &["-o", "a.wav"]);
        run.code(0).stderr_empty();
        assert_eq!(run.read("a.wav"), whole);
    }
    // In a pipe the head is that of a stream.
    let stream = [&wav_head(RATE, u32::MAX, u32::MAX)[..], &whole[44..]].concat();
    spoken(events(), &[]).code(0).stdout_bytes(&stream).stderr_empty();
    spoken(Reply::bytes(200, "audio/wav", body), &[]).code(0).stdout_bytes(&stream);
    // One true head stays.
    spoken(Reply::bytes(200, "audio/wav", one.clone()), &[]).code(0).stdout_bytes(&one);
}

fn samples(content_type: &str) -> Reply {
    Reply::bytes(200, content_type, [3; 40])
}

/// A folder for the search path with a program `ffmpeg` that is this script.
fn with_ffmpeg(llm: Llm, script: &str) -> Llm {
    let folder = llm.folder("home").join("bin");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("an own file");
    llm.env("PATH", folder)
}

#[test]
fn samples_become_the_file_that_is_wanted() {
    let run = spoken(samples("audio/pcm"), &["-o", "a.wav"]);
    run.code(0).stderr_empty();
    assert_eq!(run.read("a.wav"), wav(24_000, &[3; 40]));
    let run = spoken(samples("audio/L16; rate=16000; channels=1"), &["-o", "a.wav"]);
    assert_eq!(run.code(0).read("a.wav"), wav(16_000, &[3; 40]));
    // The user's own choice of samples.
    let run =
        spoken(samples("application/octet-stream"), &["-o", "a.wav", "-O", "response_format=pcm"]);
    assert_eq!(run.code(0).read("a.wav"), wav(24_000, &[3; 40]));
    let server = Server::start([samples("audio/pcm")]);
    let convert = "for last; do :; done; echo \"$@\" > words; echo made > \"${last#file:}\"";
    let place = with_ffmpeg(voice(&server), convert);
    let run = place.args(["今天。", "-o", "a.flac"]).run();
    run.code(0).stderr("llm: test sends bare samples; ffmpeg makes flac of them\n");
    assert_eq!(run.read("a.flac"), b"made\n");
    let words = String::from_utf8(run.read("words")).expect("text");
    assert!(words.starts_with("-nostdin -v error -i file:/"), "{words}");
}

#[test]
fn without_ffmpeg_only_wav_can_be_made_of_samples() {
    let server = Server::start([samples("audio/pcm")]);
    let run = voice(&server).env("PATH", "/nowhere").args(["今天。", "-o", "a.mp3"]).run();
    run.code(4).stderr_has("without ffmpeg no mp3 can be made").stderr_has("-o FILE.wav");
    assert!(run.names().is_empty());
    // Known beforehand.
    let server = Server::start([]);
    let url = server.url();
    let config = |rate: &str| {
        format!(
            "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\n{rate}\n\
             rules = [{{ jobs = [\"speak\"], map = {{ response_format = {{ mp3 = \"pcm\", wav = \"pcm\" }} }} }}]\n"
        )
    };
    let place = crate::support::llm().config(&config("")).env("PATH", "/nowhere").arg("speak");
    place.args(["今天。", "-o", "a.mp3"]).run().code(2).stderr_has("without ffmpeg no mp3");
    assert!(server.requests().is_empty());
}

#[test]
fn the_profile_tells_the_rate_and_a_refusal_the_format() {
    let error =
        json!({"error": {"message": "Unsupported response_format: wav. Supported formats: pcm"}});
    let server = Server::start([Reply::json(400, error), samples("application/octet-stream")]);
    let url = server.url();
    let config = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\npcm_rate = 48000\n"
    );
    let run = crate::support::llm().config(&config).args(["speak", "今天。", "-o", "a.wav"]).run();
    run.code(0)
        .stderr_has("test gives no wav, only pcm")
        .stderr_has("response_format = { wav = \"pcm\" }");
    assert_eq!(run.read("a.wav"), wav(48_000, &[3; 40]));
    assert_eq!(server.requests()[1].json()["response_format"], json!("pcm"));
}
