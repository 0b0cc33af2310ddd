//! The sound out of a speech reply: bare bytes, base64 in JSON, an event stream, or only the address of
//! it, whatever was asked for and whatever the content type says. Takes the reply as it comes; bare
//! bytes are not copied.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::audio::format::{HEAD_BYTES, SpeechFormat};
use crate::audio::join::wav;
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::http::sse::Decoder;

/// A JSON reply may be this large: base64 of some 24 hours of MP3.
const LARGEST_JSON: usize = 512 << 20;

/// So much of what may be an error's words is kept, in bytes.
const LONGEST_WORDS: usize = 64 * 1024;

/// So much white space may stand before JSON or events, in bytes.
const MAX_LEADING_SPACE: usize = 4096;

/// Services are loose about the `=` at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where JSON replies and events keep the sound: Mistral, OpenAI's events, Together's, and what is
/// near at hand.
const PLACES: [&str; 8] = [
    "/audio_data",
    "/audio",
    "/audio/data",
    "/b64",
    "/b64_json",
    "/data",
    "/delta",
    "/output/audio/data",
];

/// Where 百炼 keeps the address of the sound.
const DASHSCOPE_ADDRESS: &str = "/output/audio/url";

/// What kind of reply it is.
#[derive(Debug)]
enum SpeechReplyKind {
    /// Not known until enough bytes are there.
    Open(Vec<u8>),
    Sound,
    /// JSON so far. `is_sure` is false where only its first bytes look so.
    Json {
        text: Vec<u8>,
        is_sure: bool,
    },
    Events(Box<SpeechEvents>),
    /// Words, such as the page of a gateway.
    Words(Vec<u8>),
}

#[derive(Debug, Default)]
struct SpeechEvents {
    decoder: Decoder,
    is_done: bool,
    /// The bytes so far, for a reply that turns out to have no event at all.
    words: Vec<u8>,
    any: bool,
}

/// Reads one reply.
#[derive(Debug)]
pub(crate) struct SpeechReader {
    content_type: String,
    wanted: Option<SpeechFormat>,
    kind: SpeechReplyKind,
    usage: Option<Value>,
    address: Option<String>,
}

impl SpeechReader {
    /// A reader for a reply of this content type, to a request for this format.
    pub(crate) fn new(content_type: &str, wanted: Option<SpeechFormat>) -> Self {
        let content_type = content_type.split(';').next().unwrap_or_default();
        Self {
            content_type: content_type.trim().to_ascii_lowercase(),
            wanted,
            kind: SpeechReplyKind::Open(Vec::new()),
            usage: None,
            address: None,
        }
    }

