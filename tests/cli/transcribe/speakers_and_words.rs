//! `llm transcribe`: who speaks, the times of words, how much a subtitle shows, and subtitles that come
//! in another way than they were asked for.

use serde_json::json;

use super::one_file::{fields, place};
use crate::image::service_formats::{base, service};
use crate::support::{Outcome, Reply, Server};

/// Runs `llm transcribe 会议.mp3` at this service with these arguments against one reply; gives the
/// fields of the form too.
fn at(name: &str, args: &[&str], reply: Reply) -> (Outcome, Vec<String>) {
    let server = Server::start([reply]);
    let llm = service(name, base(name), &server).file("会议.mp3", super::one_file::SOUND);
    let run = llm.args(["transcribe", "会议.mp3"]).args(args).run();
    run.code(0);
    (run, fields(&server.request()).0)
}

/// Runs it at a service that nobody knows.
fn answered(args: &[&str], reply: Reply) -> Outcome {
    let server = Server::start([reply]);
    place(&server, "").arg("会议.mp3").args(args).run()
}

fn diarized() -> Reply {
    Reply::json(
        200,
        json!({"task": "transcribe", "duration": 4.0, "text": "Hi. You. Bye.", "segments": [
            {"type": "transcript.text.segment", "id": "0", "start": 0, "end": 1, "text": "Hi.", "speaker": "A"},
            {"type": "transcript.text.segment", "id": "1", "start": 1, "end": 2, "text": " You.", "speaker": "A"},
            {"type": "transcript.text.segment", "id": "2", "start": 2, "end": 4, "text": "Bye.", "speaker": "B"},
        ]}),
    )
}

