//! Reads a reply: its pictures go to their places while it arrives, the rest is understood at the end.

use serde_json::Value;

use super::places::{OpenPicture, PictureTargets};
use super::show::Canvas;
use super::work::ImageWork;
use crate::api::image::base64text;
use crate::api::image::reply;
use crate::api::image::scan::{ImagePiece, ImageScanner};
use crate::api::image::stream::ImageStream;
use crate::command::spent;
use crate::error::Failure;
use crate::exchange::{Draft, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::http::odd_json;
use crate::http::request::Request;
use crate::io::Io;
use crate::ledger::Spent;
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
    /// Where unfinished pictures are drawn.
    pub(super) canvas: Option<Canvas>,
    pub(super) io: &'a mut Io,
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
        Some(ImageWork::sending(request, self.io))
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PicturesReply, ReadError> {
        if is_stream(reply) {
            return self.read_stream(reply).await;
        }
        let bar = Progress::bytes("receiving", reply.content_length(), self.io);
        let (mut scanner, mut taken) = (ImageScanner::default(), Vec::new());
        let read = scan(reply, &mut scanner, &mut taken, self.places, &bar).await;
        bar.done();
        read?;
        let value = scanner.finish();
        let value = understood(value, scanner.rest())?;
        let Some(entries) = reply::entries(&value) else {
            return Err(no_list(scanner.rest()).into());
        };
        if entries.is_empty() {
            return Err(BadReply::Lacks("picture").into());
        }
        reply.exchange().spend(spent_on(&value, &entries));
        Ok(PicturesReply { reply: value, entries, taken })
    }
}

impl AskPictures<'_> {
    /// Reads an event stream; unfinished pictures are drawn as they come.
    async fn read_stream(&mut self, reply: &mut Reply<'_>) -> Result<PicturesReply, ReadError> {
        let bar = Progress::bytes("receiving", None, self.io);
        let read = self.events(reply, &bar).await;
        bar.done();
        let value = read?.finish()?;
        let entries = reply::entries(&value).unwrap_or_default();
        reply.exchange().spend(spent_on(&value, &entries));
        Ok(PicturesReply { reply: value, entries, taken: Vec::new() })
    }

    async fn events(
        &mut self,
        reply: &mut Reply<'_>,
        bar: &Progress,
    ) -> Result<ImageStream, Failure> {
        let (mut stream, mut length) = (ImageStream::default(), 0);
        while let Some(bytes) = reply.chunk().await? {
            length += bytes.len();
            bar.add(bytes.len() as u64);
            let pushed = if length > MAX_REPLY { None } else { stream.push(&bytes).ok() };
            let Some(unfinished) = pushed else { return Err(reply.too_large(MAX_REPLY)) };
            for text in unfinished {
                self.draw(&text)?;
            }
        }
        Ok(stream)
    }

    /// Draws an unfinished picture. One that can't be read is not worth a word: the whole one comes.
    fn draw(&mut self, text: &str) -> Result<(), Failure> {
        let (Some(canvas), Some(bytes)) = (self.canvas, base64text::decode(text)) else {
            return Ok(());
        };
        canvas.show(&bytes, "an unfinished picture", self.io)
    }
}

/// Whether a reply is an event stream.
fn is_stream(reply: &Reply<'_>) -> bool {
    reply.content_type().to_ascii_lowercase().starts_with("text/event-stream")
}

/// Reads a reply to its end and takes its pictures out.
async fn scan(
    reply: &mut Reply<'_>,
    scanner: &mut ImageScanner,
    taken: &mut Vec<Option<OpenPicture>>,
    places: &mut PictureTargets,
    bar: &Progress,
) -> Result<(), Failure> {
    let mut length = 0;
    while let Some(bytes) = reply.chunk().await? {
        length += bytes.len();
        if length > MAX_REPLY {
            return Err(reply.too_large(MAX_REPLY));
        }
        bar.add(bytes.len() as u64);
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
        Some(ImageWork::sending(request, self.io))
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Vec<u8>, ReadError> {
        let is_stream = is_stream(reply);
        let body = reply.whole_media().await?;
        if is_stream {
            return Ok(body);
        }
        let value = understood(odd_json::value(&body), &body)?;
        let entries = reply::entries(&value).unwrap_or_default();
        reply.exchange().spend(spent_on(&value, &entries));
        Ok(body)
    }
}

/// What pictures took.
fn spent_on(reply: &Value, entries: &[reply::ImageEntry]) -> Spent {
    let is_picture = |entry: &&reply::ImageEntry| !matches!(entry, reply::ImageEntry::Nothing(_));
    let pictures = entries.iter().filter(is_picture).count() as u64;
    Spent { pictures: Some(pictures), ..spent::of_usage(reply::counts(reply)) }
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
