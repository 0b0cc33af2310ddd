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
