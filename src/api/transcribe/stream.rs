//! A transcript that comes as an event stream, in the dialects of the services. Knows no sockets.

use serde_json::{Map, Value};

use super::answer::{TranscriptReply, segments};
use super::join::TextJoiner;
use crate::http::bad_reply::BadReply;
use crate::http::fault::{self, Fault};
use crate::http::sse::Decoder;

/// Reads an event stream. Text is handed out as it comes; what the stream said besides is kept.
///
/// Understood are the specification's `transcript.text.delta`, `.segment` and `.done` (whose text may
/// be empty: speaches), Mistral's `transcription.text.delta`, `.segment` and `.done`, chunks like those
/// of chat (vLLM, SGLang), and lines that are nothing but text (transformers serve).
#[derive(Debug, Default)]
pub(crate) struct TranscriptStream {
    decoder: Decoder,
    heard: StreamedText,
    length: usize,
    is_too_long: bool,
}

/// The most bytes of a stream: what it says is kept, and no transcript is as long.
const MAX_STREAM_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
struct StreamedText {
    text: String,
    /// What the answer's JSON will hold besides the text.
    fields: Map<String, Value>,
    segments: Vec<Value>,
    fault: Option<Fault>,
    is_done: bool,
    /// The stream said `[DONE]`: nothing more will come.
    is_over: bool,
    /// Lines of plain text came; such a stream has no sign of its end.
    is_raw: bool,
}

impl TranscriptStream {
    /// Takes the next bytes; text is added to `live`.
    pub(crate) fn push(&mut self, bytes: &[u8], live: &mut String) {
        let heard = &mut self.heard;
        let pushed = self.decoder.push(bytes, |event| heard.event(event.event, event.data, live));
        self.length += bytes.len();
        self.is_too_long |= pushed.is_err() || self.length > MAX_STREAM_BYTES;
    }

    /// Whether the answer is whole; a little may still come (usage, `[DONE]`).
    pub(crate) fn is_done(&self) -> bool {
        self.heard.is_done
    }

    /// Whether nothing more is to be read.
    pub(crate) fn is_over(&self) -> bool {
        self.heard.is_over || self.is_too_long
    }

    /// Whether the stream reported a failure.
    pub(crate) fn has_fault(&self) -> bool {
        self.heard.fault.is_some()
    }

    /// The stream has ended: its answer as JSON. Text that came only in segments is added to `live`.
    ///
    /// # Errors
    /// The stream carried an error, or ended before its end.
    pub(crate) fn finish(mut self, live: &mut String) -> Result<TranscriptReply, BadReply> {
        let heard = &mut self.heard;
        self.decoder.finish(|event| heard.event(event.event, event.data, live));
        if let Some(fault) = self.heard.fault.take() {
            return Err(BadReply::Fault(Box::new(fault)));
        }
        if self.is_too_long || !(self.heard.is_done || self.heard.is_raw) {
            return Err(BadReply::BrokenOff);
        }
        Ok(TranscriptReply::of_json(self.heard.into_json(live)))
    }
}

impl StreamedText {
    fn event(&mut self, name: &[u8], data: &[u8], live: &mut String) {
        let data = String::from_utf8_lossy(data);
        if data.trim() == "[DONE]" {
            self.is_done = true;
            self.is_over = true;
            return;
        }
        match serde_json::from_str(&data) {
            Ok(Value::Object(object)) => self.object(Value::Object(object), live),
            _ if name == b"error" => self.fault = Some(fault::read(data.as_bytes())),
            // JSON that was cut or spoilt is no words; without it the stream has no end.
            _ if data.trim_start().starts_with('{') => {}
            _ => {
                self.is_raw = true;
                self.say(&data, live);
            }
        }
    }

    fn object(&mut self, value: Value, live: &mut String) {
        if let Some(fault) = fault::in_reply(&value) {
            // A first failure is the cause of later ones.
            self.fault.get_or_insert(fault);
            return;
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "transcript.text.delta" => self.say(text("delta"), live),
            "transcription.text.delta" => self.say(text("text"), live),
            "transcript.text.segment" | "transcription.segment" => {
                self.segments.push(without_type(value));
            }
            "transcript.text.done" | "transcription.done" => self.done(without_type(value), live),
            "" => self.untyped(&value, live),
            // Others tell of things beside the text: the language, say.
            _ => {}
        }
    }

    /// A chunk like those of chat, or JSON with nothing but a text.
    fn untyped(&mut self, value: &Value, live: &mut String) {
        let text = value.pointer("/choices/0/delta/content").or_else(|| value.get("text"));
        self.say(text.and_then(Value::as_str).unwrap_or_default(), live);
        self.is_done |= value.pointer("/choices/0/finish_reason").is_some_and(|why| !why.is_null());
        if let Some(usage) = value.get("usage").filter(|usage| !usage.is_null()) {
            self.fields.insert("usage".into(), usage.clone());
        }
    }

