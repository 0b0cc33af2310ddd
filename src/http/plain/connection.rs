//! One connection: sends a request, reads the head of its reply and then its content. Whoever waits
//! for the content drives the connection; no task of its own stands between the two.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::net::TcpStream;

use super::framing::{Framing, Malformed};
use super::head::{self, ReplyHead};
use crate::http::network::Broken;
use crate::http::outgoing::{Content, Pieces};

/// Room for reads: that of a short reply; the most, for one that comes fast; and the least, below which
/// new room is made.
const ROOM: usize = 16 * 1024;
const MOST_ROOM: usize = 64 * 1024;
const LEAST_ROOM: usize = 2 * 1024;

/// So much of a reply is read before the request is out, in bytes; a server that wants to say more
/// before it has read the request has to wait.
const MOST_EARLY: usize = 1024 * 1024;

/// The most room that is asked for at once for content whose length is known: a server may claim any.
const STEP: usize = 64 * 1024 * 1024;

/// A connection to one server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// What was read and belongs to nobody yet.
    buffer: BytesMut,
    room: usize,
    /// Something of a reply has come.
    has_answered: bool,
    /// The request went out whole.
    is_sent: bool,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: ReplyHead,
    /// Whether it had the whole request by then.
    pub(super) is_sent: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: BytesMut::new(), room: ROOM, has_answered: false, is_sent: false }
    }

    /// Makes ready for another request; false if the server has closed the connection or said
    /// something unasked.
    pub(super) fn renew(&mut self) -> bool {
        (self.has_answered, self.is_sent) = (false, false);
        // The system itself is asked: what the runtime knows may be older.
        let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        self.buffer.is_empty()
            && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the exchange failed on a connection that had ended before: nobody has the request.
    pub(super) fn was_dead(&self) -> bool {
        !self.has_answered && !self.is_sent
    }

    /// Sends a request, its head with its content, and reads the head of the reply. A server that
    /// answers before it has read all is heard; a refusal ends the sending.
    ///
    /// # Errors
    /// What the network did, or a file that can't be read.
    pub(super) async fn exchange(
        &mut self,
        mut head: Vec<u8>,
        content: Content,
    ) -> Result<Answer, Broken> {
        let mut pieces: Pieces = match content {
            Content::Nothing => Box::new(std::iter::empty()),
            Content::Bytes(bytes) => {
                // In one write with the head.
                head.extend_from_slice(&bytes);
                Box::new(std::iter::empty())
            }
            Content::Pieces(pieces) => pieces,
        };
        let mut piece = Bytes::from(head);
        let mut early = None;
        loop {
            while !piece.is_empty() {
                let sent = self.send(&mut piece).await;
                if early.is_none() {
                    early = self.head_so_far()?;
                }
                early = match early {
                    // A refusal, or an answer for which the rest does not matter.
                    Some(reply) if reply.head.status >= 300 || sent.is_err() => {
                        return Ok(Answer { reply, is_sent: false });
                    }
                    early => early,
                };
                sent?;
            }
            piece = match pieces.next() {
                None => break,
                Some(Ok(next)) => next,
                Some(Err(error)) => return Err(Broken::of_file(&error)),
            };
        }
        self.is_sent = true;
        let reply = match early {
            Some(reply) => reply,
            None => self.head().await?,
        };
        Ok(Answer { reply, is_sent: true })
    }

    /// Sends a piece of a request, of which less is left afterwards if the server says something
    /// before it has all.
    ///
    /// # Errors
    /// The connection takes no more, and no reply came either.
    async fn send(&mut self, piece: &mut Bytes) -> Result<(), Broken> {
        let sent = std::future::poll_fn(|context| {
            while !piece.is_empty() {
                match Pin::new(&mut self.stream).poll_write(context, piece) {
                    Poll::Ready(written) => piece.advance(written?),
                    // A server that refuses a request need not read all of it.
                    Poll::Pending if self.buffer.len() > MOST_EARLY => return Poll::Pending,
                    Poll::Pending => {
                        return match ready!(self.poll_read(context))? {
                            0 => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                            _ => Poll::Ready(Ok(())),
                        };
                    }
                }
            }
            Poll::Ready(Ok::<(), io::Error>(()))
        });
        let Err(error) = sent.await else { return Ok(()) };
        // What the server said before it closed tells more than that it did.
        match std::future::poll_fn(|context| self.poll_read(context)).await {
            Ok(length) if length > 0 => Ok(()),
            _ => Err(Broken::of_io(&error)),
        }
    }

    /// The head of the reply, if it is there already: for looking between two pieces of a request.
    ///
    /// # Errors
    /// What came is no reply.
    fn head_so_far(&mut self) -> Result<Option<ReplyHead>, Broken> {
        let read = head::of_reply(&self.buffer).map_err(Broken::of_words)?;
        if let Some(read) = &read {
            self.buffer.advance(read.length);
        }
        Ok(read)
    }

    /// Waits for the head of the reply.
    ///
    /// # Errors
    /// The connection ends before, or what comes is no reply.
    async fn head(&mut self) -> Result<ReplyHead, Broken> {
        loop {
            if let Some(read) = self.head_so_far()? {
                return Ok(read);
            }
            match std::future::poll_fn(|context| self.poll_read(context)).await {
                Ok(0) => return Err(Broken::no_reply()),
                Ok(_) => {}
                Err(error) => return Err(Broken::of_io(&error)),
            }
        }
    }

    /// Reads more into the buffer; gives how much, 0 at the end of the connection.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM {
            self.buffer.reserve(self.room);
        }
        let space = self.buffer.capacity() - self.buffer.len();
        let length = ready!(pin!(self.stream.read_buf(&mut self.buffer)).poll(context))?;
        self.has_answered |= length > 0;
        if length == space && space >= self.room {
            self.room = MOST_ROOM.min(self.room * 4);
        }
        Poll::Ready(Ok(length))
    }

    /// The next piece of content, `None` at its end.
    ///
    /// # Errors
    /// The connection ends or breaks before the content does.
    pub(super) fn poll_content(
        &mut self,
        framing: &mut Framing,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Broken>> {
        loop {
            if framing.is_over() {
                return Poll::Ready(Ok(None));
            }
            if self.buffer.is_empty() {
                let read =
                    ready!(self.poll_read(context)).map_err(|error| Broken::of_io(&error))?;
                if read == 0 {
                    return Poll::Ready(match framing.may_end() {
                        true => Ok(None),
                        false => Err(Broken::of_io(&io::ErrorKind::UnexpectedEof.into())),
                    });
                }
            }
            let taken = framing.take(&mut self.buffer).map_err(|Malformed| {
                Broken::of_words("the pieces that it came in can't be told apart")
            })?;
            let mut content = self.buffer.split_to(taken.used);
            content.truncate(taken.content);
            if !content.is_empty() {
                return Poll::Ready(Ok(Some(content.freeze())));
            }
        }
    }

    /// Adds content to `to`, without a detour where its length is known; gives how much, 0 at its
    /// end.
    ///
    /// # Errors
    /// As [`Connection::poll_content`].
    pub(super) fn poll_content_into(
        &mut self,
        framing: &mut Framing,
        to: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize, Broken>> {
        if let Framing::Length(left) = framing
            && *left > 0
            && self.buffer.is_empty()
        {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            if to.len() == to.capacity() {
                to.reserve_exact(most.min(STEP));
            }
            let read = pin!(self.stream.read_buf(&mut to.limit(most))).poll(context);
            let length = ready!(read).map_err(|error| Broken::of_io(&error))?;
            *left -= length as u64;
            return Poll::Ready(match length {
                0 => Err(Broken::of_io(&io::ErrorKind::UnexpectedEof.into())),
                length => Ok(length),
            });
        }
        let content = ready!(self.poll_content(framing, context))?.unwrap_or_default();
        to.extend_from_slice(&content);
        Poll::Ready(Ok(content.len()))
    }
}