#[test]
fn who_speaks_is_asked_for_and_shown() {
    let (run, form) = at("openai", &["--speakers"], diarized());
    run.stdout("A: Hi. You.\nB: Bye.\n");
    assert_eq!(
        form,
        [
            "model=gpt-4o-transcribe-diarize",
            "response_format=diarized_json",
            "chunking_strategy=auto"
        ]
    );
    let (run, _) = at("openai", &["--speakers", "--format", "srt", "-q"], diarized());
    run.stdout(
        "1\n00:00:00,000 --> 00:00:01,000\nA: Hi.\n\n2\n00:00:01,000 --> 00:00:02,000\nA: You.\n\n\
         3\n00:00:02,000 --> 00:00:04,000\nB: Bye.\n",
    );
    let (run, _) = at("openai", &["--speakers", "--format", "vtt", "-q"], diarized());
    run.stdout_has("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v A>Hi.\n");
    let (run, _) = at("openai", &["--speakers", "--json", "-q"], diarized());
    run.stdout_has(r#""speaker":"B""#);
}

#[test]
fn each_service_is_asked_in_its_own_way() {
    let reply = json!({"text": "Hello.", "segments": [
        {"text": "Hello.", "start": 0.1, "end": 0.9, "speaker_id": "speaker_1"}]});
    let (run, form) = at("mistral", &["--speakers", "-q"], Reply::json(200, reply));
    run.stdout("speaker_1: Hello.\n");
    assert!(form.contains(&"diarize=true".to_owned()), "{form:?}");
    assert!(form.contains(&"timestamp_granularities=segment".to_owned()), "{form:?}");
    let reply = json!({"text": "Hi. Bye.", "duration": 2.0, "words": [
        {"text": "Hi.", "start": 0.0, "end": 0.5, "speaker": 0},
        {"text": "Bye.", "start": 0.6, "end": 1.0, "speaker": 1}]});
    let (run, form) = at("xai", &["--speakers", "-q"], Reply::json(200, reply));
    run.stdout("Speaker 0: Hi.\nSpeaker 1: Bye.\n");
    assert_eq!(form, ["diarize=true"]);
    // A proxy whose model says what it does.
    let server = Server::start([diarized()]);
    let run = place(&server, "").args([
        "会议.mp3",
        "--speakers",
        "-m",
        "azure/gpt-4o-transcribe-diarize",
    ]);
    run.run().code(0).stdout("A: Hi. You.\nB: Bye.\n");
    let (form, _) = fields(&server.request());
    assert!(form.contains(&"response_format=diarized_json".to_owned()), "{form:?}");
}

#[test]
fn a_service_that_cannot_say_who_speaks_is_not_asked() {
    let server = Server::start([]);
    let run = place(&server, "").args(["会议.mp3", "--speakers"]).run();
    run.code(2)
        .stdout_empty()
        .stderr_has("test is not known to say who speaks")
        .stderr_has("openai")
        .stderr_has("mistral");
    assert!(server.requests().is_empty());
    // One that was asked and does not say it.
    let server = Server::start([Reply::json(200, json!({"text": "好"}))]);
    let run =
        place(&server, "speakers = { diarize = true }").args(["会议.mp3", "--speakers"]).run();
    run.code(0).stdout("好\n").stderr_has("warning: test did not say who speaks in 会议.mp3");
}

#[test]
fn words_make_subtitles_of_short_lines() {
    let words: Vec<_> = (0..30)
        .map(|at| json!({"word": "wordword", "start": f64::from(at) * 0.3, "end": f64::from(at) * 0.3 + 0.3}))
        .collect();
    let reply = || Reply::json(200, json!({"text": "t", "duration": 9.0, "words": words}));
    let server = Server::start([reply()]);
    let run = place(&server, "").args(["会议.mp3", "--words", "--format", "srt"]).run();
    run.code(0).stderr_empty();
    let (form, _) = fields(&server.request());
    assert_eq!(
        form,
        ["model=whisper-1", "timestamp_granularities[]=word", "response_format=verbose_json"]
    );
    let text = String::from_utf8(run.stdout.clone()).expect("text");
    assert!(text.lines().all(|line| line.len() <= 42), "{text}");
    assert!(text.split("\n\n").all(|cue| cue.lines().count() <= 4), "{text}");
    assert_eq!(text.matches("wordword").count(), 30);
    let run =
        answered(&["--words", "--format", "vtt", "--max-line", "20", "--max-lines", "1"], reply());
    let text = String::from_utf8(run.code(0).stdout.clone()).expect("text");
    assert!(
        text.lines().filter(|line| line.contains("word")).all(|line| line.len() <= 20),
        "{text}"
    );
    assert_eq!(text.matches("wordword").count(), 30);
    let run = answered(&["--words", "--format", "json"], reply());
    run.code(0).stdout_has(r#""word":"wordword""#);
    for (arg, words) in [
        (&["--words"][..], "--words has no place in plain text"),
        (&["--max-line", "9"], "--max-line is for subtitles"),
    ] {
        let server = Server::start([]);
        place(&server, "").arg("会议.mp3").args(arg).run().code(2).stderr_has(words);
    }
}

#[test]
fn lines_of_subtitles_are_as_long_as_the_user_says() {
    let srt = "1\n00:00:00,000 --> 00:00:04,000\nthe quick brown fox jumps\n\n";
    let run = answered(
        &["--format", "srt", "--max-line", "15", "--max-lines", "1"],
        Reply::text(200, srt),
    );
    run.code(0).stdout(
        "1\n00:00:00,000 --> 00:00:02,500\nthe quick brown\n\n2\n00:00:02,500 --> 00:00:04,000\nfox jumps\n",
    );
}

#[test]
fn subtitles_come_right_however_they_are_wrapped() {
    let srt = "1\n00:00:00,000 --> 00:00:01,000\n好 & <i>好</i>\n";
    let vtt = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n好 &amp; 好\n";
    for (reply, format, expected) in [
        (Reply::json(200, json!({"text": srt})), "srt", srt),
        (Reply::json(200, json!(srt)), "srt", srt),
        (Reply::json(200, json!({"text": format!("\u{feff}{srt}")})), "srt", srt),
        (Reply::text(200, &format!("\u{feff}{srt}")), "vtt", vtt),
        (Reply::text(200, &format!("\u{feff}{}", json!({"text": srt}))), "srt", srt),
        (Reply::text(200, srt), "vtt", vtt),
        (Reply::json(200, json!({"text": srt})), "vtt", vtt),
        (Reply::json(200, json!(format!("\u{feff}{vtt}"))), "vtt", vtt),
        (Reply::text(200, vtt), "srt", "1\n00:00:00,000 --> 00:00:01,000\n好 & 好\n"),
        (Reply::text(200, &vtt[8..]), "vtt", vtt),
    ] {
        answered(&["--format", format], reply).code(0).stdout(expected).stderr_empty();
    }
    let open = json!({"text": "a b", "duration": 9.5, "segments": [
        {"start": 0, "end": null, "text": "a"}, {"start": 2, "text": "b"}]});
    answered(&["--format", "srt"], Reply::json(200, open))
        .code(0)
        .stdout("1\n00:00:00,000 --> 00:00:02,000\na\n\n2\n00:00:02,000 --> 00:00:09,500\nb\n");
}

#[test]
fn a_byte_order_mark_is_no_text() {
    for body in ["\u{feff}好".to_owned(), format!("\u{feff}{}", json!({"text": "好"}))] {
        answered(&[], Reply::text(200, &body)).code(0).stdout("好\n").stderr_empty();
    }
}

#[test]
fn silence_is_an_empty_subtitle_file() {
    for reply in [
        Reply::json(200, json!({"text": ""})),
        Reply::json(200, json!({"text": "", "segments": []})),
        Reply::json(200, json!({"text": "", "words": []})),
        Reply::text(200, "WEBVTT\n\n"),
        Reply::text(200, ""),
    ] {
        let run = answered(&["-o", "a.vtt"], reply);
        run.code(0).stdout_empty().stderr("llm: warning: no speech was found in 会议.mp3\n");
        assert_eq!(String::from_utf8_lossy(&run.read("a.vtt")).trim_end(), "WEBVTT");
    }
}

#[test]
fn other_subtitle_formats_are_refused_before_sending() {
    for name in ["a.ass", "a.LRC", "a.sbv"] {
        let server = Server::start([]);
        let run = place(&server, "").args(["会议.mp3", "-o", name]).run();
        run.code(2).stderr_has("its format is not known here").stderr_has("txt, json, srt or vtt");
        assert!(server.requests().is_empty());
    }
}
