//! `llm transcribe`: files that can't be used, standard input, several files, places to write to.

use std::time::Duration;

use serde_json::json;

use super::one_file::{SOUND, fields, place};
use crate::support::{Reply, Server, in_terminal, wav};

fn heard(text: &str) -> Reply {
    Reply::json(200, json!({"text": text}))
}

#[test]
fn what_is_no_sound_is_refused_before_anything_is_sent() {
    let server = Server::start([]);
    let base = place(&server, "")
        .file("empty.mp3", "")
        .file("notes.mp3", "只是文字\n")
        .file("a.pdf", "%PDF-1.7\n\x01")
        .file("a.zip", "PK\x03\x04\x01");
    std::fs::create_dir(base.dir().join("folder.mp3")).expect("a folder can be made");
    for (name, words) in [
        ("missing.mp3", "cannot read missing.mp3: no such file or directory"),
        ("folder.mp3", "cannot read folder.mp3: it is a directory"),
        ("empty.mp3", "empty.mp3 is empty"),
        ("notes.mp3", "notes.mp3 is not audio: it is text"),
        ("a.pdf", "a.pdf is not audio: it is a PDF document"),
        ("a.zip", "a.zip is not audio: it is a ZIP archive or an office document"),
    ] {
        base.clone().arg(name).run().code(2).stdout_empty().stderr(&format!("llm: {words}\n"));
    }
    base.clone().run().code(2).stdout_empty();
    base.clone().args(["-", "-"]).run().code(2).stderr_has("can be read only once");
    base.clone().arg("-").stdin("").run().code(2).stderr("llm: standard input is empty\n");
    base.arg("-")
        .stdin("text\n")
        .run()
        .code(2)
        .stderr_has("standard input is not audio: it is text");
}

#[test]
fn without_a_model_nothing_is_sent() {
    let server = Server::start([]);
    let far = "[providers.test]\nbase_url = \"http://llm.invalid/v1\"\n";
    let base = place(&server, "").config(far);
    base.arg("会议.mp3").run().code(2).stderr_has("no model is set for transcription at test");
}

#[test]
fn a_name_with_quotes_and_line_ends_is_one_part() {
    let server = Server::start([heard("好")]);
    let name = "会\"议\n;filename=x.mp3";
    place(&server, "").file(name, SOUND).arg(name).run().code(0).stdout("好\n");
    let (_, file) = fields(&server.request());
    assert_eq!(file.filename.as_deref(), Some("会%22议%0A;filename=x.mp3"));
    assert_eq!(file.bytes, SOUND);
}

#[test]
fn a_name_without_an_ending_gets_that_of_its_content() {
    let sound = wav(8000, &[]);
    let server = Server::start([heard("好"), heard("好")]);
    place(&server, "").file("录音", &sound).arg("录音").run().code(0);
    place(&server, "").arg("-").stdin(sound).run().code(0);
    let sent: Vec<_> = server.requests().iter().map(|request| fields(request).1).collect();
    assert_eq!(sent[0].filename.as_deref(), Some("录音.wav"));
    assert_eq!(sent[0].content_type.as_deref(), Some("audio/wav"));
    assert_eq!(sent[1].filename.as_deref(), Some("audio.wav"));
}

#[test]
fn standard_input_is_sent_with_a_length_and_can_be_sent_again() {
    let busy =
        Reply::json(503, json!({"error": {"message": "busy"}})).header("retry-after-ms", "1");
    let server = Server::start([busy, heard("好")]);
    let base = place(&server, "").arg("-").stdin(SOUND);
    let temporary = base.folder("cache");
    let run = base.env("TMPDIR", &temporary).run();
    run.code(0).stdout("好\n");
    for request in server.requests() {
        assert_eq!(request.header("content-length"), Some(&*request.body.len().to_string()));
        let (_, file) = fields(&request);
        assert_eq!((file.filename.as_deref(), &*file.bytes), (Some("audio.mp3"), SOUND));
    }
    assert_eq!(std::fs::read_dir(&temporary).expect("readable").count(), 0);
}

