//! Decides after a failed try whether there will be another one, says so, and waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::throttle::{Pass, Refusal};
use crate::error::{Failure, FailureClass, FailureKind, Retry};
use crate::http::client::Client;
use crate::http::retry::{self, RetryDecision, RetryPolicy, TryOutcome};
use crate::io::Stderr;
use crate::random;

/// The retries of one request.
#[derive(Debug, Clone)]
pub(super) struct Retries {
    policy: RetryPolicy,
    /// The user has asked for this number of them.
    is_typed: bool,
    /// Each time that the request is carried out is paid for.
    is_charged: bool,
    done: u32,
    /// What was said last, of any request of the run.
    said: Arc<LastSaid>,
    /// How long a server may load its model, and when it was first seen doing so.
    patience: Duration,
    loading_since: Option<Instant>,
}

/// The line that was said last of a failed try: requests that run beside each other fail alike, and one
/// line is enough for all.
#[derive(Debug, Default)]
pub(super) struct LastSaid(Mutex<Option<(String, Instant)>>);

impl LastSaid {
    /// Whether these words were not said within such a time; they are now.
    fn is_new(&self, words: &str, within: Duration) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.as_ref().is_none_or(|(said, at)| said != words || at.elapsed() > within);
        if is_new {
            *last = Some((words.to_owned(), Instant::now()));
        }
        is_new
    }
}

/// A server that loads its model is asked again so often.
const LOADING_POLL: Duration = Duration::from_secs(1);

impl Retries {
    /// As `policy` has them, which the user has typed or not; `patience` for a server that is still
    /// loading its model.
    pub(super) fn new(
        policy: RetryPolicy,
        is_typed: bool,
        is_charged: bool,
        said: Arc<LastSaid>,
        patience: Duration,
    ) -> Self {
        Self { policy, is_typed, is_charged, done: 0, said, patience, loading_since: None }
    }

    /// Waits before the next try. `nothing_shown` is false once the user has seen a part of the
    /// answer: then there is no other try.
    ///
    /// # Errors
    /// The failure itself when it is final, or the interruption of the wait.
    pub(super) async fn again(
        &mut self,
        failure: Failure,
        nothing_shown: bool,
        client: &mut Client,
        stderr: &Stderr,
    ) -> Result<(), Failure> {
        let Some(facts) = failure.retry.as_deref().filter(|_| nothing_shown) else {
            return Err(failure);
        };
        if !self.is_typed {
            let may_have_run = facts.may_have_run || matches!(facts.status, Some(504 | 524));
            if self.is_charged && may_have_run && facts.class.is_none_or(FailureClass::is_passing) {
                return Err(paid_perhaps(failure));
            }
            // Nobody waits for as long again without having asked for that.
            if facts.is_time_out {
                return Err(failure);
            }
        }
        if failure.is_loading() && self.policy.retries > 0 {
            return self.await_model(failure, client, stderr).await;
        }
        let outcome = outcome(facts);
        match retry::decide(
            self.done,
            &outcome,
            &self.policy,
            random::fraction(),
            SystemTime::now(),
        ) {
            RetryDecision::Stop => Err(failure),
            RetryDecision::Spent(wait) => {
                let message = format!("{}; it asks to wait {}", failure.message, seconds(wait));
                Err(Failure { message, ..failure })
            }
            RetryDecision::TooLong(wait) => Err(too_long(failure, wait, self.policy.max_wait)),
            RetryDecision::Wait(wait) => {
                self.done += 1;
                self.say_try(&failure, wait, self.done, stderr);
                client.interrupt.race(tokio::time::sleep(wait)).await
            }
        }
    }
}

/// A failed try, as far as a further one depends on it.
fn outcome(facts: &Retry) -> TryOutcome<'_> {
    TryOutcome {
        class: facts.class,
        should_retry: facts.should_retry.as_deref(),
        retry_after_ms: facts.retry_after_ms.as_deref(),
        retry_after: facts.retry_after.as_deref(),
        body_delay: facts.body_delay,
        reset: facts.reset,
    }
}

