//! Pictures that come as an event stream, in the dialects of the services. Knows no sockets.
//!
//! Understood are the specification's `image_generation.partial_image` and `.completed` (`image_edit.…`
//! for edits), Volcengine's `image_generation.partial_succeeded` and `.partial_failed`, whose
//! `.completed` has no picture, and events that are a whole reply each.

use serde_json::{Map, Value, json};

use crate::http::bad_reply::BadReply;
use crate::http::fault::{self, Fault};
use crate::http::sse::{Decoder, Event, TooLong};

/// Reads an event stream of pictures.
#[derive(Debug, Default)]
pub(crate) struct ImageStream {
    decoder: Decoder,
    seen: SeenEvents,
}

#[derive(Debug, Default)]
struct SeenEvents {
    /// The entries of the reply, each in its place.
    entries: Vec<Option<Value>>,
    /// Unfinished pictures that were not looked at yet, as base64.
    partial: Vec<String>,
    usage: Option<Value>,
    fault: Option<Fault>,
    /// The service said that this is all.
    is_over: bool,
}

impl ImageStream {
    /// Takes the next bytes. Gives the unfinished pictures in them, as base64.
    ///
    /// # Errors
    /// An event that is too long.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let seen = &mut self.seen;
        self.decoder.push(bytes, |event| seen.event(event))?;
        Ok(std::mem::take(&mut self.seen.partial))
    }

    /// The stream has ended: what came, as a reply in the form of the specification.
    ///
    /// # Errors
    /// No picture came: the error that the stream told, or that it broke off.
    pub(crate) fn finish(mut self) -> Result<Value, BadReply> {
        let seen = &mut self.seen;
        self.decoder.finish(|event| seen.event(event));
        let SeenEvents { entries, usage, fault, is_over, .. } = self.seen;
        let lacks = || json!({"error": "the stream did not send it"});
        let mut data: Vec<Value> =
            entries.into_iter().map(|entry| entry.unwrap_or_else(lacks)).collect();
        match fault {
            Some(fault) if data.is_empty() => return Err(fault.into()),
            Some(fault) => data.push(json!({"error": fault.message})),
            None if data.is_empty() && is_over => return Err(BadReply::Lacks("picture")),
            None if data.is_empty() => return Err(BadReply::BrokenOff),
            None => {}
        }
        Ok(json!({"data": data, "usage": usage}))
    }
}

impl SeenEvents {
    fn event(&mut self, event: Event<'_>) {
        if event.data.trim_ascii() == b"[DONE]" {
            self.is_over = true;
            return;
        }
        let Ok(Value::Object(told)) = serde_json::from_slice(event.data) else { return };
        let name = told.get("type").and_then(Value::as_str).map(str::to_owned);
        let name = name.unwrap_or_else(|| String::from_utf8_lossy(event.event).into_owned());
        let encoded =
            || told.get("b64_json").and_then(Value::as_str).filter(|text| !text.is_empty());
        if name.ends_with("partial_image") {
            self.partial.extend(encoded().map(str::to_owned));
            return;
        }
        if name.ends_with("partial_failed") {
            return self.add(told);
        }
        let fault = match (&*name, told.contains_key("error")) {
            ("error", false) => fault::in_reply(&json!({"error": Value::Object(told.clone())})),
            _ => fault::in_reply(&Value::Object(told.clone())),
        };
        if fault.is_some() {
            self.fault = fault;
            return;
        }
        if let Some(usage) = told.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        self.is_over |= name.ends_with("completed") || name.ends_with("done");
        if let Some(entries) = told.get("data").and_then(Value::as_array) {
            self.entries.extend(entries.iter().cloned().map(Some));
        } else if encoded().is_some() || told.get("url").is_some_and(Value::is_string) {
            self.add(told);
        }
    }

    /// An entry of the reply, in the place that it names.
    fn add(&mut self, entry: Map<String, Value>) {
        /// No request is for more pictures.
        const MOST: usize = 1000;
        let index = entry.get("image_index").and_then(Value::as_u64);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let index = index.filter(|index| *index < MOST).unwrap_or(self.entries.len());
        if self.entries.len() <= index {
            self.entries.resize(index + 1, None);
        }
        self.entries[index] = Some(Value::Object(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &[Value]) -> (Vec<String>, Result<Value, BadReply>) {
        let (mut stream, mut partial) = (ImageStream::default(), Vec::new());
        for event in events {
            let text = format!("data: {event}\n\n");
            for piece in text.as_bytes().chunks(7) {
                partial.extend(stream.push(piece).expect("is short"));
            }
        }
        (partial, stream.finish())
    }

    #[test]
    fn the_last_picture_counts_and_those_before_are_shown() {
        let (partial, reply) = read(&[
            json!({"type": "image_generation.partial_image", "b64_json": "AA==", "partial_image_index": 0}),
            json!({"type": "image_generation.completed", "b64_json": "AQ==", "usage": {"input_tokens": 3}}),
        ]);
        let reply = reply.expect("a picture came");
        assert_eq!((partial, &reply["data"][0]["b64_json"]), (vec!["AA==".into()], &json!("AQ==")));
        assert_eq!(reply["usage"]["input_tokens"], 3);
    }

    #[test]
    fn a_picture_that_failed_keeps_its_place() {
        let (_, reply) = read(&[
            json!({"type": "image_generation.partial_succeeded", "image_index": 2, "url": "u2"}),
            json!({"type": "image_generation.partial_succeeded", "image_index": 0, "url": "u0"}),
            json!({"type": "image_generation.partial_failed", "image_index": 1, "error": {"message": "坏"}}),
            json!({"type": "image_generation.completed", "usage": {}}),
        ]);
        let data = reply.expect("pictures came")["data"].clone();
        assert_eq!(
            (&data[0]["url"], &data[1]["error"]["message"], &data[2]["url"]),
            (&json!("u0"), &json!("坏"), &json!("u2"))
        );
    }

    #[test]
    fn a_stream_without_a_picture_says_why() {
        let partial = json!({"type": "image_generation.partial_image", "b64_json": "AA=="});
        assert!(matches!(read(std::slice::from_ref(&partial)).1, Err(BadReply::BrokenOff)));
        let error =
            json!({"type": "error", "error": {"message": "违规", "code": "moderation_blocked"}});
        assert!(matches!(read(&[partial, error]).1, Err(BadReply::Fault(_))));
        let done = json!({"type": "image_generation.completed"});
        assert!(matches!(read(&[done]).1, Err(BadReply::Lacks("picture"))));
    }
}
