use super::*;
use crate::error::FailureClass;

const POLICY: RetryPolicy = RetryPolicy { retries: 2, max_wait: Duration::from_secs(60) };

fn throttle(ceiling: usize, is_given: bool) -> Throttle {
    Throttle::new(POLICY, ceiling, is_given, MinuteLimits::default())
}

fn too_fast(retry_after: Option<&str>) -> TryOutcome<'_> {
    TryOutcome { class: Some(FailureClass::Rate), retry_after, ..TryOutcome::default() }
}

fn waits(refusal: &Refusal) -> Duration {
    match refusal {
        Refusal::Pause { wait, .. } => *wait,
        other => panic!("{other:?}"),
    }
}

impl ThrottleState {
    /// A refusal of a request that went out after the last pause.
    fn refused_now(
        &mut self,
        outcome: &TryOutcome<'_>,
        policy: &RetryPolicy,
        now: Instant,
    ) -> Refusal {
        self.refused(self.pauses, outcome, policy, now)
    }

    fn good_now(&mut self) {
        self.good(self.pauses, Instant::now());
    }
}

/// One full window of good replies.
fn window(state: &mut ThrottleState) {
    for _ in 0..state.level {
        state.good_now();
    }
}

#[test]
fn the_level_doubles_until_the_first_refusal_and_then_grows_by_one() {
    let throttle = throttle(64, false);
    let mut state = throttle.state();
    let mut levels = vec![state.level];
    for _ in 0..5 {
        window(&mut state);
        levels.push(state.level);
    }
    assert_eq!(levels, [4, 8, 16, 32, 64, 64]);
    state.refused(0, &too_fast(Some("1")), &POLICY, Instant::now());
    assert_eq!(state.level, 32);
    window(&mut state);
    window(&mut state);
    assert_eq!(state.level, 34);
}

#[test]
fn a_level_that_the_user_gives_is_where_it_begins_and_ends() {
    let throttle = throttle(10, true);
    let mut state = throttle.state();
    window(&mut state);
    assert_eq!(state.level, 10);
    for (pauses, level) in [(0, 5), (1, 2), (2, 1), (3, 1)] {
        state.refused(
            pauses,
            &too_fast(Some("1")),
            &RetryPolicy { retries: 9, ..POLICY },
            Instant::now(),
        );
        assert_eq!(state.level, level);
    }
}

#[test]
fn requests_that_were_out_together_are_charged_once() {
    let throttle = throttle(64, false);
    let mut state = throttle.state();
    let now = Instant::now();
    state.good(0, now);
    for _ in 0..50 {
        let refusal = state.refused(0, &too_fast(None), &POLICY, now);
        waits(&refusal);
    }
    assert_eq!((state.level, state.fruitless, state.pauses), (2, 1, 1));
    // One of them names a longer wait: it holds for all.
    assert_eq!(
        waits(&state.refused(0, &too_fast(Some("7")), &POLICY, now)),
        Duration::from_secs(7)
    );
    assert_eq!(state.until, Some(now + Duration::from_secs(7)));
}

#[test]
fn without_any_good_reply_the_tries_are_those_of_one_request() {
    let throttle = throttle(64, false);
    let mut state = throttle.state();
    let mut counts = Vec::new();
    while let Refusal::Pause { tried: Some(count), .. } =
        state.refused_now(&too_fast(None), &POLICY, Instant::now())
    {
        counts.push(count);
    }
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_limit_per_minute_is_waited_out_and_no_longer() {
    for named in [None, Some("5")] {
        let throttle = throttle(64, false);
        let mut state = throttle.state();
        let begin = Instant::now();
        let mut now = begin;
        state.good(0, now);
        while let Refusal::Pause { wait, .. } = state.refused_now(&too_fast(named), &POLICY, now) {
            now += wait;
        }
        let waited = (now - begin).as_secs();
        assert!((61..100).contains(&waited), "{named:?}: {waited} s");
    }
}

#[test]
fn good_replies_in_between_use_up_no_try() {
    let throttle =
        Throttle::new(RetryPolicy { retries: 0, ..POLICY }, 64, false, MinuteLimits::default());
    let mut state = throttle.state();
    let policy = RetryPolicy { retries: 0, ..POLICY };
    for _ in 0..100 {
        state.good_now();
        let refusal = state.refused_now(&too_fast(None), &policy, Instant::now());
        assert!(waits(&refusal) <= Duration::from_millis(500));
    }
    let refusal = state.refused_now(&too_fast(None), &policy, Instant::now());
    assert_eq!(refusal, Refusal::Stop);
}

#[test]
fn too_long_a_wait_and_a_final_refusal_end_the_run() {
    let throttle = throttle(64, false);
    let mut state = throttle.state();
    let refusal = state.refused(0, &too_fast(Some("61")), &POLICY, Instant::now());
    assert_eq!(refusal, Refusal::TooLong(Duration::from_secs(61)));
    let outcome = TryOutcome { should_retry: Some("false"), ..too_fast(None) };
    assert_eq!(state.refused(0, &outcome, &POLICY, Instant::now()), Refusal::Stop);
}

#[tokio::test]
async fn one_request_goes_first_after_a_pause() {
    let throttle = throttle(64, false);
    let first = throttle.enter(0).await;
    first.good(None);
    let outcome = TryOutcome { retry_after_ms: Some("30"), ..too_fast(None) };
    let began = Instant::now();
    first.refused(&outcome);
    drop(first);
    let probe = throttle.enter(0).await;
    assert!(began.elapsed() >= Duration::from_millis(30));
    let short = Duration::from_millis(20);
    assert!(tokio::time::timeout(short, throttle.enter(0)).await.is_err(), "only one goes first");
    probe.good(None);
    let second = tokio::time::timeout(short, throttle.enter(0)).await.expect("the gate is open");
    drop((probe, second));
    assert_eq!(throttle.state().out, 0);
}
