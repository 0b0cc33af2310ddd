//! A transcript: its segments with times, and its output formats.

use serde_json::{Value, json};

use super::pieces::is_wide;

/// A part of a transcript; times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) begin: f64,
    pub(crate) end: f64,
    pub(crate) text: String,
}

/// Splits a segment at the ends of its sentences; each gets the time in
/// proportion to its bytes.
pub(crate) fn sentences(whole: &Segment) -> Vec<Segment> {
    let mut sentences = Vec::new();
    let mut at = 0;
    let span = whole.end - whole.begin;
    let time = |at: usize| whole.begin + span * at as f64 / whole.text.len().max(1) as f64;
    while at < whole.text.len() {
        let length = sentence(&whole.text[at..]);
        let text = whole.text[at..at + length].trim();
        if !text.is_empty() {
            sentences.push(Segment {
                begin: time(at),
                end: time(at + length),
                text: text.to_owned(),
            });
        }
        at += length;
    }
    sentences
}

/// The length of the first sentence in bytes, closing quotes included.
fn sentence(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let is_end = match character {
            '。' | '！' | '？' | '…' | '\n' => true,
            // A point inside a number or an address does not end a sentence.
            '.' | '!' | '?' => characters
                .peek()
                .is_none_or(|(_, next)| next.is_whitespace() || "\"')”’".contains(*next)),
            _ => false,
        };
        if is_end {
            let mut end = at + character.len_utf8();
            while let Some((at, closing)) =
                characters.next_if(|(_, next)| "。！？….!?”’」』）)\"'".contains(*next))
            {
                end = at + closing.len_utf8();
            }
            return end;
        }
    }
    text.len()
}

/// All text, with a space between two segments where the script wants one.
pub(crate) fn joined(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        let (last, first) = (text.chars().next_back(), segment.text.chars().next());
        let needs_none = |character: char| character.is_whitespace() || is_wide(character);
        if !last.is_none_or(needs_none) && !first.is_none_or(needs_none) {
            text.push(' ');
        }
        text.push_str(&segment.text);
    }
    text
}

/// SubRip: numbered, with a comma in the times.
pub(crate) fn srt(segments: &[Segment]) -> String {
    (1..)
        .zip(segments)
        .map(|(number, segment)| format!("{number}\n{}", cue(segment, ',')))
        .collect()
}

/// WebVTT (W3C): with a header line, and a point in the times.
pub(crate) fn vtt(segments: &[Segment]) -> String {
    format!("WEBVTT\n\n{}", segments.iter().map(|segment| cue(segment, '.')).collect::<String>())
}

fn cue(segment: &Segment, point: char) -> String {
    let (begin, end) = (clock(segment.begin, point), clock(segment.end, point));
    format!("{begin} --> {end}\n{}\n\n", line(&segment.text))
}

/// The segments as `verbose_json` has them; a model's figures are zero, as there is no model.
pub(crate) fn verbose(segments: &[Segment]) -> Value {
    let entry = |(index, segment): (usize, &Segment)| {
        json!({"id": index, "seek": 0, "start": rounded(segment.begin), "end": rounded(segment.end),
            "text": segment.text, "tokens": [], "temperature": 0.0, "avg_logprob": 0.0,
            "compression_ratio": 1.0, "no_speech_prob": 0.0})
    };
    segments.iter().enumerate().map(entry).collect()
}

/// Seconds with three decimals.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn clock(seconds: f64, point: char) -> String {
    let milliseconds = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}{point}{:03}",
        milliseconds / 1000 % 60,
        milliseconds % 1000
    )
}

/// A subtitle ends at an empty line, and an arrow would be a time.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("-->", "->")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Segment {
        Segment { begin: 1.0, end: 1.0 + text.len() as f64, text: text.to_owned() }
    }

    fn texts(text: &str) -> Vec<String> {
        sentences(&whole(text)).into_iter().map(|segment| segment.text).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        assert_eq!(texts("你好。“再见！”他说……\n好"), ["你好。", "“再见！”", "他说……", "好"]);
        assert_eq!(texts("Pi is 3.14. \"Yes!\" v1.2"), ["Pi is 3.14.", "\"Yes!\"", "v1.2"]);
        assert_eq!(texts(" \n "), Vec::<String>::new());
    }

    #[test]
    fn times_follow_the_text_without_gaps() {
        let parts = sentences(&whole("你好。世界。"));
        assert_eq!((parts[0].begin, parts[0].end), (1.0, 10.0));
        assert_eq!((parts[1].begin, parts[1].end), (10.0, 19.0));
    }

    #[test]
    fn subtitles_have_their_form() {
        let segments = [
            Segment { begin: 0.0, end: 1.5, text: "你好 -->\n\n再见".to_owned() },
            Segment { begin: 3661.2346, end: 3662.0, text: "好".to_owned() },
        ];
        let expected = "1\n00:00:00,000 --> 00:00:01,500\n你好 -> 再见\n\n2\n01:01:01,235 --> 01:01:02,000\n好\n\n";
        assert_eq!(srt(&segments), expected);
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n你好 -> 再见\n\n01:01:01.235 --> 01:01:02.000\n好\n\n";
        assert_eq!(vtt(&segments), expected);
    }

    #[test]
    fn json_has_segments() {
        let segments = sentences(&whole("你好。ab"));
        let document = verbose(&segments);
        assert_eq!(
            (&document[1]["id"], &document[1]["start"], &document[1]["text"]),
            (&json!(1), &json!(10.0), &json!("ab"))
        );
    }

    #[test]
    fn joined_text_has_spaces_only_where_they_belong() {
        let join =
            |texts: &[&str]| joined(&texts.iter().map(|text| whole(text)).collect::<Vec<_>>());
        assert_eq!(join(&["你好。", "世界"]), "你好。世界");
        assert_eq!(join(&["One.", "Two."]), "One. Two.");
        assert_eq!(join(&["One. ", "Two."]), "One. Two.");
        assert_eq!(join(&[]), "");
    }
}
