//! HTTP/1.1 straight to a server, without TLS and without a proxy: what a server on this machine or in
//! the same network is asked by. hyper speaks the protocol. Its connection is polled by whoever reads
//! the reply: no task of its own stands between the socket and the output, which would cost a switch
//! of tasks for each token. Knows no endpoint and no profile.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;

use super::connect::{self, Unreachable};
use super::head::ReplyHead;
use super::message::{Message, Upload, message};
use super::network::NetworkError;
use super::outgoing::Outgoing;
use super::pace::{FLOOD_PAUSE, ReadAction, ReadPace};
use super::request::{Request, Url};
use super::socket::Socket;
use crate::error::Failure;

/// An idle connection is kept so long: a server or a router may forget it.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// The most that is read at once, in bytes, and the longest head of a reply.
const MAX_READ: usize = 256 * 1024;

/// The most headers of a reply; gateways send more than the library's 100.
const MAX_HEADERS: usize = 128;

/// Connections that can be used again; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    idle: Arc<Mutex<Vec<Idle>>>,
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
    /// others to say whether it is sent again (RFC 9110, section 9.2.2).
    ///
    /// # Errors
    /// Outside, a header that can't be sent; inside, what the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: Outgoing,
        patience: Duration,
    ) -> Result<Result<(ReplyHead, Reply), NetworkError>, Failure> {
        let origin = request.url.origin().ascii_serialization();
        let mut message = message(request, outgoing)?;
        while let Some(mut kept) = self.take(&origin).await {
            match kept.send(message).await {
                Ok(reply) => return Ok(Ok(self.reply(kept, reply, origin))),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => message = unsent,
                    None => return Ok(Err((&failed.into_error()).into())),
                },
            }
        }
        let mut connection = match Connection::open(&request.url, patience).await {
            Ok(connection) => connection,
            Err(broken) => return Ok(Err(broken)),
        };
        Ok(match connection.send(message).await {
            Ok(reply) => Ok(self.reply(connection, reply, origin)),
            Err(failed) => Err((&failed.into_error()).into()),
        })
    }

    fn reply(
        &self,
        connection: Connection,
        reply: Response<Incoming>,
        origin: String,
    ) -> (ReplyHead, Reply) {
        let head = ReplyHead::of(&reply);
        let (body, connection) = (reply.into_body(), Some(connection));
        (head, Reply { body, connection, home: self.clone(), origin, pace: ReadPace::default() })
    }

    /// A connection to this origin that can be used again.
    async fn take(&self, origin: &str) -> Option<Connection> {
        loop {
            let mut connection = self.pop(origin)?;
            // The runtime asks the system for news only now and then: the server may have closed the
            // connection, or said something unasked.
            tokio::task::yield_now().await;
            connection.drive(&mut Context::from_waker(Waker::noop()));
            if connection.sender.is_ready() {
                return Some(connection);
            }
        }
    }

    fn pop(&self, origin: &str) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < KEPT_FOR);
        let at = idle.iter().rposition(|idle| idle.origin == origin)?;
        Some(idle.remove(at).connection)
    }

    fn keep(&self, origin: String, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.max_idle {
            idle.remove(0);
        }
        idle.push(Idle { origin, since: Instant::now(), connection });
    }
}

