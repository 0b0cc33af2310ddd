//! What a service answers to speech, whatever was asked: JSON in every shape, subtitles, plain text.
//! Knows no sockets.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::cue::CueLayout;
use super::subtitles::{self, Segment, is_finished};
use super::words::{self, speaker, time};
use crate::http::bad_reply::BadReply;
use crate::http::fault;

/// A whole answer: its bytes as they came, and the JSON if it is JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TranscriptReply {
    pub(crate) body: Vec<u8>,
    pub(crate) value: Option<Value>,
}

impl TranscriptReply {
    /// The answer if there is something of a transcript in it.
    ///
    /// # Errors
    /// It is JSON with neither text nor times.
    pub(crate) fn with_words(self) -> Result<Self, BadReply> {
        if self.text().is_none() && self.segments().is_none() {
            return Err(self.other());
        }
        Ok(self)
    }

    pub(super) fn other(&self) -> BadReply {
        BadReply::NotAnAnswer(fault::read(&self.body).message)
    }

    /// The answer that is this JSON.
    pub(crate) fn of_json(value: Value) -> Self {
        Self { body: value.to_string().into_bytes(), value: Some(value) }
    }

    /// The text: of JSON its `text`, else the whole. Bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.value {
            None => {
                let text = String::from_utf8_lossy(&self.body);
                Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
            }
            Some(Value::String(text)) => Some(text.clone()),
            Some(value) => {
                let text = value.get("text").and_then(Value::as_str).map(str::to_owned);
                text.or_else(|| chat_text(value))
            }
        }
    }

    /// Whether the answer is that of a chat, which ended at its limit of tokens.
    pub(crate) fn is_cut(&self) -> bool {
        let reason =
            |value: &Value| value.pointer("/choices/0/finish_reason")?.as_str().map(str::to_owned);
        self.value.as_ref().and_then(reason).as_deref() == Some("length")
    }

    /// The segments, if times were given.
    pub(crate) fn segments(&self) -> Option<Vec<Segment>> {
        segments(self.value.as_ref()?)
    }

    /// The segments that the words make up, each short enough for a subtitle; `None` without words
    /// that have times.
    pub(crate) fn segments_of_words(&self, layout: CueLayout) -> Option<Vec<Segment>> {
        words::segments(self.value.as_ref()?, Some(layout))
    }

    /// Whether the answer has single words with times.
    pub(crate) fn has_words(&self) -> bool {
        let words = |value: &Value| words::segments(value, None).is_some();
        self.value.as_ref().is_some_and(words)
    }

    /// The subtitles, if that is what came: bare, as a JSON text, or in the field `text` of an answer
    /// without times (LiteLLM). Bytes that are no UTF-8 are replaced; a byte order mark is no part.
    pub(crate) fn subtitles(&self) -> Option<Cow<'_, str>> {
        let text = match &self.value {
            None => String::from_utf8_lossy(&self.body),
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            Some(value) if self.segments().is_none_or(|segments| segments.is_empty()) => {
                Cow::Borrowed(value.get("text")?.as_str()?)
            }
            Some(_) => return None,
        };
        let is_ours = match &self.value {
            None => is_finished(&text),
            Some(_) => subtitles::has_cues(&text) || text.trim_start().starts_with("WEBVTT"),
        };
        let bare = |text: &str| text.strip_prefix('\u{feff}').map(str::to_owned);
        is_ours.then(|| bare(&text).map_or(text, Cow::Owned))
    }

    /// Whether the bytes are JSON in the shape that a transcript has, so that they can be given on.
    pub(crate) fn is_transcript_json(&self) -> bool {
        self.value.as_ref().is_some_and(|value| chat_text(value).is_none())
    }

    /// The JSON of the answer; plain text is put into it, and that of a chat.
    pub(crate) fn into_json(self) -> Value {
        match self.value {
            Some(value @ Value::Object(_)) if chat_text(&value).is_none() => value,
            Some(chat @ Value::Object(_)) => {
                let mut json = json!({"text": chat_text(&chat).unwrap_or_default().trim()});
                let notes = chat.pointer("/choices/0/message/annotations");
                let mut notes = notes.and_then(Value::as_array).into_iter().flatten();
                let language = notes.find_map(|note| note.get("language"));
                for (name, value) in [("language", language), ("usage", chat.get("usage"))] {
                    if let Some(value) = value.filter(|value| !value.is_null()) {
                        json[name] = value.clone();
                    }
                }
                json
            }
            _ => json!({"text": self.text().unwrap_or_default().trim()}),
        }
    }
}

/// The text of an answer that came in the shape of a chat (百炼, Gemini): one text, or several parts.
fn chat_text(value: &Value) -> Option<String> {
    match value.pointer("/choices/0/message/content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            Some(texts.collect())
        }
        _ => None,
    }
}

/// The segments of a JSON answer: its own, or such as its words make up.
pub(crate) fn segments(value: &Value) -> Option<Vec<Segment>> {
    given_segments(value).or_else(|| words::segments(value, None))
}

