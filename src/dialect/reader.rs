//! A chat reply's bytes, in whatever pieces they come, as [`ChatEvent`]s: an event stream, or one
//! JSON document where the server ignored `stream` or was not asked for one.

use serde_json::Value;

use super::ChatEvent;
use super::template::Template;
use super::view;
use crate::api::repair::Repair;
use crate::http::fault::{self, Fault};
use crate::http::sse::{Decoder, Event, MAX_EVENT};

/// Reads one reply.
#[derive(Debug)]
pub(crate) struct Reader {
    says_stream: bool,
    form: Form,
    events: Events,
    is_too_long: bool,
}

/// A document may be as long as an event of a stream.
const LONGEST: usize = MAX_EVENT;

/// The byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What the body turned out to be. Its beginning decides, as servers mislabel both forms.
#[derive(Debug)]
enum Form {
    /// Not known yet; what came so far.
    Unknown(Vec<u8>),
    Stream(Decoder),
    Whole(Vec<u8>),
}

impl Form {
    /// The form of a body that begins like this; `None` while more of it must be seen.
    fn of(head: &[u8], says_stream: bool) -> Option<Self> {
        const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
        let is_stream = || says_stream || FIELDS.iter().any(|field| head.starts_with(field));
        match head.first()? {
            b'{' | b'[' | b'<' => Some(Form::Whole(Vec::new())),
            _ if MARK.starts_with(head) => None,
            _ if is_stream() => Some(Form::Stream(Decoder::default())),
            _ if FIELDS.iter().any(|field| field.starts_with(head)) => None,
            _ => Some(Form::Whole(Vec::new())),
        }
    }
}

/// Where a body goes on behind white space or a byte order mark that begins it; none if it begins
/// with neither.
fn behind_nothing(body: &[u8]) -> Option<usize> {
    let space = body.len() - body.trim_ascii_start().len();
    let behind = if body.starts_with(MARK) { MARK.len() } else { space };
    (behind > 0).then_some(behind)
}

/// How a reply ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// A stream; `done` if it said so itself by `[DONE]`.
    Stream { done: bool },
    /// One JSON document.
    Whole,
    /// An answer that holds something unreadable, in words.
    Broken(String),
    /// Something that is no answer at all, in words.
    NoAnswer(String),
    /// No byte at all.
    Empty,
}

impl Reader {
    /// A reader for a reply with this `Content-Type`.
    pub(crate) fn new(content_type: &str) -> Self {
        let says_stream = content_type.to_ascii_lowercase().contains("event-stream");
        let form = Form::Unknown(Vec::new());
        Self { says_stream, form, events: Events::default(), is_too_long: false }
    }

    /// Reads the next bytes of the body.
    pub(crate) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(ChatEvent<'_>)) {
        let Form::Unknown(head) = &mut self.form else { return self.read(bytes, each) };
        head.extend_from_slice(bytes);
        // DeepSeek keeps a waiting connection alive with blank lines before the JSON.
        while let Some(behind) = behind_nothing(head) {
            head.drain(..behind);
        }
        let Some(form) = Form::of(head, self.says_stream) else { return };
        let head = std::mem::take(head);
        self.form = form;
        self.read(&head, each);
    }

    fn read(&mut self, bytes: &[u8], each: &mut dyn FnMut(ChatEvent<'_>)) {
        match &mut self.form {
            Form::Stream(decoder) => {
                let events = &mut self.events;
                if let Err(error) = decoder.push(bytes, |event| events.read(event, each)) {
                    events.broken = Some(error.to_string());
                    self.is_too_long = true;
                }
            }
            Form::Unknown(body) | Form::Whole(body) if body.len() + bytes.len() > LONGEST => {
                body.clear();
                self.is_too_long = true;
            }
            Form::Unknown(body) | Form::Whole(body) => body.extend_from_slice(bytes),
        }
    }

    /// Reads what is left when the body has come to its end, or broke off.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(ChatEvent<'_>)) -> End {
        let events = &mut self.events;
        match std::mem::replace(&mut self.form, Form::Unknown(Vec::new())) {
            Form::Unknown(_) if self.says_stream => End::Stream { done: false },
            Form::Unknown(head) if head.is_empty() => End::Empty,
            Form::Stream(mut decoder) => {
                // An event that is cut in its middle is what "broke off" means; it's no news then.
                let broken = events.broken.take();
                decoder.finish(|event| events.read(event, each));
                events.broken = broken;
                match events.broken.take() {
                    Some(words) => End::Broken(words),
                    None => End::Stream { done: events.done },
                }
            }
            Form::Unknown(_) | Form::Whole(_) if self.is_too_long => {
                End::Broken(format!("it is longer than {} MiB", LONGEST >> 20))
            }
            Form::Unknown(body) | Form::Whole(body) => match events.value(&body) {
                Some(value) => {
                    events.take(&value, None, each);
                    End::Whole
                }
                None if body.starts_with(b"{") => {
                    End::Broken("it is cut, or no valid JSON".to_owned())
                }
                None => End::NoAnswer(fault::read(&body).message),
            },
        }
    }