    /// Token counts, where the reply has them.
    pub(crate) fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    /// Where the sound is to be fetched, if the reply only says that.
    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Whether the reply is the sound itself, and not JSON or events around it.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self.kind, SpeechReplyKind::Open(_) | SpeechReplyKind::Sound)
    }

    /// Takes the next bytes, and adds to `sound` what they hold of it.
    ///
    /// # Errors
    /// The reply carries an error, or can't be read.
    pub(crate) fn push(&mut self, bytes: Bytes, sound: &mut Vec<Bytes>) -> Result<(), BadReply> {
        let bytes = match &mut self.kind {
            SpeechReplyKind::Open(head) if head.is_empty() && is_enough(&bytes) => bytes,
            SpeechReplyKind::Open(head) => {
                head.extend_from_slice(&bytes);
                if !is_enough(head) {
                    return Ok(());
                }
                std::mem::take(head).into()
            }
            _ => bytes,
        };
        if matches!(self.kind, SpeechReplyKind::Open(_)) {
            self.kind = self.decide(&bytes);
        }
        self.take(bytes, sound)
    }

    fn take(&mut self, bytes: Bytes, sound: &mut Vec<Bytes>) -> Result<(), BadReply> {
        match &mut self.kind {
            SpeechReplyKind::Open(_) => Ok(()),
            SpeechReplyKind::Sound => {
                sound.push(bytes);
                Ok(())
            }
            SpeechReplyKind::Words(words) => {
                keep_first(words, &bytes);
                Ok(())
            }
            SpeechReplyKind::Json { text, .. } => {
                text.extend_from_slice(&bytes);
                match text.len() > LARGEST_JSON {
                    true => Err(BadReply::Unreadable("it is larger than 512 MiB".to_owned())),
                    false => Ok(()),
                }
            }
            SpeechReplyKind::Events(events) => events.push(&bytes, sound, &mut self.usage),
        }
    }

    /// What the first bytes and the content type say. A format's own mark wins over both: several
    /// servers send bare sound whatever was asked for, and label it freely.
    fn decide(&self, head: &[u8]) -> SpeechReplyKind {
        let kind = self.content_type.as_str();
        if SpeechFormat::of_bytes(head, self.wanted).is_some() {
            return SpeechReplyKind::Sound;
        }
        let json = |is_sure| SpeechReplyKind::Json { text: Vec::new(), is_sure };
        let is_audio = kind.starts_with("audio/");
        let text = without_space(head);
        let text = &text[..text.len().min(HEAD_BYTES)];
        if kind == "application/json" || kind.ends_with("+json") {
            return json(true);
        }
        if kind == "text/event-stream"
            || (!is_audio && (text.starts_with(b"data:") || text.starts_with(b"event:")))
        {
            return SpeechReplyKind::Events(Box::default());
        }
        if looks_like_json(text) {
            return json(false);
        }
        if kind.starts_with("text/") {
            SpeechReplyKind::Words(Vec::new())
        } else {
            SpeechReplyKind::Sound
        }
    }

    /// The reply is over.
    ///
    /// # Errors
    /// It holds no sound, or has no end.
    pub(crate) fn finish(&mut self, sound: &mut Vec<Bytes>) -> Result<(), BadReply> {
        if let SpeechReplyKind::Open(head) = &mut self.kind {
            let head: Bytes = std::mem::take(head).into();
            if head.is_empty() {
                return Ok(());
            }
            self.kind = self.decide(&head);
            self.take(head, sound)?;
        }
        match &mut self.kind {
            SpeechReplyKind::Open(_) | SpeechReplyKind::Sound => Ok(()),
            SpeechReplyKind::Words(words) => Err(BadReply::NotAnAnswer(fault::read(words).message)),
            SpeechReplyKind::Events(events) => events.finish(sound, &mut self.usage),
            SpeechReplyKind::Json { text, is_sure } => {
                match serde_json::from_slice::<Value>(text) {
                    Ok(value) => {
                        self.usage = usage(&value);
                        let found = match of_json(&value)? {
                            None => of_gemini(&value, self.wanted == Some(SpeechFormat::Pcm))?,
                            found => found,
                        };
                        if let Some(found) = found {
                            sound.push(found);
                            return Ok(());
                        }
                        let address = value.pointer(DASHSCOPE_ADDRESS).and_then(Value::as_str);
                        let address = address.filter(|address| !address.is_empty());
                        self.address = address.map(str::to_owned);
                        match self.address {
                            Some(_) => Ok(()),
                            None => Err(BadReply::NotAnAnswer(fault::read(text).message)),
                        }
                    }
                    Err(error) if *is_sure => {
                        Err(BadReply::Unreadable(format!("it is not JSON: {error}")))
                    }
                    // Bare samples may begin as JSON does, if rarely.
                    Err(_) => {
                        sound.push(std::mem::take(text).into());
                        self.kind = SpeechReplyKind::Sound;
                        Ok(())
                    }
                }
            }
        }
    }
}

impl SpeechEvents {
    fn push(
        &mut self,
        bytes: &[u8],
        sound: &mut Vec<Bytes>,
        usage: &mut Option<Value>,
    ) -> Result<(), BadReply> {
        if !self.any {
            keep_first(&mut self.words, bytes);
        }
        let mut found = Ok(());
        let (is_done, any) = (&mut self.is_done, &mut self.any);
        let pushed = self.decoder.push(bytes, |event| {
            *any = true;
            if found.is_ok() {
                found = of_event(event.data, sound, is_done, usage);
            }
        });
        found?;
        pushed.map_err(|error| BadReply::Unreadable(error.to_string()))
    }

    fn finish(
        &mut self,
        sound: &mut Vec<Bytes>,
        usage: &mut Option<Value>,
    ) -> Result<(), BadReply> {
        let mut found = Ok(());
        let (is_done, any) = (&mut self.is_done, &mut self.any);
        std::mem::take(&mut self.decoder).finish(|event| {
            *any = true;
            if found.is_ok() {
                found = of_event(event.data, sound, is_done, usage);
            }
        });
        found?;
        if !self.any {
            return Err(BadReply::NotAnAnswer(fault::read(&self.words).message));
        }
        if self.is_done { Ok(()) } else { Err(BadReply::BrokenOff) }
    }
}

