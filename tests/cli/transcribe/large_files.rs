//! `llm transcribe`: a file above the service's limit is sent in parts, and their transcripts are joined.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::one_file::{fields, place};
use crate::support::{Llm, Reply, Server, llm, program, wav};

/// Samples a second, 16 bits, one channel.
const RATE: u32 = 8000;

/// A WAV file of so many seconds of noise, silent from each of `quiet` seconds on for 0.4 s.
fn noise(seconds: u32, quiet: &[f64]) -> Vec<u8> {
    let sample = |at: u32| {
        let time = f64::from(at) / f64::from(RATE);
        let is_quiet = quiet.iter().any(|from| (*from..*from + 0.4).contains(&time));
        let loud = if at % 20 < 10 { 8000_i16 } else { -8000 };
        (if is_quiet { 0 } else { loud }).to_le_bytes()
    };
    wav(RATE, &(0..seconds * RATE).flat_map(sample).collect::<Vec<u8>>())
}

/// A limit of 5 s of such sound with its header and the form.
const LIMIT: &str = "limits = { upload_bytes = 81000 }";

/// 9 s with a pause at 4.5 s, in a place with the limit.
fn long(server: &Server) -> Llm {
    place(server, LIMIT).file("长.wav", noise(9, &[2.0, 4.5, 7.0])).arg("长.wav")
}

/// Seconds of the samples that came in a part; fails unless it is a whole WAV file.
fn seconds(file: &[u8]) -> f64 {
    assert_eq!(&file[..4], b"RIFF");
    assert_eq!(&file[4..8], &(file.len() as u32 - 8).to_le_bytes());
    assert_eq!(&file[40..44], &(file.len() as u32 - 44).to_le_bytes());
    (file.len() - 44) as f64 / f64::from(RATE * 2)
}

#[test]
fn a_long_wav_is_cut_where_it_is_quiet() {
    let server = Server::start([
        Reply::json(200, json!({"text": " One two."})),
        Reply::json(200, json!({"text": "Three. "})),
    ]);
    let run = long(&server).run();
    run.code(0).stdout("One two. Three.\n");
    run.stderr("llm: 长.wav has 144044 bytes, more than test takes at once (81000 bytes); it is sent in 2 parts\n");
    let requests = server.requests();
    let files: Vec<_> = requests.iter().map(|request| fields(request).1).collect();
    assert!(requests.iter().all(|request| request.body.len() <= 81_000));
    let first = seconds(&files[0].bytes);
    assert!((4.5..4.9).contains(&first), "{first}");
    assert!((first + seconds(&files[1].bytes) - 9.0).abs() < 1e-9);
    let joined = [&files[0].bytes[44..], &files[1].bytes[44..]].concat();
    assert_eq!(joined, noise(9, &[2.0, 4.5, 7.0])[44..]);
    assert!(files.iter().all(|file| file.filename.as_deref() == Some("长.wav")));
}

/// The time at which the second part begins in milliseconds.
fn seam(server: &Server) -> f64 {
    (seconds(&fields(&server.requests()[0]).1.bytes) * 1000.0).round()
}

fn clock(milliseconds: f64, point: char) -> String {
    let all = milliseconds as u64;
    format!("00:00:{:02}{point}{:03}", all / 1000, all % 1000)
}

#[test]
fn chinese_parts_are_joined_without_a_space() {
    let server =
        Server::start(["你好，", "世界。"].map(|text| Reply::json(200, json!({"text": text}))));
    long(&server).arg("-q").run().code(0).stdout("你好，世界。\n").stderr("");
}

#[test]
fn subtitles_of_parts_are_moved_in_time() {
    let srt =
        |text: &str| Reply::text(200, &format!("1\n00:00:01,000 --> 00:00:02,000\n{text}\n\n"));
    let server = Server::start([srt("一"), srt("二")]);
    let run = long(&server).args(["-o", "长.srt", "-q"]).run();
    run.code(0).stdout_empty();
    let (start, end) = (clock(seam(&server) + 1000.0, ','), clock(seam(&server) + 2000.0, ','));
    let expected = format!("1\n00:00:01,000 --> 00:00:02,000\n一\n\n2\n{start} --> {end}\n二\n");
    assert_eq!(String::from_utf8_lossy(&run.read("长.srt")), expected);
}