    /// The first error that the reply carried.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.events.fault.as_ref()
    }

    /// Whether nothing more is to be read: the stream said that it is at its end, or it goes beyond
    /// any sense of size.
    pub(crate) fn is_done(&self) -> bool {
        self.events.done || self.is_too_long
    }
}

/// Reads the events of a stream.
#[derive(Debug, Default)]
struct Events {
    template: Template,
    repair: Repair,
    fault: Option<Fault>,
    done: bool,
    /// A piece that could not be read, in words.
    broken: Option<String>,
}

impl Events {
    fn read(&mut self, event: Event<'_>, each: &mut dyn FnMut(ChatEvent<'_>)) {
        let data = event.data.trim_ascii();
        if event.event.is_empty()
            && let Some(text) = self.template.text(data)
        {
            if !text.is_empty() {
                each(ChatEvent::Text {
                    index: self.template.index,
                    text: &text,
                    is_thought: false,
                });
            }
            return;
        }
        // By its beginning, as the official SDKs do.
        if data.starts_with(b"[DONE]") {
            self.done = true;
            return;
        }
        let is_error = event.event == b"error";
        match self.value(data) {
            Some(value) => {
                self.take(&value, Some(data), each);
                if is_error && self.fault.is_none() {
                    self.fault = Some(fault::read(data));
                }
            }
            // transformers serve writes its errors without escaping what they quote.
            None if is_error || data.starts_with(b"{\"error\"") => {
                self.fault.get_or_insert_with(|| fault::read(data));
            }
            None if data.starts_with(b"{") && self.broken.is_none() => {
                self.broken = Some("it holds a piece that is no JSON".to_owned());
            }
            // `data: ping` and the like.
            None => {}
        }
    }

    fn value(&mut self, data: &[u8]) -> Option<Value> {
        let parsed = serde_json::from_slice(data).ok();
        parsed.or_else(|| serde_json::from_slice(&self.repair.mend(data)?).ok())
    }

    /// Gives a value's events on, and remembers the error that it may carry. `chunk` is the value's
    /// text, if more of its kind may follow.
    fn take(&mut self, value: &Value, chunk: Option<&[u8]>, each: &mut dyn FnMut(ChatEvent<'_>)) {
        let mut count = 0;
        let mut only_text = None;
        view::events(value, &mut |event| {
            count += 1;
            if let ChatEvent::Text { index, text, is_thought: false } = event {
                only_text = Some((index, text));
            }
            each(event);
        });
        if self.fault.is_none() {
            self.fault = fault::in_reply(value);
        }
        if let (Some((index, text)), 1, Some(chunk), None) = (only_text, count, chunk, &self.fault)
        {
            self.template.learn(chunk, index, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, pieces: &[&[u8]]) -> (String, End, Option<String>) {
        let mut reader = Reader::new(content_type);
        let mut text = String::new();
        let mut each = |event: ChatEvent<'_>| {
            if let ChatEvent::Text { text: piece, .. } = event {
                text.push_str(piece);
            }
        };
        for piece in pieces {
            reader.push(piece, &mut each);
        }
        let end = reader.finish(&mut each);
        (text, end, reader.fault().map(|fault| fault.message.clone()))
    }

    const SSE: &str = "text/event-stream; charset=utf-8";

    fn chunk(text: &str) -> String {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    }

    #[test]
    fn a_stream_is_read_whatever_its_label() {
        let body = chunk("你") + &chunk("好") + "data: [DONE]\n\n";
        for label in [SSE, "", "application/json", "text/plain"] {
            let (text, end, fault) = read(label, &[body.as_bytes()]);
            assert_eq!(
                (text.as_str(), end, fault),
                ("你好", End::Stream { done: true }, None),
                "{label}"
            );
        }
    }

    #[test]
    fn a_document_is_read_whatever_its_label() {
        let body = b"\n\n {\"choices\":[{\"message\":{\"content\":\"hi\"}}]}";
        for label in [SSE, "", "application/octet-stream"] {
            let (text, end, _) = read(label, &[&body[..1], &body[1..9], &body[9..]]);
            assert_eq!((text.as_str(), end), ("hi", End::Whole), "{label}");
        }
    }

    #[test]
    fn plain_text_and_a_byte_order_mark_are_no_stream() {
        for pieces in [&[&b"it works"[..]][..], &[b"i", b"t works"], &[b"dat", b"a base down"]] {
            assert!(matches!(read("text/plain", pieces).1, End::NoAnswer(_)), "{pieces:?}");
        }
        assert_eq!(read("", &[b"id"]).1, End::NoAnswer("id".into()));
        let marked = b"\xef\xbb\xbf{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}";
        let (text, end, _) = read("application/json", &[&marked[..2], &marked[2..]]);
        assert_eq!((text.as_str(), end), ("hi", End::Whole));
        // However it is cut, and whatever its label says.
        let marked = [b"\n", MARK, b"\n ", &marked[3..]].concat();
        for cut in 0..marked.len() {
            let (text, end, _) = read(SSE, &[&marked[..cut], &marked[cut..]]);
            assert_eq!((text.as_str(), end), ("hi", End::Whole), "cut at {cut}");
        }
    }

    #[test]
    fn errors_in_a_stream_keep_what_came() {
        let body = chunk("part")
            + "data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n"
            + &chunk("more");
        assert_eq!(
            read(SSE, &[body.as_bytes()]),
            ("partmore".into(), End::Stream { done: false }, Some("boom".into()))
        );
        let body = chunk("part") + "event: error\ndata: out of memory\n\n";
        assert_eq!(read(SSE, &[body.as_bytes()]).2, Some("out of memory".into()));
        let body = "data: {\"error\": \"it said \"no\"\"}\n\n";
        assert!(read(SSE, &[body.as_bytes()]).2.is_some());
    }

    #[test]
    fn what_is_no_answer_is_said() {
        assert_eq!(read("application/json", &[]).1, End::Empty);
        assert_eq!(read(SSE, &[]).1, End::Stream { done: false });
        assert!(matches!(
            read("text/html", &[b"<html><title>Hi</title></html>"]).1,
            End::NoAnswer(_)
        ));
        assert!(matches!(read("application/json", &[b"{\"choices\":["]).1, End::Broken(_)));
        let body = chunk("a") + "data: {\"choices\":[{\n\n" + &chunk("b");
        let (text, end, _) = read(SSE, &[body.as_bytes()]);
        assert_eq!(text, "ab");
        assert!(matches!(end, End::Broken(_)));
        let body = chunk("a") + "data: {\"choices\":[{";
        assert_eq!(read(SSE, &[body.as_bytes()]).1, End::Stream { done: false });
    }

    #[test]
    fn what_is_beyond_any_sense_of_size_is_not_kept() {
        for (label, begin) in [(SSE, "data: "), ("application/json", "{\"choices\":")] {
            let mut reader = Reader::new(label);
            let mut text = String::new();
            let mut each = |event: ChatEvent<'_>| text.push_str(&format!("{event:?}"));
            reader.push(begin.as_bytes(), &mut each);
            for _ in 0..65 {
                assert!(!reader.is_done());
                reader.push(&vec![b' '; 1 << 20], &mut each);
                if reader.is_done() {
                    break;
                }
            }
            assert!(reader.is_done());
            let End::Broken(words) = reader.finish(&mut each) else { panic!("{label}") };
            assert!(words.ends_with("is longer than 64 MiB"), "{words}");
        }
    }

    #[test]
    fn a_character_cut_into_two_escapes_is_joined() {
        let body = chunk("\\ud83d") + &chunk("\\ude00") + "data: ping\n\n";
        assert_eq!(read(SSE, &[body.as_bytes()]).0, "😀");
    }
}
