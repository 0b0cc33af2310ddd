//! Tells a silent exchange from one that takes long because much is sent. Knows no sockets.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When something last went over the wire, and how much of a request's content is on its way; clones tell
/// of the same exchange.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    last: Arc<Mutex<Instant>>,
    sent: Arc<AtomicU64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { last: Arc::new(Mutex::new(Instant::now())), sent: Arc::default() }
    }
}

impl Activity {
    /// So many bytes of content go over the wire now.
    pub(super) fn sends(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How many bytes of content were handed to the network.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `work` as long as no silence lasts longer than `silence`; `None` if one does.
    pub(super) async fn while_active<T>(
        &self,
        silence: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let end = self.last() + silence;
            match timeout_at(end, work.as_mut()).await {
                Ok(done) => return Some(done),
                Err(_) if self.last() + silence > end => {}
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_silence_ends_the_wait() {
        let silence = Duration::from_millis(200);
        let activity = Activity::default();
        let told = activity.clone();
        let busy = async move {
            for _ in 0..12 {
                tokio::time::sleep(Duration::from_millis(25)).await;
                told.sends(1);
            }
            7
        };
        assert_eq!(activity.while_active(silence, busy).await, Some(7));
        let never = std::future::pending::<()>();
        assert_eq!(activity.while_active(Duration::from_millis(1), never).await, None);
    }
}
