//! A request in hyper's terms. Sends nothing.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Uri;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT};

use super::address::basic_credentials;
use super::head;
use super::outgoing::{BodyContent, Outgoing, Pieces, Unreadable};
use super::request::Request;
use crate::error::Failure;

/// A request as hyper takes it.
pub(super) type Message = hyper::Request<Upload>;

/// The content of a request, which is read while it is sent.
pub(super) struct Upload {
    pieces: Pieces,
    /// Bytes that are still to be read.
    left: u64,
}

/// A request as it goes out without a proxy: with its own headers, and with those that every request
/// has (RFC 9110, sections 7.2, 10.1.5 and 12.5.1).
///
/// # Errors
/// Exit 2: a header or an address that can't be sent.
pub(super) fn message(request: &Request, outgoing: Outgoing) -> Result<Message, Failure> {
    let own = outgoing.headers(request)?;
    let wrong = || Failure::usage(format!("the address {} can't be asked for", request.url));
    let url = &request.url;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    let credentials = basic_credentials(url).map(|credentials| format!("Basic {credentials}"));
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (HOST, Some(host.as_str())),
        (ACCEPT, Some("*/*")),
        (USER_AGENT, Some(head::USER_AGENT)),
        (AUTHORIZATION, credentials.as_deref()),
    ] {
        if let Some(value) = value.filter(|_| !own.contains_key(&name)) {
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
        }
    }
    headers.extend(own);
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut message = Message::new(Upload::of(outgoing));
    *message.method_mut() = request.method.into();
    *message.uri_mut() = format!("{}{query}", url.path()).parse::<Uri>().map_err(|_| wrong())?;
    *message.headers_mut() = headers;
    Ok(message)
}

impl Upload {
    fn of(outgoing: Outgoing) -> Self {
        let pieces: Pieces = match outgoing.content {
            BodyContent::Nothing => Box::new(std::iter::empty()),
            BodyContent::Bytes(bytes) => Box::new(std::iter::once(Ok(Bytes::from(bytes)))),
            BodyContent::Pieces(pieces) => pieces,
        };
        Self { pieces, left: outgoing.length }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.left)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Unreadable;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        let piece = self.pieces.next();
        if let Some(Ok(piece)) = &piece {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::activity::Activity;
    use crate::http::request::{Body as Content, Header, Method, Url};

    fn told(method: Method, url: &str, headers: &[(&str, &str)]) -> (String, Vec<String>) {
        let url = Url::parse(url).expect("a URL");
        let headers = headers.iter().map(|(name, value)| Header::public(name, value)).collect();
        let request =
            Request { method, url, headers, body: Content::Empty, body_secrets: Vec::new() };
        let outgoing = Outgoing::of(&request.body, &Activity::default(), None);
        let message = message(&request, outgoing).expect("can be sent");
        let line = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        let headers = message.headers().iter().map(line).collect();
        (format!("{} {}", message.method(), message.uri()), headers)
    }

    #[test]
    fn a_request_says_what_it_must() {
        let agent = format!("user-agent: {}", head::USER_AGENT);
        assert_eq!(
            told(Method::Post, "http://h.example:81/v1/图?a=1#x", &[("X-A", "你")]),
            (
                "POST /v1/%E5%9B%BE?a=1".to_owned(),
                ["host: h.example:81", "accept: */*", &agent, "x-a: 你"].map(str::to_owned).into()
            )
        );
        let own = ["Accept", "host", "USER-AGENT"].map(|name| (name, "x"));
        assert_eq!(
            told(Method::Get, "http://a%40b:%E4@[::1]", &own),
            (
                "GET /".to_owned(),
                ["authorization: Basic YUBiOuQ=", "accept: x", "host: x", "user-agent: x"]
                    .map(str::to_owned)
                    .into()
            )
        );
        assert_eq!(told(Method::Get, "http://[::1]:80/", &[]).1[0], "host: [::1]");
        assert_eq!(
            told(Method::Get, "http://h/a|b^{c}?\"'[`]", &[]).0,
            "GET /a|b^%7Bc%7D?%22%27[`]"
        );
    }
}
