//! Tells a silent exchange from one that takes long because much is sent. Knows no sockets.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When something last went over the wire; clones tell of the same exchange.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<Instant>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Activity {
    /// Something went over the wire now.
    pub(super) fn happened(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
                told.happened();
            }
            7
        };
        assert_eq!(activity.while_active(silence, busy).await, Some(7));
        let never = std::future::pending::<()>();
        assert_eq!(activity.while_active(Duration::from_millis(1), never).await, None);
    }
}
