//! How many requests of a bulk run are out at a time, and the pause that all of them take together when
//! the service is asked too fast. It sends nothing and shows nothing.
//!
//! The number in flight (the level) begins low, doubles with each full window of good replies until the
//! first refusal, and then grows by one. A refusal halves it, once for all requests that were out when it
//! came. After a pause a single request goes first; the others follow when it was answered. A refusal is
//! charged to the run and not to the request: it takes no try from any of them while others succeed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use super::pace::{MinuteLimits, Pace};
use crate::http::retry::{self, RetryDecision, RetryPolicy, TryOutcome};
use crate::random;

/// The level that a run begins at, unless the user gives one.
const FIRST_LEVEL: usize = 4;

/// A limit per minute that names no wait is waited out if something was answered before: so much longer
/// than the longest single wait may be.
const PATIENCE: f64 = 1.25;

/// A limit per second is met every second, but not told so often.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The gate that every request of a bulk run passes.
#[derive(Debug)]
pub(super) struct Throttle {
    policy: RetryPolicy,
    state: Mutex<ThrottleState>,
    changed: Notify,
}

#[derive(Debug)]
struct ThrottleState {
    level: usize,
    ceiling: usize,
    /// Requests that are out.
    out: usize,
    /// Good replies since the level changed.
    good: usize,
    /// No refusal came yet.
    doubles: bool,
    /// No request goes out before.
    until: Option<Instant>,
    /// Pauses of the run: a request that went out before the last one is not charged again.
    pauses: u64,
    /// Pauses since the last good reply.
    fruitless: u32,
    /// The request that goes first after a pause is out.
    is_probing: bool,
    last_good: Option<Instant>,
    pace: Pace,
    /// When a pause was last told.
    said: Option<Instant>,
}

/// A request that is out. It counts until it is dropped.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    throttle: &'a Throttle,
    pauses: u64,
    is_probe: bool,
    /// About how many tokens it takes.
    tokens: u64,
}

/// What follows a refusal for speed.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// All requests wait. `tried` where nothing was answered yet: the pauses so far, which count as tries
    /// then. `is_said`: the user is to be told of it.
    Pause { wait: Duration, tried: Option<u32>, is_said: bool },
    /// The service wants a longer wait than the user allows.
    TooLong(Duration),
    /// No further wait makes sense.
    Stop,
}

impl Throttle {
    /// A gate for at most `ceiling` requests at a time. `begins_at_ceiling` where the user gave it.
    pub(super) fn new(
        policy: RetryPolicy,
        ceiling: usize,
        begins_at_ceiling: bool,
        limits: MinuteLimits,
    ) -> Self {
        let ceiling = ceiling.max(1);
        let state = ThrottleState {
            level: if begins_at_ceiling { ceiling } else { FIRST_LEVEL.min(ceiling) },
            ceiling,
            out: 0,
            good: 0,
            doubles: !begins_at_ceiling,
            until: None,
            pauses: 0,
            fruitless: 0,
            is_probing: false,
            last_good: None,
            pace: Pace::new(limits),
            said: None,
        };
        Self { policy, state: Mutex::new(state), changed: Notify::new() }
    }

    /// The number of requests that may be out at a time, as it is now.
    pub(super) fn level(&self) -> usize {
        self.state().level
    }

