//! The requests that a server has not answered yet, whatever carries them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::message::{Incoming, RpcError, reply};

/// How far a call has come, in the server's own measure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    pub(crate) done: f64,
    pub(crate) all: Option<f64>,
    pub(crate) words: Option<String>,
}

/// The notification that tells how far a call has come.
pub(super) const PROGRESS: &str = "notifications/progress";

/// Whether a server said that its tools have changed.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeMark(Arc<AtomicBool>);

impl ChangeMark {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was set since it was looked at last.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }

    /// Looks whether a notification tells of a change.
    pub(super) fn see(&self, method: &str) {
        if method == "notifications/tools/list_changed" {
            self.set();
        }
    }
}

/// Where the progress of a call goes.
pub(super) type ProgressSender = mpsc::UnboundedSender<Progress>;

/// What comes for a request: a result, an error, or an answer that can't be read, and why.
pub(super) type Outcome = Result<Result<Value, RpcError>, String>;

struct Waiter {
    outcome: oneshot::Sender<Outcome>,
    progress: Option<ProgressSender>,
}

/// The requests that are not answered yet, by their numbers.
#[derive(Default)]
pub(super) struct Waiting {
    waiters: Mutex<HashMap<u64, Waiter>>,
    /// A notification was sent since the last answer came.
    has_notified: AtomicBool,
    changes: ChangeMark,
}

impl Waiting {
    /// Those of a server whose changes are marked there.
    pub(super) fn new(changes: ChangeMark) -> Self {
        Self { changes, ..Self::default() }
    }

    /// What the answer to a request of this number will come through. It fails when none can come any
    /// more.
    pub(super) fn expect(
        &self,
        id: u64,
        progress: Option<ProgressSender>,
    ) -> oneshot::Receiver<Outcome> {
        let (outcome, receiver) = oneshot::channel();
        self.waiters().insert(id, Waiter { outcome, progress });
        receiver
    }

    /// A notification is sent. Some servers answer it, with an error that names no request.
    pub(super) fn note_notification(&self) {
        self.has_notified.store(true, Ordering::SeqCst);
    }

    /// Nobody waits for the answer of this number any more.
    pub(super) fn forget(&self, id: u64) {
        self.waiters().remove(&id);
    }

    /// No answer can come any more.
    pub(super) fn forget_all(&self) {
        self.waiters().clear();
    }

    /// Gives a message to whom it is for; what the server is to be sent for it, if anything. An error
    /// that names no request is the answer to the only one that waits, if no notification can be meant.
    pub(super) fn take(&self, message: Incoming) -> Option<Value> {
        match message {
            Incoming::Response { id, outcome } => self.give(id, Ok(outcome)),
            Incoming::Unreadable { id, why } => self.give(id, Err(why)),
            Incoming::Stray(_) if self.has_notified.load(Ordering::SeqCst) => None,
            Incoming::Stray(error) => {
                let mut waiters = self.waiters();
                let only = match waiters.len() {
                    1 => waiters.drain().next(),
                    _ => None,
                };
                if let Some((_, waiter)) = only {
                    let _ = waiter.outcome.send(Ok(Err(error)));
                }
                None
            }
            Incoming::Request { id, method } => Some(reply(&id, &method)),
            Incoming::Notification { method, params } => {
                if method == PROGRESS {
                    self.tell_progress(&params);
                }
                self.changes.see(&method);
                None
            }
        }
    }

    /// Whoever has stopped waiting wants no answer; the server is to be sent nothing for it.
    fn give(&self, id: u64, outcome: Outcome) -> Option<Value> {
        let waiter = self.waiters().remove(&id)?;
        self.has_notified.store(false, Ordering::SeqCst);
        let _ = waiter.outcome.send(outcome);
        None
    }

    fn tell_progress(&self, params: &Value) {
        let Some((token, step)) = progress_of(params) else { return };
        let waiters = self.waiters();
        if let Some(progress) = waiters.get(&token).and_then(|waiter| waiter.progress.as_ref()) {
            // Nobody need look at it.
            let _ = progress.send(step);
        }
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<u64, Waiter>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the call that a notification tells of, and how far that has come.
pub(super) fn progress_of(params: &Value) -> Option<(u64, Progress)> {
    let number = |name: &str| params.get(name).and_then(Value::as_f64);
    let token = params.get("progressToken").and_then(Value::as_u64)?;
    let words = params.get("message").and_then(Value::as_str).map(str::to_owned);
    Some((token, Progress { done: number("progress")?, all: number("total"), words }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_find_their_requests_in_any_order() {
        let waiting = Waiting::default();
        let (progress, mut seen) = mpsc::unbounded_channel();
        let mut first = waiting.expect(1, Some(progress));
        let mut second = waiting.expect(2, None);
        let answer = |id| Incoming::Response { id, outcome: Ok(json!(id)) };
        assert_eq!(waiting.take(answer(2)), None);
        assert_eq!(waiting.take(answer(9)), None, "late or unknown");
        assert_eq!(second.try_recv(), Ok(Ok(Ok(json!(2)))));
        let params = json!({"progressToken": 1, "progress": 2, "total": 5, "message": "走"});
        let told = Incoming::Notification { method: "notifications/progress".to_owned(), params };
        assert_eq!(waiting.take(told), None);
        let expected = Progress { done: 2.0, all: Some(5.0), words: Some("走".to_owned()) };
        assert_eq!(seen.try_recv(), Ok(expected));
        let asked = Incoming::Request { id: json!(1), method: "ping".to_owned() };
        assert_eq!(waiting.take(asked).map(|reply| reply["id"].clone()), Some(json!(1)));
        assert!(
            first.try_recv().is_err(),
            "a request of the server's with our number is no answer"
        );
        waiting.note_notification();
        waiting.take(Incoming::Stray(RpcError::default()));
        assert!(first.try_recv().is_err(), "it may answer the notification");
        let mut third = waiting.expect(3, None);
        waiting.take(answer(3));
        assert_eq!(third.try_recv(), Ok(Ok(Ok(json!(3)))));
        waiting.take(Incoming::Stray(RpcError::default()));
        assert_eq!(first.try_recv(), Ok(Ok(Err(RpcError::default()))));
    }
}