    fn done(&mut self, value: Value, live: &mut String) {
        self.is_done = true;
        if self.text.is_empty() {
            self.say(value.get("text").and_then(Value::as_str).unwrap_or_default(), live);
        }
        if let Value::Object(fields) = value {
            self.fields.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
    }

    fn say(&mut self, text: &str, live: &mut String) {
        self.text.push_str(text);
        live.push_str(text);
    }

    /// The answer as if it had come in one piece.
    fn into_json(mut self, live: &mut String) -> Value {
        if self.text.is_empty() {
            let mut joiner = TextJoiner::default();
            let mut joined = String::new();
            for segment in &self.segments {
                joiner.begin_part();
                let text = segment.get("text").and_then(Value::as_str).unwrap_or_default();
                joined.push_str(&joiner.push(text));
            }
            self.say(&joined, live);
        }
        let mut value = Map::new();
        value.insert("text".into(), self.text.into());
        value.extend(self.fields.into_iter().filter(|(name, _)| name != "text"));
        let mut value = Value::Object(value);
        if !self.segments.is_empty() && segments(&value).is_none() {
            value["segments"] = self.segments.into();
        }
        value
    }
}

fn without_type(mut value: Value) -> Value {
    if let Value::Object(object) = &mut value {
        object.shift_remove("type");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The live text and the answer, the same at every place where the stream may be cut.
    fn heard(stream: &str) -> (String, Result<Value, BadReply>) {
        let at = |cut: usize| {
            let (mut reader, mut live) = (TranscriptStream::default(), String::new());
            reader.push(&stream.as_bytes()[..cut], &mut live);
            reader.push(&stream.as_bytes()[cut..], &mut live);
            let end = reader.finish(&mut live);
            (live, end.map(|answer| answer.value.expect("it is JSON")))
        };
        let whole = at(0);
        (1..stream.len()).for_each(|cut| assert_eq!(at(cut), whole, "cut at {cut}"));
        whole
    }

    #[test]
    fn a_stream_without_end_does_not_fill_the_memory() {
        let piece = format!("data: {}\n\n", "很".repeat(1 << 18));
        let (mut stream, mut live) = (TranscriptStream::default(), String::new());
        let pushes = std::iter::from_fn(|| {
            stream.push(piece.as_bytes(), &mut live);
            live.clear();
            (!stream.is_over()).then_some(())
        });
        assert_eq!(pushes.take(999).count(), MAX_STREAM_BYTES / piece.len());
        assert_eq!(stream.finish(&mut live), Err(BadReply::BrokenOff));
    }

    #[test]
    fn the_specifications_events_are_read() {
        let (live, answer) = heard(concat!(
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"你\"}\n\n",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"好\"}\n\n",
            "data: {\"type\":\"transcript.text.done\",\"text\":\"你好\",\"usage\":{\"seconds\":1}}\n\n",
            "data: [DONE]\n\n"
        ));
        assert_eq!(live, "你好");
        assert_eq!(answer, Ok(json!({"text": "你好", "usage": {"seconds": 1}})));
    }

    #[test]
    fn a_done_without_text_takes_the_deltas() {
        let (live, answer) = heard(concat!(
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\" 好\",\"logprobs\":null}\n\n",
            "data: {\"type\":\"transcript.text.done\",\"text\":\"\",\"usage\":null}\n\n",
        ));
        assert_eq!((live.as_str(), answer), (" 好", Ok(json!({"text": " 好"}))));
        let (live, _) = heard("data: {\"type\":\"transcript.text.done\",\"text\":\"好\"}\n\n");
        assert_eq!(live, "好");
    }

    #[test]
    fn the_other_dialects_are_read() {
        let (live, answer) = heard(concat!(
            "event: transcription.language\ndata: {\"type\":\"transcription.language\",\"audio_language\":\"zh\"}\n\n",
            "event: transcription.text.delta\ndata: {\"type\":\"transcription.text.delta\",\"text\":\"你好\"}\n\n",
            "data: {\"type\":\"transcription.segment\",\"text\":\"你好\",\"start\":0,\"end\":1}\n\n",
            "event: transcription.done\ndata: {\"type\":\"transcription.done\",\"text\":\"你好\",\"segments\":[]}\n\n",
        ));
        assert_eq!(live, "你好");
        assert_eq!(answer.expect("an answer")["segments"][0]["end"], 1);
        let (live, answer) = heard(concat!(
            "data: {\"object\":\"transcription.chunk\",\"choices\":[{\"delta\":{\"content\":\" a\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
        ));
        assert_eq!(live, " a");
        assert_eq!(answer, Ok(json!({"text": " a", "usage": {"total_tokens": 3}})));
        let (live, answer) = heard("data:  The quick\n\ndata:  brown fox.\n\n");
        assert_eq!(live, " The quick brown fox.");
        assert!(answer.is_ok());
    }

    #[test]
    fn text_may_come_in_segments_alone() {
        let (live, answer) = heard(concat!(
            "data: {\"type\":\"transcript.text.segment\",\"text\":\"One.\",\"start\":0,\"end\":1,\"speaker\":\"A\"}\n\n",
            "data: {\"type\":\"transcript.text.segment\",\"text\":\"Two.\",\"start\":1,\"end\":2}\n\n",
            "data: {\"type\":\"transcript.text.done\",\"text\":\"\"}\n\n",
        ));
        assert_eq!(live, "One. Two.");
        assert_eq!(answer.expect("an answer")["segments"][0]["speaker"], "A");
    }

    #[test]
    fn an_event_that_is_cut_is_no_text() {
        let delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"好\"}\n\n";
        let (live, answer) = heard(&format!("{delta}{}", &delta[..delta.len() - 9]));
        assert_eq!((live.as_str(), answer), ("好", Err(BadReply::BrokenOff)));
    }

    #[test]
    fn a_stream_that_fails_or_breaks_off_is_no_answer() {
        let delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"好\"}\n\n";
        assert_eq!(heard(delta), ("好".into(), Err(BadReply::BrokenOff)));
        assert_eq!(heard(": ping\n\n").1, Err(BadReply::BrokenOff));
        let failed =
            "data: {\"error\":{\"message\":\"坏\"},\"type\":\"error\"}\n\ndata: [DONE]\n\n";
        let (live, answer) = heard(&format!("{delta}{failed}"));
        assert_eq!(live, "好");
        assert!(matches!(answer, Err(BadReply::Fault(fault)) if fault.message == "坏"));
    }
}
