//! Reads a reply: its pictures go to their places while it arrives, the rest is understood at the end.

use serde_json::Value;

use super::places::{OpenPicture, PictureTargets};
use super::work::ImageWork;
use crate::api::image::reply;
use crate::api::image::scan::{ImagePiece, ImageScanner};
use crate::error::Failure;
use crate::exchange::{Draft, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::Provider;

/// A reply may be this large, in bytes: no service sends more, and a disk can be filled.
const MAX_REPLY: usize = 512 << 20;

/// What is said of a reply that holds no picture.
const WORDS: (&str, &str) = ("answer", "is not a list of pictures");

/// A reply that carries no error.
pub(super) struct PicturesReply {
    /// The reply, with marks in the places of the pictures that were taken out.
    pub(super) reply: Value,
    pub(super) entries: Vec<reply::ImageEntry>,
    /// The pictures that were taken out.
    pub(super) taken: Vec<Option<OpenPicture>>,
}

/// Asks for pictures, which go to their places.
pub(super) struct AskPictures<'a> {
    pub(super) work: &'a ImageWork,
    pub(super) places: &'a mut PictureTargets,
    pub(super) io: &'a Io,
}

impl Operation for AskPictures<'_> {
    type Output = PicturesReply;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.work.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new(WORDS.0, WORDS.1)
    }

    fn sending(&mut self, request: &Request) -> Option<Progress> {
        self.work.sending(request, self.io)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PicturesReply, ReadError> {
        let bar = self.work.bar(|| Progress::bytes("receiving", reply.content_length(), self.io));
        let (mut scanner, mut taken) = (ImageScanner::default(), Vec::new());
        let read = scan(reply, &mut scanner, &mut taken, self.places, bar.as_ref()).await;
        if let Some(bar) = bar {
            bar.done();
        }
        read?;
        let value = scanner.finish();
        let value = understood(value, scanner.rest())?;
        let Some(entries) = reply::entries(&value) else {
            return Err(no_list(scanner.rest()).into());
        };
        if entries.is_empty() {
            return Err(BadReply::Lacks("picture").into());
        }
        Ok(PicturesReply { reply: value, entries, taken })
    }
}

/// Reads a reply to its end and takes its pictures out.
async fn scan(
    reply: &mut Reply<'_>,
    scanner: &mut ImageScanner,
    taken: &mut Vec<Option<OpenPicture>>,
    places: &mut PictureTargets,
    bar: Option<&Progress>,
) -> Result<(), Failure> {
    let mut length = 0;
    while let Some(bytes) = reply.chunk().await? {
        length += bytes.len();
        if length > MAX_REPLY {
            return Err(reply.too_large(MAX_REPLY));
        }
        if let Some(bar) = bar {
            bar.add(bytes.len() as u64);
        }
        scanner.push(&bytes, &mut |piece| {
            match (piece, taken.last_mut().and_then(Option::as_mut)) {
                (ImagePiece::Begin, _) => taken.push(Some(places.picture(taken.len())?)),
                (ImagePiece::Bytes(bytes), Some(picture)) => picture.write(bytes)?,
                (ImagePiece::End { whole }, Some(picture)) => picture.is_decoded = whole,
                (_, None) => {}
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Asks for the reply's bytes, as they are.
pub(super) struct AskBytes<'a> {
    pub(super) work: &'a ImageWork,
    pub(super) io: &'a Io,
}

impl Operation for AskBytes<'_> {
    type Output = Vec<u8>;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.work.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new(WORDS.0, WORDS.1)
    }

    fn sending(&mut self, request: &Request) -> Option<Progress> {
        self.work.sending(request, self.io)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Vec<u8>, ReadError> {
        let body = reply.whole_media().await?;
        understood(serde_json::from_slice(&body), &body)?;
        Ok(body)
    }
}

/// The reply as JSON that carries no error.
fn understood(value: serde_json::Result<Value>, body: &[u8]) -> Result<Value, BadReply> {
    if body.trim_ascii().is_empty() {
        return Err(BadReply::Empty);
    }
    let value = value.map_err(|error| match error.is_eof() {
        true => BadReply::BrokenOff,
        false => no_list(body),
    })?;
    fault::in_reply(&value).map_or(Ok(value), |fault| Err(fault.into()))
}

fn no_list(body: &[u8]) -> BadReply {
    BadReply::NotAnAnswer(fault::read(body).message)
}
