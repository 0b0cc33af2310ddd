//! `llm transcribe` with one file: what is sent, and what each kind of answer becomes.

use std::time::Duration;

use serde_json::json;

use crate::support::{Llm, Outcome, Part, Recorded, Reply, Server, Step, in_terminal, llm};

/// Bytes that are the beginning of an MP3 file, and no text.
pub(super) const SOUND: &[u8] = b"ID3\x04\0\0\0\0\0\0 \xff\xfb\x90 \r\n--boundary\r\n\0 sound";

/// A place with the sound `会议.mp3` and the profile `test` at the server, which has a model for the job.
pub(super) fn place(server: &Server, more: &str) -> Llm {
    let url = server.url();
    llm()
        .config(&format!(
            "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ transcribe = \"whisper-1\" }}\n{more}\n"
        ))
        .watch(server)
        .file("会议.mp3", SOUND)
        .arg("transcribe")
}

/// The form's text fields as `name=value`, and its last part.
pub(super) fn fields(request: &Recorded) -> (Vec<String>, Part) {
    let mut parts = request.parts();
    let file = parts.pop().expect("a part");
    let shown = |part: &Part| format!("{}={}", part.name, part.text());
    (parts.iter().map(shown).collect(), file)
}

/// Runs `llm transcribe 会议.mp3` with these arguments against one reply.
fn answered(reply: Reply, args: &[&str]) -> (Outcome, Recorded) {
    let server = Server::start([reply]);
    let run = place(&server, "").arg("会议.mp3").args(args).run();
    (run, server.request())
}

fn sent(args: &[&str]) -> Vec<String> {
    let (run, request) = answered(Reply::json(200, json!({"text": "", "segments": []})), args);
    run.code(0);
    fields(&request).0
}

#[test]
fn the_file_is_sent_with_its_length_and_type() {
    let (run, request) = answered(Reply::json(200, json!({"text": "你好，世界。"})), &[]);
    run.code(0).stdout("你好，世界。\n").stderr("");
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/audio/transcriptions"));
    assert_eq!(request.header("content-length"), Some(&*request.body.len().to_string()));
    assert_eq!(request.header("transfer-encoding"), None);
    let (fields, file) = fields(&request);
    assert_eq!(fields, ["model=whisper-1", "response_format=json"]);
    assert_eq!((file.name.as_str(), file.filename.as_deref()), ("file", Some("会议.mp3")));
    assert_eq!(file.content_type.as_deref(), Some("audio/mpeg"));
    assert_eq!(file.bytes, SOUND);
}

#[test]
fn every_flag_has_its_field() {
    let plain = ["model=whisper-1", "response_format=json"].map(str::to_owned);
    for (args, more) in [
        (&["--language", "zh"][..], &["language=zh"][..]),
        (&["--prompt", "李雷\n韩梅梅"], &["prompt=李雷\n韩梅梅"]),
        (&["--temperature", "0"], &["temperature=0"]),
        (&["-O", "stream=true"], &["stream=true"]),
        (&["-O", "include=[\"logprobs\"]"], &["include[]=logprobs"]),
        (&["-O", "chunking_strategy.type=server_vad"], &["chunking_strategy[type]=server_vad"]),
        (&["--format", "text"], &[]),
    ] {
        assert_eq!(
            sent(args),
            [&plain[..], &more.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()].concat(),
            "{args:?}"
        );
    }
    for (args, format) in [
        (&["--format", "json"][..], "json"),
        (&["--format", "srt"], "srt"),
        (&["--format", "vtt"], "vtt"),
        (&["--format", "verbose_json"], "verbose_json"),
        (&["--json"], "json"),
        (&["-o", "a.SRT"], "srt"),
        (&["-o", "a.vtt"], "vtt"),
        (&["-o", "a.json"], "json"),
        (&["-o", "a.json", "--format", "verbose_json"], "verbose_json"),
        (&["-o", "a.txt"], "json"),
        (&["-o", "a.b"], "json"),
    ] {
        assert_eq!(
            sent(args),
            ["model=whisper-1", &*format!("response_format={format}")],
            "{args:?}"
        );
    }
}

#[test]
fn a_translation_has_its_own_endpoint_and_model() {
    let server = Server::start([Reply::json(200, json!({"text": "Hello."}))]);
    let place = place(&server, "").config(&format!(
        "[providers.test]\nbase_url = \"{}\"\nmodels = {{ transcribe = \"a\", translate = \"b\" }}\n",
        server.url()
    ));
    place.args(["--translate", "会议.mp3"]).run().code(0).stdout("Hello.\n");
    let request = server.request();
    assert_eq!(request.path, "/v1/audio/translations");
    assert_eq!(fields(&request).0, ["model=b", "response_format=json"]);
}