impl Connection {
    /// Connects to the host of `url` within `patience`.
    ///
    /// # Errors
    /// Why there is no connection.
    async fn open(url: &Url, patience: Duration) -> Result<Self, NetworkError> {
        let stream = match tokio::time::timeout(patience, connect::connect(url, patience)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(Unreachable::NameNotFound)) => return Err(NetworkError::name_not_found()),
            Ok(Err(Unreachable::Io(error))) => return Err(NetworkError::of_io(&error).connecting()),
            Err(_) => return Err(NetworkError::no_connection_within(patience)),
        };
        let mut builder = http1::Builder::new();
        // Servers that someone wrote by hand may look for names as browsers once wrote them.
        builder.title_case_headers(true).max_buf_size(MAX_READ).max_headers(MAX_HEADERS);
        builder.allow_obsolete_multiline_headers_in_responses(true);
        builder.allow_spaces_after_header_name_in_responses(true);
        let made = builder.handshake(TokioIo::new(Socket::new(stream))).await;
        let (sender, driver) = made.map_err(|error| NetworkError::from(&error))?;
        Ok(Self { sender, driver: Some(driver) })
    }

    /// Sends a request and waits for the head of the reply.
    ///
    /// # Errors
    /// What happened, with the request if no byte of it has gone out.
    async fn send(&mut self, message: Message) -> Result<Response<Incoming>, Unsent> {
        let mut reply = pin!(self.sender.try_send_request(message));
        std::future::poll_fn(|context| {
            drive(&mut self.driver, context);
            reply.as_mut().poll(context)
        })
        .await
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
            if let Ok(piece) = frame.map_err(|error| NetworkError::from(&error))?.into_data() {
                self.pace.count(piece.len());
                return Poll::Ready(Ok(Some(piece)));
            }
        }
    }

    /// The content has come: another request may use the connection.
    fn end(&mut self, context: &mut Context<'_>) {
        let Some(mut connection) = self.connection.take() else { return };
        connection.drive(context);
        if connection.sender.is_ready() {
            self.home.keep(std::mem::take(&mut self.origin), connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::activity::Activity;
    use crate::http::form::{Form, FormPart};
    use crate::http::request::{Body, Method};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// More than the network takes without a reader, in bytes.
    const LARGE: usize = 20 << 20;

    async fn listen() -> (TcpListener, Request) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1/图?a=1#x", listener.local_addr().expect("bound"));
        let url = Url::parse(&url).expect("a URL");
        let body = Body::Form(Form::new(vec![FormPart::text("model", "m".repeat(LARGE))]));
        (
            listener,
            Request {
                method: Method::Post,
                url,
                headers: Vec::new(),
                body,
                body_secrets: Vec::new(),
            },
        )
    }

    async fn send(
        connections: &Connections,
        request: &Request,
    ) -> Result<(ReplyHead, Reply), NetworkError> {
        let outgoing = Outgoing::of(&request.body, &Activity::default(), None);
        connections.send(request, outgoing, PATIENCE).await.expect("can be sent")
    }

    async fn content(reply: &mut Reply) -> Vec<u8> {
        let mut content = Vec::new();
        while let Some(piece) = reply.piece().await.expect("comes") {
            content.extend_from_slice(&piece);
        }
        content
    }

    #[tokio::test]
    async fn a_request_goes_on_when_the_answer_has_begun() {
        let (listener, request) = listen().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
            stream.write_all(head).await.expect("written");
            stream.read_exact(&mut vec![0; LARGE]).await.expect("all of it comes");
            stream.write_all("你好".as_bytes()).await.expect("written");
        });
        let connections = Connections::new(1);
        let (head, mut reply) = send(&connections, &request).await.expect("is answered");
        assert_eq!((head.status, content(&mut reply).await), (200, "你好".into()));
        server.await.expect("heard all");
    }

    #[tokio::test]
    async fn what_a_server_said_before_it_closed_is_heard() {
        let (listener, request) = listen().await;
        let listener = listener.into_std().expect("a listener");
        listener.set_nonblocking(false).expect("it waits");
        // In a thread of its own: the connection must be reset in the middle of a write.
        std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            for mut stream in listener.incoming().flatten() {
                stream.read_exact(&mut vec![0; LARGE / 2]).expect("half of it comes");
                let head = "HTTP/1.1 413 Much\r\nContent-Length: 6\r\n\r\n太大";
                stream.write_all(head.as_bytes()).expect("written");
            }
        });
        for _ in 0..10 {
            let (head, mut reply) =
                send(&Connections::new(1), &request).await.expect("is answered");
            assert_eq!((head.status, content(&mut reply).await), (413, "太大".into()));
            assert_eq!(head.line(), "HTTP/1.1 413 Much");
        }
    }
}
