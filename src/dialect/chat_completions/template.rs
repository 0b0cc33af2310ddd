//! The short way for a stream's usual chunk: when the bytes around the text equal those of the
//! chunk before, only the text has changed and nothing needs to be parsed again.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

/// The last chunk that was read in full, cut where its text stands.
#[derive(Debug, Default)]
pub(super) struct Template {
    before: Vec<u8>,
    after: Vec<u8>,
    pub(super) index: u64,
}

/// The name of the field that holds the text, up to the text's first byte.
const OPENING: &[u8] = b"\"content\":\"";

impl Template {
    /// Learns from a chunk whose only event was `text` of choice `index`. Chunks in which the text's
    /// place can't be told for sure are not learned.
    pub(super) fn learn(&mut self, chunk: &[u8], index: u64, text: &str) {
        self.before.clear();
        let mut places = memmem::find_iter(chunk, OPENING);
        let (Some(start), None) = (places.next(), places.next()) else { return };
        let start = start + OPENING.len();
        let Some(end) = end_of_string(&chunk[start..]).map(|length| start + length) else { return };
        if decode(&chunk[start..end]).as_deref() != Some(text) {
            return;
        }
        self.before.extend_from_slice(&chunk[..start]);
        self.after.clear();
        self.after.extend_from_slice(&chunk[end..]);
        self.index = index;
    }

    /// The text of a chunk that differs from the learned one in its text alone.
    ///
    /// Equal bytes before the text put a JSON parser into the same state, inside the same string;
    /// a valid string without its closing quote keeps it there; equal bytes after it do the rest.
    pub(super) fn text<'c>(&self, chunk: &'c [u8]) -> Option<Cow<'c, str>> {
        if self.before.is_empty() || chunk.len() < self.before.len() + self.after.len() {
            return None;
        }
        let middle = chunk.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        // The string must not end before the part that equals the learned one.
        match memchr2(b'"', b'\\', middle) {
            None => decode(middle),
            Some(_) if end_of_string_within(middle) => decode(middle),
            Some(_) => None,
        }
    }
}

/// The length of a JSON string's inside, up to its closing quote.
pub(in crate::dialect) fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let next = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[next] == b'"' {
            return Some(next);
        }
        at = next + 2;
    }
}

/// Whether `bytes` are a string's inside that neither ends nor breaks off in an escape.
fn end_of_string_within(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if bytes[at + next] == b'"' || at + next + 1 == bytes.len() {
            return false;
        }
        at += next + 2;
    }
    true
}

/// The text of a JSON string's inside; `None` when it is not valid.
pub(in crate::dialect) fn decode(inside: &[u8]) -> Option<Cow<'_, str>> {
    if inside.iter().all(|byte| *byte >= 0x20 && *byte != b'\\') {
        return std::str::from_utf8(inside).ok().map(Cow::Borrowed);
    }
    let mut quoted = Vec::with_capacity(inside.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(inside);
    quoted.push(b'"');
    serde_json::from_slice::<String>(&quoted).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(text: &str, more: &str) -> Vec<u8> {
        let text = serde_json::to_string(text).expect("serialises");
        format!(r#"{{"id":"1","choices":[{{"index":0,"delta":{{"content":{text}}}{more}}}]}}"#)
            .into_bytes()
    }

    #[test]
    fn only_the_text_may_differ() {
        let mut template = Template::default();
        assert_eq!(template.text(&chunk("你", "")), None);
        template.learn(&chunk("你", ""), 0, "你");
        assert_eq!(template.text(&chunk("好 \"x\"\n", "")).as_deref(), Some("好 \"x\"\n"));
        assert_eq!(template.text(&chunk("好", ",\"finish_reason\":null")), None);
        assert_eq!(
            template.text(
                br#"{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"x":{"y":"b"}}]}"#
            ),
            None
        );
        assert_eq!(
            template.text(
                b"{\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xff\"}}]}"
            ),
            None
        );
    }

    #[test]
    fn a_doubtful_place_is_not_learned() {
        let mut template = Template::default();
        let doubtful = br#"{"choices":[{"delta":{"content":"a"},"x":{"content":"a"}}]}"#;
        template.learn(doubtful, 0, "a");
        assert_eq!(template.text(doubtful), None);
        template.learn(br#"{"content":"b","choices":[{"delta":{"content": "a"}}]}"#, 0, "a");
        assert_eq!(
            template.text(br#"{"content":"b","choices":[{"delta":{"content": "a"}}]}"#),
            None
        );
    }

    proptest! {
        #[test]
        fn equals_the_full_reader(first in ".*", second in ".*", noise in "[ -~]{0,12}") {
            let mut template = Template::default();
            template.learn(&chunk(&first, ""), 0, &first);
            let bytes = chunk(&second, "");
            let read = template.text(&bytes);
            prop_assert_eq!(read.as_deref(), Some(second.as_str()));
            // Whatever is put at the text's place: if it is taken, it is what a parser reads.
            let mut odd = chunk("", "");
            let at = odd.windows(2).rposition(|pair| pair == b"\"\"").expect("the empty text") + 1;
            odd.splice(at..at, noise.bytes());
            if let Some(text) = template.text(&odd) {
                let value: serde_json::Value = serde_json::from_slice(&odd).expect("valid");
                prop_assert_eq!(value.pointer("/choices/0/delta/content").and_then(|v| v.as_str()), Some(&*text));
            }
        }
    }
}
