//! How long a connection may be silent. The timer is set again only when it goes off: a reply in thousands of
//! pieces sets it once, not thousands of times. Knows no sockets.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The longest silence that is allowed, and when the current one began.
#[derive(Debug)]
pub(super) struct SilenceLimit {
    longest: Duration,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl SilenceLimit {
    /// Silence of at most `longest`; it begins now.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, since: Instant::now(), timer: None }
    }

    /// The longest silence that is allowed.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Allows no longer silence from now on.
    pub(super) fn shorten(&mut self, longest: Duration) {
        self.longest = self.longest.min(longest);
    }

    /// Waits for `work`, which ends the silence; `None` if that lasts too long. It begins when this
    /// is called.
    pub(super) async fn until<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut has_waited = false;
        std::future::poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            if !std::mem::replace(&mut has_waited, true) {
                self.since = Instant::now();
            }
            self.poll_over(context).map(|()| None)
        })
        .await
    }

    /// Ready once the silence has lasted too long.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.since + self.longest;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    const SILENCE_LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn only_a_long_silence_ends_the_wait() {
        let mut silence = SilenceLimit::new(SILENCE_LIMIT);
        // Together longer than the longest silence, each of them shorter.
        for _ in 0..6 {
            assert_eq!(silence.until(async { sleep(SILENCE_LIMIT / 3).await }).await, Some(()));
        }
        let began = Instant::now();
        assert_eq!(silence.until(std::future::pending::<()>()).await, None);
        assert!(began.elapsed() >= SILENCE_LIMIT);
    }

    #[tokio::test]
    async fn a_shorter_silence_is_borne_at_once() {
        let mut silence = SilenceLimit::new(Duration::from_secs(300));
        assert_eq!(silence.until(sleep(Duration::from_millis(1))).await, Some(()));
        silence.shorten(SILENCE_LIMIT);
        let over = silence.until(std::future::pending::<()>());
        assert_eq!(timeout(Duration::from_secs(20), over).await, Ok(None));
        assert_eq!(silence.longest(), SILENCE_LIMIT);
    }
}
