//! Puts the transcripts of parts together: text with spaces where the script wants them, JSON with its
//! times moved. Knows no files and no requests.

use serde_json::{Map, Value};

/// Text that comes in pieces and parts, on its way to a reader: without white space around the whole,
/// and with a space between two parts.
#[derive(Debug, Default)]
pub(crate) struct TextJoiner {
    /// White space that is written once a word follows.
    held: String,
    last: Option<char>,
    is_at_seam: bool,
}

impl TextJoiner {
    /// The next piece; gives what can be written now.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let mut ready = String::new();
        let text = if self.last.is_none() || self.is_at_seam { piece.trim_start() } else { piece };
        let Some(first) = text.chars().next() else { return ready };
        if self.is_at_seam {
            self.is_at_seam = false;
            self.held.clear();
            if self.last.is_some_and(|last| !(stands_close(last) || stands_close(first))) {
                self.held.push(' ');
            }
        }
        let words = text.trim_end();
        if let Some(last) = words.chars().next_back() {
            ready.push_str(&std::mem::take(&mut self.held));
            ready.push_str(words);
            self.last = Some(last);
        }
        self.held.push_str(&text[words.len()..]);
        ready
    }

    /// What follows is another part of the recording.
    pub(crate) fn begin_part(&mut self) {
        self.is_at_seam = self.last.is_some();
    }

    /// Whether there was any word.
    pub(crate) fn has_words(&self) -> bool {
        self.last.is_some()
    }
}

/// Whether a character's script writes words without spaces: Han, Kana, and their punctuation. Korean
/// is written with spaces.
fn stands_close(character: char) -> bool {
    matches!(character,
        '\u{2018}'..='\u{201f}' | '\u{2026}'
        | '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Adds the JSON answer for the next part to the whole: texts are joined, segments and words follow
/// with their times moved by `offset` seconds, durations and usage add up.
pub(crate) fn merge(whole: &mut Value, mut part: Value, offset: f64) {
    move_times(&mut part, offset);
    let (Value::Object(whole), Value::Object(part)) = (whole, part) else { return };
    for (name, value) in part {
        match (name.as_str(), whole.get_mut(&name)) {
            ("text", Some(Value::String(text))) => {
                let mut joiner = TextJoiner::default();
                let mut joined = joiner.push(text);
                joiner.begin_part();
                joined.push_str(&joiner.push(value.as_str().unwrap_or_default()));
                *text = joined;
            }
            ("segments", Some(Value::Array(items))) => number_on(items, value),
            (_, Some(Value::Array(items))) => {
                if let Value::Array(more) = value {
                    items.extend(more);
                }
            }
            ("duration" | "usage", Some(old)) => add_up(old, &value),
            (_, Some(_)) => {}
            (_, None) => {
                whole.insert(name, value);
            }
        }
    }
}

/// Moves `start` and `end` of segments and words, also of words within segments.
fn move_times(answer: &mut Value, offset: f64) {
    for list in ["segments", "words"] {
        let items = answer.get_mut(list).and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            for name in ["start", "end"] {
                let Some(time) = item.get(name).and_then(Value::as_f64) else { continue };
                // Milliseconds: sums of times would show digits that nobody measured.
                item[name] = (((time + offset) * 1000.0).round() / 1000.0).into();
            }
            move_times(item, offset);
        }
    }
}

/// Adds segments behind others; where they carry their place in the list as `id`, it goes on.
fn number_on(items: &mut Vec<Value>, more: Value) {
    let Value::Array(more) = more else { return };
    for mut segment in more {
        if segment.get("id").is_some_and(Value::is_u64) {
            segment["id"] = items.len().into();
        }
        items.push(segment);
    }
}

/// Adds numbers to the numbers of the same names; what is not a number stays.
pub(crate) fn add_up(old: &mut Value, new: &Value) {
    match (&mut *old, new) {
        (Value::Number(_), Value::Number(_)) => {
            *old = match (old.as_u64(), new.as_u64()) {
                (Some(a), Some(b)) => a.saturating_add(b).into(),
                _ => (old.as_f64().unwrap_or_default() + new.as_f64().unwrap_or_default()).into(),
            };
        }
        (Value::Object(old), Value::Object(new)) => add_all(old, new),
        _ => {}
    }
}

fn add_all(old: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (name, value) in new {
        match old.get_mut(name) {
            Some(old) => add_up(old, value),
            None => {
                old.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn joined(parts: &[&[&str]]) -> String {
        let mut joiner = TextJoiner::default();
        let mut text = String::new();
        for part in parts {
            joiner.begin_part();
            text.extend(part.iter().map(|piece| joiner.push(piece)));
        }
        text
    }

    #[test]
    fn pieces_stay_as_they_are_and_parts_get_a_space() {
        assert_eq!(joined(&[&[" The", " quick ", "\n fox. \n"]]), "The quick \n fox.");
        assert_eq!(joined(&[&["One. "], &["Two."], &["", " "], &["3"]]), "One. Two. 3");
        assert_eq!(joined(&[&["你好。"], &["世界"], &["Hi"]]), "你好。世界Hi");
        assert_eq!(joined(&[&["안녕"], &["세계"]]), "안녕 세계");
        assert_eq!(joined(&[&[" "], &["\n"]]), "");
    }

    #[test]
    fn answers_are_merged_with_their_times_moved() {
        let mut whole = json!({"text": " 你好。", "duration": 10.5, "language": "chinese",
            "segments": [{"id": 0, "start": 0.0, "end": 10.1, "text": "你好。"}],
            "usage": {"type": "duration", "seconds": 11}});
        let part = json!({"text": "Hi ", "duration": 2, "language": "english",
            "segments": [{"id": 0, "start": 0.1, "end": 0.2, "words": [{"start": 0.1, "end": 0.2}]}],
            "words": [{"word": "Hi", "start": 0.1, "end": 0.2}],
            "usage": {"type": "duration", "seconds": 2}});
        merge(&mut whole, part, 10.5);
        let words = json!([{"start": 10.6, "end": 10.7}]);
        assert_eq!(
            whole,
            json!({"text": "你好。Hi", "duration": 12.5, "language": "chinese",
                "segments": [{"id": 0, "start": 0.0, "end": 10.1, "text": "你好。"},
                    {"id": 1, "start": 10.6, "end": 10.7, "words": words}],
                "words": [{"word": "Hi", "start": 10.6, "end": 10.7}],
                "usage": {"type": "duration", "seconds": 13}})
        );
    }

    proptest! {
        #[test]
        fn no_word_is_lost(pieces in proptest::collection::vec("[ a你\n。]{0,4}", 0..8)) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let text = joined(&[&pieces]);
            let whole = pieces.concat();
            prop_assert_eq!(text, whole.trim());
        }
    }
}