#[test]
fn segments_of_parts_are_moved_and_the_other_format_is_asked_for_once() {
    let refusal = Reply::json(400, json!({"error": {"message": "response_format srt: no"}}));
    let part = |text: &str| {
        let segments = json!([{"id": 0, "start": 0.5, "end": 1, "text": text}]);
        Reply::json(200, json!({"text": text, "duration": 4.5, "segments": segments}))
    };
    let server = Server::start([refusal, part("一"), part("二")]);
    let run = long(&server).args(["--format", "vtt", "-q"]).run();
    let begin = seam(&server);
    let (start, end) = (clock(begin + 500.0, '.'), clock(begin + 1000.0, '.'));
    let head = "WEBVTT\n\n00:00:00.500 --> 00:00:01.000\n一\n\n";
    run.code(0).stdout(&format!("{head}{start} --> {end}\n二\n"));
    let server = Server::start([part("一"), part("二")]);
    let run = long(&server).args(["--format", "verbose_json", "-q"]).run();
    let value: serde_json::Value = serde_json::from_slice(&run.code(0).stdout).expect("JSON");
    assert_eq!((&value["text"], &value["duration"]), (&json!("一二"), &json!(9.0)));
    assert_eq!(value["segments"][1]["id"], 1);
    assert_eq!(value["segments"][1]["start"], json!((begin + 500.0) / 1000.0));
}

#[test]
fn a_part_that_fails_is_tried_again_alone() {
    let busy =
        Reply::json(503, json!({"error": {"message": "busy"}})).header("retry-after-ms", "1");
    let server = Server::start([
        Reply::json(200, json!({"text": "One."})),
        busy,
        Reply::json(200, json!({"text": "Two."})),
    ]);
    long(&server).run().code(0).stdout("One. Two.\n");
    let sizes: Vec<usize> = server.requests().iter().map(|request| request.body.len()).collect();
    assert_eq!(sizes[1], sizes[2]);
}

#[test]
fn a_part_that_is_refused_leaves_no_file() {
    let refused = Reply::json(400, json!({"error": {"message": "no"}}));
    let server = Server::start([Reply::json(200, json!({"text": "One."})), refused]);
    let run = long(&server).args(["-o", "a.txt"]).run();
    run.code(4).stdout_empty();
    assert!(!run.dir().join("a.txt").exists());
}

#[test]
fn streamed_parts_are_joined_live() {
    let stream = |text: &str| {
        let delta = json!({"type": "transcript.text.delta", "delta": text}).to_string();
        Reply::sse(&[delta, json!({"type": "transcript.text.done", "text": text}).to_string()])
    };
    let server = Server::start([stream(" One. "), stream(" Two. ")]);
    long(&server).args(["-O", "stream=true"]).run().code(0).stdout("One. Two.\n");
}

#[test]
fn raw_samples_are_cut_without_a_header() {
    let raw: Vec<u8> = (0..150_000_u32).map(|at| (at % 251) as u8).collect();
    let server = Server::start(["一", "二"].map(|text| Reply::json(200, json!({"text": text}))));
    let run = place(&server, "limits = { upload_bytes = 100000 }").file("a.pcm", &raw);
    run.args(["a.pcm", "-q"]).run().code(0).stdout("一二\n");
    let sent: Vec<_> = server.requests().iter().map(|request| fields(request).1).collect();
    assert_eq!(sent[0].content_type.as_deref(), Some("audio/pcm"));
    assert_eq!(sent[0].bytes.len() % 2, 0);
    assert_eq!([&sent[0].bytes[..], &sent[1].bytes[..]].concat(), raw);
}