#[test]
fn an_interrupted_wait_for_standard_input_leaves_nothing() {
    let server = Server::start([]);
    let base = place(&server, "").args(["-", "-o", "a.txt"]).stdin_pipe_open();
    let (temporary, dir) = (base.folder("cache"), base.dir());
    let mut run = base.clone().env("TMPDIR", &temporary).spawn();
    run.write_stdin(SOUND);
    let spooled = || std::fs::read_dir(&temporary).expect("readable").count();
    let start = std::time::Instant::now();
    while spooled() == 0 && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(spooled(), 1);
    run.signal("INT");
    run.wait().code(130).stdout_empty();
    assert_eq!(spooled(), 0);
    assert_eq!(std::fs::read_dir(dir).expect("readable").count(), 1, "only the sound is left");
}

#[test]
fn an_interrupted_request_leaves_the_old_file() {
    let server = Server::silent();
    let base = place(&server, "").file("旧.txt", "old").args(["会议.mp3", "-o", "旧.txt"]);
    let run = base.spawn();
    server.wait_requests(1, Duration::from_secs(10));
    run.signal("INT");
    let run = run.wait();
    run.code(130).stdout_empty().stderr("");
    assert_eq!(run.read("旧.txt"), b"old");
    assert_eq!(std::fs::read_dir(run.dir()).expect("readable").count(), 2);
}

#[test]
fn a_silent_pipe_is_named() {
    let server = Server::start([heard("好")]);
    let mut run = place(&server, "").arg("-").stdin_pipe_open().spawn();
    run.read_stderr_until("waiting for audio from standard input", Duration::from_secs(10));
    run.write_stdin(SOUND);
    run.close_stdin();
    run.wait().code(0).stdout("好\n");
}

#[test]
fn a_terminal_is_no_sound() {
    let server = Server::start([]);
    let Some(shown) = in_terminal(&place(&server, "").arg("-")) else { return };
    assert!(shown.contains("standard input is a terminal"), "{shown}");
}

#[test]
fn several_files_stand_under_their_names() {
    let server = Server::start([heard("一"), heard("二"), heard("三")]);
    let base = place(&server, "").file("b\n.mp3", SOUND).stdin(SOUND);
    let run = base.args(["会议.mp3", "b\n.mp3", "-"]).run();
    run.code(0).stderr("");
    run.stdout("==> 会议.mp3 <==\n一\n\n==> b .mp3 <==\n二\n\n==> standard input <==\n三\n");
}

#[test]
fn several_json_documents_follow_each_other() {
    let server = Server::start([heard("一"), heard("二")]);
    let run = place(&server, "").args(["会议.mp3", "会议.mp3", "--json"]).run();
    run.code(0).stdout("{\"text\":\"一\"}\n{\"text\":\"二\"}\n");
}

#[test]
fn one_failure_does_not_stop_the_rest() {
    let refused = Reply::json(400, json!({"error": {"message": "bad sound"}}));
    let money = Reply::json(402, json!({"error": {"message": "no money"}}));
    let server = Server::start([heard("一"), refused, money, heard("四")]);
    let base = place(&server, "");
    let base =
        ["b.mp3", "c.mp3", "d.mp3"].into_iter().fold(base, |base, name| base.file(name, SOUND));
    let run = base.args(["会议.mp3", "b.mp3", "c.mp3", "d.mp3"]).run();
    run.code(4).stdout("==> 会议.mp3 <==\n一\n\n==> d.mp3 <==\n四\n");
    run.stderr_has("llm: b.mp3: test refused the request (400): bad sound");
    run.stderr_has("llm: c.mp3: test has no money or quota left for this key (402): no money");
    run.stderr_has("llm: 2 of 4 files were not transcribed\n");
}

#[test]
fn a_missing_file_does_not_stop_the_rest() {
    let server = Server::start([heard("一")]);
    let run = place(&server, "").args(["缺.mp3", "会议.mp3"]).run();
    run.code(2).stdout("==> 会议.mp3 <==\n一\n");
    run.stderr("llm: cannot read 缺.mp3: no such file or directory\nllm: 1 of 2 files were not transcribed\n");
    let server = Server::start([]);
    place(&server, "").args(["缺.mp3", "漏.mp3"]).run().code(2).stderr_has("2 of 2 files");
}

