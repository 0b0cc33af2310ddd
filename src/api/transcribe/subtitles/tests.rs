use proptest::prelude::*;

use super::*;

fn segment(start: f64, end: f64, text: &str) -> Segment {
    Segment { start, end, text: text.to_owned(), speaker: None }
}

fn made(format: TranscriptFormat, segments: &[Segment], offset: f64) -> String {
    let mut subtitles = Subtitles::new(format);
    subtitles.add(segments, offset);
    subtitles.text().to_owned()
}

#[test]
fn segments_become_subrip() {
    let segments = [
        segment(0.0, 1.5, " 你好 --> \r\n\n再见 "),
        segment(1.5, 2.0, " "),
        segment(3661.2346, 3662.0, "a < b & c"),
    ];
    assert_eq!(
        made(TranscriptFormat::Srt, &segments, 0.0),
        "1\n00:00:00,000 --> 00:00:01,500\n你好 →\n再见\n\n\
         2\n01:01:01,235 --> 01:01:02,000\na < b & c\n"
    );
}

#[test]
fn segments_become_webvtt() {
    let segments = [segment(-1.0, -2.0, "你好 --> <b>")];
    assert_eq!(
        made(TranscriptFormat::Vtt, &segments, 60.0),
        "WEBVTT\n\n00:01:00.000 --> 00:01:00.000\n你好 --&gt; &lt;b&gt;\n"
    );
    assert_eq!(made(TranscriptFormat::Vtt, &[], 0.0), "WEBVTT\n");
    assert_eq!(made(TranscriptFormat::Srt, &[], 0.0), "");
}

#[test]
fn finished_subtitles_are_moved_and_numbered_anew() {
    let mut subtitles = Subtitles::new(TranscriptFormat::Srt);
    subtitles.add_finished("1\n00:00:00,500 --> 00:00:01,000\n一\n二\n\n", 0.0);
    subtitles.add_finished("1\r\n00:59:59,999 --> 01:00:00,001\r\n2\r\n\r\n\n\n", 0.501);
    subtitles.add(&[segment(1.0, 2.0, "末")], 4000.0);
    assert_eq!(
        subtitles.text(),
        "1\n00:00:00,500 --> 00:00:01,000\n一\n二\n\n\
         2\n01:00:00,500 --> 01:00:00,502\n2\n\n3\n01:06:41,000 --> 01:06:42,000\n末\n"
    );
    let mut subtitles = Subtitles::new(TranscriptFormat::Vtt);
    subtitles.add_finished("WEBVTT\n\nNOTE a\n\n00:01.000 --> 00:02.000\n一\n", 0.0);
    let named = "\u{feff}WEBVTT - x\n\n甲\n00:01.000 --> 00:02.000 align:start line:0\n二\n\n";
    subtitles.add_finished(named, 10.0);
    assert_eq!(
        subtitles.text(),
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n一\n\n\
         甲\n00:00:11.000 --> 00:00:12.000 align:start line:0\n二\n"
    );
}

#[test]
fn subtitles_are_told_from_text() {
    for text in ["", "\n", "WEBVTT\n", "1\n00:00:00,000 --> 00:00:01,000\n好\n"] {
        assert!(is_finished(text), "{text:?}");
    }
    for text in ["你好", "a --> b", "{\"text\":\"1:00 --> 2\"}"] {
        assert!(!is_finished(text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_keeps_the_form(text in "(\\PC|\n|\r|-->|[0-9:,.]){0,40}", start in any::<f64>(), end in any::<f64>()) {
        let srt = made(TranscriptFormat::Srt, &[segment(start, end, &text)], 0.0);
        let is_time = |line: &&str| line.contains("-->");
        prop_assert!(srt.lines().filter(is_time).count() <= 1);
        let mut again = Subtitles::new(TranscriptFormat::Srt);
        again.add_finished(&srt, 0.0);
        prop_assert_eq!(again.text().lines().count(), srt.lines().count());
        let mut vtt = Subtitles::new(TranscriptFormat::Vtt);
        vtt.add_finished(&text, start);
        prop_assert!(is_finished(vtt.text()));
    }
}

#[test]
fn one_format_becomes_the_other() {
    let vtt = "\u{feff}WEBVTT\r\n\r\n00:01.000 --> 00:02.500 align:start\r\n<v 王>你 &amp; <i>我</i> 3 < 4\r\n\r\n";
    let mut srt = Subtitles::new(TranscriptFormat::Srt);
    srt.add_any(vtt, 0.0);
    assert_eq!(srt.text(), "1\n00:00:01,000 --> 00:00:02,500\n王: 你 & 我 3 < 4\n");
    let mut again = Subtitles::new(TranscriptFormat::Vtt);
    again.add_any("1\n00:00:01,000 --> 00:00:02,500\n你 & 我\n", 1.0);
    assert_eq!(again.text(), "WEBVTT\n\n00:00:02.000 --> 00:00:03.500\n你 &amp; 我\n");
    // WebVTT without its head is one all the same.
    assert!(
        is_webvtt("00:01.000 --> 00:02.000\na\n")
            && !is_webvtt("1\n00:00:01,000 --> 00:00:02,000\na\n")
    );
    assert!(!has_cues("WEBVTT\n\n") && has_cues("00:01.000 --> 00:02.000"));
}

#[test]
fn who_speaks_is_shown() {
    let said = Segment { speaker: Some("A & B".into()), ..segment(0.0, 1.0, "hi") };
    let srt = made(TranscriptFormat::Srt, std::slice::from_ref(&said), 0.0);
    assert_eq!(srt, "1\n00:00:00,000 --> 00:00:01,000\nA & B: hi\n");
    let vtt = made(TranscriptFormat::Vtt, &[said], 0.0);
    assert_eq!(vtt, "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v A &amp; B>hi\n");
}
