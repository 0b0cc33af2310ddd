//! What can end a run from outside: SIGINT, SIGTERM, and a reader of standard output that goes away.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::error::{Failure, Kind};
use crate::io::Io;

/// How often a busy stream is checked for an interruption: each so many polls that have data ready.
const BUSY_POLLS: u32 = 32;

/// Listens from its creation on. Must live inside the runtime.
pub(crate) struct Interrupt {
    sources: Sources,
    busy: u32,
}

#[cfg(unix)]
struct Sources {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Ready once nobody reads standard output any more; only where it is a pipe or a socket.
    reader_gone: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[cfg(not(unix))]
struct Sources;

impl Interrupt {
    /// Starts listening.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn new(io: &Io) -> anyhow::Result<Self> {
        Ok(Self { sources: Sources::new(io)?, busy: 0 })
    }

    /// Waits for `work`, or for an interruption, whichever comes first.
    ///
    /// # Errors
    /// The interruption, as the failure that ends the run.
    pub(crate) async fn race<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            // The work is asked first, as that is what a fast stream waits for; but a stream that
            // always has data must not hide a Ctrl-C.
            self.busy += 1;
            if self.busy >= BUSY_POLLS {
                self.busy = 0;
                if let Poll::Ready(failure) = self.sources.poll(context) {
                    return Poll::Ready(Err(failure));
                }
            }
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            self.busy = 0;
            self.sources.poll(context).map(Err)
        })
        .await
    }
}

#[cfg(unix)]
impl Sources {
    fn new(io: &Io) -> anyhow::Result<Self> {
        use std::os::unix::fs::FileTypeExt as _;
        use tokio::io::{Interest, unix::AsyncFd};
        use tokio::signal::unix::{SignalKind, signal};
        let is_watchable = |file: &std::fs::File| {
            file.metadata()
                .is_ok_and(|facts| facts.file_type().is_fifo() || facts.file_type().is_socket())
        };
        let output =
            io.out_handle.as_ref().and_then(|file| file.try_clone().ok()).filter(is_watchable);
        // The system says "error" on a pipe's writing end when its last reader is gone.
        #[expect(
            deprecated,
            reason = "its successor is `unsafe` for types whose descriptor may change; a `File` keeps its own"
        )]
        let watch = |file| AsyncFd::with_interest(file, Interest::ERROR).ok();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            reader_gone: output.and_then(watch).map(|file| {
                let gone = async move {
                    if file.ready(Interest::ERROR).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                Box::pin(gone) as Pin<Box<dyn Future<Output = ()> + Send>>
            }),
        })
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) -> Poll<Failure> {
        if self.interrupt.poll_recv(context).is_ready() {
            return Poll::Ready(Failure::new(Kind::Interrupted, "interrupted"));
        }
        if self.terminate.poll_recv(context).is_ready() {
            return Poll::Ready(Failure::new(Kind::Terminated, "terminated"));
        }
        match self.reader_gone.as_mut().map(|gone| gone.as_mut().poll(context)) {
            Some(Poll::Ready(())) => {
                // A finished future must not be asked again.
                self.reader_gone = None;
                Poll::Ready(Failure::new(
                    Kind::ReaderGone,
                    "the reader of standard output went away",
                ))
            }
            _ => Poll::Pending,
        }
    }
}

#[cfg(not(unix))]
impl Sources {
    fn new(_: &Io) -> anyhow::Result<Self> {
        Ok(Self)
    }

    fn poll(&mut self, _: &mut std::task::Context<'_>) -> Poll<Failure> {
        Poll::Pending
    }
}
