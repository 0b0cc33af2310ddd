//! Tells what a whole reply to speech is. Knows no sockets.

use super::answer::TranscriptReply;
use super::stream::TranscriptStream;
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::http::odd_json;

/// The answer in a whole reply. What it is decides, not what was asked for: several services
/// answer JSON to everything (vLLM, llama-server), or plain text under another type (whisper.cpp).
///
/// # Errors
/// The reply is not an answer. JSON of any form is one.
pub(crate) fn read(body: Vec<u8>, content_type: &str) -> Result<TranscriptReply, BadReply> {
    if body.is_empty() {
        return Err(BadReply::Empty);
    }
    let body = without_mark(body);
    let begin = body.trim_ascii_start();
    // A plain text may begin with such a word.
    let may_be_events = !content_type.starts_with("text/");
    let looks_like_events = begin.starts_with(b"data:") || begin.starts_with(b"event:");
    if content_type.starts_with("text/event-stream") || (may_be_events && looks_like_events) {
        let mut stream = TranscriptStream::default();
        let mut unseen = String::new();
        stream.push(&body, &mut unseen);
        return stream.finish(&mut unseen);
    }
    let is_json = content_type.contains("json") || begin.starts_with(b"{");
    let parsed = is_json.then(|| odd_json::value(&body));
    let is_cut = matches!(&parsed, Some(Err(error)) if error.is_eof());
    // Words may begin with a brace, an object goes on with a name.
    let inside = begin.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let is_object = inside.is_some_and(|inside| matches!(inside.first(), None | Some(b'"')));
    let is_spoilt = matches!(parsed, Some(Err(_))) && is_object;
    let value = parsed.and_then(Result::ok);
    if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
        return Err(fault.into());
    }
    let answer = TranscriptReply { body, value };
    let is_page = |body: &[u8]| {
        let begin = body.trim_ascii_start();
        let begin = begin[..begin.len().min(9)].to_ascii_lowercase();
        begin == b"<!doctype" || begin.starts_with(b"<html")
    };
    // JSON that broke off is no text, and neither is what only looks like JSON.
    if is_spoilt && is_cut {
        return Err(BadReply::BrokenOff);
    }
    if is_spoilt || (answer.value.is_none() && is_page(&answer.body)) {
        return Err(answer.other());
    }
    Ok(answer)
}

/// JSON without the byte order mark that some servers put in front of it.
fn without_mark(body: Vec<u8>) -> Vec<u8> {
    match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(json) if json.trim_ascii_start().starts_with(b"{") => json.to_vec(),
        _ => body,
    }
}