#[test]
fn a_limit_without_room_is_told() {
    let server = Server::start([]);
    let base = place(&server, "limits = { upload_bytes = 100 }").file("a.wav", noise(1, &[]));
    base.arg("a.wav").run().code(2).stderr_has("is too small for one second of a.wav");
}

/// A program in place of ffmpeg that copies its input, or fails.
fn with_ffmpeg(base: Llm, script: &str) -> Llm {
    let folder = base.folder("home");
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("changed");
    let temporary = base.folder("cache");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    base.env("PATH", path).env("TMPDIR", temporary)
}

/// A sound above the limit that can't be cut as it is.
fn compressed(server: &Server) -> Llm {
    let sound = [b"ID3\x04".to_vec(), vec![0; 90_000]].concat();
    place(server, LIMIT).file("长.mp3", sound).file("made.wav", noise(9, &[4.5]))
}

#[test]
fn other_formats_are_cut_by_ffmpeg() {
    let server = Server::start(["你", "好"].map(|text| Reply::json(200, json!({"text": text}))));
    // The last argument is the file to write.
    let base = with_ffmpeg(compressed(&server), "for last; do :; done\ncp made.wav \"$last\"");
    let run = base.clone().args(["长.mp3", "-q"]).run();
    run.code(0).stdout("你好\n").stderr("");
    for request in server.requests() {
        let (_, file) = fields(&request);
        assert_eq!(file.filename.as_deref(), Some("长.wav"));
        assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
        seconds(&file.bytes);
    }
    assert_eq!(std::fs::read_dir(base.folder("cache")).expect("readable").count(), 0);
}

#[test]
fn without_ffmpeg_it_is_said_what_would_help() {
    let server = Server::start([]);
    let base = compressed(&server);
    let nowhere = base.folder("state");
    let run = base.env("PATH", nowhere).arg("长.mp3").run();
    run.code(2).stdout_empty();
    run.stderr(
        "llm: 长.mp3 has 90004 bytes, more than test takes at once (81000 bytes)\n\
                hint: install ffmpeg to send it in parts; WAV files are split without it\n",
    );
}

#[test]
fn what_ffmpeg_says_is_passed_on() {
    let server = Server::start([]);
    let base = with_ffmpeg(compressed(&server), "echo 'Invalid data' >&2\nexit 1");
    base.clone()
        .arg("长.mp3")
        .run()
        .code(2)
        .stderr("llm: ffmpeg cannot read 长.mp3: Invalid data\n");
    assert_eq!(std::fs::read_dir(base.folder("cache")).expect("readable").count(), 0);
}

#[test]
fn an_interrupted_ffmpeg_is_ended() {
    let server = Server::start([]);
    let base = with_ffmpeg(compressed(&server), "echo $$ > pid\nexec sleep 60");
    let run = base.clone().arg("长.mp3").spawn();
    let pid = base.dir().join("pid");
    let start = std::time::Instant::now();
    while std::fs::read_to_string(&pid).map_or(true, |text| text.is_empty()) {
        assert!(start.elapsed().as_secs() < 10, "ffmpeg is not started");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run.signal("TERM");
    run.wait().code(143).stdout_empty();
    let pid = std::fs::read_to_string(pid).expect("readable");
    let alive = program("kill").args(["-0", pid.trim()]).run();
    assert_ne!(alive.code, Some(0));
    assert_eq!(std::fs::read_dir(base.folder("cache")).expect("readable").count(), 0);
}

#[test]
fn what_the_demo_spoke_survives_joining_and_cutting() {
    let text = "今天下雨，明天8.5度。internationalisation很长。Take an umbrella! The end is near.";
    let config = "[providers.demo]\nlimits = { speech_characters = 20, audio_seconds = 1 }\n";
    let demo = |job: &str| llm().config(config).args([job, "-p", "demo"]);
    let file = demo("speak").args([text, "-o", "a.wav"]).run().code(0).read("a.wav");
    let run = demo("transcribe").file("a.wav", file).args(["a.wav"]).run();
    run.code(0).stdout(&format!("{text}\n")).stderr_has("it is sent in ");
}
