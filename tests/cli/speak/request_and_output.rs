//! `llm speak`: what is sent, where the sound goes, and in which format.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, Step, in_terminal, llm, names};

/// The beginning of an MP3 file, and enough behind it.
const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\x05 and the sound of a voice";

/// The profile `test` at the server, with a speech model and these lines more.
fn voice(server: &Server, lines: &str) -> Llm {
    let url = server.url();
    let text = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ speak = \"tts-1\" }}\n{lines}\n"
    );
    llm().config(&text).watch(server).arg("speak")
}

fn mp3() -> Reply {
    Reply::bytes(200, "audio/mpeg", MP3)
}

/// The body that goes out for these arguments.
fn body(lines: &str, args: &[&str]) -> Value {
    let server = Server::start([mp3()]);
    voice(&server, lines).args(args).arg("-q").run().code(0).stderr_empty();
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/audio/speech"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    request.json()
}

fn speech(more: Value) -> Value {
    let mut body = json!({"model": "tts-1", "input": "你好 世界", "voice": "alloy"});
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    body
}

#[test]
fn a_plain_text_sends_only_what_is_needed() {
    let server = Server::start([mp3()]);
    let run = voice(&server, "").args(["你好", "世界"]).run();
    run.code(0).stdout_bytes(MP3).stderr_empty();
    assert_eq!(server.request().text(), r#"{"model":"tts-1","input":"你好 世界","voice":"alloy"}"#);
}

#[test]
fn every_flag_has_its_field() {
    for (args, fields) in [
        (&["--voice", "nova"][..], json!({"voice": "nova"})),
        (&["--format", "opus"], json!({"response_format": "opus"})),
        (&["--format", "OGG"], json!({"response_format": "opus"})),
        (&["--speed", "1.5"], json!({"speed": 1.5})),
        (&["--instructions", "轻声"], json!({"instructions": "轻声"})),
        (&["-m", "另一个"], json!({"model": "另一个"})),
        (&["-O", "voice.id=v1"], json!({"voice": {"id": "v1"}})),
        (&["-o", "a.mp3"], json!({"response_format": "mp3"})),
        (&["-o", "a.OGG"], json!({"response_format": "opus"})),
        (&["-o", "音.pcm"], json!({"response_format": "pcm"})),
        (&["-o", "a", "--format", "flac"], json!({"response_format": "flac"})),
        (&["-o", "a.b", "-O", "response_format=ulaw"], json!({"response_format": "ulaw"})),
        (&["-o", "/dev/null"], json!({})),
    ] {
        let args = [&["你好", "世界"], args].concat();
        assert_eq!(body("", &args), speech(fields), "{args:?}");
    }
}

#[test]
fn the_profile_gives_defaults_and_the_user_wins() {
    let lines = "speak = { voice = \"tara\", response_format = \"wav\" }\n\
        rules = [{ jobs = [\"speak\"], rename = { voice = \"voice_id\" }, map = { response_format = { pcm = \"raw\" } } }]";
    let text = &["你好", "世界"][..];
    let plain = json!({"voice_id": "tara", "response_format": "wav"});
    let speech = |more: Value| {
        let mut body = speech(more);
        body.as_object_mut().expect("an object").remove("voice");
        body
    };
    assert_eq!(body(lines, text), speech(plain));
    let own = json!({"voice_id": "leo", "response_format": "raw"});
    assert_eq!(body(lines, &[text, &["--voice", "leo", "-o", "a.pcm"]].concat()), speech(own));
}

#[test]
fn the_text_comes_from_files_standard_input_and_words() {
    let server = Server::start([mp3()]);
    let run = voice(&server, "").file("一.txt", "文件。\n").stdin("管道。\n");
    run.args(["-f", "一.txt", "末尾"]).run().code(0).stdout_bytes(MP3);
    assert_eq!(server.request().json()["input"], json!("文件。\n\n管道。\n\n末尾"));
}

#[test]
fn a_file_appears_whole() {
    let server = Server::start([mp3()]);
    let run = voice(&server, "").file("你好.mp3", "old").args(["你好", "-o", "你好.mp3"]).run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(run.read("你好.mp3"), MP3);
    assert_eq!(run.names(), ["你好.mp3"]);
}

#[test]
fn a_pipe_gets_the_sound_as_it_arrives() {
    let reply = Reply::chunks("audio/mpeg", [MP3]).then([Step::UntilClosed]);
    let server = Server::start([reply]);
    let mut run = voice(&server, "").arg("你好").spawn();
    run.read_stdout_until("the sound of a voice", Duration::from_secs(10));
    run.signal("INT");
    run.wait().code(130).stdout_bytes(MP3).stderr_empty();
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    for (args, code, words) in [
        (
            &["a", "-o", "a.mp3", "--format", "wav"][..],
            2,
            "a.mp3 has the ending of mp3, but --format says wav",
        ),
        (&["a", "-o", "a.xyz"], 2, "the ending of a.xyz names no audio format"),
        (&["a", "-o", "laut"], 2, "the ending of laut names no audio format"),
        (&["a", "--format", "midi"], 2, "invalid value 'midi' for '--format <FMT>'"),
        (&["a", "--speed", "fast"], 2, "that is not a number"),
        (&["a", "-o", "no/a.mp3"], 1, "cannot write no/a.mp3: no such file or directory"),
        (&["a", "-o", "ordner.mp3/"], 1, "it is a directory"),
        (&["-f", "nichts.txt"], 2, "cannot read nichts.txt: no such file or directory"),
        (&["-f", "leer.txt"], 2, "there is no text to speak"),
        (&["-f", "."], 2, "cannot read .: is a directory"),
        (&["-f", "bild.png"], 2, "bild.png is not text: there is a zero byte at byte 4"),
        (&[" "], 2, "there is no text to speak"),
        (&["a", "--play", "--json"], 2, "--json prints a reply, which --play cannot play"),
        (&["a", "--play", "-o", "-"], 2, "--play needs a file, and -o names none"),
    ] {
        let server = Server::start([]);
        let run = voice(&server, "").file("leer.txt", "").file("bild.png", b"PNG\n\0").args(args);
        run.run().code(code).stdout_empty().stderr_has(words);
        assert_eq!(names(&run.dir()), ["bild.png", "leer.txt"], "{args:?}");
        assert!(server.requests().is_empty());
    }
}

#[test]
fn without_a_model_nothing_is_sent() {
    let run = llm()
        .config("[providers.test]\nbase_url = \"http://llm.invalid/v1\"\n")
        .args(["speak", "a"])
        .run();
    run.code(2)
        .stderr_has("no model is set for speech at test")
        .stderr_has("hint: name one with -m");
}

#[test]
fn a_terminal_gets_no_sound_unless_asked() {
    let server = Server::start([]);
    let Some(shown) = in_terminal(&voice(&server, "").args(["你好", "--no-stdin"])) else {
        return;
    };
    assert!(shown.contains("audio is not written to a terminal"), "{shown}");
    let server = Server::start([mp3()]);
    let asked = voice(&server, "").args(["你好", "--no-stdin", "-q", "-o", "-"]);
    let Some(shown) = in_terminal(&asked) else { return };
    assert!(shown.contains("the sound of a voice"), "{shown}");
}

#[test]
fn json_and_events_are_unwrapped() {
    let delta = r#"{"type":"speech.audio.delta","audio":"SUQzBAAAAAAA"}"#;
    let done = r#"{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101}}"#;
    for reply in
        [Reply::json(200, json!({"audio_data": "SUQzBAAAAAAA"})), Reply::sse(&[delta, done])]
    {
        let server = Server::start([reply]);
        let run = voice(&server, "").args(["你好", "-o", "a.mp3"]).run();
        run.code(0).stdout_empty().stderr_empty();
        assert_eq!(run.read("a.mp3"), b"ID3\x04\0\0\0\0\0");
    }
    let server = Server::start([Reply::sse(&[delta, done])]);
    let run = voice(&server, "").args(["你好", "-u"]).run();
    run.code(0).stderr_has("llm: usage: 2 characters, 9 bytes, 14 tokens in, 101 out, first audio");
}

#[test]
fn bare_sound_is_taken_where_events_were_asked_for() {
    let server = Server::start([mp3()]);
    voice(&server, "").args(["你好", "-O", "stream_format=sse"]).run().code(0).stdout_bytes(MP3);
    assert_eq!(server.request().json()["stream_format"], json!("sse"));
}

#[test]
fn json_is_printed_unchanged_on_request() {
    let body = "{ \"audio_data\": \"SUQz\" }\n";
    let server = Server::start([Reply::bytes(200, "application/json", body)]);
    voice(&server, "").args(["你好", "--json"]).run().code(0).stdout(body).stderr_empty();
    let server = Server::start([mp3()]);
    let run = voice(&server, "").args(["你好", "--json"]).run();
    run.code(4).stdout_empty().stderr_has("test answers with the audio itself, not with JSON");
}

#[test]
fn another_format_than_wanted_earns_a_warning() {
    let server = Server::start([Reply::bytes(200, "audio/wav", "RIFF\0\0\0\0WAVEfmt and more")]);
    let run = voice(&server, "").args(["你好", "-o", "a.mp3"]).run();
    run.code(0).stderr("llm: warning: the service sent wav, not mp3; it is written as it came\n");
    assert_eq!(run.read("a.mp3").len(), 24);
    let server = Server::start([Reply::bytes(200, "audio/mp4", "\0\0\0\x20ftypM4A ........")]);
    let run = voice(&server, "").args(["你好", "-o", "a.aac"]).run();
    run.code(0).stderr_has("does not look like aac");
}

#[test]
fn a_dry_run_shows_the_first_request() {
    let server = Server::start([]);
    let lines = "limits = { speech_characters = 4 }";
    let run =
        voice(&server, lines).args(["你好。", "世界。", "--dry-run", "--voice", "alloy"]).run();
    run.code(0)
        .stdout_has("/v1/audio/speech'")
        .stdout_has(r#"--data-raw '{"model":"tts-1","input":"你好。","voice":"alloy"}'"#)
        .stderr("llm: the text is sent in 2 parts; this is the first request\n");
}

#[test]
fn the_demo_speaks() {
    let demo = |args: &[&str]| llm().args(["speak", "-p", "demo", "你好"]).args(args).run();
    let wav = demo(&[]);
    assert!(wav.code(0).stderr_empty().stdout.starts_with(b"RIFF"));
    let pcm = demo(&["--format", "pcm"]);
    pcm.code(0).stdout_bytes(&wav.stdout[44..]);
    let file = demo(&["-o", "a.wav", "--voice", "alloy", "--speed", "1"]);
    file.code(0).stdout_empty();
    assert_eq!(file.read("a.wav"), wav.stdout);
    let run = demo(&["-o", "a.mp3"]);
    run.code(4).stderr_has("'response_format' is 'mp3', the demo supports wav, pcm");
    assert!(run.names().is_empty());
    demo(&["--dry-run"]).code(0).stdout_has("/v1/audio/speech");
}
