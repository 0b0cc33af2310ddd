//! A chat reply's bytes, in whatever pieces they come, as [`ChatEvent`]s: an event stream, or one
//! JSON document where the server ignored `stream` or was not asked for one. What an event or a
//! document says, the dialect reads.

use super::chat_dialect::{AskedFor, ReadEvents, Seen};
use super::either::EitherEvents;
use super::event::ChatEvent;
use crate::http::fault::{self, Fault};
use crate::http::odd_json;
use crate::http::sse::{Decoder, MAX_EVENT};

/// Reads one reply.
#[derive(Debug)]
pub(crate) struct ChatReader {
    says_stream: bool,
    form: BodyForm,
    events: EitherEvents,
    seen: Seen,
    is_too_long: bool,
}

/// A document may be as long as an event of a stream.
const MAX_DOCUMENT: usize = MAX_EVENT;

/// The byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the body turned out to be. Its beginning decides, as servers mislabel both forms.
#[derive(Debug)]
enum BodyForm {
    /// Not known yet; what came so far.
    Unknown(Vec<u8>),
    Stream(Decoder),
    Whole(Vec<u8>),
}

impl BodyForm {
    /// The form of a body that begins like this; `None` while more of it must be seen.
    fn of(head: &[u8], says_stream: bool) -> Option<Self> {
        const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
        let is_stream = || says_stream || FIELDS.iter().any(|field| head.starts_with(field));
        match head.first()? {
            b'{' | b'[' | b'<' => Some(BodyForm::Whole(Vec::new())),
            _ if BYTE_ORDER_MARK.starts_with(head) => None,
            _ if is_stream() => Some(BodyForm::Stream(Decoder::default())),
            _ if FIELDS.iter().any(|field| field.starts_with(head)) => None,
            _ => Some(BodyForm::Whole(Vec::new())),
        }
    }
}

/// Where a body goes on behind white space or a byte order mark that begins it; none if it begins
/// with neither.
fn behind_nothing(body: &[u8]) -> Option<usize> {
    let space = body.len() - body.trim_ascii_start().len();
    let behind = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { space };
    (behind > 0).then_some(behind)
}

/// How a reply ended.
#[derive(Debug, PartialEq)]
pub(crate) enum ReplyEnd {
    /// A stream; `done` if it said so itself by `[DONE]`.
    Stream { done: bool },
    /// One JSON document.
    Whole,
    /// An answer that holds something unreadable, in words.
    Broken(String),
    /// Something that is not an answer at all, in words.
    NoAnswer(String),
    /// No byte at all.
    Empty,
}

impl ChatReader {
    /// A reader for a reply with this `Content-Type` to such a request.
    pub(crate) fn new(asked: AskedFor, content_type: &str) -> Self {
        let says_stream = content_type.to_ascii_lowercase().contains("event-stream");
        let (form, seen) = (BodyForm::Unknown(Vec::new()), Seen::default());
        Self { says_stream, form, events: EitherEvents::new(asked), seen, is_too_long: false }
    }

    /// Reads the next bytes of the body.
    pub(crate) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(ChatEvent<'_>)) {
        let BodyForm::Unknown(head) = &mut self.form else { return self.read(bytes, each) };
        head.extend_from_slice(bytes);
        // DeepSeek keeps a waiting connection alive with blank lines before the JSON.
        while let Some(behind) = behind_nothing(head) {
            head.drain(..behind);
        }
        let Some(form) = BodyForm::of(head, self.says_stream) else { return };
        let head = std::mem::take(head);
        self.form = form;
        self.read(&head, each);
    }

    fn read(&mut self, bytes: &[u8], each: &mut dyn FnMut(ChatEvent<'_>)) {
        match &mut self.form {
            BodyForm::Stream(decoder) => {
                let (events, seen) = (&mut self.events, &mut self.seen);
                if let Err(error) = decoder.push(bytes, |event| events.event(event, seen, each)) {
                    seen.unreadable = Some(error.to_string());
                    self.is_too_long = true;
                }
            }
            BodyForm::Unknown(body) | BodyForm::Whole(body)
                if body.len() + bytes.len() > MAX_DOCUMENT =>
            {
                body.clear();
                self.is_too_long = true;
            }
            BodyForm::Unknown(body) | BodyForm::Whole(body) => body.extend_from_slice(bytes),
        }
    }

    /// Reads what is left when the body has come to its end, or broke off.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(ChatEvent<'_>)) -> ReplyEnd {
        let (events, seen) = (&mut self.events, &mut self.seen);
        match std::mem::replace(&mut self.form, BodyForm::Unknown(Vec::new())) {
            BodyForm::Unknown(_) if self.says_stream => ReplyEnd::Stream { done: false },
            BodyForm::Unknown(head) if head.is_empty() => ReplyEnd::Empty,
            BodyForm::Stream(mut decoder) => {
                // An event that is cut in its middle is what "broke off" means; it's no news then.
                let unreadable = seen.unreadable.take();
                decoder.finish(|event| events.event(event, seen, each));
                seen.unreadable = unreadable;
                events.close(seen, each);
                match seen.unreadable.take() {
                    Some(words) => ReplyEnd::Broken(words),
                    None => ReplyEnd::Stream { done: seen.is_done },
                }
            }
            BodyForm::Unknown(_) | BodyForm::Whole(_) if self.is_too_long => {
                ReplyEnd::Broken(format!("it is longer than {} MiB", MAX_DOCUMENT >> 20))
            }
            BodyForm::Unknown(body) | BodyForm::Whole(body) => {
                let is_answer = events.document(&body, seen, each);
                if is_answer
                    || odd_json::tamed(&body).is_some_and(|body| events.document(&body, seen, each))
                {
                    ReplyEnd::Whole
                } else if body.starts_with(b"{") {
                    ReplyEnd::Broken("it is cut, or no valid JSON".to_owned())
                } else {
                    ReplyEnd::NoAnswer(fault::read(&body).message)
                }
            }
        }
    }

