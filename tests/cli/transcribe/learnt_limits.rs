//! `llm transcribe`: recordings that a service refuses for their length or their format, and parts that
//! are kept where a run fails.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::one_file::{fields, place};
use crate::image::service_formats::{base, service};
use crate::support::{Llm, Reply, Server, wav};

const RATE: u32 = 8000;

/// A WAV file of so many seconds.
fn sound(seconds: u32) -> Vec<u8> {
    wav(RATE, &vec![7; (seconds * RATE * 2) as usize])
}

fn heard(text: &str) -> Reply {
    Reply::json(200, json!({"text": text}))
}

fn too_long() -> Reply {
    let words =
        "audio duration 9.0 seconds is longer than 5 seconds which is the maximum for this model";
    Reply::json(400, json!({"error": {"message": words}}))
}

/// A folder for the search path with a program `ffmpeg` that is this script, and `cp`.
fn with_ffmpeg(llm: Llm, script: &str) -> Llm {
    let folder = llm.folder("home").join("bin");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("an own file");
    llm.env("PATH", folder)
}

/// An ffmpeg that makes 9 s of samples of anything.
fn nine_seconds(llm: Llm) -> Llm {
    let llm = llm.file("made.wav", sound(9));
    let made = llm.dir().join("made.wav");
    with_ffmpeg(llm, &format!("for last; do :; done; /bin/cp '{}' \"$last\"", made.display()))
}