#[test]
fn a_profiles_fields_and_rules_hold() {
    let lines = "transcribe = { language = \"zh\", response_format = \"text\" }\n\
                 rules = [{ jobs = [\"transcribe\"], drop = [\"prompt\"], why = \"it refuses it\" }]";
    let server = Server::start([Reply::text(200, " 你好\n\n")]);
    let run = place(&server, lines).args(["会议.mp3", "--prompt", "x"]).run();
    run.code(0).stdout("你好\n").stderr_has("llm: warning: `prompt` is left out");
    let sent = fields(&server.request()).0;
    assert_eq!(sent, ["model=whisper-1", "response_format=text", "language=zh"]);
}

#[test]
fn what_comes_decides_what_text_is() {
    for (reply, text) in [
        (
            Reply::json(
                200,
                json!({"text": " 你好。 ", "usage": {"type": "duration", "seconds": 3}}),
            ),
            "你好。\n",
        ),
        (Reply::text(200, "\n 你好。\n"), "你好。\n"),
        (Reply::html(200, " 你好。"), "你好。\n"),
        (Reply::bytes(200, "text/plain", r#"{"text":"你好。"}"#), "你好。\n"),
        (Reply::json(200, json!({"type": "transcript.text.done", "text": "好\n好"})), "好\n好\n"),
    ] {
        answered(reply, &[]).0.code(0).stdout(text).stderr("");
    }
}

#[test]
fn other_formats_are_written_byte_for_byte() {
    let srt = "\u{feff}1\r\n00:00:00,000 --> 00:00:01,000\r\n 你好 \r\n\r\n\r\n";
    let vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\n<b>你好";
    let json = "{ \"text\":\"你好\",\n\t\"segments\" : [ ] , \"x\":1.0 }\n\n";
    for (format, content_type, body) in [
        ("srt", "text/plain", srt),
        ("srt", "application/x-subrip", "\n"),
        ("vtt", "text/vtt; charset=utf-8", vtt),
        ("json", "application/json", json),
        ("json", "text/plain", json),
    ] {
        let reply = || Reply::bytes(200, content_type, body);
        let silence = "llm: warning: no speech was found in 会议.mp3\n";
        let said = if body == "\n" { silence } else { "" };
        answered(reply(), &["--format", format]).0.code(0).stdout(body).stderr(said);
        let (run, _) = answered(reply(), &["--format", format, "-o", "出"]);
        run.code(0).stdout_empty();
        assert_eq!(run.read("出"), body.as_bytes());
    }
    let (run, _) = answered(Reply::bytes(200, "application/json", json), &["--json"]);
    run.code(0).stdout(json);
    let broken = [b"1\n00:00:00,000 --> 00:00:01,000\n".as_slice(), b"\xc4\xe3\xba\xc3\n"].concat();
    let (run, _) = answered(Reply::bytes(200, "text/plain", broken.clone()), &["--format", "srt"]);
    run.code(0).stdout_bytes(&broken);
    // With `--json` the reply is printed whatever it holds.
    let (run, _) = answered(Reply::json(200, json!({"task_id": "1"})), &["--json"]);
    run.code(0).stdout("{\"task_id\":\"1\"}");
    let stream = "data: {\"type\":\"transcript.text.done\",\"text\":\"好\"}\n\n";
    let (run, _) = answered(Reply::bytes(200, "text/event-stream", stream), &["--json"]);
    run.code(0).stdout(stream);
}

#[test]
fn plain_text_is_put_into_json_where_json_was_asked() {
    let (run, _) = answered(Reply::text(200, "你\"好\n"), &["--format", "json"]);
    run.code(0).stdout("{\"text\":\"你\\\"好\"}\n");
    let (run, _) = answered(Reply::text(200, "你好"), &["--json"]);
    run.code(4).stdout_empty().stderr_has("llm: the reply from test is not JSON");
}

#[test]
fn subtitles_are_made_of_segments() {
    let segments = json!({"text": "你好 再见", "segments": [
        {"id": 0, "start": 0.0, "end": 1.25, "text": " 你好"},
        {"id": 1, "start": 1.25, "end": 3661.5, "text": "再见 "},
    ]});
    let (run, _) = answered(Reply::json(200, segments.clone()), &["--format", "srt"]);
    let srt = "1\n00:00:00,000 --> 00:00:01,250\n你好\n\n2\n00:00:01,250 --> 01:01:01,500\n再见\n";
    run.code(0).stdout(srt);
    let (run, _) = answered(Reply::json(200, segments), &["-o", "出.vtt"]);
    run.code(0).stdout_empty();
    let vtt =
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\n你好\n\n00:00:01.250 --> 01:01:01.500\n再见\n";
    assert_eq!(run.read("出.vtt"), vtt.as_bytes());
}

#[test]
fn without_times_there_are_no_subtitles() {
    for reply in [Reply::json(200, json!({"text": "你好"})), Reply::text(200, "你好")] {
        let (run, _) = answered(reply, &["-o", "a.srt"]);
        run.code(4).stdout_empty().stderr_has("so no srt can be made of it").stderr_has("hint: ");
        assert!(!run.dir().join("a.srt").exists());
    }
}

#[test]
fn a_refused_format_is_asked_for_in_another_way_once() {
    let refusal = |status, words: &str| {
        Reply::json(status, json!({"error": {"message": words, "type": "invalid_request_error"}}))
    };
    let segments = json!({"text": "好", "segments": [{"start": 0, "end": 1, "text": "好"}]});
    for (status, words) in [
        (400, "Only 'json', 'text', and 'verbose_json' formats supported"),
        (422, "Input should be 'json' or 'verbose_json': response_format"),
        (500, "invalid response_format"),
    ] {
        let server = Server::start([refusal(status, words), Reply::json(200, segments.clone())]);
        let run = place(&server, "").args(["会议.mp3", "--format", "srt"]).run();
        run.code(0).stdout("1\n00:00:00,000 --> 00:00:01,000\n好\n").stderr("");
        let formats: Vec<Vec<String>> = server.requests().iter().map(|r| fields(r).0).collect();
        assert_eq!(formats[0][1], "response_format=srt");
        assert_eq!(formats[1][1], "response_format=verbose_json");
    }
    let words = "response_format 'verbose_json' is not compatible with this model";
    let server = Server::start([refusal(400, words), refusal(400, words)]);
    let run = place(&server, "").args(["会议.mp3", "--format", "vtt"]).run();
    run.code(4).stdout_empty().stderr_has(words).stderr_has("hint: this model may give no times");
    let server = Server::start([refusal(400, "Invalid file format. Supported formats: ['flac']")]);
    place(&server, "").args(["会议.mp3", "--format", "srt"]).run().code(4);
}

#[test]
fn a_service_without_formats_is_asked_for_times_by_their_other_name() {
    let lines = "rules = [{ jobs = [\"transcribe\"], rename = { \"timestamp_granularities[]\" = \"timestamp_granularities\" }, drop = [\"response_format\"] }]";
    let segments = json!({"text": "好", "segments": [{"start": 0, "end": 1, "text": "好"}]});
    let server = Server::start([Reply::json(200, segments)]);
    let run = place(&server, lines).args(["会议.mp3", "--format", "srt"]).run();
    run.code(0).stdout("1\n00:00:00,000 --> 00:00:01,000\n好\n").stderr("");
    assert_eq!(fields(&server.request()).0, ["model=whisper-1", "timestamp_granularities=segment"]);
    let server = Server::start([Reply::json(200, json!({"text": "好"}))]);
    place(&server, lines)
        .args(["会议.mp3", "--format", "text"])
        .run()
        .code(0)
        .stdout("好\n")
        .stderr("");
    assert_eq!(fields(&server.request()).0, ["model=whisper-1"]);
}

#[test]
fn a_stream_is_shown_live_in_every_dialect() {
    let delta = |text: &str| json!({"type": "transcript.text.delta", "delta": text}).to_string();
    let chunk = |text: &str| {
        json!({"object": "transcription.chunk", "choices": [{"delta": {"content": text}}]})
            .to_string()
    };
    let mistral =
        |text: &str| json!({"type": "transcription.text.delta", "text": text}).to_string();
    let done = |text: &str| json!({"type": "transcript.text.done", "text": text}).to_string();
    for events in [
        vec![delta(" 你"), delta("好"), done("你好"), "[DONE]".into()],
        vec![delta(" 你"), delta("好\n"), done("")],
        vec![done("你好")],
        vec![
            chunk(" 你"),
            chunk("好"),
            json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}).to_string(),
            "[DONE]".into(),
        ],
        vec![
            mistral("你"),
            mistral("好"),
            json!({"type": "transcription.done", "text": "你好"}).to_string(),
        ],
        vec![" 你".into(), "好".into()],
    ] {
        answered(Reply::sse(&events), &["-O", "stream=true"]).0.code(0).stdout("你好\n").stderr("");
        let (run, _) = answered(Reply::sse(&events), &["--format", "json"]);
        let value: serde_json::Value = serde_json::from_slice(&run.code(0).stdout).expect("JSON");
        assert_eq!(value["text"].as_str().map(str::trim), Some("你好"));
    }
    let wait = Reply::sse(&[delta("你")]).then([Step::Wait(Duration::from_secs(3)), Step::Close]);
    let server = Server::start([wait]);
    let mut run = place(&server, "").arg("会议.mp3").spawn();
    run.read_stdout_until("你", Duration::from_secs(2));
}