/// The segments as they were given. A segment without an end lasts until the next one begins, the last
/// one to the end of the recording.
fn given_segments(value: &Value) -> Option<Vec<Segment>> {
    // No segments of some text: the times were not given. Of silence there are none.
    let is_silent = value.get("text").and_then(Value::as_str).is_some_and(|t| t.trim().is_empty());
    let Some(items) = value.get("segments").and_then(Value::as_array) else {
        return (is_silent && value.get("words").is_none_or(|words| words == &json!([])))
            .then(Vec::new);
    };
    let all = time(value, "duration");
    let mut segments = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let start = time(item, "start")?;
        let next = items.get(index + 1).and_then(|next| time(next, "start"));
        let end = time(item, "end").filter(|end| *end > start).or(next).or(all);
        let end = end.or_else(|| time(item, "end")).unwrap_or(start).max(start);
        let text = item.get("text").and_then(Value::as_str)?.to_owned();
        segments.push(Segment { start, end, text, speaker: speaker(item) });
    }
    (!segments.is_empty() || is_silent).then_some(segments)
}

/// Whether a refusal is about the format that was asked for, so that another one may be taken.
/// `status` is the reply's (FastAPI answers 422, LocalAI 500), `words` the service's.
pub(crate) fn refuses_format(status: u16, words: &str) -> bool {
    let words = words.to_lowercase();
    // Words about the file's own format name neither field nor transcript formats.
    let names_ours = ["srt", "vtt", "json"].iter().any(|name| words.contains(name));
    matches!(status, 400 | 415 | 422 | 500 | 501)
        && (words.contains("response_format")
            || words.contains("response format")
            || (words.contains("format") && names_ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, content_type: &str) -> Result<TranscriptReply, BadReply> {
        super::super::read::read(body.as_bytes().to_vec(), content_type)?.with_words()
    }

    fn text(body: &str, content_type: &str) -> Option<String> {
        read(body, content_type).ok().and_then(|answer| answer.text())
    }

    #[test]
    fn the_answer_decides_what_it_is() {
        let vllm = r#"{"text":" 你好。","usage":{"type":"duration","seconds":3}}"#;
        let llama = r#"{"type":"transcript.text.done","text":"好","usage":{"type":"tokens"}}"#;
        for (body, content_type, expected) in [
            (vllm, "application/json", " 你好。"),
            (vllm, "text/plain", " 你好。"),
            (llama, "application/json; charset=utf-8", "好"),
            ("\n 你好\n", "text/html", "\n 你好\n"),
            ("\"你好\"", "application/json", "你好"),
            ("\"你好\"", "text/plain", "\"你好\""),
            ("{not json", "text/plain", "{not json"),
            ("data: {\"text\":\"好\"}\n\ndata: [DONE]\n\n", "application/json", "好"),
            ("data: 好", "text/plain", "data: 好"),
        ] {
            assert_eq!(text(body, content_type).as_deref(), Some(expected), "{body}");
        }
        // JSON that a close cut off is no text, whatever its label.
        for label in ["application/json", "text/plain"] {
            assert_eq!(read("{\"text\":\"你", label), Err(BadReply::BrokenOff));
            assert!(matches!(read("{\"text\": NaN}", label), Err(BadReply::NotAnAnswer(_))));
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert_eq!(read("", "text/plain"), Err(BadReply::Empty));
        let words = |result: Result<TranscriptReply, BadReply>| match result {
            Err(BadReply::NotAnAnswer(words)) => words,
            Err(BadReply::Fault(fault)) => fault.message,
            other => panic!("{other:?}"),
        };
        assert_eq!(words(read("<!DOCTYPE html><title>首页</title>", "text/html")), "首页");
        assert_eq!(words(read(r#"{"error":{"message":"坏了"}}"#, "application/json")), "坏了");
        assert!(words(read(r#"{"task_id":"1"}"#, "application/json")).contains("task_id"));
        assert!(read("[]", "application/json").is_err());
    }

    #[test]
    fn segments_of_every_service_are_read() {
        let of = |body: &str| read(body, "application/json").ok().and_then(|a| a.segments());
        let whisper = r#"{"text":"好","segments":[{"start":0,"end":"1.5","text":"好"}]}"#;
        assert_eq!(
            of(whisper),
            Some(vec![Segment { start: 0.0, end: 1.5, text: "好".into(), speaker: None }])
        );
        let open = r#"{"segments":[{"start":0.5,"text":"a"},{"start":2,"text":"b"}]}"#;
        let ends: Vec<f64> = of(open).expect("segments").iter().map(|s| s.end).collect();
        assert_eq!(ends, [2.0, 2.0]);
        assert_eq!(of(r#"{"text":"好","segments":[]}"#), None);
        assert_eq!(of(r#"{"text":"","segments":[]}"#), Some(Vec::new()));
        assert_eq!(of(r#"{"text":"好"}"#), None);
    }

    #[test]
    fn a_refusal_of_the_format_is_told_from_others() {
        for words in [
            "Only 'json' response_format is supported for transcription",
            "Only 'json', 'text', and 'verbose_json' formats supported",
            "invalid response_format",
            "response_format 'srt' is not compatible with model 'gpt-4o-transcribe'",
        ] {
            assert!(refuses_format(400, words) && refuses_format(500, words), "{words}");
            assert!(!refuses_format(404, words) && !refuses_format(429, words));
        }
        for words in [
            "Invalid file format. Supported formats: ['flac', 'mp3', 'wav']",
            "The model 'srt' does not exist",
            "backend crashed",
        ] {
            assert!(!refuses_format(400, words), "{words}");
        }
    }
}
