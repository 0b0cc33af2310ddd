//! What a request says and carries on its way out, the same on every way: its headers, and its content,
//! which is at hand or read piece by piece while it is sent.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

use super::activity::Activity;
use super::form::{self, BytePiece};
use super::request::{Body, Header, Request};
use crate::error::{Failure, reason};

/// JSON that is longer is sent in pieces of this length: as long as they go out nobody is silent.
const PIECE_SIZE: usize = 1024 * 1024;

/// Told how many bytes of streamed content were handed to the network.
pub(super) type OnSent = Arc<dyn Fn(u64) + Send + Sync>;

/// Content, and what the head says of it.
pub(super) struct Outgoing {
    /// The type that only the content knows: that of a form names its boundary.
    content_type: Option<String>,
    pub(super) content: BodyContent,
    /// Its length in bytes.
    pub(super) length: u64,
}

/// Where the bytes are.
pub(super) enum BodyContent {
    Nothing,
    Bytes(Vec<u8>),
    Pieces(Pieces),
}

/// Bytes as they are read.
type Reads = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// Bytes that are read while they are sent.
pub(super) type Pieces = Box<dyn Iterator<Item = Result<Bytes, Unreadable>> + Send>;

/// A file that could be read when the request was made, and can't be any more.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self(match error.kind() {
            io::ErrorKind::UnexpectedEof => "it became shorter while it was sent".to_owned(),
            _ => reason(&error),
        })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file can't be read any more: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Outgoing {
    /// The content of a request. Each piece that is read counts as activity, and is told to `on_sent`.
    pub(super) fn of(body: &Body, activity: &Activity, on_sent: Option<&OnSent>) -> Self {
        let told = |pieces: Reads| {
            let (activity, on_sent) = (activity.clone(), on_sent.cloned());
            let pieces = pieces.inspect(move |piece| {
                let length = piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
                activity.sends(length);
                if let (Some(on_sent), Ok(_)) = (&on_sent, piece) {
                    on_sent(length);
                }
            });
            BodyContent::Pieces(Box::new(pieces.map(|piece| piece.map_err(Unreadable::from))))
        };
        match body {
            Body::Empty => Self { content_type: None, content: BodyContent::Nothing, length: 0 },
            Body::Json(_) => {
                let bytes = body.bytes();
                let length = bytes.len() as u64;
                let content = if bytes.len() > PIECE_SIZE {
                    let bytes = Bytes::from(bytes);
                    let piece =
                        move |start| Ok(bytes.slice(start..bytes.len().min(start + PIECE_SIZE)));
                    told(Box::new((0..length as usize).step_by(PIECE_SIZE).map(piece)))
                } else {
                    BodyContent::Bytes(bytes)
                };
                Self { content_type: None, content, length }
            }
            Body::Spliced(spliced) => {
                let content = told(Box::new(spliced.reader()));
                Self { content_type: None, content, length: spliced.length() }
            }
            Body::Form(form) => {
                let pieces = form.pieces();
                let length = pieces.iter().map(BytePiece::length).sum();
                let content = told(Box::new(form::PieceReader::new(pieces)));
                Self { content_type: Some(form.content_type()), content, length }
            }
        }
    }

    /// How many bytes of content are counted on their way out: those that are read while they are sent.
    pub(super) fn counted(&self) -> u64 {
        match self.content {
            BodyContent::Pieces(_) => self.length,
            BodyContent::Nothing | BodyContent::Bytes(_) => 0,
        }
    }

    /// The headers that go out with the content.
    ///
    /// # Errors
    /// Exit 2: a header that can't be sent, or one that says where the content ends, which is told
    /// here alone.
    pub(super) fn headers(&self, request: &Request) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
        for header in &request.headers {
            let (name, value) = sendable(header)?;
            // The type of a form names its boundary: no other can be right.
            if name != CONTENT_TYPE || self.content_type.is_none() {
                headers.append(name, value);
            }
        }
        if let Some(kind) = &self.content_type {
            let kind = HeaderValue::from_str(kind);
            let kind = kind.map_err(|_| Failure::usage("the boundary of the form is no text"))?;
            headers.insert(CONTENT_TYPE, kind);
        }
        if !matches!(self.content, BodyContent::Nothing) {
            headers.insert(CONTENT_LENGTH, self.length.into());
        }
        Ok(headers)
    }
}

/// A header as it goes over the wire.
fn sendable(header: &Header) -> Result<(HeaderName, HeaderValue), Failure> {
    let wrong = |what: &str| Failure::usage(what.replace("NAME", &header.name));
    let name = HeaderName::from_bytes(header.name.as_bytes())
        .map_err(|_| wrong("`NAME` is not a header name"))?;
    if [CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
        let what = "the header NAME can't be set: it tells where the request ends";
        return Err(wrong(what).hint("leave it out; llm sends the right one"));
    }
    let mut value = HeaderValue::from_bytes(header.exposed().as_bytes())
        .map_err(|_| wrong("the header NAME contains a line break"))?;
    value.set_sensitive(header.masked() != header.exposed());
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form::Form;
    use crate::http::request::{Method, Url};
    use serde_json::json;

    fn request(headers: &[(&str, &str)], body: Body) -> Request {
        let headers = headers.iter().map(|(name, value)| Header::public(name, value)).collect();
        let url = Url::parse("http://h.example/").expect("a URL");
        Request { method: Method::Post, url, headers, body, body_secrets: Vec::new() }
    }

    fn sent(request: &Request) -> Result<Vec<String>, Failure> {
        let outgoing = Outgoing::of(&request.body, &Activity::default(), None);
        let headers = outgoing.headers(request)?;
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        Ok(headers.iter().map(line).collect())
    }

    #[test]
    fn the_content_has_one_type_and_one_length() {
        let json = [("Content-Type", "application/json"), ("X-A", "你")];
        let found = sent(&request(&json, Body::Json(json!({})))).expect("can be sent");
        assert_eq!(found, ["content-type: application/json", "x-a: 你", "content-length: 2"]);
        let form = Form::new(Vec::new());
        let kind = format!("content-type: {}", form.content_type());
        let found = sent(&request(&json, Body::Form(form))).expect("can be sent");
        assert_eq!((found[0].as_str(), &found[1], found.len()), ("x-a: 你", &kind, 3));
        assert!(sent(&request(&[], Body::Empty)).expect("can be sent").is_empty());
    }

    #[test]
    fn what_no_header_can_hold_is_not_sent() {
        for (name, value) in [
            ("A", "a\r\nb"),
            ("A:", "b"),
            ("A B", "b"),
            ("", "b"),
            ("content-length", "1"),
            ("Transfer-Encoding", "chunked"),
        ] {
            assert!(sent(&request(&[(name, value)], Body::Empty)).is_err(), "{name:?}");
        }
    }

    #[test]
    fn long_json_goes_out_in_pieces() {
        let body = Body::Json(json!("你".repeat(PIECE_SIZE)));
        let outgoing = Outgoing::of(&body, &Activity::default(), None);
        let BodyContent::Pieces(pieces) = outgoing.content else { panic!("in pieces") };
        let pieces: Vec<Bytes> = pieces.map(|piece| piece.expect("at hand")).collect();
        assert_eq!((pieces.len(), pieces.concat()), (4, body.bytes()));
        assert_eq!(outgoing.length, body.length());
    }
}
