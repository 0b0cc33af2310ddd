//! What ends a run early: SIGINT, SIGQUIT, SIGTERM, SIGHUP, a time limit, or the end of stdout's reader.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::error::{Failure, FailureKind};
use crate::io::Io;
#[cfg(unix)]
use crate::stop::{SIGHUP, SIGQUIT, SIGTERM, notice, watched};

/// A busy stream is checked for an interruption after this many polls with data ready.
const BUSY_POLLS: u32 = 32;

/// Listens from its creation on. Must be created inside the runtime.
pub(crate) struct Interrupt {
    sources: SignalSources,
    /// The end of the time limit, and the limit.
    deadline: Option<(Pin<Box<tokio::time::Sleep>>, Duration)>,
    busy: u32,
}

#[cfg(unix)]
struct SignalSources {
    signals: Vec<(tokio::signal::unix::Signal, FailureKind)>,
    /// Ready when stdout's reader is gone; only for a pipe or a socket.
    reader_gone: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// `None` for work that another one ends.
#[cfg(windows)]
struct SignalSources(Option<ConsoleEvents>);

#[cfg(windows)]
struct ConsoleEvents {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    /// The console's window is closed.
    close: tokio::signal::windows::CtrlClose,
    /// The system goes down.
    shutdown: tokio::signal::windows::CtrlShutdown,
}

impl Interrupt {
    /// Starts listening.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn new(io: &Io) -> anyhow::Result<Self> {
        Ok(Self { sources: SignalSources::new(io)?, deadline: None, busy: 0 })
    }

    /// Listens to nothing: for work that another one ends.
    pub(crate) fn never() -> Self {
        Self { sources: SignalSources::none(), deadline: None, busy: 0 }
    }

    /// Sets or clears the time limit: the moment at which it ends, and its length.
    pub(crate) fn limit(&mut self, until: Option<(Instant, Duration)>) {
        self.deadline =
            until.map(|(moment, time)| (Box::pin(tokio::time::sleep_until(moment.into())), time));
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) -> Poll<Failure> {
        if let Some((sleep, time)) = &mut self.deadline
            && sleep.as_mut().poll(context).is_ready()
        {
            let message = format!("time-out: not finished within {} s", time.as_secs_f64());
            let failure = Failure::new(FailureKind::Network, message);
            return Poll::Ready(failure.hint("--max-time SECS allows more"));
        }
        self.sources.poll(context)
    }

    /// Waits for `work`, or for an interruption, whichever comes first.
    ///
    /// # Errors
    /// The interruption, as the failure that ends the run.
    pub(crate) async fn race<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            // The work is polled first for the sake of fast streams, but a stream that always has data
            // must not hide a Ctrl-C.
            self.busy += 1;
            if self.busy >= BUSY_POLLS {
                self.busy = 0;
                if let Poll::Ready(failure) = self.poll(context) {
                    return Poll::Ready(Err(failure));
                }
            }
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            self.busy = 0;
            self.poll(context).map(Err)
        })
        .await
    }
}

#[cfg(unix)]
impl SignalSources {
    fn none() -> Self {
        Self { signals: Vec::new(), reader_gone: None }
    }

    fn new(io: &Io) -> anyhow::Result<Self> {
        use std::os::unix::fs::FileTypeExt as _;
        use tokio::io::{Interest, unix::AsyncFd};
        use tokio::signal::unix::{SignalKind, signal};
        let mut signals = Vec::new();
        for number in watched() {
            let (kind, asked) = match *number {
                SIGTERM => (SignalKind::terminate(), FailureKind::Terminated),
                SIGHUP => (SignalKind::hangup(), FailureKind::HungUp),
                SIGQUIT => (SignalKind::quit(), FailureKind::Quit),
                _ => (SignalKind::interrupt(), FailureKind::Interrupted),
            };
            signals.push((signal(kind)?, asked));
        }
        let is_watchable = |file: &std::fs::File| {
            file.metadata()
                .is_ok_and(|facts| facts.file_type().is_fifo() || facts.file_type().is_socket())
        };
        let output =
            io.stdout_handle.as_ref().and_then(|file| file.try_clone().ok()).filter(is_watchable);
        // The system reports an error on a pipe's writing end when its last reader is gone.
        #[expect(
            deprecated,
            reason = "its successor is `unsafe` for types whose descriptor may change; a `File` keeps its own"
        )]
        let watch = |file| AsyncFd::with_interest(file, Interest::ERROR).ok();
        Ok(Self {
            signals,
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
        for (signal, kind) in &mut self.signals {
            if signal.poll_recv(context).is_ready() {
                notice();
                return Poll::Ready(Failure::new(*kind, "interrupted"));
            }
        }
        match self.reader_gone.as_mut().map(|gone| gone.as_mut().poll(context)) {
            Some(Poll::Ready(())) => {
                // A finished future must not be polled again.
                self.reader_gone = None;
                Poll::Ready(Failure::new(
                    FailureKind::ReaderGone,
                    "the reader of standard output went away",
                ))
            }
            _ => Poll::Pending,
        }
    }
}

#[cfg(windows)]
impl SignalSources {
    fn none() -> Self {
        Self(None)
    }

    fn new(_: &Io) -> anyhow::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        let events = ConsoleEvents {
            ctrl_c: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        };
        Ok(Self(Some(events)))
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) -> Poll<Failure> {
        let Some(events) = &mut self.0 else { return Poll::Pending };
        let kind = if events.ctrl_c.poll_recv(context).is_ready() {
            FailureKind::Interrupted
        } else if events.ctrl_break.poll_recv(context).is_ready() {
            FailureKind::Quit
        } else if events.close.poll_recv(context).is_ready() {
            FailureKind::HungUp
        } else if events.shutdown.poll_recv(context).is_ready() {
            FailureKind::Terminated
        } else {
            return Poll::Pending;
        };
        Poll::Ready(Failure::new(kind, "interrupted"))
    }
}
