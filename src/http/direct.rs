//! Plain HTTP/1.1 over connections that are kept for later requests. hyper speaks the protocol. Its connection
//! is polled by whoever reads the reply: no task of its own stands between the socket and the output,
//! which would cost a switch of tasks for each token. Knows no endpoint and no profile.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;

use super::connect::{Unreachable, connect};
use super::head::ReplyHead;
use super::message::{Message, Upload, message};
use super::network::NetworkError;
use super::outgoing::Outgoing;
use super::pace::{FLOOD_PAUSE, ReadAction, ReadPace};
use super::request::{Request, Url};
use super::socket::{Heard, Socket};
use crate::error::Failure;

/// An idle connection is kept so long: a server or a router may forget it.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// The most that is read at once, in bytes, and the longest head of a reply.
const MAX_READ: usize = 256 * 1024;

/// The most headers of a reply; gateways send more than the library's 100.
const MAX_HEADERS: usize = 128;

/// Which of the connections that were kept a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    Any,
    /// One that was idle for no longer than this.
    Within(Duration),
    Never,
}

/// Connections that can be used again; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    /// The one that was used last stands last.
    idle: Arc<Mutex<VecDeque<Idle>>>,
    max_idle: usize,
}

#[derive(Debug)]
struct Idle {
    /// Where it leads to.
    origin: String,
    since: Instant,
    connection: Connection,
}

/// A connection to one server.
#[derive(Debug)]
struct Connection {
    sender: http1::SendRequest<Upload>,
    /// Absent once the connection has ended.
    driver: Option<Driver>,
    heard: Heard,
}

type Driver = http1::Connection<TokioIo<Socket>, Upload>;
type Unsent = TrySendError<Message>;

/// A reply whose head was read.
#[derive(Debug)]
pub(super) struct Reply {
    body: Incoming,
    /// Absent once the content has come.
    connection: Option<Connection>,
    /// Where the connection goes then.
    home: Connections,
    origin: String,
    pace: ReadPace,
    /// After an error of the server's own the connection is not used again: servers close it then, and
    /// some say so too late.
    is_dying: bool,
}

impl Connections {
    /// None so far; at most `max_idle` will be kept.
    pub(super) fn new(max_idle: usize) -> Self {
        Self { idle: Arc::default(), max_idle }
    }

    /// Sends a request, waits at most `patience` for a connection, and reads the head of the reply.
    ///
    /// A connection that was kept may turn out to be dead: then a new one is made, but only if no
    /// byte of the request has gone out. Otherwise the server may have carried it out, and it is for
    /// others to say whether it is sent again (RFC 9110, section 9.2.2): see [`NetworkError::is_stale`].
    ///
    /// # Errors
    /// Outside, a header that can't be sent; inside, what the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: Outgoing,
        reuse: Reuse,
        patience: Duration,
    ) -> Result<Result<(ReplyHead, Reply), NetworkError>, Failure> {
        let origin = request.url.origin().ascii_serialization();
        let mut message = message(request, outgoing)?;
        while let Some(mut kept) = self.take(&origin, reuse).await {
            match kept.send(message).await {
                Ok(reply) => return Ok(Ok(self.reply(kept, reply, origin))),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => message = unsent,
                    None => {
                        let broken = kept.broken(&failed.into_error());
                        let is_stale = kept.heard.is_nothing();
                        return Ok(Err(if is_stale { broken.stale() } else { broken }));
                    }
                },
            }
        }
        let mut connection = match Connection::open(&request.url, patience).await {
            Ok(connection) => connection,
            Err(broken) => return Ok(Err(broken)),
        };
        Ok(match connection.send(message).await {
            Ok(reply) => Ok(self.reply(connection, reply, origin)),
            Err(failed) => Err(connection.broken(&failed.into_error())),
        })
    }

    fn reply(
        &self,
        connection: Connection,
        reply: Response<Incoming>,
        origin: String,
    ) -> (ReplyHead, Reply) {
        let head = ReplyHead::of(&reply);
        let is_dying = head.status >= 500;
        let (body, connection) = (reply.into_body(), Some(connection));
        let (home, pace) = (self.clone(), ReadPace::default());
        (head, Reply { body, connection, home, origin, pace, is_dying })
    }

    /// A connection to this origin that can be used again.
    async fn take(&self, origin: &str, reuse: Reuse) -> Option<Connection> {
        let longest = match reuse {
            Reuse::Any => KEPT_FOR,
            Reuse::Within(longest) => longest,
            Reuse::Never => return None,
        };
        loop {
            let mut connection = self.pop(origin, longest)?;
            // The runtime asks the system for news only now and then: the server may have closed the
            // connection, or said something unasked.
            tokio::task::yield_now().await;
            connection.drive(&mut Context::from_waker(Waker::noop()));
            if connection.sender.is_ready() {
                return Some(connection);
            }
        }
    }

    fn pop(&self, origin: &str, longest: Duration) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while idle.front().is_some_and(|idle| now - idle.since >= KEPT_FOR) {
            idle.pop_front();
        }
        let fits = |idle: &Idle| idle.origin == origin && now - idle.since < longest;
        let at = idle.iter().rposition(fits)?;
        Some(idle.remove(at)?.connection)
    }

    fn keep(&self, origin: String, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.max_idle {
            idle.pop_front();
        }
        idle.push_back(Idle { origin, since: Instant::now(), connection });
    }
}

