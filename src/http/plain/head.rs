//! The heads of a request and of its reply as bytes (RFC 9112, sections 2 to 5). Pure: knows no socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderName, HeaderValue};

use super::framing::{Chunks, Framing};
use crate::error::Failure;
use crate::http::head::{Head, USER_AGENT};
use crate::http::request::{Header, Request};

/// A head that is longer is no head, in bytes.
pub(super) const LONGEST: usize = 256 * 1024;

/// The most headers of a reply.
const MOST: usize = 128;

/// The bytes of a request's head. `content_type` and `length` are those of its body, `None` for a body
/// that there is none of.
///
/// # Errors
/// A header that can't be sent.
pub(super) fn of_request(
    request: &Request,
    content_type: Option<&str>,
    length: Option<u64>,
) -> Result<Vec<u8>, Failure> {
    let url = &request.url;
    let mut head = Lines::new(request);
    if !head.has("host") {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        head.add("Host", format!("{}{port}", url.host_str().unwrap_or_default()).as_bytes());
    }
    if !head.has("accept") {
        head.add("Accept", b"*/*");
    }
    if !head.has("user-agent") {
        head.add("User-Agent", USER_AGENT.as_bytes());
    }
    if !head.has("authorization")
        && let Some(credentials) = credentials(request)
    {
        head.add("Authorization", format!("Basic {credentials}").as_bytes());
    }
    if let Some(kind) = content_type {
        head.add("Content-Type", kind.as_bytes());
    }
    if let Some(length) = length {
        head.add("Content-Length", length.to_string().as_bytes());
    }
    for header in &request.headers {
        let value = value_of(header)?;
        let is_name = HeaderName::from_bytes(header.name.as_bytes()).is_ok();
        if !is_name {
            return Err(Failure::usage(format!("`{}` is no name of a header", header.name)));
        }
        head.add(&header.name, value.as_bytes());
    }
    Ok(head.end())
}

/// A header's value as it goes over the wire.
///
/// # Errors
/// It holds what no header can.
pub(in crate::http) fn value_of(header: &Header) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_bytes(header.exposed().as_bytes())
        .map_err(|_| Failure::usage(format!("the header {} holds a line break", header.name)))?;
    value.set_sensitive(header.masked() != header.exposed());
    Ok(value)
}

/// User and password of the URL, as the Basic scheme has them (RFC 7617).
fn credentials(request: &Request) -> Option<String> {
    let url = &request.url;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = unescaped(url.username());
    pair.push(b':');
    pair.extend(unescaped(url.password().unwrap_or_default()));
    Some(STANDARD.encode(pair))
}

/// Text with each `%41` as the byte that it stands for (RFC 3986, section 2.1).
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped =
            digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    bytes
}

/// A request's head while it is put together.
struct Lines<'r> {
    request: &'r Request,
    bytes: Vec<u8>,
}

impl<'r> Lines<'r> {
    fn new(request: &'r Request) -> Self {
        let url = &request.url;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let line = format!("{} {}{query} HTTP/1.1\r\n", request.method.name(), url.path());
        Self { request, bytes: line.into_bytes() }
    }

    /// Whether the request brings this header itself.
    fn has(&self, name: &str) -> bool {
        self.request.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes
    }
}

/// The head of a reply, and how its content is framed.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) head: Head,
    pub(super) framing: Framing,
    /// The connection may be used for another request once the content has come.
    pub(super) stays_open: bool,
    /// The length of the head, in bytes.
    pub(super) length: usize,
}

/// Reads a reply's head at the beginning of `bytes`, behind any interim replies, which say that the
/// final one is on its way (RFC 9110, section 15.2). `None` if it is not whole yet.
///
/// # Errors
/// In words, why these bytes are no head of a reply.
pub(super) fn of_reply(bytes: &[u8]) -> Result<Option<Read>, &'static str> {
    let mut start = 0;
    while let Some(read) = one(&bytes[start..])? {
        start += read.length;
        if !matches!(read.head.status, 100 | 102..=199) {
            return Ok(Some(Read { length: start, ..read }));
        }
    }
    if bytes.len() > LONGEST { Err("the head of the reply has no end") } else { Ok(None) }
}

/// Reads one head, of a final reply or not.
fn one(bytes: &[u8]) -> Result<Option<Read>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; MOST];
    let mut reply = httparse::Response::new(&mut headers);
    let mut lenient = httparse::ParserConfig::default();
    lenient.allow_spaces_after_header_name_in_responses(true);
    lenient.allow_obsolete_multiline_headers_in_responses(true);
    let length = match lenient.parse_response(&mut reply, bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("the reply has too many headers"),
        Err(httparse::Error::Version | httparse::Error::Status | httparse::Error::Token) => {
            return Err("what came is no HTTP");
        }
        Err(_) => return Err("the head of the reply can't be read"),
    };
    let minor = reply.version.unwrap_or(1);
    let status = reply.code.unwrap_or_default();
    let reason = reply.reason.unwrap_or_default();
    let headers = reply.headers.iter().map(|header| (header.name, header.value));
    let head = Head::new(&format!("HTTP/1.{minor}"), status, reason, headers);
    let framing = framing(&head).ok_or("the length of the reply can't be read")?;
    let says = |word: &str| head.lists("connection", word);
    let stays_open = framing != Framing::UntilClose
        && if minor == 0 { says("keep-alive") } else { !says("close") };
    Ok(Some(Read { head, framing, stays_open, length }))
}

