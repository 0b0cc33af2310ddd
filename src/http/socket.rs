//! A connection of which the reading side tells when writing fails. A server that refuses an upload
//! closes the connection while more of it comes: the write fails, but the reply is there to be read,
//! and tells more than the failure. Knows nothing about HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What the other side has said since a request was sent; clones tell of the same connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicU8>);

const NOTHING: u8 = 0;
const BYTES: u8 = 1;
const TLS: u8 = 2;

impl Heard {
    /// A request is about to be sent.
    pub(super) fn begin(&self) {
        self.0.store(NOTHING, Ordering::Relaxed);
    }

    /// Whether not a single byte has come.
    pub(super) fn is_nothing(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NOTHING
    }

    /// Whether what came begins as an alert of TLS does (RFC 8446, section 5.1).
    pub(super) fn is_tls(&self) -> bool {
        self.0.load(Ordering::Relaxed) == TLS
    }

    fn came(&self, bytes: &[u8]) {
        if self.is_nothing() && !bytes.is_empty() {
            let kind = if matches!(bytes, [0x15, 3, ..]) { TLS } else { BYTES };
            self.0.store(kind, Ordering::Relaxed);
        }
    }
}

/// A connection, and why nothing more can be written to it.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    write_error: Option<io::Error>,
    heard: Heard,
}

impl Socket {
    /// For a connection to which nothing was written so far.
    pub(super) fn new(stream: TcpStream, heard: Heard) -> Self {
        Self { stream, write_error: None, heard }
    }

    /// The result of a write; one that failed waits until all that came was read.
    fn written(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Err(error)) => {
                self.write_error = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            other => other,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let came = &buffer.filled()[before..];
        self.heard.came(came);
        let is_end = read.is_err() || came.is_empty();
        match self.write_error.take_if(|_| is_end) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.write_error.is_some() {
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.write_error.is_some() {
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