/// Whether the service says that it is asked too fast, and not that something is wrong.
pub(super) fn is_too_fast(failure: &Failure) -> bool {
    let Some(facts) = failure.retry.as_deref() else { return false };
    let names_a_wait = facts.retry_after.is_some() || facts.retry_after_ms.is_some();
    match (facts.class, facts.status) {
        (Some(FailureClass::Rate), _) | (Some(FailureClass::Server), Some(429 | 529)) => true,
        (Some(FailureClass::Server), Some(503)) => names_a_wait,
        _ => false,
    }
}

impl Retries {
    /// Has all requests of the run pause because this one was refused as one too fast. It is not
    /// charged to the request. Said seldom: a limit per second is met every second.
    ///
    /// # Errors
    /// The failure itself where no pause helps any more.
    pub(super) fn pause(
        &mut self,
        failure: Failure,
        pass: &Pass<'_>,
        stderr: &Stderr,
    ) -> Result<(), Failure> {
        let Some(facts) = failure.retry.as_deref() else { return Err(failure) };
        match pass.refused(&outcome(facts)) {
            Refusal::Stop => Err(failure),
            Refusal::TooLong(wait) => Err(too_long(failure, wait, self.policy.max_wait)),
            Refusal::Pause { wait, tried: Some(count), .. } => {
                self.say_try(&failure, wait, count, stderr);
                Ok(())
            }
            Refusal::Pause { wait, is_said, .. } => {
                if is_said {
                    let what = &failure.message;
                    stderr.note(&format!("{what}; all requests wait {}", seconds(wait)));
                }
                Ok(())
            }
        }
    }

    fn say_try(&self, failure: &Failure, wait: Duration, done: u32, stderr: &Stderr) {
        let (what, all) = (&failure.message, self.policy.retries);
        if !self.said.is_new(&format!("{what} ({done})"), wait) {
            return;
        }
        stderr.note(&format!("{what}; trying again in {} ({done} of {all})", seconds(wait)));
    }

    /// A server that is loading its model is not a failure: it is asked again until it is ready, as
    /// long as silence on the wire is allowed.
    async fn await_model(
        &mut self,
        failure: Failure,
        client: &mut Client,
        stderr: &Stderr,
    ) -> Result<(), Failure> {
        if self.loading_since.is_none() {
            stderr.note(&format!("{} is loading its model; waiting", client.service.name));
        }
        let since = *self.loading_since.get_or_insert_with(Instant::now);
        if since.elapsed() + LOADING_POLL > self.patience {
            return Err(failure.hint("--timeout SECS waits longer for a model to load"));
        }
        client.interrupt.race(tokio::time::sleep(LOADING_POLL)).await
    }
}

/// A request that costs something, and may have been carried out, is not sent again unasked.
fn paid_perhaps(failure: Failure) -> Failure {
    let what = "it may have been carried out and paid for, so it was not sent again; \
                --retries N sends it again";
    let hint = match &failure.hint {
        Some(hint) => format!("{what}; {hint}"),
        None => what.to_owned(),
    };
    failure.hint(hint)
}

/// The service names a wait that the user did not allow: a quota, whatever the status was.
fn too_long(failure: Failure, wait: Duration, most: Duration) -> Failure {
    let message = format!("{}; it asks to wait {}", failure.message, seconds(wait));
    let hint = format!(
        "--max-wait {} would allow that wait (now {})",
        wait.as_secs_f64().ceil(),
        seconds(most)
    );
    Failure::new(FailureKind::Quota, message).hint(hint)
}

/// `0.5 s`, `12 s`, `5 min`.
fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 10.0 => format!("{} s", (short * 10.0).round() / 10.0),
        middle if middle < 120.0 => format!("{} s", middle.round()),
        long if long < 7200.0 => format!("{} min", (long / 60.0).round()),
        longer => format!("{} h", (longer / 3600.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_said_shortly() {
        for (millis, words) in [
            (512, "0.5 s"),
            (2000, "2 s"),
            (61_000, "61 s"),
            (300_000, "5 min"),
            (90_000_000, "25 h"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), words);
        }
    }
}