impl Connection {
    /// Connects to the host of `url` within `patience`.
    ///
    /// # Errors
    /// Why there is no connection.
    async fn open(url: &Url, patience: Duration) -> Result<Self, NetworkError> {
        let connected = tokio::time::timeout(patience, connect(url, patience)).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(Unreachable::NameNotFound)) => return Err(NetworkError::name_not_found()),
            Ok(Err(Unreachable::Io(error))) => {
                return Err(NetworkError::of_io(&error).connecting());
            }
            Err(_) => return Err(NetworkError::no_connection_within(patience)),
        };
        let mut builder = http1::Builder::new();
        // Servers that someone wrote by hand may look for names as browsers once wrote them.
        builder.title_case_headers(true).max_buf_size(MAX_READ).max_headers(MAX_HEADERS);
        builder.allow_obsolete_multiline_headers_in_responses(true);
        builder.allow_spaces_after_header_name_in_responses(true);
        let heard = Heard::default();
        let made = builder.handshake(TokioIo::new(Socket::new(stream, heard.clone()))).await;
        let (sender, driver) = made.map_err(|error| NetworkError::from(&error))?;
        Ok(Self { sender, driver: Some(driver), heard })
    }

    /// Sends a request and waits for the head of the reply.
    ///
    /// # Errors
    /// What happened, with the request if no byte of it has gone out.
    async fn send(&mut self, message: Message) -> Result<Response<Incoming>, Unsent> {
        self.heard.begin();
        let mut reply = pin!(self.sender.try_send_request(message));
        std::future::poll_fn(|context| {
            drive(&mut self.driver, context);
            reply.as_mut().poll(context)
        })
        .await
    }

    /// What ended the connection.
    fn broken(&self, error: &hyper::Error) -> NetworkError {
        let broken = NetworkError::from(error);
        if self.heard.is_tls() {
            NetworkError::settled("it speaks TLS there", "is `https://` meant?")
        } else if self.heard.is_nothing() && !broken.is_connect() {
            broken.hinted("if it speaks TLS there, `https://` is meant")
        } else {
            broken
        }
    }

    /// Reads and writes what can be read and written now.
    fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.driver, context);
    }
}

/// As [`Connection::drive`]. Why a connection has ended is told to whoever waits for a reply.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
        *driver = None;
    }
}

impl Reply {
    /// The next piece of content, `None` at its end.
    ///
    /// # Errors
    /// The connection ends or breaks before the content does.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, NetworkError> {
        match self.pace.due(Instant::now) {
            ReadAction::Nothing => {}
            ReadAction::News => tokio::task::yield_now().await,
            ReadAction::Pause => {
                tokio::time::sleep(FLOOD_PAUSE).await;
                self.pace.rested(Instant::now());
            }
        }
        // hyper wakes the reader of each piece that it hands over. As that is who reads the socket, too,
        // it would be woken for what it has got, and never let the runtime look for signals.
        std::future::poll_fn(|context| match self.ready_piece() {
            Some(piece) => Poll::Ready(piece),
            None => self.poll_piece(context),
        })
        .await
    }

    /// As [`Reply::piece`], but only what can be had without waiting.
    pub(super) fn ready_piece(&mut self) -> Option<Result<Option<Bytes>, NetworkError>> {
        match self.poll_piece(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(piece) => Some(piece),
            Poll::Pending => None,
        }
    }

    /// How many bytes of content are still to come, if the server has said so.
    pub(super) fn left(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, NetworkError>> {
        loop {
            if let Some(connection) = &mut self.connection {
                connection.drive(context);
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                self.end(context);
                return Poll::Ready(Ok(None));
            };
            // A frame without data is one of trailers, which nobody needs.
            let frame = frame.map_err(|error| match &self.connection {
                Some(connection) => connection.broken(&error),
                None => NetworkError::from(&error),
            });
            if let Ok(piece) = frame?.into_data() {
                self.pace.count(piece.len());
                return Poll::Ready(Ok(Some(piece)));
            }
        }
    }

    /// The content has come: another request may use the connection.
    fn end(&mut self, context: &mut Context<'_>) {
        let Some(mut connection) = self.connection.take() else { return };
        connection.drive(context);
        if !self.is_dying && connection.sender.is_ready() {
            self.home.keep(std::mem::take(&mut self.origin), connection);
        }
    }
}

#[cfg(test)]
mod tests;
