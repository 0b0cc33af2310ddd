//! `llm speak --play`: the programs of the system that play the sound.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::long_texts::{RATE, spoken, voice};
use crate::support::{Llm, Reply, Server, wav};

/// A folder for the search path, with this shell script as a program.
fn program(llm: &Llm, name: &str, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = llm.folder("home").join("bin");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("an own file");
    folder
}

/// Nothing is left in the folder for temporary files.
fn is_clean(folder: &Path) {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    assert_eq!(entries.count(), 0);
}

#[test]
fn the_first_player_that_can_gets_the_file() {
    let server = Server::start([spoken(&[1; 20])]);
    let place = voice(&server);
    let copy = "/bin/cp \"$2\" played; echo \"$@\" > words";
    let path = program(&place, "aplay", copy);
    let temporary = place.folder("cache");
    let run = place.env("PATH", &path).env("TMPDIR", &temporary).args(["今天。", "--play"]).run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("played"), wav(RATE, &[1; 20]));
    let words = String::from_utf8(run.read("words")).expect("text");
    assert!(words.starts_with("-q /") && words.ends_with(".wav\n"), "{words}");
    // This player takes no MP3, which services send unasked.
    assert_eq!(server.request().json()["response_format"], json!("wav"));
    is_clean(&temporary);
}

#[test]
fn bare_samples_get_a_head_for_the_player() {
    let server = Server::start([Reply::bytes(200, "audio/pcm", [3; 40])]);
    let place = voice(&server);
    let path = program(&place, "ffplay", "for last; do :; done; /bin/cp \"$last\" played");
    let run = place.env("PATH", &path).args(["今天。", "--play", "--format", "pcm"]).run();
    run.code(0).stderr_empty();
    assert_eq!(run.read("played"), wav(RATE, &[3; 40]));
}

#[test]
fn a_file_of_the_users_is_played_and_stays() {
    let server = Server::start([spoken(&[1; 20])]);
    let place = voice(&server);
    let path = program(&place, "mpv", "echo \"$@\" > words");
    let run = place.env("PATH", &path).args(["今天。", "--play", "-o", "a.wav"]).run();
    run.code(0).stdout_empty();
    assert_eq!(run.read("words"), b"--no-terminal -- a.wav\n");
    assert_eq!(run.read("a.wav").len(), 64);
}

#[test]
fn without_a_player_nothing_is_sent() {
    let server = Server::start([]);
    let place = voice(&server);
    let names = "none of ffplay, mpv, afplay, paplay, aplay";
    place
        .clone()
        .env("PATH", "/nowhere")
        .args(["今天。", "--play"])
        .run()
        .code(2)
        .stderr_has(names);
    let path = program(&place, "aplay", "exit 0");
    let run = place.env("PATH", &path).args(["今天。", "--play", "--format", "opus"]).run();
    run.code(2).stderr_has("aplay cannot play opus").stderr_has("hint: try --format wav");
}

#[test]
fn a_player_that_fails_is_quoted() {
    let server = Server::start([spoken(&[1; 20])]);
    let place = voice(&server);
    let path = program(&place, "aplay", "echo 'no sound card' >&2; exit 3");
    let temporary = place.folder("cache");
    let run = place.env("PATH", &path).env("TMPDIR", &temporary).args(["今天。", "--play"]).run();
    run.code(1).stdout_empty().stderr("llm: aplay cannot play it: no sound card\n");
    is_clean(&temporary);
}

#[test]
fn an_interruption_stops_the_player() {
    let server = Server::start([spoken(&[1; 20])]);
    let place = voice(&server);
    let path = program(&place, "aplay", "echo here > began; exec /bin/sleep 60");
    let temporary = place.folder("cache");
    let began = place.dir().join("began");
    let run = place.env("PATH", &path).env("TMPDIR", &temporary).args(["今天。", "--play"]).spawn();
    let until = Instant::now() + Duration::from_secs(20);
    while !began.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    run.signal("INT");
    let run = run.wait();
    run.code(130).stderr_empty();
    assert!(run.elapsed < Duration::from_secs(20));
    is_clean(&temporary);
}

/// A player that notes the samples of what it plays, one file a line.
const NOTES: &str = "for last; do :; done; /bin/cat \"$last\" >> played; echo x >> times";

#[test]
fn speech_begins_with_the_first_sentence_while_the_text_is_still_written() {
    let server = Server::start([spoken(&[1; 20]), spoken(&[2; 30]), spoken(&[3; 40])]);
    let place = voice(&server);
    let path = program(&place, "mpv", NOTES);
    let times = place.dir().join("times");
    let mut run = place.env("PATH", &path).args(["--play"]).stdin_pipe_open().spawn();
    run.write_stdin("今天下雨。明");
    let until = Instant::now() + Duration::from_secs(20);
    while !times.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(times.exists(), "the first sentence is played before the text has ended");
    assert_eq!(server.requests().len(), 1);
    run.write_stdin("天晴！\n后天呢");
    run.close_stdin();
    let run = run.wait();
    run.code(0).stdout_empty().stderr_empty();
    let whole = [wav(RATE, &[1; 20]), wav(RATE, &[2; 30]), wav(RATE, &[3; 40])].concat();
    assert_eq!(run.read("played"), whole);
    let inputs: Vec<_> =
        server.requests().iter().map(|request| request.json()["input"].clone()).collect();
    assert_eq!(inputs, [json!("今天下雨。"), json!("明天晴！"), json!("后天呢")]);
}

#[test]
fn what_is_not_for_ears_is_left_out() {
    let text = "# 今天\n**下雨**。🎉\n```\nls\n```\n";
    let server = Server::start([spoken(&[1; 20]), spoken(&[2; 30])]);
    let place = voice(&server);
    let path = program(&place, "mpv", NOTES);
    let run = place.env("PATH", &path).args(["--plain", "--play"]).stdin(text).run();
    run.code(0).stderr_empty();
    let inputs: Vec<_> =
        server.requests().iter().map(|request| request.json()["input"].clone()).collect();
    assert_eq!(inputs, [json!("今天"), json!("下雨。")]);
    let server = Server::start([spoken(&[1; 20])]);
    voice(&server).args(["--plain", "**明天** [这里](http://a.b)"]).run().code(0);
    assert_eq!(server.request().json()["input"], json!("明天 这里"));
    // Never by itself.
    let server = Server::start([spoken(&[1; 20])]);
    voice(&server).args(["**明天**"]).run().code(0);
    assert_eq!(server.request().json()["input"], json!("**明天**"));
    let server = Server::start([]);
    voice(&server)
        .args(["--plain", "```\nls\n```"])
        .run()
        .code(2)
        .stderr_has("there is no text to speak");
}

#[test]
fn a_sentence_that_fails_ends_the_speech() {
    let refused = Reply::json(400, json!({"error": {"message": "不念这个"}}));
    let server = Server::start([spoken(&[1; 20]), refused]);
    let place = voice(&server);
    let path = program(&place, "mpv", NOTES);
    let run = place.env("PATH", &path).args(["今天。明天。后天。", "--play"]).run();
    run.code(4).stderr_has("不念这个");
    assert_eq!(run.read("played"), wav(RATE, &[1; 20]));
    let place = voice(&server);
    let path = program(&place, "mpv", NOTES);
    place
        .env("PATH", &path)
        .args(["--play"])
        .stdin("")
        .run()
        .code(2)
        .stderr_has("there is no text");
}
