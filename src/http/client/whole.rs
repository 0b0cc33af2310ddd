//! Replies that are read whole, within bounds. Knows nothing of what they say.

use super::{Client, Response};
use crate::error::{Failure, Kind};

/// A reply that is read whole (a JSON answer) may be this large: no text and no list is longer, and
/// its tree of values takes many times as much.
const WHOLE_BODY: usize = 64 << 20;

/// The same for replies that carry pictures or sound.
const WHOLE_MEDIA: usize = 512 << 20;

impl Response {
    /// The whole body.
    ///
    /// # Errors
    /// As [`Response::chunk`], and a body beyond any sense.
    pub(crate) async fn whole(self, client: &mut Client) -> Result<Vec<u8>, Failure> {
        self.within(WHOLE_BODY, client).await
    }

    /// The whole body of a reply that may carry pictures or sound.
    ///
    /// # Errors
    /// As [`Response::whole`].
    pub(crate) async fn whole_media(self, client: &mut Client) -> Result<Vec<u8>, Failure> {
        self.within(WHOLE_MEDIA, client).await
    }

    async fn within(self, limit: usize, client: &mut Client) -> Result<Vec<u8>, Failure> {
        let body = self.at_most(limit, client).await?;
        body.ok_or_else(|| {
            let (name, limit) = (&client.service.name, limit >> 20);
            let what = format!("the answer of {name} is larger than {limit} MiB");
            Failure::new(Kind::Network, what)
        })
    }

    /// The whole body; `None` if it is longer than `limit` bytes.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub(crate) async fn at_most(
        mut self,
        limit: usize,
        client: &mut Client,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut body = Vec::new();
        while self.chunk_into(&mut body, client).await? {
            if body.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(body))
    }
}
