//! Messages to and from a server at an address: Streamable HTTP over our own client. Each message is a POST;
//! its answer is JSON or an event stream.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::context::HostContext;
use super::headers::encoded;
use super::message::{self, Incoming, RpcError};
use super::protocol::Era;
use super::waiting::{ChangeMark, PROGRESS, ProgressSender, progress_of};
use crate::error::{Failure, FailureKind};
use crate::http::client::{Client, ExchangeLimits, Response};
use crate::http::request::{Body, Header, Method, Request, Url, shown};
use crate::http::{Service, fault, sse};
use crate::interrupt::Interrupt;
use crate::io::Stderr;

/// The longest answer, in bytes.
const MOST_ANSWER: usize = 16 << 20;

/// The most that is read of a refusal, in bytes.
const MOST_REFUSAL: usize = 64 * 1024;

/// Silence beyond this ends a connection. Calls have limits of their own.
const SILENCE: Duration = Duration::from_secs(3600);

/// How long the end of a session, and an answer to a question of the server's, may take.
const LAST_MESSAGE: Duration = Duration::from_secs(1);

/// How long it is listened whether a server speaks the old transport.
const OLD_TRANSPORT: Duration = Duration::from_secs(3);

/// A server at an address.
pub(super) struct Http {
    client: Client,
    url: Url,
    headers: Vec<Header>,
    stderr: Stderr,
    session: Option<String>,
    changes: ChangeMark,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum HttpError {
    /// The server does not know the session any more; nothing was carried out.
    SessionLost,
    /// What came is no answer, in words that go on after "it".
    Broken(String),
    Failed(Failure),
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Http {
    /// A server that nothing was sent to yet.
    pub(super) fn new(
        url: &Url,
        headers: &[Header],
        context: &HostContext,
        changes: ChangeMark,
    ) -> Self {
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let service = Service {
            name,
            base_url: shown(url),
            origin: Some(url.origin().ascii_serialization()),
            ..Service::default()
        };
        let limits = ExchangeLimits {
            silence: SILENCE,
            until: None,
            verbose: context.verbose,
            is_insecure: context.is_insecure,
            repeats_charged: false,
        };
        // Whoever waits for an answer gives up waiting; what was begun here is ended in order.
        let client = Client::new(service, limits, &context.env, Interrupt::never());
        let (url, headers, stderr) = (url.clone(), headers.to_vec(), context.stderr.clone());
        Self { client, url, headers, stderr, session: None, changes }
    }

    /// Sends a request and waits for its answer. `more` are headers that repeat what it holds.
    ///
    /// # Errors
    /// The network's, a refusal, an answer that is none.
    pub(super) async fn request(
        &mut self,
        id: u64,
        request: &Value,
        era: &Era,
        more: &[(String, String)],
        progress: Option<ProgressSender>,
    ) -> Result<Result<Value, RpcError>, HttpError> {
        let is_first = request.get("method").is_some_and(|method| method == "initialize");
        // A call that may have been carried out is not sent again.
        self.client.is_charged = request.get("method").is_some_and(|method| method == "tools/call");
        let made = self.made(Method::Post, Some(request), era, more);
        let (response, _) = self.client.reply(&made, &self.stderr).await?;
        if !(200..=299).contains(&response.status()) {
            return self.refused(response, is_first).await;
        }
        if let Some(session) = response.header("mcp-session-id").filter(|_| is_first) {
            self.session = Some(session.to_owned());
        }
        let kind = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
        match kind.contains("event-stream") {
            true => self.read_events(id, response, era, progress).await,
            false => self.read_json(id, response, &kind).await,
        }
    }

    /// Sends a message that gets no answer. What becomes of it is of no interest.
    pub(super) async fn send(&mut self, message: &Value, era: &Era) {
        self.client.is_charged = false;
        let made = self.made(Method::Post, Some(message), era, &[]);
        let _ = timeout(LAST_MESSAGE, self.client.reply(&made, &self.stderr)).await;
    }

    /// Whatever belongs to a session is forgotten.
    pub(super) fn forget_session(&mut self) {
        self.session = None;
    }

    /// Ends the session, if there is one.
    pub(super) async fn close(mut self, era: &Era) {
        if self.session.is_some() {
            let made = self.made(Method::Delete, None, era, &[]);
            let _ = timeout(LAST_MESSAGE, self.client.reply(&made, &self.stderr)).await;
        }
    }

    fn made(
        &self,
        method: Method,
        message: Option<&Value>,
        era: &Era,
        more: &[(String, String)],
    ) -> Request {
        let accept = "application/json, text/event-stream";
        let mut headers = vec![Header::public("Accept", accept)];
        if message.is_some() {
            headers.insert(0, Header::public("Content-Type", "application/json"));
        }
        if !era.version().is_empty() {
            headers.push(Header::public("MCP-Protocol-Version", era.version()));
        }
        if let Some(session) = &self.session {
            headers.push(Header::private("Mcp-Session-Id", session));
        }
        let text = |place: &str| message?.pointer(place)?.as_str();
        if *era == Era::Modern {
            let repeated = [("Mcp-Method", text("/method")), ("Mcp-Name", text("/params/name"))];
            let repeated = repeated.into_iter().filter_map(|(name, value)| Some((name, value?)));
            headers.extend(repeated.map(|(name, value)| Header::public(name, &encoded(value))));
            headers.extend(more.iter().map(|(name, value)| Header::private(name, value)));
        }
        headers.extend(self.headers.iter().cloned());
        let body = message.map_or(Body::Empty, |message| Body::Json(message.clone()));
        Request { method, url: self.url.clone(), headers, body, body_secrets: Vec::new() }
    }

    /// The body of a reply, as far as `most`.
    async fn body(&mut self, response: &mut Response, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while body.len() <= most && response.chunk_into(&mut body, &mut self.client).await? {}
        Ok(body)
    }

    async fn read_json(
        &mut self,
        id: u64,
        mut response: Response,
        kind: &str,
    ) -> Result<Result<Value, RpcError>, HttpError> {
        let body = self.body(&mut response, MOST_ANSWER).await?;
        if body.len() > MOST_ANSWER {
            return Err(HttpError::Broken(too_long()));
        }
        let messages = message::read(&body).unwrap_or_default();
        answer_in(messages, id).unwrap_or_else(|| {
            let kind = if kind.is_empty() { "no content type" } else { kind };
            let what = format!("answers with no message (HTTP {}, {kind})", response.status());
            Err(HttpError::Broken(what))
        })
    }

    /// Reads events until the answer has come; the stream may stay open behind it.
    async fn read_events(
        &mut self,
        id: u64,
        mut response: Response,
        era: &Era,
        progress: Option<ProgressSender>,
    ) -> Result<Result<Value, RpcError>, HttpError> {
        let mut decoder = sse::Decoder::default();
        loop {
            let mut messages = Vec::new();
            let mut take = |event: sse::Event<'_>| {
                messages.extend(message::read(event.data).unwrap_or_default());
            };
            let is_over = match response.chunk(&mut self.client).await? {
                Some(bytes) => {
                    let taken = decoder.push(&bytes, &mut take);
                    taken.map_err(|_| HttpError::Broken(too_long()))?;
                    false
                }
                None => {
                    decoder.finish(&mut take);
                    true
                }
            };
            for message in &messages {
                match message {
                    Incoming::Request { id, method } => {
                        self.reply_to(&message::reply(id, method), era).await;
                    }
                    Incoming::Notification { method, params } => {
                        let step = progress_of(params).filter(|_| method == PROGRESS);
                        if let (Some(progress), Some((_, step))) = (&progress, step) {
                            let _ = progress.send(step);
                        }
                        self.changes.see(method);
                    }
                    _ => {}
                }
            }
            if let Some(answer) = answer_in(messages, id) {
                return answer;
            }
            if is_over {
                return Err(HttpError::Broken("ends its answer without a result".to_owned()));
            }
        }
    }

    /// Answers a question of the server's beside the stream that it came in.
    async fn reply_to(&mut self, reply: &Value, era: &Era) {
        let made = self.made(Method::Post, Some(reply), era, &[]);
        let mut beside = self.client.branch();
        let _ = timeout(LAST_MESSAGE, beside.reply(&made, &self.stderr)).await;
    }

    /// What a reply means whose status is no success: an error of the protocol, or a failure.
    async fn refused(
        &mut self,
        mut response: Response,
        is_first: bool,
    ) -> Result<Result<Value, RpcError>, HttpError> {
        let status = response.status();
        let login = response.header("www-authenticate").and_then(login_host);
        let mut body = self.body(&mut response, MOST_REFUSAL).await?;
        body.truncate(MOST_REFUSAL);
        let fault = fault::read(&body);
        let words = fault.message;
        let speaks_of_session = words.to_ascii_lowercase().contains("session");
        if self.session.is_some() && (status == 404 || status == 400 && speaks_of_session) {
            return Err(HttpError::SessionLost);
        }
        let told = match words.as_str() {
            "" => format!("HTTP {status}"),
            words => format!("HTTP {status}: {words}"),
        };
        if matches!(status, 401 | 403) {
            return Err(self.not_let_in(&told, login).into());
        }
        let error =
            message::read(&body).unwrap_or_default().into_iter().find_map(
                |message| match message {
                    Incoming::Response { outcome: Err(error), .. } | Incoming::Stray(error) => {
                        Some(error)
                    }
                    _ => None,
                },
            );
        if let Some(error) = error.filter(|_| (400..500).contains(&status)) {
            return Ok(Err(error));
        }
        if is_first && matches!(status, 400 | 404 | 405) && self.speaks_old_transport().await {
            let what = "it speaks the old HTTP+SSE transport, which is not known here";
            let bridge = format!("`npx mcp-remote {}` as `command` bridges it", shown(&self.url));
            return Err(Failure::new(FailureKind::Refused, what).hint(bridge).into());
        }
        let kind = match status {
            429 => FailureKind::Quota,
            500.. => FailureKind::Network,
            _ => FailureKind::Refused,
        };
        Err(Failure::new(kind, told).into())
    }

    fn not_let_in(&self, told: &str, login: Option<String>) -> Failure {
        let login = login.map(|host| format!(" (the log-in is at {host})")).unwrap_or_default();
        Failure::new(FailureKind::Credentials, format!("{told}{login}")).hint(format!(
            "headers = {{ Authorization = \"Bearer $TOKEN\" }} or `api_key_env` in its table sends a key; where \
             it wants a log-in, `npx mcp-remote {}` as `command` does that",
            shown(&self.url)
        ))
    }

    /// Whether a GET gives the event with which the transport of 2024 begins.
    async fn speaks_old_transport(&mut self) -> bool {
        let mut made = self.made(Method::Get, None, &Era::Legacy(String::new()), &[]);
        made.headers.retain(|header| header.name != "Accept");
        made.headers.insert(0, Header::public("Accept", "text/event-stream"));
        let listens = async {
            let (mut response, _) = self.client.reply(&made, &self.stderr).await.ok()?;
            let mut decoder = sse::Decoder::default();
            let mut is_old = false;
            while let Some(bytes) = response.chunk(&mut self.client).await.ok()? {
                decoder.push(&bytes, |event| is_old |= event.event == b"endpoint").ok()?;
                if is_old {
                    break;
                }
            }
            is_old.then_some(())
        };
        timeout(OLD_TRANSPORT, listens).await.is_ok_and(|is_old| is_old.is_some())
    }
}

/// The answer to the request of this number among messages.
fn answer_in(
    messages: Vec<Incoming>,
    id: u64,
) -> Option<Result<Result<Value, RpcError>, HttpError>> {
    messages.into_iter().find_map(|message| match message {
        Incoming::Response { id: of, outcome } if of == id => Some(Ok(outcome)),
        Incoming::Unreadable { id: of, why } if of == id => {
            Some(Err(HttpError::Broken(format!("gives an answer that can't be read ({why})"))))
        }
        Incoming::Stray(error) => Some(Ok(Err(error))),
        _ => None,
    })
}

fn too_long() -> String {
    format!("answers with more than {} MiB", MOST_ANSWER >> 20)
}

/// The host where a log-in begins (RFC 9728, section 5.1).
fn login_host(challenge: &str) -> Option<String> {
    let behind = challenge.split("resource_metadata=").nth(1)?;
    let address = behind.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_log_in_is_found() {
        let challenge = "Bearer error=\"invalid_token\", resource_metadata=\"https://auth.example/.well-known/x\"";
        assert_eq!(login_host(challenge).as_deref(), Some("auth.example"));
        assert_eq!(login_host("Bearer realm=\"x\""), None);
    }
}