    /// The first error that the reply carried.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.seen.fault.as_ref()
    }

    /// Whether the reply has a place for the reason why an answer ends.
    pub(crate) fn owes_reason(&self) -> bool {
        self.seen.owes_reason
    }

    /// Who replied, in the reply's own words.
    pub(crate) fn replied(&self) -> Option<&str> {
        self.seen.replied.as_deref()
    }

    /// Whether nothing more is to be read: the stream said that it is at its end, or it goes beyond
    /// any sense of size.
    pub(crate) fn is_done(&self) -> bool {
        self.seen.is_done || self.seen.is_cut || self.is_too_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, pieces: &[&[u8]]) -> (String, ReplyEnd, Option<String>) {
        let mut reader = ChatReader::new(AskedFor::default(), content_type);
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
                ("你好", ReplyEnd::Stream { done: true }, None),
                "{label}"
            );
        }
    }

    #[test]
    fn a_document_is_read_whatever_its_label() {
        let body = b"\n\n {\"choices\":[{\"message\":{\"content\":\"hi\"}}]}";
        for label in [SSE, "", "application/octet-stream"] {
            let (text, end, _) = read(label, &[&body[..1], &body[1..9], &body[9..]]);
            assert_eq!((text.as_str(), end), ("hi", ReplyEnd::Whole), "{label}");
        }
    }

    #[test]
    fn plain_text_and_a_byte_order_mark_are_no_stream() {
        for pieces in [&[&b"it works"[..]][..], &[b"i", b"t works"], &[b"dat", b"a base down"]] {
            assert!(matches!(read("text/plain", pieces).1, ReplyEnd::NoAnswer(_)), "{pieces:?}");
        }
        assert_eq!(read("", &[b"id"]).1, ReplyEnd::NoAnswer("id".into()));
        let marked = b"\xef\xbb\xbf{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}";
        let (text, end, _) = read("application/json", &[&marked[..2], &marked[2..]]);
        assert_eq!((text.as_str(), end), ("hi", ReplyEnd::Whole));
        // However it is cut, and whatever its label says.
        let marked = [b"\n", BYTE_ORDER_MARK, b"\n ", &marked[3..]].concat();
        for cut in 0..marked.len() {
            let (text, end, _) = read(SSE, &[&marked[..cut], &marked[cut..]]);
            assert_eq!((text.as_str(), end), ("hi", ReplyEnd::Whole), "cut at {cut}");
        }
    }

    #[test]
    fn errors_in_a_stream_keep_what_came() {
        let body = chunk("part")
            + "data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n"
            + &chunk("more");
        assert_eq!(
            read(SSE, &[body.as_bytes()]),
            ("partmore".into(), ReplyEnd::Stream { done: false }, Some("boom".into()))
        );
        let body = chunk("part") + "event: error\ndata: out of memory\n\n";
        assert_eq!(read(SSE, &[body.as_bytes()]).2, Some("out of memory".into()));
        let body = "data: {\"error\": \"it said \"no\"\"}\n\n";
        assert!(read(SSE, &[body.as_bytes()]).2.is_some());
    }

    #[test]
    fn what_is_no_answer_is_said() {
        assert_eq!(read("application/json", &[]).1, ReplyEnd::Empty);
        assert_eq!(read(SSE, &[]).1, ReplyEnd::Stream { done: false });
        assert!(matches!(
            read("text/html", &[b"<html><title>Hi</title></html>"]).1,
            ReplyEnd::NoAnswer(_)
        ));
        assert!(matches!(read("application/json", &[b"{\"choices\":["]).1, ReplyEnd::Broken(_)));
        let body = chunk("a") + "data: {\"choices\":[{\n\n" + &chunk("b");
        let (text, end, _) = read(SSE, &[body.as_bytes()]);
        assert_eq!(text, "ab");
        assert!(matches!(end, ReplyEnd::Broken(_)));
        let body = chunk("a") + "data: {\"choices\":[{";
        assert_eq!(read(SSE, &[body.as_bytes()]).1, ReplyEnd::Stream { done: false });
    }

    #[test]
    fn what_is_beyond_any_sense_of_size_is_not_kept() {
        for (label, begin) in [(SSE, "data: "), ("application/json", "{\"choices\":")] {
            let mut reader = ChatReader::new(AskedFor::default(), label);
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
            let ReplyEnd::Broken(words) = reader.finish(&mut each) else { panic!("{label}") };
            assert!(words.ends_with("is longer than 64 MiB"), "{words}");
        }
    }

    #[test]
    fn a_character_cut_into_two_escapes_is_joined() {
        let body = chunk("\\ud83d") + &chunk("\\ude00") + "data: ping\n\n";
        assert_eq!(read(SSE, &[body.as_bytes()]).0, "😀");
    }
}
