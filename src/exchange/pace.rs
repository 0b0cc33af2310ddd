//! How many requests a second may go out. A limit is learnt from a refusal: what the service answered in the
//! second before is what it allows. Requests then go out evenly, a little slower than that; after a while without
//! a refusal faster again. What the user allows in a minute is kept to the same way. Pure: times in, times out.

use std::time::{Duration, Instant};

/// Good replies are counted in slices of so long a time.
const SLICE: Duration = Duration::from_millis(100);

/// How many of these are kept: ten seconds.
const SLICES: usize = 100;

/// Fewer good replies than this tell nothing of a limit.
const FEWEST: u32 = 5;

/// What is kept below a limit that was learnt: a clock that differs a little is no reason for a refusal.
const SHARE: f64 = 0.97;

/// A limit that was learnt is kept to for so long, and twice as long each time that it proves right.
const PLATEAU: Duration = Duration::from_secs(10);
const LONGEST_PLATEAU: Duration = Duration::from_secs(60);

/// By how much the pace grows in each second after that.
const GROWTH: f64 = 0.05;

/// A pace that has grown by so much is no limit any more.
const FORGOTTEN: f64 = 20.0;

/// A request that was late by so much does not hold up those behind it.
const CATCH_UP: Duration = Duration::from_millis(4);

/// The most that the user allows in a minute.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MinuteLimits {
    pub(crate) requests: Option<u32>,
    pub(crate) tokens: Option<u32>,
}

/// When requests may go out.
#[derive(Debug)]
pub(super) struct Pace {
    limits: MinuteLimits,
    learnt: Option<LearntLimit>,
    good: GoodReplies,
    /// The next request goes out at this time at the earliest, and the next one that has tokens.
    next: Option<Instant>,
    next_tokens: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct LearntLimit {
    /// Requests per second.
    rate: f64,
    since: Instant,
    plateau: Duration,
}

impl LearntLimit {
    /// The pace by now; `None` once it is no limit any more.
    fn now(&self, now: Instant) -> Option<f64> {
        let beyond = now.saturating_duration_since(self.since + self.plateau).as_secs_f64();
        let growth = (1.0 + GROWTH).powf(beyond);
        (growth < FORGOTTEN).then_some(self.rate * growth)
    }
}

impl Pace {
    /// No limit is known but those of the user.
    pub(super) fn new(limits: MinuteLimits) -> Self {
        Self { limits, learnt: None, good: GoodReplies::default(), next: None, next_tokens: None }
    }

    /// Whether the tokens of a request matter.
    pub(super) fn counts_tokens(&self) -> bool {
        self.limits.tokens.is_some()
    }

    /// When the next request, which takes about so many tokens, may go out. It is expected to do so.
    pub(super) fn reserve(&mut self, now: Instant, tokens: u64) -> Instant {
        let learnt = self.learnt.as_ref().and_then(|learnt| learnt.now(now));
        let allowed = self.limits.requests.map(|most| f64::from(most) / 60.0);
        let rate = learnt.into_iter().chain(allowed).reduce(f64::min);
        let mut at = now;
        if let Some(rate) = rate {
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            let from = self.next.map_or(earliest, |next| next.max(earliest));
            at = at.max(from);
            self.next = Some(from + Duration::from_secs_f64(1.0 / rate));
        }
        if let Some(most) = self.limits.tokens {
            let from = self.next_tokens.map_or(now, |next| next.max(now));
            at = at.max(from);
            self.next_tokens = Some(from + time_of(tokens, most));
        }
        at
    }

    /// A request that was thought to take `about` tokens took `taken`.
    pub(super) fn correct(&mut self, about: u64, taken: u64) {
        let (Some(next), Some(most)) = (&mut self.next_tokens, self.limits.tokens) else { return };
        match taken.checked_sub(about) {
            Some(more) => *next += time_of(more, most),
            None => *next = next.checked_sub(time_of(about - taken, most)).unwrap_or(*next),
        }
    }

    /// A good reply came.
    pub(super) fn good(&mut self, now: Instant) {
        self.good.add(now);
    }

    /// The service refused a request as one too fast, the first since a good reply: what it answered before
    /// is its limit. `wait` is the time that it names.
    pub(super) fn refused(&mut self, now: Instant, wait: Option<Duration>) {
        let Some(rate) = self.good.rate(now, wait).map(|rate| rate * SHARE) else { return };
        let before = self.learnt.as_ref().map(|learnt| (learnt.rate, learnt.plateau));
        let plateau = match before {
            Some((other, plateau)) if (rate / other - 1.0).abs() < 0.25 => {
                (plateau * 2).min(LONGEST_PLATEAU)
            }
            _ => PLATEAU,
        };
        self.learnt = Some(LearntLimit { rate, since: now, plateau });
    }

    /// All requests have waited until `until`: that time counts as part of the plateau's wait, and nothing is
    /// caught up.
    pub(super) fn rest(&mut self, until: Instant) {
        self.next = self.next.map(|next| next.max(until));
    }
}

fn time_of(tokens: u64, per_minute: u32) -> Duration {
    Duration::from_secs_f64((tokens as f64 * 60.0 / f64::from(per_minute)).min(86_400.0))
}

/// Good replies of the last seconds.
#[derive(Debug)]
struct GoodReplies {
    begin: Option<Instant>,
    slices: [u32; SLICES],
    /// The slice that was counted in last.
    last: u64,
}

impl Default for GoodReplies {
    fn default() -> Self {
        Self { begin: None, slices: [0; SLICES], last: 0 }
    }
}

impl GoodReplies {
    fn slice(&mut self, now: Instant) -> u64 {
        let begin = *self.begin.get_or_insert(now);
        let slice = (now.saturating_duration_since(begin).as_millis() / SLICE.as_millis()) as u64;
        for passed in self.last + 1..=slice.min(self.last + SLICES as u64) {
            self.slices[(passed % SLICES as u64) as usize] = 0;
        }
        self.last = self.last.max(slice);
        self.last
    }

