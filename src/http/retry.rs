//! Decides whether a failed request is sent again and after which wait; it does neither itself.
//!
//! The rules are those of the official OpenAI clients: which codes are tried again, the headers
//! `x-should-retry` and `retry-after-ms`, the growing wait with jitter. Different from them, a wait
//! beyond the user's limit ends the tries and is told.

use std::time::{Duration, SystemTime};

use crate::error::FailureClass;

/// The wait before the first retry, in seconds; it doubles with each further one.
const FIRST_WAIT: f64 = 0.5;
/// How often the wait doubles: 0.5 s four times doubled is the longest, 8 s.
const DOUBLINGS: u32 = 4;
/// The part of the wait that the jitter may take away.
const JITTER: f64 = 0.25;
/// A longer wait than a year in a header is nonsense and counts as a year.
const MAX_NAMED_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How one try ended, as far as a retry depends on it. Headers are given as their text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TryOutcome<'a> {
    /// What the service reported; none if the connection failed or broke.
    pub(crate) class: Option<FailureClass>,
    /// The header `x-should-retry`.
    pub(crate) should_retry: Option<&'a str>,
    /// The header `retry-after-ms`, in milliseconds.
    pub(crate) retry_after_ms: Option<&'a str>,
    /// The header `Retry-After`: seconds, with a fraction or without, or an HTTP date (RFC 9110,
    /// section 10.2.3).
    pub(crate) retry_after: Option<&'a str>,
    /// The wait that the body asks for.
    pub(crate) body_delay: Option<Duration>,
    /// The time until a limit that is used up starts anew; it counts where nothing else names a wait.
    pub(crate) reset: Option<Duration>,
}

/// What the user allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// How many tries may follow the first one.
    pub(crate) retries: u32,
    /// The longest wait before a try.
    pub(crate) max_wait: Duration,
}

/// What to do after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Try again after this wait.
    Wait(Duration),
    /// Give up: the service wants this wait, which is longer than the user allows.
    TooLong(Duration),
    /// Give up: no try is left, and the service names this wait.
    Spent(Duration),
    /// Give up: a retry is of no use, or none is left.
    Stop,
}

/// Decides what follows a failed try.
///
/// `done` counts the tries that already followed the first one; `jitter` is a random number from 0
/// to 1; `now` is the time that an HTTP date is compared with. A wait that the service names is
/// kept to exactly; one of 0, one in the past and one that can't be read count as not named.
pub(crate) fn decide(
    done: u32,
    outcome: &TryOutcome<'_>,
    policy: &RetryPolicy,
    jitter: f64,
    now: SystemTime,
) -> RetryDecision {
    if !retryable(outcome) {
        return RetryDecision::Stop;
    }
    let named = named_wait(outcome, now);
    if done >= policy.retries {
        return named.map_or(RetryDecision::Stop, RetryDecision::Spent);
    }
    match named {
        Some(wait) if wait > policy.max_wait => RetryDecision::TooLong(wait),
        Some(wait) => RetryDecision::Wait(wait),
        None => RetryDecision::Wait(own_wait(done, jitter).min(policy.max_wait)),
    }
}

/// Whether another try may help, however many are left.
///
/// A refused key, missing money and what can't be done are final whatever the service says; else
/// `x-should-retry` overrides the class.
pub(crate) fn retryable(outcome: &TryOutcome<'_>) -> bool {
    let Some(class) = outcome.class else { return true };
    if class.is_final() {
        return false;
    }
    match outcome.should_retry.map(str::trim) {
        Some(word) if word.eq_ignore_ascii_case("true") => true,
        Some(word) if word.eq_ignore_ascii_case("false") => false,
        _ => class.is_passing(),
    }
}

/// The wait that the service asks for, the most exact source first.
fn named_wait(outcome: &TryOutcome<'_>, now: SystemTime) -> Option<Duration> {
    let milliseconds = outcome.retry_after_ms.and_then(|text| number(text, 1_000.0));
    let seconds =
        || outcome.retry_after.and_then(|text| number(text, 1.0).or_else(|| date(text, now)));
    let body = || outcome.body_delay.filter(|delay| !delay.is_zero());
    let wait = milliseconds.or_else(seconds).or_else(body).or(outcome.reset);
    wait.map(|wait| wait.min(MAX_NAMED_WAIT))
}

