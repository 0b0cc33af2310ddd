//! Segments out of single words with times, as xAI gives them, and OpenAI to who asks for words alone.

use serde_json::Value;

use super::subtitles::Segment;

/// A silence that begins a new segment, in seconds.
const PAUSE: f64 = 0.8;

/// The longest segment, in seconds, and how wide its text becomes: two lines of 42 characters, which
/// is what subtitles usually have; a character of Chinese, Japanese or Korean takes the room of two.
const MAX_SEGMENT_SECONDS: f64 = 7.0;
const MAX_SEGMENT_WIDTH: usize = 84;

/// The segments that the `words` of an answer make up; `None` if it has none with times.
pub(super) fn segments(value: &Value) -> Option<Vec<Segment>> {
    let items = value.get("words")?.as_array()?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut is_over = true;
    for item in items {
        let time = |name: &str| item.get(name).and_then(Value::as_f64);
        let word = ["text", "word"].iter().find_map(|name| item.get(*name)?.as_str())?;
        let start = time("start")?;
        let end = time("end").unwrap_or(start);
        let fits = |segment: &&mut Segment| {
            !is_over
                && start - segment.end < PAUSE
                && end - segment.start <= MAX_SEGMENT_SECONDS
                && width(&segment.text) + width(word) <= MAX_SEGMENT_WIDTH
        };
        match segments.last_mut().filter(fits) {
            Some(segment) => {
                if is_apart(&segment.text, word) {
                    segment.text.push(' ');
                }
                segment.text.push_str(word);
                segment.end = end;
            }
            None => segments.push(Segment { start, end, text: word.trim_start().to_owned() }),
        }
        is_over = word.trim_end().ends_with(['.', '?', '!', '。', '？', '！', '…']);
    }
    (!segments.is_empty()).then_some(segments)
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

/// Whether a character takes the room of two (CJK, Hangul, full-width forms).
fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

fn width(text: &str) -> usize {
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
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
        let segments = segments(&value).unwrap_or_default();
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
            assert_eq!(segments(&value), None, "{value}");
        }
    }
}
