//! HTTP/1.1 without TLS and without a proxy: what a server on this machine or in the same network is
//! asked by, and the shortest way from its socket to the output. Everything else goes through the
//! client of a library (`transport`). Knows no endpoint and no profile.

mod connect;
mod connection;
mod framing;
mod head;
mod pace;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::head::Head;
use super::network::Broken;
use super::outgoing::Outgoing;
use super::request::{Request, Url};
use super::transport::MOST_IDLE;
use crate::error::Failure;
use connect::Unreachable;
use connection::{Answer, Connection};
use framing::Framing;
use pace::{Due, GATHER, Pace};

/// An idle connection is kept so long: a server or a router may forget it.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// Connections that can be used again; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    /// Where it leads to.
    origin: String,
    since: Instant,
    connection: Connection,
}

/// A reply whose head was read.
#[derive(Debug)]
pub(super) struct Reply {
    /// Absent once the content has come.
    connection: Option<Connection>,
    framing: Framing,
    /// Where the connection goes then; without, it may not be used again.
    home: Option<(Connections, String)>,
    pace: Pace,
}

impl Connections {
    /// Sends a request, waits at most `patience` for a connection, and reads the head of the reply.
    ///
    /// `outgoing` makes the request's content: once more if a connection that was kept turns out to
    /// be dead before the request is out. Once it is out the server may have carried it out, and it
    /// is for others to say whether it is sent again (RFC 9110, section 9.2.2).
    ///
    /// # Errors
    /// Outside, a header that can't be sent; inside, what the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: &(dyn Fn() -> Outgoing + Sync),
        patience: Duration,
    ) -> Result<Result<(Head, Reply), Broken>, Failure> {
        let origin = request.url.origin().ascii_serialization();
        if let Some(mut kept) = self.take(&origin) {
            let outgoing = outgoing();
            let head = head::of_request(request, &outgoing.headers(request)?);
            match kept.exchange(head, outgoing.content).await {
                Err(broken) if kept.was_dead() && !broken.is_local() => {}
                done => return Ok(done.map(|answer| self.reply(kept, answer, origin))),
            }
        }
        let outgoing = outgoing();
        let head = head::of_request(request, &outgoing.headers(request)?);
        let mut connection = match open(&request.url, patience).await {
            Ok(connection) => connection,
            Err(broken) => return Ok(Err(broken)),
        };
        let done = connection.exchange(head, outgoing.content).await;
        Ok(done.map(|answer| self.reply(connection, answer, origin)))
    }

    fn reply(&self, connection: Connection, answer: Answer, origin: String) -> (Head, Reply) {
        let Answer { reply, is_sent } = answer;
        let home = (reply.stays_open && is_sent).then(|| (self.clone(), origin));
        let connection = Some(connection);
        let (framing, pace) = (reply.framing, Pace::default());
        (reply.head, Reply { connection, framing, home, pace })
    }

    /// A connection to this origin that can be used again.
    fn take(&self, origin: &str) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|idle| idle.since.elapsed() < KEPT_FOR);
        while let Some(at) = kept.iter().rposition(|idle| idle.origin == origin) {
            let mut connection = kept.remove(at).connection;
            if connection.renew() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, origin: String, connection: Connection) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_IDLE {
            kept.remove(0);
        }
        kept.push(Idle { origin, since: Instant::now(), connection });
    }
}

async fn open(url: &Url, patience: Duration) -> Result<Connection, Broken> {
    match tokio::time::timeout(patience, connect::connect(url, patience)).await {
        Ok(Ok(stream)) => Ok(Connection::new(stream)),
        Ok(Err(Unreachable::NameNotFound)) => Err(Broken::name_not_found()),
        Ok(Err(Unreachable::Io(error))) => Err(Broken::of_io(&error).connecting()),
        Err(_) => Err(Broken::no_connection_within(patience)),
    }
}