#[test]
fn a_stream_that_breaks_off_or_fails_is_told() {
    let delta = json!({"type": "transcript.text.delta", "delta": "你好"}).to_string();
    let broken = || Reply::sse(std::slice::from_ref(&delta));
    answered(broken(), &[]).0.code(6).stdout("你好\n").stderr_has("ended early");
    let (run, _) = answered(broken(), &["-o", "a.txt"]);
    run.code(6).stdout_empty();
    assert!(!run.dir().join("a.txt").exists());
    let error = json!({"type": "error", "error": {"message": "后端坏了"}}).to_string();
    let failed = Reply::sse(&[delta.clone(), error, "[DONE]".into()]);
    answered(failed, &[]).0.code(6).stdout("你好\n").stderr_has("后端坏了");
}

#[test]
fn silence_is_no_failure() {
    for text in ["", " \n"] {
        let (run, _) = answered(Reply::json(200, json!({"text": text})), &[]);
        run.code(0).stdout_empty().stderr("llm: warning: no speech was found in 会议.mp3\n");
    }
    let (run, _) = answered(Reply::json(200, json!({"text": ""})), &["-o", "a.txt"]);
    assert_eq!(run.code(0).read("a.txt"), b"");
    let server = Server::start(["", "好"].map(|text| Reply::json(200, json!({"text": text}))));
    let run = place(&server, "").args(["会议.mp3", "会议.mp3", "-q"]).run();
    run.code(0).stdout("==> 会议.mp3 <==\n\n==> 会议.mp3 <==\n好\n");
    let silent = || Reply::json(200, json!({"text": "", "segments": []}));
    for (reply, format, stdout) in
        [(silent(), "vtt", "WEBVTT\n"), (silent(), "srt", ""), (Reply::text(200, ""), "srt", "")]
    {
        let (run, _) = answered(reply, &["--format", format]);
        run.code(0).stdout(stdout).stderr("llm: warning: no speech was found in 会议.mp3\n");
    }
}

