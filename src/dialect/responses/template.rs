//! The short way for a stream's usual event: when an event equals the one before in all but its text,
//! its number and its padding, nothing needs to be parsed again.

use std::borrow::Cow;

use memchr::memmem;

use super::open::TextKind;
use super::piece::Place;
use crate::dialect::chat_completions::{decode, end_of_string};

/// The last event that was read in full, cut where it may differ from the next one.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// What stands in front of each hole.
    parts: Vec<(Vec<u8>, Hole)>,
    tail: Vec<u8>,
    kind: Option<TextKind>,
    index: Option<u64>,
    id: String,
    part: u64,
}

/// What may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// The text.
    Text,
    /// A text that nobody reads.
    Padding,
    /// The number of the event.
    Number,
}

/// The fields that may differ, up to the first byte of their values.
const HOLES: [(&[u8], Hole); 3] = [
    (b"\"delta\":\"", Hole::Text),
    (b"\"obfuscation\":\"", Hole::Padding),
    (b"\"sequence_number\":", Hole::Number),
];

impl Hole {
    /// How long its value is that `bytes` begin with.
    fn length(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Text | Self::Padding => end_of_string(bytes),
            Self::Number => {
                let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
                (digits > 0).then_some(digits)
            }
        }
    }
}

impl Template {
    /// Learns from an event with this text of this item. Events in which a hole's place can't be told
    /// for sure are not learned.
    pub(super) fn learn(&mut self, event: &[u8], kind: TextKind, place: Place<'_>, text: &str) {
        self.kind = None;
        self.parts.clear();
        let mut holes: Vec<(usize, usize, Hole)> = Vec::new();
        for (opening, hole) in HOLES {
            let mut places = memmem::find_iter(event, opening);
            let (Some(start), None) = (places.next(), places.next()) else { continue };
            let start = start + opening.len();
            let Some(length) = hole.length(&event[start..]) else { return };
            holes.push((start, start + length, hole));
        }
        let is_text = |(start, end, hole): &(usize, usize, Hole)| {
            *hole == Hole::Text && decode(&event[*start..*end]).as_deref() == Some(text)
        };
        if !holes.iter().any(is_text) {
            return;
        }
        holes.sort_unstable_by_key(|(start, ..)| *start);
        let mut behind = 0;
        for (start, end, hole) in holes {
            // One inside the value of another is none.
            let Some(before) = event.get(behind..start) else { return self.parts.clear() };
            self.parts.push((before.to_vec(), hole));
            behind = end;
        }
        self.tail = event[behind..].to_vec();
        self.kind = Some(kind);
        place.id.clone_into(&mut self.id);
        (self.index, self.part) = (place.index, place.part);
    }

    /// The kind and the text of an event that differs from the learned one in its holes alone.
    ///
    /// Equal bytes before a hole put a JSON parser into the same state; a value of the same kind keeps
    /// it there; equal bytes behind the last one do the rest.
    pub(super) fn text<'e>(&self, event: &'e [u8]) -> Option<(TextKind, Cow<'e, str>)> {
        let kind = self.kind?;
        let (mut rest, mut text) = (event, None);
        for (before, hole) in &self.parts {
            rest = rest.strip_prefix(&**before)?;
            let (value, behind) = rest.split_at(hole.length(rest)?);
            if *hole == Hole::Text {
                text = Some(value);
            }
            rest = behind;
        }
        (rest == &*self.tail).then_some((kind, decode(text?)?))
    }

    /// The place of the learned event's text.
    pub(super) fn place(&self) -> Place<'_> {
        Place { index: self.index, id: &self.id, part: self.part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { index: Some(0), id: "m", part: 0 };

    fn event(text: &str, number: &str, padding: &str) -> String {
        format!(
            r#"{{"type":"response.output_text.delta","delta":"{text}","item_id":"m","obfuscation":"{padding}","output_index":0,"sequence_number":{number}}}"#
        )
    }

    fn learned(event: &str, text: &str) -> Template {
        let mut template = Template::default();
        template.learn(event.as_bytes(), TextKind::Answer, PLACE, text);
        template
    }

    #[test]
    fn only_text_number_and_padding_may_differ() {
        let template = learned(&event("你", "4", "ab"), "你");
        let read = |event: &str| template.text(event.as_bytes()).map(|(_, text)| text.into_owned());
        assert_eq!(read(&event("好", "1055", "")).as_deref(), Some("好"));
        assert_eq!(read(&event(r#"a\"b\n"#, "5", "x")).as_deref(), Some("a\"b\n"));
        assert_eq!(template.place(), PLACE);
        for other in [
            event("好", "5", "x").replace("\"m\"", "\"n\""),
            event("好", "5", "x").replace(":0,", ":1,"),
            event("好", "", "x"),
            event("好\\", "5", "x"),
            event("好", "5", "x") + " ",
            event("\\ud800", "5", "x"),
            "{}".to_owned(),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_sure_is_not_learned() {
        let odd = r#"{"type":"response.output_text.delta","x":"\"delta\":\"","delta":"你"}"#;
        assert!(learned(odd, "你").text(odd.as_bytes()).is_some(), "an escaped one is none");
        let twice = r#"{"delta":"你","a":{"delta":"你"}}"#;
        assert!(learned(twice, "你").text(twice.as_bytes()).is_none());
        let spaced = r#"{"delta": "你"}"#;
        assert!(learned(spaced, "你").text(spaced.as_bytes()).is_none());
        assert!(Template::default().text(b"").is_none());
    }
}
