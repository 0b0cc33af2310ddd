//! Fetches a picture that a service gave as an address: a plain GET that says nothing of the user.

use super::places::{Picture, Places};
use crate::command::online::Online;
use crate::error::{Failure, Kind};
use crate::http::client::Client;
use crate::http::request::{Body, Method, Request, Url, shown};
use crate::output::progress::Progress;

/// The picture behind an address, which may be relative to the service's own, as LocalAI's are.
/// `most` bounds its bytes.
///
/// # Errors
/// An address that can't be fetched, an answer that is no success or too large.
pub(super) async fn fetch(
    address: &str,
    index: usize,
    most: u64,
    what: &str,
    places: &mut Places,
    online: &mut Online,
) -> Result<Picture, Failure> {
    let url = resolved(address, &online.provider.base_url).ok_or_else(|| {
        let message = format!("{what} is at an address that can't be fetched: {}", cut(address));
        Failure::new(Kind::Refused, message)
    })?;
    let client = online.client_for(&url);
    let mut client = client.map_err(|error| crate::error::classify(&error))?;
    let request = Request { method: Method::Get, url, headers: Vec::new(), body: Body::Empty };
    let mut retries = online.retries();
    loop {
        let picture = places.picture(index)?;
        match download(&request, picture, most, what, &mut client, online).await {
            Ok(picture) => return Ok(picture),
            Err(failure) => retries
                .again(failure, true, &mut client, &online.io.voice)
                .await
                .map_err(|failure| in_words(failure, what, &request.url))?,
        }
    }
}

async fn download(
    request: &Request,
    mut picture: Picture,
    most: u64,
    what: &str,
    client: &mut Client,
    online: &mut Online,
) -> Result<Picture, Failure> {
    let too_large = || {
        let message = format!("{what} is larger than {most} bytes");
        Failure::new(Kind::Refused, message).hint("--max-bytes N allows more")
    };
    let mut reply = client.send(request, &online.io.voice).await?;
    let total: Option<u64> = reply.header("content-length").and_then(|text| text.parse().ok());
    if total.is_some_and(|total| total > most) {
        return Err(too_large());
    }
    let bar = Progress::bytes(what, total, &online.io);
    let result = loop {
        match reply.chunk(client).await {
            Ok(Some(bytes)) => {
                bar.add(bytes.len() as u64);
                if picture.length + bytes.len() as u64 > most {
                    break Err(too_large());
                }
                if let Err(failure) = picture.write(&bytes) {
                    break Err(failure);
                }
            }
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    bar.done();
    result.map(|()| picture)
}

/// The address as a URL that may be fetched.
fn resolved(address: &str, base: &Url) -> Option<Url> {
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

/// A failure that says which address it was. No key was sent, so none can have been refused.
fn in_words(failure: Failure, what: &str, url: &Url) -> Failure {
    if failure.is_silent() || failure.kind == Kind::Other {
        return failure;
    }
    let kind = if failure.kind == Kind::Credentials { Kind::Refused } else { failure.kind };
    let hint = failure.hint.filter(|hint| hint.contains("--"));
    let address = cut(&shown(url));
    let message = format!("{what} can't be fetched from {address}: {}", failure.message);
    Failure { hint, ..Failure::new(kind, message) }
}

/// A signed address can be very long.
fn cut(address: &str) -> String {
    const LONGEST: usize = 200;
    let mut characters = address.chars();
    let mut text: String = characters.by_ref().take(LONGEST).collect();
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