#[test]
fn a_folder_takes_a_file_for_each() {
    for output in ["out", "out/"] {
        let server = Server::start([heard("一"), heard("二")]);
        let base = place(&server, "").file("b.wav", SOUND);
        std::fs::create_dir(base.dir().join("out")).expect("a folder can be made");
        let run = base.args(["会议.mp3", "b.wav", "-o", output]).run();
        run.code(0).stdout_empty().stderr("");
        assert_eq!(run.read("out/会议.txt"), "一\n".as_bytes());
        assert_eq!(run.read("out/b.txt"), "二\n".as_bytes());
    }
    let vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\n好\n";
    let server = Server::start([Reply::text(200, vtt)]);
    let base = place(&server, "").stdin(SOUND);
    std::fs::create_dir(base.dir().join("out")).expect("a folder can be made");
    let run = base.args(["-", "-o", "out", "--format", "vtt"]).run();
    run.code(0).stdout_empty();
    assert_eq!(run.read("out/stdin.vtt"), vtt.as_bytes());
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_sent() {
    let server = Server::start([]);
    let base = place(&server, "").file("b.mp3", SOUND).file("会议.wav", SOUND);
    std::fs::create_dir(base.dir().join("out")).expect("a folder can be made");
    for (args, code, words) in [
        (&["会议.mp3", "-o", "no/a.txt"][..], 1, "cannot write no/a.txt"),
        (&["会议.mp3", "-o", "no/"], 1, "there is no such folder"),
        (&["会议.mp3", "b.mp3", "-o", "a.srt"], 2, "is one file for several transcripts"),
        (&["会议.mp3", "会议.wav", "-o", "out"], 2, "would both be out/会议.txt"),
        (&["会议.mp3", "-o", "会议.mp3"], 2, "would overwrite the recording"),
        (
            &["会议.mp3", "-o", "a.srt", "--format", "vtt"],
            2,
            "--format vtt and -o a.srt contradict each other",
        ),
        (&["会议.mp3", "-o", "a.txt", "--format", "json"], 2, "contradict each other"),
        (
            &["会议.mp3", "--json", "--format", "srt"],
            2,
            "--json and subtitles (srt) contradict each other",
        ),
        (&["会议.mp3", "--format", "lrc"], 2, "invalid value 'lrc'"),
        (&["会议.mp3", "--temperature", "hot"], 2, "that is not a number"),
    ] {
        base.clone().args(args).run().code(code).stdout_empty().stderr_has(words);
    }
    assert_eq!(std::fs::read(base.dir().join("会议.mp3")).expect("still there"), SOUND);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_a_device_is_written_into() {
    let server = Server::start([heard("好"), heard("好")]);
    place(&server, "")
        .args(["会议.mp3", "-o", "/dev/full"])
        .run()
        .code(1)
        .stderr_has("cannot write /dev/full");
    place(&server, "").args(["会议.mp3", "-o", "/dev/null"]).run().code(0).stdout_empty();
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_like_standard_input() {
    let server = Server::start([heard("好")]);
    let base = place(&server, "").arg("管.mp3");
    let pipe = base.dir().join("管.mp3");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let run = base.spawn();
    std::fs::write(&pipe, SOUND).expect("the pipe is read");
    run.wait().code(0).stdout("好\n");
    let (_, file) = fields(&server.request());
    assert_eq!((file.filename.as_deref(), &*file.bytes), (Some("管.mp3"), SOUND));
}

#[test]
fn a_refusal_while_the_file_is_sent_is_told() {
    let large = vec![0_u8; 8 << 20];
    let refused = Reply::json(401, json!({"error": {"message": "wrong key"}})).early();
    let server = Server::start([refused]);
    let run =
        place(&server, "").file("large.wav", &large).args(["large.wav", "--retries", "0"]).run();
    assert!(matches!(run.code, Some(3 | 6)), "{:?}", run.code);
    run.stdout_empty();
}

#[test]
fn control_sequences_of_a_transcript_are_harmless_on_a_terminal() {
    let server = Server::start([heard("好\u{1b}[31m")]);
    let Some(shown) = in_terminal(&place(&server, "").arg("会议.mp3")) else { return };
    assert!(shown.ends_with("好\\u{1b}[31m\r\n"), "{shown:?}");
}
