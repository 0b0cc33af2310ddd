//! How often the reader of a fast reply yields. Pure: the time is an argument.

use std::time::{Duration, Instant};

/// After so many bytes the system is asked for news, a signal above all, even if a fast reply always
/// has more.
const BYTES_BEFORE_YIELD: usize = 4 << 20;

/// So many reads that bring so little in so short a time are a flood of small pieces.
const FLOOD_READS: u32 = 16;
const FLOOD_BYTES: usize = 32 * 1024;
const FLOOD_TIME: Duration = Duration::from_micros(500);

/// How long a flood of small pieces may gather; a timer of the runtime makes 1 to 2 ms of it. To read a flood piece by
/// piece costs ten times as much, and nobody reads so fast; no model speaks so fast either.
pub(super) const FLOOD_PAUSE: Duration = Duration::from_millis(1);

/// What has come since the last look at the clock, and since the system was asked for news.
#[derive(Debug, Default)]
pub(super) struct ReadPace {
    reads: u32,
    bytes: usize,
    since: Option<Instant>,
    unasked: usize,
}

/// What is due before the next read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAction {
    Nothing,
    /// The runtime gets a turn.
    News,
    /// A pause of [`FLOOD_PAUSE`].
    Pause,
}

impl ReadPace {
    /// Counts a read of so many bytes.
    pub(super) fn count(&mut self, bytes: usize) {
        self.reads += 1;
        self.bytes += bytes;
        self.unasked += bytes;
    }

    /// What is due now; the clock is looked at once in many reads.
    pub(super) fn due(&mut self, now: impl FnOnce() -> Instant) -> ReadAction {
        if self.reads >= FLOOD_READS {
            let now = now();
            let is_short = self.since.is_some_and(|since| now.duration_since(since) < FLOOD_TIME);
            let is_flood = is_short && self.bytes < FLOOD_BYTES;
            *self = Self { since: Some(now), unasked: self.unasked, ..Self::default() };
            if is_flood {
                self.unasked = 0;
                return ReadAction::Pause;
            }
        }
        if self.unasked > BYTES_BEFORE_YIELD {
            self.unasked = 0;
            return ReadAction::News;
        }
        ReadAction::Nothing
    }

    /// The pause is over: it is none of the next reads' time.
    pub(super) fn rested(&mut self, now: Instant) {
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due after each of so many reads of this length, this long apart.
    fn dues(reads: u32, bytes: usize, apart: Duration) -> Vec<ReadAction> {
        let (mut pace, mut now) = (ReadPace::default(), Instant::now());
        let each = |_| {
            now += apart;
            pace.count(bytes);
            let due = pace.due(|| now);
            if due == ReadAction::Pause {
                now += 2 * FLOOD_PAUSE;
                pace.rested(now);
            }
            due
        };
        (0..reads).map(each).filter(|due| *due != ReadAction::Nothing).collect()
    }

    #[test]
    fn only_a_flood_of_small_pieces_is_let_gather() {
        let micros = Duration::from_micros;
        assert_eq!(dues(FLOOD_READS, 200, micros(5)), [], "the clock has just been set");
        assert_eq!(dues(3 * FLOOD_READS, 200, micros(5)), [ReadAction::Pause; 2]);
        assert_eq!(dues(10 * FLOOD_READS, 200, micros(200)), [], "5,000 tokens a second");
        assert_eq!(dues(63, 65_536, micros(5)), []);
        assert_eq!(dues(65, 65_536, micros(5)), [ReadAction::News]);
    }
}
