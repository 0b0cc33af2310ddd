//! What is at an address that the service or the user named. Nothing of the profile goes there: no key,
//! no header, no proxy.

use std::sync::Arc;

use super::draft::Draft;
use super::operation::{Operation, ReadError};
use super::reply::Reply;
use super::state::Exchange;
use crate::error::{Failure, FailureKind, classify};
use crate::http::Service;
use crate::http::request::{Body, Method, Request, Url, shown};
use crate::io::Io;
use crate::provider::Provider;

impl Exchange {
    /// An exchange with the host of an address, within this one's limits; errors speak of the host.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn elsewhere(&self, url: &Url, io: &Io) -> Result<Self, Failure> {
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let client = self.client.elsewhere(Service { name, ..Service::default() }, io);
        let client = client.map_err(|error| classify(&error))?;
        let (provider, options) = (Arc::clone(&self.provider), self.shared.options());
        Ok(Self::with(provider, client, options, self.stderr.clone()))
    }

    /// What is at an address, in memory; `None` if that is more than `most` bytes.
    ///
    /// # Errors
    /// An address that can't be fetched.
    pub(crate) async fn fetch(
        &mut self,
        url: &Url,
        most: usize,
        io: &Io,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.elsewhere(url, io)?.ask(&mut Fetch { url, most }).await
    }
}

/// A plain GET that says nothing of the user.
pub(crate) fn plain_get(url: &Url) -> Request {
    Request {
        method: Method::Get,
        url: url.clone(),
        headers: Vec::new(),
        body: Body::Empty,
        body_secrets: Vec::new(),
    }
}

/// An address that a service gave, as a URL that may be fetched. It may be relative to the service's own,
/// as LocalAI's are.
pub(crate) fn resolved(address: &str, base: &Url) -> Option<Url> {
    let url = match Url::parse(address) {
        Ok(url) => url,
        Err(_) => {
            let mut url = base.join(address).ok()?;
            // They belong to the service's own endpoints. Neither fails for a URL with a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url
        }
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

struct Fetch<'a> {
    url: &'a Url,
    most: usize,
}

impl Operation for Fetch<'_> {
    type Output = Option<Vec<u8>>;

    fn request(&mut self, _: &Provider) -> Result<Draft, Failure> {
        Ok(plain_get(self.url).into())
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Option<Vec<u8>>, ReadError> {
        let mut body = Vec::new();
        Ok(reply.read_into(&mut body, self.most).await?.then_some(body))
    }

    /// In words that tell the failure from one of the service that is asked. No key was sent, so none
    /// was refused.
    fn reword(&self, mut failure: Failure, _: &Provider) -> Failure {
        if failure.is_silent() {
            return failure;
        }
        failure.message = format!("cannot fetch {}: {}", shown(self.url), failure.message);
        if failure.kind == FailureKind::Credentials {
            failure.kind = FailureKind::Refused;
            failure.retry = None;
        }
        if failure.kind == FailureKind::Refused {
            failure.hint = None;
        }
        failure
    }
}
