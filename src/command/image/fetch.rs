//! Fetches a picture that a service gave as an address: a plain GET that says nothing of the user.

use super::places::{OpenPicture, PictureTargets};
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, plain_get, resolved};
use crate::http::request::{Url, shown};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::Provider;

/// A picture to be fetched.
pub(super) struct Download<'a> {
    url: Url,
    /// Its place among the pictures of the reply.
    index: usize,
    /// Its name in messages.
    what: &'a str,
    /// The most bytes of it.
    most: u64,
}

impl<'a> Download<'a> {
    /// A picture at an address, which may be relative to the service's own, as LocalAI's are.
    ///
    /// # Errors
    /// An address that can't be fetched.
    pub(super) fn new(
        address: &str,
        index: usize,
        what: &'a str,
        most: u64,
        exchange: &Exchange,
    ) -> Result<Self, Failure> {
        let url = resolved(address, &exchange.provider.base_url).ok_or_else(|| {
            let address = cut(address);
            let message = format!("{what} is at an address that can't be fetched: {address}");
            Failure::new(FailureKind::Refused, message)
        })?;
        Ok(Self { url, index, what, most })
    }

    /// Fetches it.
    ///
    /// # Errors
    /// An answer that is not a success or too large.
    pub(super) async fn run(
        self,
        places: &mut PictureTargets,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<OpenPicture, Failure> {
        let mut elsewhere = exchange.elsewhere(&self.url, io)?;
        let fetched = elsewhere.ask(&mut FetchPicture { download: &self, places, io }).await;
        fetched.map_err(|failure| in_words(failure, self.what, &self.url))
    }

    fn too_large(&self) -> Failure {
        let message = format!("{} is larger than {} bytes", self.what, self.most);
        Failure::new(FailureKind::Refused, message).hint("--max-bytes N allows more")
    }
}

struct FetchPicture<'a> {
    download: &'a Download<'a>,
    places: &'a mut PictureTargets,
    io: &'a Io,
}

impl Operation for FetchPicture<'_> {
    type Output = OpenPicture;

    fn request(&mut self, _: &Provider) -> Result<Draft, Failure> {
        Ok(plain_get(&self.download.url).into())
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<OpenPicture, ReadError> {
        let mut picture = self.places.picture(self.download.index)?;
        let total = reply.content_length();
        if total.is_some_and(|total| total > self.download.most) {
            return Err(self.download.too_large().into());
        }
        let bar = Progress::bytes(self.download.what, total, self.io);
        let result = self.save(reply, &mut picture, &bar).await;
        bar.done();
        result?;
        Ok(picture)
    }
}

impl FetchPicture<'_> {
    async fn save(
        &self,
        reply: &mut Reply<'_>,
        picture: &mut OpenPicture,
        bar: &Progress,
    ) -> Result<(), Failure> {
        while let Some(bytes) = reply.chunk().await? {
            bar.add(bytes.len() as u64);
            if picture.length + bytes.len() as u64 > self.download.most {
                return Err(self.download.too_large());
            }
            picture.write(&bytes)?;
        }
        Ok(())
    }
}

/// What may be the matter with an address that was good when it was given.
const EXPIRED: &str = "such an address expires, often within an hour or less: ask again; \
                       `-O response_format=b64_json` asks for the picture itself, where the service has that";

/// A failure that says which address it was. No key was sent, so none can have been refused.
fn in_words(failure: Failure, what: &str, url: &Url) -> Failure {
    if failure.is_silent() || failure.kind == FailureKind::Other {
        return failure;
    }
    let kind =
        if failure.kind == FailureKind::Credentials { FailureKind::Refused } else { failure.kind };
    let status = failure.refused.as_ref().and_then(|refused| refused.status);
    let is_gone = matches!(status, Some(401 | 403 | 404 | 410))
        || failure.kind == FailureKind::Credentials
        || failure.message.to_lowercase().contains("expired");
    let hint = match is_gone {
        true => Some(EXPIRED.to_owned()),
        false => failure.hint.filter(|hint| hint.contains("--")),
    };
    let address = cut(&shown(url));
    let message = format!("{what} can't be fetched from {address}: {}", failure.message);
    Failure { hint, ..Failure::new(kind, message) }
}

/// A signed address can be very long.
fn cut(address: &str) -> String {
    const MAX_SHOWN_URL: usize = 200;
    let mut characters = address.chars();
    let mut text: String = characters.by_ref().take(MAX_SHOWN_URL).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_resolved_and_checked() {
        let base = Url::parse("http://user:pw@localhost:8080/v1?key=a").expect("a URL");
        let found = |address: &str| resolved(address, &base).map(String::from);
        for (address, url) in [
            ("https://a.example/图.png?sig=1", "https://a.example/%E5%9B%BE.png?sig=1"),
            ("/generated-images/b.png", "http://localhost:8080/generated-images/b.png"),
            ("generated-images/b.png", "http://localhost:8080/generated-images/b.png"),
            ("//b.example/x", "http://b.example/x"),
        ] {
            assert_eq!(found(address).as_deref(), Some(url), "{address}");
        }
        for address in ["file:///etc/passwd", "ftp://a.example/x", "javascript:1", "http://"] {
            assert_eq!(found(address), None, "{address}");
        }
    }

    #[test]
    fn a_long_address_is_cut() {
        assert_eq!(cut("http://a/"), "http://a/");
        assert_eq!(cut(&"猫".repeat(300)).chars().count(), 201);
    }
}