    /// How long no request goes out from now on, if that is so.
    pub(super) fn pause(&self) -> Option<Duration> {
        let until = self.state().until?;
        Some(until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// Whether it matters how many tokens a request takes.
    pub(super) fn counts_tokens(&self) -> bool {
        self.state().pace.counts_tokens()
    }

    /// Waits until a request may go out, which takes about so many tokens.
    pub(super) async fn enter(&self, tokens: u64) -> Pass<'_> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = Instant::now();
            let entry = self.state().enter(now, tokens);
            let until = match entry {
                Entry::Goes { pauses, is_probe, at } => {
                    let pass = Pass { throttle: self, pauses, is_probe, tokens };
                    if at <= now {
                        return pass;
                    }
                    tokio::time::sleep_until(at.into()).await;
                    // A pause may have begun meanwhile.
                    if is_probe || self.state().pauses == pauses {
                        return pass;
                    }
                    continue;
                }
                Entry::Waits(until) => until,
            };
            match until {
                Some(until) => tokio::select! {
                    () = tokio::time::sleep_until(until.into()) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// The service says that nothing is left of a limit until so much later.
    pub(super) fn used_up(&self, wait: Duration) {
        let mut state = self.state();
        if wait <= self.policy.max_wait {
            let until = Instant::now() + wait;
            state.until = Some(state.until.map_or(until, |other| other.max(until)));
        }
    }

    fn state(&self) -> MutexGuard<'_, ThrottleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request may go out.
enum Entry {
    Goes {
        pauses: u64,
        is_probe: bool,
        /// Not before this time.
        at: Instant,
    },
    /// Not before this time, or before something changes.
    Waits(Option<Instant>),
}

impl ThrottleState {
    fn enter(&mut self, now: Instant, tokens: u64) -> Entry {
        if let Some(until) = self.until.filter(|until| *until > now) {
            return Entry::Waits(Some(until));
        }
        let is_probe = self.fruitless > 0;
        if (is_probe && self.is_probing) || (!is_probe && self.out >= self.level) {
            return Entry::Waits(None);
        }
        self.out += 1;
        self.is_probing |= is_probe;
        let at = if is_probe { now } else { self.pace.reserve(now, tokens) };
        Entry::Goes { pauses: self.pauses, is_probe, at }
    }

    fn good(&mut self, pauses: u64, now: Instant) {
        self.fruitless = 0;
        self.last_good = Some(now);
        self.pace.good(now);
        if pauses != self.pauses {
            return;
        }
        self.good += 1;
        if self.good >= self.level {
            self.good = 0;
            let more = if self.doubles { self.level } else { 1 };
            self.level = (self.level + more).min(self.ceiling);
        }
    }

    /// Takes note of a refusal of a request that went out after `pauses` pauses.
    fn refused(
        &mut self,
        pauses: u64,
        outcome: &TryOutcome<'_>,
        policy: &RetryPolicy,
        now: Instant,
    ) -> Refusal {
        let named = match named_wait(outcome) {
            Ok(Some(wait)) if wait > policy.max_wait => return Refusal::TooLong(wait),
            Ok(named) => named,
            Err(NoRetry) => return Refusal::Stop,
        };
        let is_first = pauses == self.pauses;
        if is_first {
            if self.fruitless == 0 {
                self.pace.refused(now, named);
            }
            self.pauses += 1;
            self.fruitless = self.fruitless.saturating_add(1);
            self.doubles = false;
            self.good = 0;
            self.level = (self.level / 2).max(1);
        }
        if self.is_over(policy, now) {
            return Refusal::Stop;
        }
        let own = || own_wait(self.fruitless.saturating_sub(1), outcome, policy);
        let wait = match (named, is_first) {
            (Some(named), _) => named,
            (None, true) => own(),
            (None, false) => Duration::ZERO,
        };
        let until = now + wait;
        let until = self.until.map_or(until, |other| other.max(until));
        self.until = Some(until);
        self.pace.rest(until);
        let is_said = is_first && self.said.is_none_or(|said| now - said >= SAID_EVERY);
        if is_said {
            self.said = Some(now);
        }
        let tried = (is_first && self.last_good.is_none()).then_some(self.fruitless);
        Refusal::Pause { wait, tried, is_said }
    }

    /// Whether so many pauses without a good reply are enough.
    fn is_over(&self, policy: &RetryPolicy, now: Instant) -> bool {
        let Some(last) = self.last_good else { return self.fruitless > policy.retries };
        // The pause in which others still succeeded is no try.
        let are_used_up = self.fruitless > policy.retries.saturating_add(1);
        let patience = policy.max_wait.mul_f64(PATIENCE);
        are_used_up && (policy.retries == 0 || now - last > patience)
    }
}

impl Pass<'_> {
    /// A good reply came, which took so many tokens, if that is known.
    pub(super) fn good(&self, taken: Option<u64>) {
        let mut state = self.throttle.state();
        state.good(self.pauses, Instant::now());
        if let Some(taken) = taken {
            state.pace.correct(self.tokens, taken);
        }
        drop(state);
        self.throttle.changed.notify_waiters();
    }

    /// The service refused the request because it is asked too fast. What the caller waits for is the
    /// gate: [`Throttle::enter`].
    pub(super) fn refused(&self, outcome: &TryOutcome<'_>) -> Refusal {
        let policy = &self.throttle.policy;
        self.throttle.state().refused(self.pauses, outcome, policy, Instant::now())
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.throttle.state();
        state.out -= 1;
        if self.is_probe {
            state.is_probing = false;
        }
        drop(state);
        self.throttle.changed.notify_waiters();
    }
}

/// The service wants no further try.
struct NoRetry;

/// The wait that the service names. With no wait allowed, one that it names is too long.
fn named_wait(outcome: &TryOutcome<'_>) -> Result<Option<Duration>, NoRetry> {
    let none = RetryPolicy { retries: 1, max_wait: Duration::ZERO };
    match retry::decide(0, outcome, &none, 0.0, SystemTime::now()) {
        RetryDecision::TooLong(wait) => Ok(Some(wait)),
        RetryDecision::Wait(_) => Ok(None),
        RetryDecision::Stop | RetryDecision::Spent(_) => Err(NoRetry),
    }
}

/// The wait where the service names none: it grows with each pause that was of no use.
fn own_wait(done: u32, outcome: &TryOutcome<'_>, policy: &RetryPolicy) -> Duration {
    let endless = RetryPolicy { retries: u32::MAX, ..*policy };
    match retry::decide(done, outcome, &endless, random::fraction(), SystemTime::now()) {
        RetryDecision::Wait(wait) | RetryDecision::TooLong(wait) => wait,
        RetryDecision::Stop | RetryDecision::Spent(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