#[test]
fn replies_that_are_no_transcript_exit_4() {
    for (reply, words) in [
        (Reply::bytes(200, "application/json", ""), "the reply from test is empty"),
        (Reply::html(200, "<!DOCTYPE html><title>登录</title>"), "登录"),
        (Reply::json(200, json!({"task_id": "1"})), "is not a transcript"),
        (
            Reply::json(404, json!({"error": {"message": "The model `whisper-1` does not exist"}})),
            "does not exist",
        ),
    ] {
        let (run, _) = answered(reply, &["-o", "a.txt"]);
        run.code(4).stdout_empty().stderr_has(words).stderr_has("llm: ");
        assert!(!run.dir().join("a.txt").exists());
    }
    let (run, _) = answered(
        Reply::json(200, json!({"error": {"message": "坏了", "code": 429}}))
            .header("x-should-retry", "false"),
        &["--retries", "0"],
    );
    run.code(5).stdout_empty().stderr_has("坏了");
}

#[test]
fn a_failed_try_is_made_again_with_the_whole_file() {
    let busy =
        Reply::json(503, json!({"error": {"message": "busy"}})).header("retry-after-ms", "1");
    let short = Reply::bytes(200, "application/json", "{\"text\":").content_length(100);
    let server = Server::start([busy, short, Reply::json(200, json!({"text": "好"}))]);
    place(&server, "").arg("会议.mp3").run().code(0).stdout("好\n").stderr_has("trying again");
    for request in server.requests() {
        assert!(request.whole);
        assert_eq!(fields(&request).1.bytes, SOUND);
    }
}