/// How the content is framed (RFC 9112, section 6.3); `None` for a length that is none.
fn framing(head: &Head) -> Option<Framing> {
    if matches!(head.status, 100..=199 | 204 | 304) {
        return Some(Framing::Length(0));
    }
    if let Some(coding) = head.all("transfer-encoding").last() {
        let last = coding.rsplit(',').next().unwrap_or_default().trim();
        return Some(match last.eq_ignore_ascii_case("chunked") {
            true => Framing::Chunked(Chunks::default()),
            false => Framing::UntilClose,
        });
    }
    // Several that say the same are one, in one line or in many.
    let mut lengths = head.all("content-length").flat_map(|value| value.split(',')).map(str::trim);
    let Some(first) = lengths.next() else { return Some(Framing::UntilClose) };
    let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && lengths.all(|length| length == first)).then_some(())?;
    first.parse().ok().map(Framing::Length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::{Body, Method, Url};

    fn head(method: Method, url: &str, headers: Vec<Header>) -> String {
        let url = Url::parse(url).expect("a URL");
        let request = Request { method, url, headers, body: Body::Empty };
        let head = of_request(&request, None, Some(3)).expect("a head");
        String::from_utf8(head).expect("text").replace(USER_AGENT, "llm")
    }

    #[test]
    fn a_request_says_what_it_must() {
        assert_eq!(
            head(
                Method::Post,
                "http://h.example:81/v1/图?a=1#x",
                vec![Header::public("X-A", "你")]
            ),
            "POST /v1/%E5%9B%BE?a=1 HTTP/1.1\r\nHost: h.example:81\r\nAccept: */*\r\nUser-Agent: llm\r\n\
             Content-Length: 3\r\nX-A: 你\r\n\r\n"
        );
        let own = ["Accept", "host", "USER-AGENT"].map(|name| Header::public(name, "x"));
        assert_eq!(
            head(Method::Get, "http://a%40b:%E4@[::1]", own.to_vec()),
            "GET / HTTP/1.1\r\nAuthorization: Basic YUBiOuQ=\r\nContent-Length: 3\r\nAccept: x\r\n\
             host: x\r\nUSER-AGENT: x\r\n\r\n"
        );
        assert!(head(Method::Get, "http://[::1]:80/", Vec::new()).contains("Host: [::1]\r\n"));
    }

    #[test]
    fn what_no_header_can_hold_is_not_sent() {
        for (name, value) in [("A", "a\r\nb"), ("A:", "b"), ("A B", "b"), ("", "b")] {
            let headers = vec![Header::public(name, value)];
            let url = Url::parse("http://h.example/").expect("a URL");
            let request = Request { method: Method::Get, url, headers, body: Body::Empty };
            assert!(of_request(&request, None, None).is_err(), "{name:?}");
        }
    }

    fn read(text: &str) -> Read {
        of_reply(text.as_bytes()).expect("is a head").expect("is whole")
    }

    #[test]
    fn the_framing_follows_the_head() {
        let chunked = || Framing::Chunked(Chunks::default());
        for (head, framing, stays_open) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Framing::Length(5), true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Framing::Length(5), false),
            (
                "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5, 5\r\n\r\n",
                Framing::Length(5),
                true,
            ),
            ("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n", chunked(), true),
            (
                "HTTP/1.1 200 OK\nContent-Length: 5\ntransfer-encoding: gzip, chunked\n\n",
                chunked(),
                true,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Framing::UntilClose, false),
            ("HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose, false),
            ("HTTP/1.1 204 No Content\r\nConnection: x, close\r\n\r\n", Framing::Length(0), false),
        ] {
            let read = read(head);
            assert_eq!((read.framing, read.stays_open), (framing, stays_open), "{head}");
            assert_eq!(read.length, head.len());
        }
    }

    #[test]
    fn interim_replies_are_passed_over() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                    HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        let found = read(text);
        assert_eq!((found.head.status, found.length), (201, text.len()));
        assert!(of_reply(&text.as_bytes()[..60]).is_ok_and(|read| read.is_none()));
        assert!(of_reply("HTTP/1.1 100\r\n\r\n".repeat(LONGEST).as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_head_is_told() {
        assert!(of_reply(b"HTTP/1.1 200 OK\r\nA: b\r\n").is_ok_and(|read| read.is_none()));
        for wrong in [
            "SSH-2.0-OpenSSH_9\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ] {
            assert!(of_reply(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MOST + 1));
        assert!(of_reply(many.as_bytes()).is_err());
        let long = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(LONGEST));
        assert!(of_reply(long.as_bytes()).is_err());
    }
}