#[test]
fn a_limit_of_time_is_learnt_from_its_refusal() {
    let server = Server::start([too_long(), heard("One."), heard("Two.")]);
    let run = place(&server, "").file("长.wav", sound(9)).args(["长.wav"]).run();
    run.code(0)
        .stdout("One. Two.\n")
        .stderr_has("llm: warning: test takes at most 5 s of sound at once, so 长.wav is cut")
        .stderr_has("`limits = { audio_seconds = 5 }`");
    let sizes: Vec<usize> =
        server.requests()[1..].iter().map(|request| fields(request).1.bytes.len()).collect();
    assert!(sizes.iter().all(|size| *size <= 44 + 5 * 16_000), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 2 * 44 + 9 * 16_000);
    // It is not learnt twice.
    let server = Server::start([too_long(), too_long()]);
    let run = place(&server, "").file("长.wav", sound(9)).args(["长.wav"]).run();
    run.code(4).stderr_has("longer than 5 seconds");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn without_ffmpeg_the_refusal_says_what_helps() {
    let server = Server::start([too_long()]);
    let run = place(&server, "").env("PATH", "/nowhere").args(["会议.mp3"]).run();
    run.code(4).stderr_has("hint: with ffmpeg installed it is sent in parts");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_model_of_openai_takes_1400_seconds() {
    let server = Server::start([heard("一"), heard("二")]);
    // 1,500 s at 100 samples a second.
    let long = wav(100, &vec![0; 300_000]);
    let openai = service("openai", base("openai"), &server).file("长.wav", long);
    let run = openai.clone().args(["transcribe", "长.wav"]).run();
    run.code(0).stdout("一二\n").stderr_has("it is sent in 2 parts");
    let whole = Server::start([heard("全")]);
    let openai =
        service("openai", base("openai"), &whole).file("长.wav", wav(100, &vec![0; 300_000]));
    openai
        .args(["transcribe", "长.wav", "-m", "whisper-1"])
        .run()
        .code(0)
        .stdout("全\n")
        .stderr_empty();
}

#[test]
fn a_low_bit_rate_does_not_hide_the_time() {
    let page = |position: u64, content: &[u8]| {
        let mut page = b"OggS\0\0".to_vec();
        page.extend(position.to_le_bytes());
        page.extend([0; 13]);
        page.extend(content);
        page
    };
    // 9 s in a few bytes.
    let opus = [page(0, b"OpusHead\x01\x01"), page(9 * 48_000, b"x")].concat();
    let server = Server::start([heard("One."), heard("Two.")]);
    let place = place(&server, "limits = { audio_seconds = 5 }").file("长.opus", opus);
    let run = nine_seconds(place).args(["长.opus"]).run();
    run.code(0)
        .stdout("One. Two.\n")
        .stderr_has("长.opus lasts 9 s, more than test takes at once (5 s)");
}

#[test]
fn files_are_named_by_what_they_are() {
    let mp4 = b"\0\0\0\x20ftypisom\0\0\0\0";
    for (name, bytes, sent, content_type) in [
        ("a.opus", &b"OggS\0\x02\0\0"[..], "a.ogg", "audio/ogg"),
        ("a.oga", b"OggS\0\x02\0\0", "a.ogg", "audio/ogg"),
        ("a.m4b", b"\0\0\0\x20ftypM4B \0\0\0\0", "a.m4a", "audio/mp4"),
        ("a.m4a", b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90", "a.mp3", "audio/mpeg"),
        ("a.wav", mp4, "a.m4a", "audio/mp4"),
        ("a.ogg", mp4, "a.m4a", "audio/mp4"),
        ("a.mp4", mp4, "a.mp4", "audio/mp4"),
    ] {
        let server = Server::start([heard("好")]);
        place(&server, "").file(name, bytes).arg(name).run().code(0).stdout("好\n").stderr_empty();
        let (_, file) = fields(&server.request());
        assert_eq!(file.filename.as_deref(), Some(sent), "{name}");
        assert_eq!(file.content_type.as_deref(), Some(content_type), "{name}");
    }
}

#[test]
fn a_format_that_is_not_taken_is_converted() {
    let aac: &[u8] = b"\xff\xf1\x50\x80\0\x01";
    // Known beforehand.
    let server = Server::start([heard("好")]);
    let openai = service("openai", base("openai"), &server).file("a.aac", aac);
    let run = nine_seconds(openai.clone()).args(["transcribe", "a.aac"]).run();
    run.code(0)
        .stdout("好\n")
        .stderr("llm: openai takes no audio/aac; ffmpeg makes WAV of a.aac\n");
    let (_, file) = fields(&server.request());
    assert_eq!((file.filename.as_deref(), file.bytes.len()), (Some("a.wav"), 144_044));
    let run = openai.env("PATH", "/nowhere").args(["transcribe", "a.aac"]).run();
    run.code(2).stderr_has("openai takes no audio/aac").stderr_has("ffmpeg -i a.aac a.mp3");
    // Learnt from a refusal.
    let refusal = || {
        let words = "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'wav']";
        Reply::json(400, json!({"error": {"message": words}}))
    };
    let server = Server::start([refusal(), heard("好"), heard("也好")]);
    let place_of =
        |server: &Server| place(server, "").file("a.caf", "caff\0\x01").file("b.caf", "caff\0\x01");
    let run = nine_seconds(place_of(&server)).args(["a.caf", "b.caf"]).run();
    run.code(0).stdout("==> a.caf <==\n好\n\n==> b.caf <==\n也好\n");
    let names: Vec<_> =
        server.requests().iter().map(|request| fields(request).1.filename).collect();
    assert_eq!(names, ["a.caf", "a.wav", "b.wav"].map(|name| Some(name.to_owned())));
    let server = Server::start([refusal()]);
    let run = place_of(&server).env("PATH", "/nowhere").arg("a.caf").run();
    run.code(4).stderr_has("Invalid file format").stderr_has("ffmpeg -i a.caf a.mp3");
}

#[test]
fn parts_that_came_are_not_asked_for_again() {
    let refused = Reply::json(400, json!({"error": {"message": "不听这个"}}));
    let server = Server::start([heard("One."), refused, heard("Two.")]);
    let place = place(&server, "limits = { audio_seconds = 5 }").file("长.wav", sound(9));
    let place = place.args(["长.wav", "-o", "a.txt", "-q"]);
    let run = place.clone().run();
    run.code(4).stderr_has("不听这个").stderr_has("1 part is kept: the same command goes on");
    assert!(run.dir().join(".a.txt.llm-parts").is_dir());
    let run = place.run();
    run.code(0).stdout_empty();
    assert_eq!(run.read("a.txt"), b"One. Two.\n");
    assert!(!run.dir().join(".a.txt.llm-parts").exists());
    assert_eq!(server.requests().len(), 3);
}
