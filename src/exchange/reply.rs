//! A reply whose status says success, as an operation reads it.

use std::time::Duration;

use bytes::Bytes;

use super::state::Exchange;
use crate::error::{Failure, FailureKind};
use crate::http::client::Response;

/// A reply that is read whole (a JSON answer) may be this large, in bytes: no text and no list is
/// longer, and its tree of values takes many times as much.
const MAX_BODY: usize = 64 << 20;

/// The same for replies that carry pictures or sound.
pub(super) const MAX_MEDIA: usize = 512 << 20;

/// A reply on its way in, and the exchange that it belongs to.
pub(crate) struct Reply<'a> {
    response: Response,
    exchange: &'a mut Exchange,
}

impl<'a> Reply<'a> {
    pub(super) fn new(response: Response, exchange: &'a mut Exchange) -> Self {
        Self { response, exchange }
    }
}

impl Reply<'_> {
    /// The exchange, for what has to be done while the reply comes.
    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        self.exchange
    }

    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The proxy that may have made up the reply, in words.
    pub(super) fn doubtful_proxy(&self) -> Option<String> {
        self.response.doubtful_proxy()
    }

    /// The status, one of success.
    pub(crate) fn status(&self) -> u16 {
        self.response.status()
    }

    /// The content type; empty where there is none.
    pub(crate) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// The length of the body in bytes, if the head tells it.
    pub(crate) fn content_length(&self) -> Option<u64> {
        // Of compressed content it is another one.
        let is_plain = self.header("content-encoding").is_none();
        self.header("content-length")?.parse().ok().filter(|_| is_plain)
    }

    /// The service's id of this exchange, for support.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.response.request_id()
    }

    /// No silence longer than this is waited out from now on: an answer has come to its end.
    pub(crate) fn shorten_silence(&mut self, longest: Duration) {
        self.response.shorten_silence(longest);
    }

    /// The next bytes of the body, as they came off the wire; `None` at its end.
    ///
    /// # Errors
    /// A connection that breaks, silence beyond the limit, an interruption.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        self.response.chunk(&mut self.exchange.client).await
    }

    /// As [`Reply::chunk`], but only what can be had without waiting; `None` if there is nothing yet.
    pub(crate) async fn ready_chunk(&mut self) -> Option<Result<Option<Bytes>, Failure>> {
        self.response.ready_chunk(&self.exchange.client.service.name).await
    }

    /// The whole body of a reply that is text or JSON.
    ///
    /// # Errors
    /// As [`Reply::chunk`], and a body above 64 MiB.
    pub(crate) async fn whole(&mut self) -> Result<Vec<u8>, Failure> {
        self.within(MAX_BODY).await
    }

    /// The whole body of a reply that may carry pictures or sound.
    ///
    /// # Errors
    /// As [`Reply::chunk`], and a body above 512 MiB.
    pub(crate) async fn whole_media(&mut self) -> Result<Vec<u8>, Failure> {
        self.within(MAX_MEDIA).await
    }

    async fn within(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        match self.read_into(&mut body, most).await? {
            true => Ok(body),
            false => Err(self.too_large(most)),
        }
    }

    /// Reads the body to its end into `body`; false if it has more than `most` bytes.
    ///
    /// # Errors
    /// As [`Reply::chunk`].
    pub(crate) async fn read_into(
        &mut self,
        body: &mut Vec<u8>,
        most: usize,
    ) -> Result<bool, Failure> {
        while self.response.chunk_into(body, &mut self.exchange.client).await? {
            if body.len() > most {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The failure for a body of more than `most` bytes.
    pub(crate) fn too_large(&self, most: usize) -> Failure {
        let (name, most) = (&self.exchange.client.service.name, most >> 20);
        Failure::new(
            FailureKind::Network,
            format!("the answer from {name} is larger than {most} MiB"),
        )
    }
}