impl Reply {
    /// The next piece of content, `None` at its end.
    ///
    /// # Errors
    /// The connection ends or breaks before the content does.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        self.rest().await;
        std::future::poll_fn(|context| self.poll_piece(context)).await
    }

    /// Does what is due before the next read of a fast reply.
    async fn rest(&mut self) {
        match self.pace.due(Instant::now) {
            Due::Nothing => {}
            Due::News => tokio::task::yield_now().await,
            Due::Pause => {
                tokio::time::sleep(GATHER).await;
                self.pace.rested(Instant::now());
            }
        }
    }

    /// As [`Reply::piece`], but only what can be had without waiting.
    pub(super) fn ready_piece(&mut self) -> Option<Result<Option<Bytes>, Broken>> {
        match self.poll_piece(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(piece) => Some(piece),
            Poll::Pending => None,
        }
    }

    /// Adds the next content to `to`; gives how much, 0 at its end.
    ///
    /// # Errors
    /// As [`Reply::piece`].
    pub(super) async fn piece_into(&mut self, to: &mut Vec<u8>) -> Result<usize, Broken> {
        self.rest().await;
        std::future::poll_fn(|context| {
            let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(0)) };
            let read = connection.poll_content_into(&mut self.framing, to, context);
            match read {
                Poll::Ready(Ok(0)) => self.end(),
                Poll::Ready(Ok(length)) => self.pace.count(length),
                _ => {}
            }
            read
        })
        .await
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(None)) };
        let read = connection.poll_content(&mut self.framing, context);
        match &read {
            Poll::Ready(Ok(None)) => self.end(),
            Poll::Ready(Ok(Some(piece))) => self.pace.count(piece.len()),
            _ => {}
        }
        read
    }

    /// The content has come: another request may use the connection.
    fn end(&mut self) {
        if let (Some(connection), Some((home, origin))) = (self.connection.take(), self.home.take())
        {
            home.keep(origin, connection);
        }
    }
}

/// What is read of a reply whose bytes come in these pieces: the length of its head, its content, and how
/// many bytes are behind it.
///
/// # Errors
/// In words, why the bytes are no reply.
#[cfg(any(test, fuzzing))]
pub(crate) fn framed(pieces: &[&[u8]]) -> Result<(usize, Vec<u8>, usize), &'static str> {
    let (mut buffer, mut found, mut content) = (Vec::new(), None, Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        if found.is_none() {
            let Some(read) = head::of_reply(&buffer)? else { continue };
            buffer.drain(..read.length);
            found = Some(read);
        }
        let Some(read) = &mut found else { continue };
        while !buffer.is_empty() && !read.framing.is_over() {
            let taken = read.framing.take(&mut buffer).map_err(|_| "no chunks")?;
            content.extend_from_slice(&buffer[..taken.content]);
            buffer.drain(..taken.used);
        }
    }
    Ok((found.map_or(0, |read| read.length), content, buffer.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::activity::Activity;
    use crate::http::form::{Form, Part};
    use crate::http::request::{Body, Method};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_request_goes_on_when_the_answer_has_begun() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let url = Url::parse(&url).expect("a URL");
        // More than the network takes without a reader.
        let length = 20 << 20;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
            stream.write_all(head).await.expect("written");
            let mut heard = vec![0; length];
            stream.read_exact(&mut heard).await.expect("all of it comes");
            stream.write_all("你好".as_bytes()).await.expect("written");
        });
        let body = Body::Form(Form::new(vec![Part::text("model", "m".repeat(length))]));
        let request = Request { method: Method::Post, url, headers: Vec::new(), body };
        let outgoing = || Outgoing::of(&request.body, &Activity::default(), None);
        let sent = Connections::default().send(&request, &outgoing, Duration::from_secs(5)).await;
        let (head, mut reply) = sent.expect("can be sent").expect("is answered");
        let mut content = Vec::new();
        while reply.piece_into(&mut content).await.expect("comes") > 0 {}
        assert_eq!((head.status, content), (200, "你好".into()));
        server.await.expect("heard all");
    }
}
