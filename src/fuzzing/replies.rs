//! Pictures in a reply, and the tolerant readers of the other replies.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::Value;

use super::cuts::whole_or_cut;
use crate::api::image::base64text::{self, Decoder};
use crate::api::image::scan::{ImagePiece, ImageScanner};
use crate::api::transcribe::answer::TranscriptReply;
use crate::api::transcribe::format::TranscriptFormat as Written;
use crate::api::transcribe::join::merge;
use crate::api::transcribe::read::read;
use crate::api::transcribe::stream::TranscriptStream;
use crate::api::transcribe::subtitles::{Subtitles, is_finished};
use crate::api::{image, models, speech};
use crate::audio::format::SpeechFormat;

/// Base64 that comes in pieces, and the pictures that are taken out of a reply.
pub fn pictures(data: &[u8]) {
    let (decoded, is_whole) = whole_or_cut(data, base64);
    assert!(decoded.len() <= data.len() / 4 * 3 + 3);
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(base64text::decode(text), is_whole.then_some(decoded));
    }
    for text in [STANDARD.encode(data), URL_SAFE_NO_PAD.encode(data)] {
        assert_eq!(base64(&[text.as_bytes()]), (data.to_vec(), true));
    }
    let (rest, value, pictures) = whole_or_cut(data, scanned);
    let length: usize = pictures.iter().map(|(bytes, _)| bytes.len()).sum();
    assert!(length <= data.len() && rest.len() <= 2 * data.len());
    if let Some(value) = value {
        let entries = image::reply::entries(&value);
        assert!(entries.is_none_or(|entries| entries.len() <= data.len()));
        let _ = image::reply::usage(&value);
    }
}

fn base64(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
    let mut each = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok::<_, Infallible>(())
    };
    for piece in pieces {
        let Ok(()) = decoder.push(piece, &mut each);
    }
    let Ok(is_whole) = decoder.finish(&mut each);
    (bytes, is_whole)
}

type Pictures = Vec<(Vec<u8>, Option<bool>)>;

fn scanned(pieces: &[&[u8]]) -> (Vec<u8>, Option<Value>, Pictures) {
    let (mut scanner, mut pictures) = (ImageScanner::default(), Pictures::new());
    for piece in pieces {
        let Ok(()) = scanner.push(piece, &mut |piece| {
            match piece {
                ImagePiece::Begin => pictures.push((Vec::new(), None)),
                ImagePiece::Bytes(bytes) => {
                    let last = pictures.last_mut().expect("bytes follow a begin");
                    assert_eq!(last.1, None, "bytes come behind the end");
                    last.0.extend_from_slice(bytes);
                }
                ImagePiece::End { whole } => {
                    let last = pictures.last_mut().expect("an end follows a begin");
                    assert_eq!(last.1.replace(whole), None, "it ends twice");
                }
            }
            Ok::<_, Infallible>(())
        });
    }
    (scanner.rest().to_vec(), scanner.finish().ok(), pictures)
}

/// Replies with pictures, models, speech and transcripts.
pub fn replies(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        let ids = models::ids(&value);
        assert!(ids.is_none_or(|ids| ids.iter().map(String::len).sum::<usize>() <= data.len()));
        let _ = (image::reply::entries(&value), image::reply::usage(&value));
        let mut whole = value.clone();
        merge(&mut whole, value, 1.5);
    }
    for label in
        ["audio/mpeg", "application/json; charset=utf-8", "text/event-stream", "text/html", ""]
    {
        for wanted in [None, Some(SpeechFormat::Pcm), Some(SpeechFormat::Mp3)] {
            let (sound, _) = whole_or_cut(data, |pieces| spoken(label, wanted, pieces));
            assert!(sound.len() <= data.len(), "{} of {}", sound.len(), data.len());
        }
        if let Ok(answer) = read(data.to_vec(), label) {
            transcript(answer, data.len());
        }
    }
    let (live, answer) = whole_or_cut(data, |pieces| {
        let (mut stream, mut live) = (TranscriptStream::default(), String::new());
        pieces.iter().for_each(|piece| stream.push(piece, &mut live));
        let state = (stream.is_done(), stream.is_over(), stream.has_fault());
        let answer = stream.finish(&mut live);
        (live, (state, answer))
    });
    assert!(live.len() <= 3 * data.len());
    if let Ok(answer) = answer.1 {
        assert_eq!(answer.text().as_deref(), Some(live.as_str()), "what was shown is the answer");
        transcript(answer, 8 * data.len());
    }
}

fn spoken(label: &str, wanted: Option<SpeechFormat>, pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let mut reader = speech::answer::SpeechReader::new(label, wanted);
    let mut sound: Vec<Bytes> = Vec::new();
    let pushed =
        pieces.iter().try_for_each(|piece| reader.push(Bytes::copy_from_slice(piece), &mut sound));
    let end = pushed.and_then(|()| reader.finish(&mut sound));
    let end = format!("{end:?} {:?}", reader.usage());
    (sound.concat(), end)
}

fn transcript(answer: TranscriptReply, most: usize) {
    let texts = answer.text().map_or(0, |text| text.len());
    assert!(texts <= 3 * most, "{texts} bytes of text");
    for format in [Written::Srt, Written::Vtt] {
        let mut subtitles = Subtitles::new(format);
        if let Some(segments) = answer.segments() {
            subtitles.add(&segments, 0.25);
        }
        if let Some(finished) = answer.subtitles() {
            subtitles.add_finished(&finished, 0.25);
        }
        assert!(is_finished(subtitles.text()));
    }
    if let Ok(answer) = answer.with_words() {
        assert!(answer.into_json().is_object());
    }
}