/// A positive number in units of which `per_second` make a second.
fn number(text: &str, per_second: f64) -> Option<Duration> {
    let seconds = text.trim().parse::<f64>().ok()? / per_second;
    // Too large a number, infinity included, is cut here: a duration can't hold it.
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(MAX_NAMED_WAIT))
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let wait = httpdate::parse_http_date(text.trim()).ok()?.duration_since(now).ok()?;
    (!wait.is_zero()).then_some(wait)
}

fn own_wait(done: u32, jitter: f64) -> Duration {
    let whole = FIRST_WAIT * f64::from(1_u32 << done.min(DOUBLINGS));
    let jitter = if jitter >= 0.0 { jitter.min(1.0) } else { 0.0 };
    Duration::from_secs_f64(whole * (1.0 - JITTER * jitter))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { retries: 5, max_wait: Duration::from_secs(60) };

    fn of(class: FailureClass) -> TryOutcome<'static> {
        TryOutcome { class: Some(class), ..TryOutcome::default() }
    }

    fn rate() -> TryOutcome<'static> {
        of(FailureClass::Rate)
    }

    fn after(outcome: TryOutcome<'_>) -> RetryDecision {
        decide(0, &outcome, &POLICY, 0.0, UNIX_EPOCH)
    }

    fn wait(milliseconds: u64) -> RetryDecision {
        RetryDecision::Wait(Duration::from_millis(milliseconds))
    }

    #[test]
    fn the_class_decides_unless_the_service_does() {
        use FailureClass as Class;
        let all = [
            (Class::Rate, true, false),
            (Class::Server, true, false),
            (Class::Conflict, true, false),
            (Class::Loading, true, false),
            (Class::Request, false, false),
            (Class::Endpoint, false, false),
            (Class::Money, false, true),
            (Class::MoneyOrRate, false, true),
            (Class::DayQuota, false, true),
            (Class::Key, false, true),
            (Class::Access, false, true),
            (Class::Model, false, true),
            (Class::TooLong, false, true),
            (Class::Impossible, false, true),
            (Class::Unknown, false, true),
        ];
        for (class, usual, is_final) in all {
            assert_eq!(retryable(&of(class)), usual, "{class:?}");
            let told = |word| retryable(&TryOutcome { should_retry: Some(word), ..of(class) });
            assert_eq!(told("true"), !is_final, "{class:?}");
            assert_eq!(told(" True "), !is_final, "{class:?}");
            assert!(!told("false"), "{class:?}");
            assert_eq!(told("也许"), usual, "{class:?}");
        }
        assert!(retryable(&TryOutcome::default()), "a broken connection");
    }

    #[test]
    fn the_own_wait_doubles_up_to_eight_seconds() {
        let policy = RetryPolicy { retries: u32::MAX, ..POLICY };
        let waited =
            |done, jitter| decide(done, &of(FailureClass::Server), &policy, jitter, UNIX_EPOCH);
        for (done, whole) in [
            (0, 500),
            (1, 1_000),
            (2, 2_000),
            (3, 4_000),
            (4, 8_000),
            (5, 8_000),
            (4_000_000_000, 8_000),
        ] {
            assert_eq!(waited(done, 0.0), wait(whole));
            assert_eq!(waited(done, 1.0), wait(whole * 3 / 4));
            assert_eq!(waited(done, f64::NAN), wait(whole));
        }
        let short = RetryPolicy { max_wait: Duration::from_secs(3), ..policy };
        assert_eq!(decide(9, &of(FailureClass::Server), &short, 0.0, UNIX_EPOCH), wait(3_000));
    }

    #[test]
    fn the_service_names_the_wait() {
        let all = TryOutcome {
            retry_after_ms: Some("1500.5"),
            retry_after: Some("7"),
            body_delay: Some(Duration::from_secs(9)),
            ..rate()
        };
        assert_eq!(after(all), RetryDecision::Wait(Duration::from_micros(1_500_500)));
        let seconds = TryOutcome { retry_after_ms: Some("soon"), ..all };
        assert_eq!(after(seconds), wait(7_000));
        assert_eq!(after(TryOutcome { retry_after: Some(" 0.25 "), ..seconds }), wait(250));
        let body = TryOutcome { retry_after: None, ..seconds };
        assert_eq!(after(body), wait(9_000));
        assert_eq!(after(TryOutcome { body_delay: Some(Duration::ZERO), ..body }), wait(500));
        let reset = TryOutcome { reset: Some(Duration::from_secs(11)), ..body };
        assert_eq!(after(reset), wait(9_000));
        assert_eq!(after(TryOutcome { body_delay: None, ..reset }), wait(11_000));
    }

    #[test]
    fn an_http_date_is_compared_with_now() {
        let at = |now| {
            let outcome = TryOutcome {
                retry_after: Some("Sun, 06 Nov 1994 08:49:37 GMT"),
                ..of(FailureClass::Server)
            };
            decide(0, &outcome, &POLICY, 0.0, UNIX_EPOCH + Duration::from_secs(now))
        };
        assert_eq!(at(784_111_777 - 40), wait(40_000));
        assert_eq!(at(784_111_777), wait(500));
        assert_eq!(at(784_111_777 + 9), wait(500));
        assert_eq!(at(784_111_777 - 61), RetryDecision::TooLong(Duration::from_secs(61)));
    }

    #[test]
    fn too_long_a_wait_is_told_while_retries_are_left() {
        let outcome = |text| TryOutcome { retry_after: Some(text), ..rate() };
        let decided =
            |done, outcome: TryOutcome<'_>| decide(done, &outcome, &POLICY, 0.0, UNIX_EPOCH);
        assert_eq!(decided(4, outcome("60")), wait(60_000));
        assert_eq!(
            decided(4, outcome("60.5")),
            RetryDecision::TooLong(Duration::from_millis(60_500))
        );
        let spent = RetryDecision::Spent(Duration::from_millis(60_500));
        assert_eq!(decided(5, outcome("60.5")), spent);
        assert_eq!(decided(5, rate()), RetryDecision::Stop);
        for class in [FailureClass::Request, FailureClass::Money] {
            let refused = TryOutcome { class: Some(class), ..outcome("99") };
            assert_eq!(decided(0, refused), RetryDecision::Stop);
        }
        for huge in ["1e30", "1e999", "inf", "99999999999999999999"] {
            assert_eq!(decided(0, outcome(huge)), RetryDecision::TooLong(MAX_NAMED_WAIT), "{huge}");
        }
        let body = TryOutcome { body_delay: Some(Duration::MAX), ..rate() };
        assert_eq!(decided(0, body), RetryDecision::TooLong(MAX_NAMED_WAIT));
    }

    #[test]
    fn nonsense_counts_as_not_named() {
        for text in [
            "",
            "-1",
            "-inf",
            "NaN",
            "0",
            "-0",
            "0x10",
            "5 s",
            "明天",
            "Sun, 99 Nov 9999 99:99:99 GMT",
        ] {
            let outcome =
                TryOutcome { retry_after_ms: Some(text), retry_after: Some(text), ..rate() };
            assert_eq!(after(outcome), wait(500), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_wait_too_long(
            header in "[-+0-9.eEinfaN :GMT,A-Za-z]{0,30}",
            done in any::<u32>(),
            jitter in any::<f64>(),
        ) {
            let outcome = TryOutcome { retry_after_ms: Some(&header), retry_after: Some(&header), ..of(FailureClass::Server) };
            match decide(done, &outcome, &POLICY, jitter, SystemTime::now()) {
                RetryDecision::Wait(wait) => prop_assert!(wait <= POLICY.max_wait),
                RetryDecision::TooLong(wait) => prop_assert!(wait > POLICY.max_wait && wait <= MAX_NAMED_WAIT),
                RetryDecision::Stop | RetryDecision::Spent(_) => prop_assert!(done >= POLICY.retries),
            }
        }
    }
}
