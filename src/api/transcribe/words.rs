//! Segments out of single words with times, as xAI gives them, and OpenAI to who asks for words alone.

use serde_json::Value;

use super::cue::{CueLayout, is_wide, width};
use super::subtitles::Segment;

/// A silence that begins a new segment, in seconds.
const PAUSE: f64 = 0.8;

/// The longest segment, in seconds, and how wide its text becomes unless the user says otherwise: two
/// lines of 42 characters, which is what subtitles usually have.
const MAX_SEGMENT_SECONDS: f64 = 7.0;
const MAX_SEGMENT_WIDTH: usize = 84;

/// The segments that the `words` of an answer make up; `None` if it has none with times. With a layout
/// each has room in one subtitle.
pub(super) fn segments(value: &Value, layout: Option<CueLayout>) -> Option<Vec<Segment>> {
    let items = value.get("words")?.as_array()?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut is_over = true;
    for (index, item) in items.iter().enumerate() {
        let word = ["text", "word"].iter().find_map(|name| item.get(*name)?.as_str())?;
        let start = time(item, "start")?;
        let next = items.get(index + 1).and_then(|next| time(next, "start"));
        let end = time(item, "end").or(next).or(time(value, "duration"));
        let end = end.unwrap_or(start).max(start);
        let speaker = speaker(item);
        let joined = |before: &str| match is_apart(before, word) {
            true => format!("{before} {word}"),
            false => format!("{before}{word}"),
        };
        let has_room = |text: &str| match layout {
            Some(layout) => layout.has_room_for(text),
            None => width(text) <= MAX_SEGMENT_WIDTH + 1,
        };
        let fits = |segment: &&mut Segment| {
            !is_over
                && segment.speaker == speaker
                && start - segment.end < PAUSE
                && end - segment.start <= MAX_SEGMENT_SECONDS
                && (layout.is_some() || width(&segment.text) + width(word) <= MAX_SEGMENT_WIDTH)
                && has_room(&joined(&segment.text))
        };
        match segments.last_mut().filter(fits) {
            Some(segment) => {
                segment.text = joined(&segment.text);
                segment.end = end;
            }
            None => {
                segments.push(Segment { start, end, text: word.trim_start().to_owned(), speaker });
            }
        }
        is_over = word.trim_end().ends_with(['.', '?', '!', '。', '？', '！', '…']);
    }
    (!segments.is_empty()).then_some(segments)
}

/// A time in seconds; some services write numbers as text.
pub(super) fn time(item: &Value, name: &str) -> Option<f64> {
    let time = item.get(name)?;
    let time =
        time.as_f64().or_else(|| time.as_str()?.trim().trim_end_matches('s').parse().ok())?;
    time.is_finite().then_some(time)
}

/// Who says a segment or a word: OpenAI and xAI have `speaker`, Mistral `speaker_id`.
pub(super) fn speaker(item: &Value) -> Option<String> {
    let name = ["speaker", "speaker_id"]
        .iter()
        .find_map(|name| item.get(*name).filter(|value| value.is_string() || value.is_number()))?;
    match name {
        Value::String(name) if name.trim().is_empty() => None,
        Value::String(name) => Some(name.clone()),
        number => Some(format!("Speaker {number}")),
    }
}

/// Whether a space belongs between two words: not in Chinese and Japanese, not before punctuation, and
/// not where the word brings its own.
fn is_apart(before: &str, word: &str) -> bool {
    let is_tight = |letter: char| is_wide(letter) && !('\u{ac00}'..='\u{d7a3}').contains(&letter);
    let (Some(last), Some(first)) = (before.chars().last(), word.chars().next()) else {
        return false;
    };
    let is_joined = first.is_whitespace() || last.is_whitespace() || ",.;:?!%)]".contains(first);
    !(is_joined || (is_tight(last) && is_tight(first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made(words: &[(&str, f64, f64)]) -> Vec<(f64, f64, String)> {
        let words = words
            .iter()
            .map(|(text, start, end)| json!({"text": text, "start": start, "end": end}));
        let value = json!({"words": words.collect::<Vec<_>>()});
        let segments = segments(&value, None).unwrap_or_default();
        segments.into_iter().map(|segment| (segment.start, segment.end, segment.text)).collect()
    }

    #[test]
    fn words_are_put_together_up_to_a_sentence_or_a_pause() {
        let words = [
            ("Good", 0.0, 0.2),
            ("morning.", 0.3, 0.6),
            ("It", 0.7, 0.8),
            ("rains", 0.9, 1.2),
            ("here", 3.0, 3.2),
        ];
        let expected = [(0.0, 0.6, "Good morning."), (0.7, 1.2, "It rains"), (3.0, 3.2, "here")];
        assert_eq!(made(&words), expected.map(|(start, end, text)| (start, end, text.to_owned())));
        let words = [
            ("今天", 0.0, 0.4),
            ("下雨", 0.4, 0.8),
            ("。", 0.8, 0.8),
            ("好", 0.9, 1.0),
            ("the", 1.0, 1.1),
            (" end", 1.2, 1.3),
            ("!", 1.3, 1.3),
        ];
        let expected = [(0.0, 0.8, "今天下雨。"), (0.9, 1.3, "好 the end!")];
        assert_eq!(made(&words), expected.map(|(start, end, text)| (start, end, text.to_owned())));
    }

    #[test]
    fn a_segment_becomes_neither_long_nor_wide() {
        let words: Vec<(&str, f64, f64)> = (0..100)
            .map(|index| ("一二三四", f64::from(index) * 0.3, f64::from(index) * 0.3 + 0.3))
            .collect();
        let segments = made(&words);
        assert!(segments.iter().all(|(start, end, text)| end - start <= MAX_SEGMENT_SECONDS
            && width(text) <= MAX_SEGMENT_WIDTH));
        assert_eq!(segments.iter().map(|(.., text)| text.chars().count()).sum::<usize>(), 400);
    }

    #[test]
    fn words_without_times_make_none() {
        for value in [
            json!({}),
            json!({"words": []}),
            json!({"words": [{"text": "a"}]}),
            json!({"words": ["a"]}),
            json!({"words": 1}),
        ] {
            assert_eq!(segments(&value, None), None, "{value}");
        }
    }
}
