//! The event stream, the chat answers in it, and the errors in words.

use serde_json::Value;

use super::cuts::whole_or_cut;
use crate::dialect::answers::{Answers, VisibleText};
use crate::dialect::reader::ChatReader;
use crate::dialect::{AskedFor, ChatEvent};
use crate::http::fault::{self, Fault};
use crate::http::sse::Decoder;
use crate::provider::ChatApi;

/// The event decoder and the reader of chat answers, under every content type.
pub fn events(data: &[u8]) {
    let events = whole_or_cut(data, decoded);
    let length: usize = events.iter().map(|(name, data)| name.len() + data.len()).sum();
    // Every event has a line of its own, and the name that an `error:` line gives is 5 bytes.
    assert!(length <= 2 * data.len(), "{length} bytes came out of {}", data.len());
    let written: Vec<u8> = events.iter().flat_map(|(name, data)| written(name, data)).collect();
    assert_eq!(decoded(&[&written]), events, "written and read again");
    let apis = [ChatApi::Completions, ChatApi::Responses];
    let labels = ["text/event-stream", "application/json", ""];
    for (api, label) in apis.into_iter().flat_map(|api| labels.map(|label| (api, label))) {
        let heard = whole_or_cut(data, |pieces| Heard::of(api, label, pieces));
        // A byte that is not UTF-8 becomes three; thinking may be shown as the answer in the end.
        let (texts, shown) = (heard.texts, heard.shown.len() + heard.thinking.len());
        assert!(texts <= 3 * data.len() + 256, "{texts} bytes came out of {}", data.len());
        assert!(shown <= 2 * texts + 2 * heard.events.len(), "{shown} of {texts} are shown");
    }
}

type Events = Vec<(Vec<u8>, Vec<u8>)>;

fn decoded(pieces: &[&[u8]]) -> Events {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    for piece in pieces {
        let each = |event: crate::http::sse::Event<'_>| {
            events.push((event.event.to_vec(), event.data.to_vec()));
        };
        decoder.push(piece, each).expect("it is shorter than the limit");
    }
    decoder.finish(|event| events.push((event.event.to_vec(), event.data.to_vec())));
    assert!(decoder.is_idle());
    events
}

/// An event as a server writes it.
fn written(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut text = [b"event: ", name, b"\n"].concat();
    for line in data.split(|byte| *byte == b'\n') {
        text.extend_from_slice(b"data: ");
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.push(b'\n');
    text
}

/// All that a chat answer says.
#[derive(Debug, PartialEq)]
struct Heard {
    events: Vec<String>,
    end: String,
    fault: Option<Fault>,
    is_done: bool,
    /// Bytes of all texts.
    texts: usize,
    shown: String,
    thinking: String,
    verdict: String,
}

impl Heard {
    fn of(api: ChatApi, label: &str, pieces: &[&[u8]]) -> Self {
        let asked = AskedFor { api, ..AskedFor::default() };
        let (mut reader, mut events, mut texts) = (ChatReader::new(asked, label), Vec::new(), 0);
        // As many answers as the label has letters, so that all ways are gone.
        let mut answers = Answers::new(label.len() as u32 % 3).thinking_untagged(label.is_empty());
        let mut shown = VisibleText::default();
        let mut each = |event: ChatEvent<'_>| {
            texts += match event {
                ChatEvent::Text { text, .. } | ChatEvent::Thinking { text, .. } => text.len(),
                _ => 0,
            };
            events.push(format!("{event:?}"));
            answers.take(event, &mut shown);
        };
        pieces.iter().for_each(|piece| reader.push(piece, &mut each));
        let end = format!("{:?}", reader.finish(&mut each));
        answers.finish(&mut shown);
        Self {
            events,
            end,
            fault: reader.fault().cloned().inspect(check),
            is_done: reader.is_done(),
            texts,
            shown: shown.text,
            thinking: shown.thinking,
            verdict: format!("{:?}", answers.verdict()),
        }
    }
}

/// The reader of error bodies.
pub fn errors(data: &[u8]) {
    let found = fault::read(data);
    check(&found);
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if let Some(fault) = fault::in_reply(&value) {
        check(&fault);
    }
    let (compact, pretty) = (value.to_string(), format!("{value:#}"));
    // Some decimal numbers change when they are read and written.
    if serde_json::from_str::<Value>(&compact).is_ok_and(|again| again == value) {
        let again = fault::read(compact.as_bytes());
        assert_eq!(again, fault::read(pretty.as_bytes()), "white space changes it");
        assert_eq!(again, found, "written and read again");
    }
}

/// One line each, none longer than promised.
fn check(fault: &Fault) {
    let texts = [&fault.code, &fault.kind, &fault.param, &fault.request_id];
    let texts = texts.into_iter().flatten().map(|text| (text, 200));
    for (text, most) in texts.chain([(&fault.message, 2000)]) {
        assert!(text.chars().count() <= most, "{} characters: {text}", text.chars().count());
        let line: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(line.join(" "), *text, "no clean line");
    }
    assert!(fault.status.is_none_or(|status| (400..600).contains(&status)));
}