#[test]
fn a_short_reply_leaves_the_old_file() {
    let server = Server::start([Reply::text(200, "WEBVTT\n").content_length(100).repeat()]);
    let run = place(&server, "")
        .args(["会议.mp3", "-o", "旧.vtt", "--retries", "0"])
        .file("旧.vtt", "old")
        .run();
    run.code(6).stdout_empty();
    assert_eq!(run.read("旧.vtt"), b"old");
    let names: Vec<_> = std::fs::read_dir(run.dir()).expect("readable").collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn usage_is_told_on_standard_error() {
    for (usage, words) in [
        (json!({"type": "duration", "seconds": 3}), "llm: usage: 3 s of sound, "),
        (
            json!({"type": "tokens", "input_tokens": 14, "output_tokens": 4}),
            "llm: usage: 14 tokens in, 4 out, ",
        ),
        (json!(null), "llm: usage: no counts given, "),
    ] {
        let (run, _) = answered(Reply::json(200, json!({"text": "好", "usage": usage})), &["-u"]);
        run.code(0).stdout("好\n").stderr_has(words).stderr_has(" s in all\n");
    }
}

#[test]
fn a_dry_run_shows_the_form_and_sends_nothing() {
    let server = Server::start([]);
    let run = place(&server, "limits = { upload_bytes = 10 }")
        .args(["会议.mp3", "-", "--dry-run", "--language", "zh"])
        .run();
    let url = server.url();
    let words = "会议.mp3 is above the limit of 10 bytes: it would be sent in parts";
    run.code(0).stderr(&format!("llm: warning: {words}\n"));
    let command = |file: &str| {
        format!(
            "curl -sN '{url}/audio/transcriptions' \\\n  --form-string 'model=whisper-1' \\\n  \
             --form-string 'response_format=json' \\\n  --form-string 'language=zh' \\\n  -F 'file=@{file}'\n"
        )
    };
    let first = command("\"会议.mp3\";filename=\"会议.mp3\";type=audio/mpeg");
    let second = command("\"-\";filename=\"audio\";type=application/octet-stream");
    run.stdout(&format!("{first}{second}"));
    // What comes through a pipe has its kind, as in the request itself.
    let run = place(&server, "").args(["-", "--dry-run"]).stdin(b"ID3\x04\0\0\0\0\0\x05").run();
    run.code(0).stdout_has("-F 'file=@\"-\";filename=\"audio.mp3\";type=audio/mpeg'");
    let run = place(&server, "").args(["-", "--dry-run"]).stdin("text").run();
    run.code(2).stdout_empty().stderr_has("standard input is not audio");
}

#[test]
fn the_demo_hears_what_it_says() {
    let run = llm().file("a.mp3", SOUND).args(["transcribe", "-p", "demo", "a.mp3"]).run();
    run.code(0).stdout_has("This is the demo inside llm").stderr("");
    let run =
        llm().file("a.mp3", SOUND).args(["transcribe", "-p", "demo", "a.mp3", "-o", "a.srt"]).run();
    run.code(0).stdout_empty();
    assert!(run.read("a.srt").starts_with(b"1\n00:00:00,000 --> "));
    let stream = ["transcribe", "-p", "demo", "a.mp3", "-O", "stream=true", "--language", "zh"];
    llm().file("a.mp3", SOUND).args(stream).run().code(0).stdout_has("演示服务");
}

#[test]
fn a_bar_of_progress_with_a_chinese_name_fits_its_line() {
    use unicode_width::UnicodeWidthStr as _;
    let heard = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"text\":\"好\"}";
    let steps = vec![Step::Wait(Duration::from_millis(500)), Step::Write(heard.into())];
    let server = Server::start(vec![Reply::raw(steps)]);
    let llm = llm().profile(&server).file("会议录音.mp3", b"\xff\xfb\x90\x64sound");
    let llm = llm.args(["transcribe", "-m", "m", "会议录音.mp3"]);
    let Some(shown) = in_terminal(&llm) else { return };
    // Control sequences (ECMA-48, section 5.4) take no room.
    let pieces = shown.split("\u{1b}[").enumerate().map(|(number, piece)| match number {
        0 => piece,
        _ => piece
            .trim_start_matches(|c: char| c.is_ascii_digit() || ";?".contains(c))
            .get(1..)
            .unwrap_or(""),
    });
    let text: String = pieces.collect();
    let bars: Vec<&str> = text.split(['\r', '\n']).filter(|line| line.contains('░')).collect();
    assert!(!bars.is_empty() && bars.iter().all(|bar| bar.width() <= 80), "{bars:?}");
}
