//! What the scripted server answers, as data; it knows nothing of sockets.

use std::time::Duration;

use serde_json::Value;

use super::sse;

/// One thing that the server does on the connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes at once (`TCP_NODELAY` is set, so two writes are two segments).
    Write(Vec<u8>),
    /// Sends these bytes again and again until the client closes the connection.
    Flood(Vec<u8>),
    /// Says nothing for this long; ends early if the client closes the connection.
    Wait(Duration),
    /// Says nothing until the client closes the connection.
    UntilClosed,
    /// Breaks the connection with a TCP RST, after 50 ms in which the client can read what was sent.
    ///
    /// The standard library has no `SO_LINGER`. A close while received bytes are unread sends RST
    /// (RFC 2525 section 2.17), so the last byte of the request is left unread until then.
    Reset,
    /// Closes the connection in order (FIN), whatever was promised.
    Close,
}

#[derive(Clone, Debug)]
enum Body {
    /// Sent in one piece, framed by `Content-Length`.
    Whole(Vec<u8>),
    /// Each piece is one chunk of the chunked transfer coding.
    Chunks(Vec<Vec<u8>>),
    /// No status line, no headers, no framing: the steps are all there is.
    Raw(Vec<Step>),
}

/// One answer of the scripted server.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    pace: Duration,
    content_length: Option<u64>,
    keep_alive: bool,
    ending: Option<Vec<Step>>,
    pub(super) early: bool,
    pub(super) behind: usize,
    pub(super) repeated: bool,
}

impl Reply {
    fn new(status: u16, content_type: &str, body: Body) -> Self {
        let headers = if content_type.is_empty() {
            Vec::new()
        } else {
            vec![("content-type".to_owned(), content_type.to_owned())]
        };
        Self {
            status,
            headers,
            body,
            pace: Duration::ZERO,
            content_length: None,
            keep_alive: true,
            ending: None,
            early: false,
            behind: 0,
            repeated: false,
        }
    }

    /// A body of `application/json`.
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::bytes(status, "application/json", body.to_string())
    }

    /// A body of `text/plain; charset=utf-8`.
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", body)
    }

    /// A body of `text/html; charset=utf-8`, as gateways send it.
    pub(crate) fn html(status: u16, body: &str) -> Self {
        Self::bytes(status, "text/html; charset=utf-8", body)
    }

    /// Any body with a `Content-Length`; an empty `content_type` sends no such header.
    pub(crate) fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, content_type, Body::Whole(body.into()))
    }

    /// A chunked 200 answer: each piece goes out as one HTTP chunk of its own.
    pub(crate) fn chunks<P: Into<Vec<u8>>>(
        content_type: &str,
        pieces: impl IntoIterator<Item = P>,
    ) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self::new(200, content_type, Body::Chunks(pieces))
    }

    /// An event stream: each text becomes `data: ...` with a blank line, in one HTTP chunk.
    pub(crate) fn sse<E: AsRef<str>>(events: &[E]) -> Self {
        let pieces = events.iter().map(|event| sse::event_bytes(event.as_ref()));
        Self::chunks("text/event-stream", pieces)
    }

    /// A whole usual chat stream that says these pieces of text.
    pub(crate) fn chat(texts: &[&str]) -> Self {
        Self::sse(&sse::chat_events(texts))
    }

    /// A usual `chat.completion` that says `text`.
    pub(crate) fn chat_json(text: &str) -> Self {
        Self::json(200, sse::chat_body(text))
    }

    /// The steps alone: nothing is added to them, and the connection is closed behind them.
    pub(crate) fn raw(steps: impl Into<Vec<Step>>) -> Self {
        Self::new(200, "", Body::Raw(steps.into()))
    }

    /// Another status than the constructor's, for the constructors that take none.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A header; it takes the place of one of the same name. Not for `raw`.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How long to wait between two chunks (not before the first).
    pub(crate) fn pace(mut self, pause: Duration) -> Self {
        self.pace = pause;
        self
    }

    /// A `Content-Length` that need not be true; the connection is closed behind the body.
    pub(crate) fn content_length(mut self, length: u64) -> Self {
        self.content_length = Some(length);
        self
    }

    /// Whether the connection may carry another request (yes, unless said otherwise).
    pub(crate) fn keep_alive(mut self, keep: bool) -> Self {
        self.keep_alive = keep;
        self
    }

    /// Leaves the body open (no last chunk, no further bytes) and goes on with these steps instead.
    pub(crate) fn then(mut self, steps: impl Into<Vec<Step>>) -> Self {
        self.ending = Some(steps.into());
        self
    }

    /// Answers as soon as the head of the request is there, before its body was read.
    pub(crate) fn early(mut self) -> Self {
        self.early = true;
        self.keep_alive = false;
        self
    }

    /// Is held back until so many requests have come in all, so that what is in flight together is certain.
    pub(crate) fn behind(mut self, requests: usize) -> Self {
        self.behind = requests;
        self
    }

    /// The answer to this and to every further request; only for the last reply of a script.
    pub(crate) fn repeat(mut self) -> Self {
        self.repeated = true;
        self
    }

    /// The steps that play this reply, and whether the connection stays open behind them.
    pub(super) fn steps(&self) -> (Vec<Step>, bool) {
        let body = match &self.body {
            Body::Raw(steps) => return (steps.clone(), false),
            Body::Whole(bytes) => vec![Step::Write(bytes.clone())],
            Body::Chunks(pieces) => self.chunked(pieces),
        };
        let mut steps = vec![Step::Write(self.head().into_bytes())];
        steps.extend(body);
        steps.extend(self.ending.iter().flatten().cloned());
        let open = self.keep_alive && self.content_length.is_none() && self.ending.is_none();
        (steps, open)
    }

    fn chunked(&self, pieces: &[Vec<u8>]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 && !self.pace.is_zero() {
                steps.push(Step::Wait(self.pace));
            }
            if piece.is_empty() {
                continue; // an empty chunk would end the body
            }
            let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
            framed.extend_from_slice(piece);
            framed.extend_from_slice(b"\r\n");
            steps.push(Step::Write(framed));
        }
        if self.ending.is_none() {
            steps.push(Step::Write(b"0\r\n\r\n".to_vec()));
        }
        steps
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match (&self.body, self.content_length) {
            (_, Some(length)) => head.push_str(&format!("content-length: {length}\r\n")),
            (Body::Whole(bytes), None) => {
                head.push_str(&format!("content-length: {}\r\n", bytes.len()));
            }
            _ => head.push_str("transfer-encoding: chunked\r\n"),
        }
        if !self.keep_alive {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
