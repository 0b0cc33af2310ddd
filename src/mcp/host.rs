//! Keeps servers running on a thread of its own, for as long as a run lasts: a conversation has a runtime
//! for each question, and servers live longer than that. When the host goes, so do all servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use super::outcome::CallFailed;

use super::answer::ToolAnswer;
use super::context::HostContext;
use super::protocol::ListedTool;
use super::server::{Connection, Ready};
use super::settings::ServerSettings;
use super::waiting::{ChangeMark, Progress, ProgressSender};
use crate::error::{Failure, FailureKind, reason};
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::stop;

/// How long calling off a call may hold up the end of its server.
const CALL_OFF: Duration = Duration::from_millis(1500);

/// Who sees to a signal while servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Watch {
    /// Somebody else: the run is ended in order, and the host with it.
    Elsewhere = 0,
    /// Nobody else: the host ends the servers and then the program.
    Here = 1,
    /// As [`Watch::Here`], but SIGINT is meant for something else.
    HereButInterrupts = 2,
}

/// Servers that run. Dropping it ends them all, and waits until they have ended.
#[derive(Debug)]
pub(crate) struct Host {
    closing: watch::Sender<bool>,
    watched: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

/// A server of a host.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    orders: mpsc::UnboundedSender<Order>,
    ready: Option<oneshot::Receiver<Result<Ready, Failure>>>,
    changes: ChangeMark,
}

/// What a server is to do.
enum Order {
    /// To list its tools once more.
    List(oneshot::Sender<Result<Vec<ListedTool>, Failure>>),
    Call {
        tool: String,
        arguments: Map<String, Value>,
        progress: ProgressSender,
        outcome: oneshot::Sender<Result<ToolAnswer, CallFailed>>,
    },
}

/// What one server's task works with.
struct Seat {
    settings: ServerSettings,
    orders: mpsc::UnboundedReceiver<Order>,
    ready: oneshot::Sender<Result<Ready, Failure>>,
    changes: ChangeMark,
}

