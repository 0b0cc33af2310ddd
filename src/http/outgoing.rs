//! The content of a request on its way out: at hand, or read piece by piece while it is sent.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::activity::Activity;
use super::form::{self, Piece};
use super::request::Body;

/// Told how many bytes of streamed content were handed to the network.
pub(super) type OnSent = Arc<dyn Fn(u64) + Send + Sync>;

/// Content, and what the head says of it.
pub(super) struct Outgoing {
    /// The type that only the content knows: that of a form names its boundary.
    pub(super) content_type: Option<String>,
    pub(super) content: Content,
    length: u64,
}

/// Where the bytes are.
pub(super) enum Content {
    Nothing,
    Bytes(Vec<u8>),
    Pieces(Pieces),
}

/// Bytes that are read while they are sent.
pub(super) type Pieces = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

impl Outgoing {
    /// The content of a request. Each piece that is read counts as activity, and is told to `on_sent`.
    pub(super) fn of(body: &Body, activity: &Activity, on_sent: Option<&OnSent>) -> Self {
        let told = |pieces: Pieces| {
            let (activity, on_sent) = (activity.clone(), on_sent.cloned());
            let pieces = pieces.inspect(move |piece| {
                activity.happened();
                if let (Some(on_sent), Ok(bytes)) = (&on_sent, piece) {
                    on_sent(bytes.len() as u64);
                }
            });
            Content::Pieces(Box::new(pieces))
        };
        match body {
            Body::Empty => Self { content_type: None, content: Content::Nothing, length: 0 },
            Body::Json(_) => {
                let bytes = body.bytes();
                let length = bytes.len() as u64;
                Self { content_type: None, content: Content::Bytes(bytes), length }
            }
            Body::Spliced(spliced) => {
                let content = told(Box::new(spliced.reader()));
                Self { content_type: None, content, length: spliced.length() }
            }
            Body::Form(form) => {
                let pieces = form.pieces();
                let length = pieces.iter().map(Piece::length).sum();
                let content = told(Box::new(form::Reader::new(pieces)));
                Self { content_type: Some(form.content_type()), content, length }
            }
        }
    }

    /// The length of the content in bytes; `None` where there is none.
    pub(super) fn length(&self) -> Option<u64> {
        match self.content {
            Content::Nothing => None,
            _ => Some(self.length),
        }
    }
}
