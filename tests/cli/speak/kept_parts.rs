//! `llm speak` with a text in several parts, of which some failed: what came is kept beside the file,
//! and the same command goes on.

use serde_json::json;

use super::long_texts::{RATE, spoken, voice};
use crate::support::{Llm, Reply, Server, wav};

const TEXT: &str = "今天下雨。明天晴！后天呢？";

fn refused() -> Reply {
    Reply::json(400, json!({"error": {"message": "不念这个"}}))
}

fn inputs(server: &Server) -> Vec<String> {
    let text =
        |request: &crate::support::Recorded| request.json()["input"].as_str().map(str::to_owned);
    server.requests().iter().filter_map(text).collect()
}

/// The run of the command for the whole text at this server, in the place of another run.
fn again(place: &Llm, server: &Server, args: &[&str]) -> Llm {
    let url = server.url();
    let text = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\n\
         limits = {{ speech_characters = 6 }}\n"
    );
    place.clone().config(&text).watch(server).args(["-o", "a.wav", TEXT]).args(args)
}

#[test]
fn parts_that_came_are_not_asked_for_again() {
    let text = "今天下雨。明天晴！";
    let server = Server::start([spoken(&[1; 20]), refused(), spoken(&[2; 30])]);
    let place = voice(&server).file("a.wav", "old").args(["-o", "a.wav", text]);
    let run = place.clone().run();
    run.code(4)
        .stdout_empty()
        .stderr_has("不念这个 (part 2 of 2 of the text)")
        .stderr_has("1 part is kept: the same command goes on (--fresh begins anew)");
    assert_eq!(run.read("a.wav"), b"old");
    assert!(run.dir().join(".a.wav.llm-parts").is_dir());
    let run = place.run();
    run.code(0).stderr("llm: 1 of 2 parts are there from an earlier run\n");
    assert_eq!(run.read("a.wav"), wav(RATE, &[&[1; 20][..], &[2; 30]].concat()));
    assert!(!run.dir().join(".a.wav.llm-parts").exists());
    assert_eq!(inputs(&server), ["今天下雨。", "明天晴！", "明天晴！"]);
}

#[test]
fn what_was_asked_for_ahead_is_kept_too() {
    let server =
        Server::start([spoken(&[1; 20]), refused().behind(3), spoken(&[2; 20]), spoken(&[2; 20])]);
    let place = voice(&server);
    again(&place, &server, &[]).run().code(4).stderr_has("2 parts are kept");
    let run = again(&place, &server, &[]).run();
    run.code(0).stderr("llm: 2 of 3 parts are there from an earlier run\n");
    assert_eq!(run.read("a.wav"), wav(RATE, &[&[1; 20][..], &[2; 40]].concat()));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn another_voice_or_fresh_asks_for_all() {
    for more in [&["--voice", "nova"][..], &["--fresh"]] {
        let server = Server::start([
            spoken(&[1; 20]),
            refused().behind(3),
            refused(),
            spoken(&[4; 20]),
            spoken(&[5; 20]),
            spoken(&[5; 20]),
        ]);
        let place = voice(&server);
        again(&place, &server, &[]).run().code(4);
        let run = again(&place, &server, more).run();
        run.code(0).stderr_empty();
        assert_eq!(run.names(), ["a.wav"]);
        assert_eq!(server.requests().len(), 6);
    }
}

#[test]
fn nothing_is_kept_where_no_part_came_or_there_is_no_file() {
    let server = Server::start([refused()]);
    let run = again(&voice(&server), &server, &[]).run();
    run.code(4);
    assert!(run.names().is_empty());
    let server = Server::start([spoken(&[1; 20]), refused().behind(3), refused()]);
    let run = voice(&server).args([TEXT]).run();
    run.code(4);
    assert!(run.names().is_empty());
}

#[test]
fn a_limit_that_counts_bytes_is_kept_to_once_it_is_told() {
    let words =
        "input is too long (over 15 characters) (request id: 2026112818540225190450968921164)";
    let error =
        json!({"error": {"message": words, "code": "text_too_long", "type": "one_api_error"}});
    // 16 is the least that counts as a limit.
    let error = error.to_string().replace("15", "16");
    let server = Server::start([
        Reply::bytes(400, "application/json", error),
        spoken(&[1; 20]),
        spoken(&[2; 20]),
    ]);
    let url = server.url();
    let config =
        format!("[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\n");
    let run = crate::support::llm()
        .config(&config)
        .watch(&server)
        .args(["speak", "今天下雨。明天晴！", "-o", "a.wav"])
        .run();
    run.code(0).stderr(
        "llm: warning: test takes at most 16 bytes at once, so the text is sent in smaller parts; \
         with `limits = { speech_characters = 5 }` in the profile it is from the start\n",
    );
    assert_eq!(inputs(&server)[1..], ["今天下雨。", "明天晴！"]);
    assert_eq!(run.read("a.wav"), wav(RATE, &[[1; 20], [2; 20]].concat()));
}