impl Host {
    /// Starts servers, all at the same time, and does not wait for them. Until it is told otherwise, the
    /// host sees to signals.
    ///
    /// # Errors
    /// The system gives no thread, or refuses a signal handler.
    pub(crate) fn start(
        all: Vec<ServerSettings>,
        context: HostContext,
    ) -> Result<(Self, Vec<Server>), Failure> {
        let (closing, closed) = watch::channel(false);
        let watched = Arc::new(AtomicU8::new(Watch::Here as u8));
        let (mut servers, mut seats) = (Vec::new(), Vec::new());
        for settings in all {
            let (orders, received) = mpsc::unbounded_channel();
            let (ready, awaited) = oneshot::channel();
            let changes = ChangeMark::default();
            servers.push(Server {
                name: settings.name.clone(),
                orders,
                ready: Some(awaited),
                changes: changes.clone(),
            });
            seats.push(Seat { settings, orders: received, ready, changes });
        }
        let cannot = |error: std::io::Error| {
            let what = format!("cannot start the servers of tools: {}", reason(&error));
            Failure::new(FailureKind::Other, what)
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let (seen, stops) = (Arc::clone(&watched), closing.clone());
        let work = move || {
            runtime.block_on(async move {
                let watch = tokio::spawn(watch_signals(seen, stops));
                let tasks: Vec<_> = seats
                    .into_iter()
                    .map(|seat| tokio::spawn(serve(seat, context.clone(), closed.clone())))
                    .collect();
                for task in tasks {
                    // A task that panicked has dropped its server, which ends it.
                    let _ = task.await;
                }
                match watch.is_finished() {
                    true => watch.await.into_iter().for_each(stop::end_by),
                    false => watch.abort(),
                }
            });
        };
        let thread =
            std::thread::Builder::new().name("mcp".to_owned()).spawn(work).map_err(cannot)?;
        Ok((Self { closing, watched, thread: Some(thread) }, servers))
    }

    /// Says who sees to signals from now on.
    pub(crate) fn watch(&self, watch: Watch) {
        self.watched.store(watch as u8, Ordering::SeqCst);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Without a receiver all servers have ended.
        let _ = self.closing.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits for a signal that nobody else sees to, and makes the servers end.
async fn watch_signals(watched: Arc<AtomicU8>, closing: watch::Sender<bool>) -> FailureKind {
    let Ok(mut interrupt) = Interrupt::new(&Io::nowhere()) else {
        return std::future::pending().await;
    };
    loop {
        let Err(failure) = interrupt.race(std::future::pending::<()>()).await else { continue };
        let watched = watched.load(Ordering::SeqCst);
        let is_ours = watched == Watch::Here as u8
            || watched == Watch::HereButInterrupts as u8
                && failure.kind != FailureKind::Interrupted;
        if is_ours {
            let _ = closing.send(true);
            return failure.kind;
        }
    }
}

/// One server, from its start to its end.
async fn serve(seat: Seat, context: HostContext, mut closing: watch::Receiver<bool>) {
    let Seat { settings, mut orders, ready, changes } = seat;
    let mut connection = match Connection::open(settings, context, changes) {
        Ok(connection) => connection,
        Err(failure) => {
            let _ = ready.send(Err(failure));
            return;
        }
    };
    let began = tokio::select! {
        began = connection.ready() => Some(began),
        _ = closing.wait_for(|is_closing| *is_closing) => None,
    };
    let is_ready = matches!(began, Some(Ok(_)));
    if let Some(began) = began {
        // Whoever gave up waiting does not want to know.
        let _ = ready.send(began);
    }
    if is_ready {
        carry_out_all(&mut orders, &mut connection, &mut closing).await;
    }
    connection.close().await;
}

/// Does what it is to do, one after the other, until the server is to end.
async fn carry_out_all(
    orders: &mut mpsc::UnboundedReceiver<Order>,
    connection: &mut Connection,
    closing: &mut watch::Receiver<bool>,
) {
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            _ = closing.wait_for(|is_closing| *is_closing) => None,
        };
        let Some(order) = order else { return };
        let carried = carry_out(order, connection);
        tokio::pin!(carried);
        let is_closing = tokio::select! {
            biased;
            () = &mut carried => false,
            _ = closing.wait_for(|is_closing| *is_closing) => true,
        };
        if is_closing {
            // A call that was given up is just being called off.
            let _ = tokio::time::timeout(CALL_OFF, carried).await;
            return;
        }
    }
}

async fn carry_out(order: Order, connection: &mut Connection) {
    match order {
        // Whoever gave up waiting does not want to know.
        Order::List(outcome) => drop(outcome.send(connection.list_again().await)),
        Order::Call { tool, arguments, progress, mut outcome } => {
            let called = connection.call(&tool, &arguments, &progress, outcome.closed()).await;
            if let Some(called) = called {
                let _ = outcome.send(called);
            }
        }
    }
}

impl Server {
    /// Whether it is known how the start of the server ended.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.as_ref().is_none_or(|ready| !ready.is_empty())
    }

    /// Waits until the server is ready. To be called once.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) async fn ready(&mut self) -> Result<Ready, Failure> {
        let gone = || Err(Failure::usage(format!("mcp {}: it is gone", self.name)));
        match self.ready.take() {
            Some(ready) => ready.await.unwrap_or_else(|_| gone()),
            None => gone(),
        }
    }

    /// Whether its tools have changed since this was asked last.
    pub(crate) fn take_change(&self) -> bool {
        self.changes.take()
    }

    /// Its tools as they are now.
    ///
    /// # Errors
    /// It has ended, or gives no list.
    pub(crate) async fn list(&self) -> Result<Vec<ListedTool>, Failure> {
        let (outcome, awaited) = oneshot::channel();
        // Nobody is there to give an outcome if it can't be sent.
        let _ = self.orders.send(Order::List(outcome));
        let gone = || Err(Failure::usage(format!("mcp {}: it has ended", self.name)));
        awaited.await.unwrap_or_else(|_| gone())
    }

    /// Calls a tool; `told` is told of its progress. A call whose future is dropped is called off.
    ///
    /// # Errors
    /// The server refuses it, or did not come to an answer.
    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        mut told: impl FnMut(Progress),
    ) -> Result<ToolAnswer, CallFailed> {
        let gone = || Err(CallFailed::Broken("it has ended".to_owned()));
        let (progress, mut steps) = mpsc::unbounded_channel();
        let (outcome, mut awaited) = oneshot::channel();
        let order = Order::Call { tool: tool.to_owned(), arguments, progress, outcome };
        if self.orders.send(order).is_err() {
            return gone();
        }
        loop {
            tokio::select! {
                outcome = &mut awaited => return outcome.unwrap_or_else(|_| gone()),
                Some(step) = steps.recv() => told(step),
            }
        }
    }
}