    fn add(&mut self, now: Instant) {
        let slice = self.slice(now);
        self.slices[(slice % SLICES as u64) as usize] += 1;
    }

    /// Good replies per second of late: of the last second where it had enough, else of the last ten. In the
    /// first second the wait that the service names may tell that its limit is one for a shorter time.
    fn rate(&mut self, now: Instant, wait: Option<Duration>) -> Option<f64> {
        let slice = self.slice(now);
        let age =
            self.begin.map_or(0.0, |begin| now.saturating_duration_since(begin).as_secs_f64());
        let short = wait.map_or(1.0, |wait| wait.as_secs_f64()).max(age).clamp(0.1, 1.0);
        let within = |slices: u64| {
            let first = slice.saturating_sub(slices - 1);
            (first..=slice).map(|one| self.slices[(one % SLICES as u64) as usize]).sum::<u32>()
        };
        let (second, all) = (within(10), within(SLICES as u64));
        let time = ((slice + 1) as f64 / 10.0).clamp(1.0, 10.0);
        match (second, all) {
            (FEWEST.., _) => Some(f64::from(second) / short),
            (_, FEWEST..) => Some(f64::from(all) / time),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Instant, seconds: f64) -> Instant {
        begin + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn what_was_answered_in_a_second_is_the_limit() {
        let begin = Instant::now();
        let mut pace = Pace::new(MinuteLimits::default());
        for number in 0..50 {
            pace.good(after(begin, f64::from(number) * 0.005));
            let now = after(begin, 0.3);
            assert_eq!(pace.reserve(now, 0), now, "no limit is known");
        }
        pace.refused(after(begin, 0.3), Some(Duration::from_secs(1)));
        let now = after(begin, 1.3);
        let times: Vec<f64> =
            (0..49).map(|_| (pace.reserve(now, 0) - begin).as_secs_f64()).collect();
        assert!((times[48] - 2.3).abs() < 0.05, "{times:?}");
        // It grows later on.
        let rate =
            |pace: &Pace, seconds| pace.learnt.and_then(|learnt| learnt.now(after(begin, seconds)));
        assert!(rate(&pace, 9.0).is_some_and(|rate| (rate - 48.5).abs() < 0.1));
        assert!(rate(&pace, 20.3).is_some_and(|rate| (70.0..85.0).contains(&rate)));
        assert_eq!(rate(&pace, 80.0), None);
    }

    #[test]
    fn a_limit_for_less_than_a_second_is_told_by_its_wait() {
        let begin = Instant::now();
        let mut pace = Pace::new(MinuteLimits::default());
        (0..20).for_each(|_| pace.good(begin));
        pace.refused(after(begin, 0.05), Some(Duration::from_millis(300)));
        let rate = pace.learnt.map(|learnt| learnt.rate).expect("learnt");
        assert!((60.0..70.0).contains(&rate), "{rate}");
    }

    #[test]
    fn few_replies_tell_of_a_slow_limit_or_of_none() {
        let begin = Instant::now();
        let mut pace = Pace::new(MinuteLimits::default());
        pace.good(begin);
        pace.refused(after(begin, 0.1), None);
        assert!(pace.learnt.is_none());
        for number in 1..20 {
            pace.good(after(begin, f64::from(number) * 0.5));
        }
        pace.refused(after(begin, 9.6), None);
        let rate = pace.learnt.map(|learnt| learnt.rate).expect("learnt");
        assert!((1.8..2.1).contains(&rate), "{rate}");
    }

    #[test]
    fn a_limit_that_proves_right_is_kept_to_longer() {
        let begin = Instant::now();
        let mut pace = Pace::new(MinuteLimits::default());
        for round in [0.0, 20.0, 40.0] {
            for number in 0..50 {
                pace.good(after(begin, round + f64::from(number) * 0.02));
            }
            pace.refused(after(begin, round + 0.99), None);
        }
        assert_eq!(pace.learnt.map(|learnt| learnt.plateau), Some(PLATEAU * 4));
    }

    #[test]
    fn what_the_user_allows_in_a_minute_is_kept_to() {
        let begin = Instant::now();
        let limits = MinuteLimits { requests: Some(600), tokens: None };
        let mut pace = Pace::new(limits);
        let times: Vec<u128> =
            (0..5).map(|_| (pace.reserve(begin, 9) - begin).as_millis()).collect();
        assert!(times[4] >= 390 && times[4] <= 400, "{times:?}");
        let limits = MinuteLimits { requests: None, tokens: Some(600) };
        let mut pace = Pace::new(limits);
        assert_eq!(pace.reserve(begin, 10), begin);
        // It took twice as many.
        pace.correct(10, 20);
        assert_eq!(pace.reserve(begin, 10), begin + Duration::from_secs(2));
        pace.correct(10, 0);
        assert_eq!(pace.reserve(begin, 10), begin + Duration::from_secs(2));
    }
}