/// Adds bytes to words that may be an error's, of which the first are enough.
fn keep_first(words: &mut Vec<u8>, bytes: &[u8]) {
    let room = LONGEST_WORDS.saturating_sub(words.len());
    words.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Whether the first bytes tell what kind of reply it is, however many more there are. Services keep
/// a connection alive with white space before JSON (DeepSeek).
fn is_enough(head: &[u8]) -> bool {
    without_space(head).len() >= HEAD_BYTES || head.len() >= MAX_LEADING_SPACE + HEAD_BYTES
}

/// The bytes behind a byte order mark and white space, which is looked for only so far.
fn without_space(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let space =
        head.iter().take(MAX_LEADING_SPACE).take_while(|byte| byte.is_ascii_whitespace()).count();
    &head[space..]
}

/// Reads one event: a piece of the sound, the end, or an error.
fn of_event(
    data: &[u8],
    sound: &mut Vec<Bytes>,
    is_done: &mut bool,
    counts: &mut Option<Value>,
) -> Result<(), BadReply> {
    if data.trim_ascii() == b"[DONE]" {
        *is_done = true;
        return Ok(());
    }
    let value: Value = match serde_json::from_slice(data) {
        Ok(value) => value,
        Err(_) if data.trim_ascii().is_empty() => return Ok(()),
        Err(error) => return Err(BadReply::Unreadable(format!("an event is not JSON: {error}"))),
    };
    if let Some(found) = of_json(&value)? {
        sound.push(found);
    }
    let name = value.get("type").and_then(Value::as_str).unwrap_or_default();
    *is_done |= name.ends_with(".done") || name.ends_with(".completed");
    if let Some(found) = usage(&value) {
        *counts = Some(found);
    }
    Ok(())
}

/// The sound in a JSON value; `None` if there is none.
fn of_json(value: &Value) -> Result<Option<Bytes>, BadReply> {
    if let Some(fault) = fault::in_reply(value) {
        return Err(fault.into());
    }
    let text = PLACES.iter().find_map(|place| value.pointer(place)?.as_str());
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    decoded(text).map(Some)
}

/// The sound that Gemini gives: samples, their rate in the media type
/// (`audio/L16;codec=pcm;rate=24000`, little-endian). Unless samples are wanted they get a WAV head.
fn of_gemini(value: &Value, wants_samples: bool) -> Result<Option<Bytes>, BadReply> {
    let parts = value.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    let mut sound: Vec<u8> = Vec::new();
    let mut rate = None;
    for part in parts.into_iter().flatten() {
        let inline = &part["inlineData"];
        let Some(data) = inline["data"].as_str() else { continue };
        sound.extend_from_slice(&decoded(data)?);
        let kind = inline["mimeType"].as_str().unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("audio/l16") || kind.starts_with("audio/pcm") {
            let told = kind.split(';').find_map(|field| field.trim().strip_prefix("rate="));
            rate = told.and_then(|rate| rate.parse().ok()).or(Some(wav::PCM_RATE));
        }
    }
    if let Some(rate) = rate.filter(|_| !wants_samples && !sound.is_empty()) {
        let length = u32::try_from(sound.len()).ok();
        sound.splice(..0, wav::header_of_pcm(rate, length));
    }
    Ok((!sound.is_empty()).then(|| sound.into()))
}

/// The bytes of a base64 text.
fn decoded(text: &str) -> Result<Bytes, BadReply> {
    // `data:audio/wav;base64,…`
    let text = match text.split_once(',') {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => text,
    };
    let plain: String;
    let text = match text.contains(char::is_whitespace) {
        true => {
            plain = text.split_whitespace().collect();
            &plain
        }
        false => text,
    };
    let bytes = BASE64.decode(text);
    let bytes =
        bytes.map_err(|error| BadReply::Unreadable(format!("its base64 is wrong: {error}")))?;
    Ok(bytes.into())
}

fn usage(value: &Value) -> Option<Value> {
    if let Some(counts) = value.get("usageMetadata") {
        // Gemini's names.
        let (input, output) = (&counts["promptTokenCount"], &counts["candidatesTokenCount"]);
        return Some(json!({"input_tokens": input, "output_tokens": output}));
    }
    let found = value.get("usage").or_else(|| value.get("token_usage"))?;
    found.is_object().then(|| found.clone())
}

/// Whether bytes begin as a JSON object with a member, or a list of one. A sample may be `{` too.
fn looks_like_json(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"[").unwrap_or(text).trim_ascii_start().strip_prefix(b"{")
    else {
        return false;
    };
    matches!(rest.trim_ascii_start(), [b'"', ..] | [b'}', ..])
}

#[cfg(test)]
mod tests;
