//! How far a run is: rows, failures, tokens, money, pace; in numbers and in words.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::outcome::{RowErrorKind, RowOutcome};
use super::whole::FailedRows;
use crate::ledger::Spent;
use crate::provider::price::money;

/// The pace is that of so long a time.
const PACE_TIME: Duration = Duration::from_secs(15);

/// How far a run is.
#[derive(Debug)]
pub(super) struct RunTally {
    /// All rows.
    pub(super) all: u64,
    /// Rows that nothing more is asked for in this run; of earlier runs too.
    pub(super) over: u64,
    /// Rows with an answer, of earlier runs too.
    pub(super) answered: u64,
    /// Answers that this run got.
    pub(super) answered_now: u64,
    /// Rows that failed in this run.
    failed_now: u64,
    failed: BTreeMap<RowErrorKind, u64>,
    /// Answers that a limit cut which the user did not set.
    pub(super) cut: u64,
    /// What this run took.
    spent: Spent,
    began: Instant,
    /// Rows that were over at some moments.
    moments: VecDeque<(Instant, u64)>,
}

/// How a row ended, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedRow {
    failed: Option<RowErrorKind>,
    is_cut: bool,
}

impl CountedRow {
    pub(super) fn of(outcome: &RowOutcome) -> Self {
        Self { failed: outcome.error.as_ref().map(|error| error.kind), is_cut: outcome.is_cut }
    }
}

impl RunTally {
    /// For so many rows.
    pub(super) fn new(all: u64) -> Self {
        Self {
            all,
            over: 0,
            answered: 0,
            answered_now: 0,
            failed_now: 0,
            failed: BTreeMap::new(),
            cut: 0,
            spent: Spent::default(),
            began: Instant::now(),
            moments: VecDeque::new(),
        }
    }

    /// A row that an earlier run is done with.
    pub(super) fn add_earlier(&mut self, outcome: &RowOutcome) {
        self.over += 1;
        self.count(CountedRow::of(outcome));
    }

    /// What the rows of this run took.
    pub(super) fn spent(&self) -> &Spent {
        &self.spent
    }

    /// A row that this run asked for.
    pub(super) fn add(&mut self, outcome: &RowOutcome) {
        self.spend(outcome);
        self.add_kept(CountedRow::of(outcome));
    }

    /// What a row of this run took, whatever becomes of its answer.
    pub(super) fn spend(&mut self, outcome: &RowOutcome) {
        self.spent.add(&outcome.spent);
    }

    /// A row of this run that is kept.
    pub(super) fn add_kept(&mut self, end: CountedRow) {
        self.over += 1;
        match end.failed {
            None => self.answered_now += 1,
            Some(_) => self.failed_now += 1,
        }
        self.count(end);
    }

    fn count(&mut self, end: CountedRow) {
        self.cut += u64::from(end.is_cut);
        match end.failed {
            None => self.answered += 1,
            Some(kind) => *self.failed.entry(kind).or_default() += 1,
        }
    }

    /// Rows that failed in this run.
    pub(super) fn failed_now(&self) -> u64 {
        self.failed_now
    }

    /// Rows that failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Rows that failed and that another try may answer.
    pub(super) fn passing(&self) -> u64 {
        let passing = self.failed.iter().filter(|(kind, _)| kind.is_passing());
        passing.map(|(_, count)| count).sum()
    }

    /// Rows that failed, by what another try may bring.
    pub(super) fn failed_rows(&self) -> FailedRows {
        let passing = self.passing();
        FailedRows { passing, refused: self.failed() - passing }
    }

    /// `12 rows failed: 8 rate limit, 4 content filter`; `None` where none has.
    pub(super) fn failures(&self) -> Option<String> {
        let all = self.failed();
        let mut kinds: Vec<_> = self.failed.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, count)| format!("{} {}", grouped(**count), kind.words()))
            .collect();
        let rows = if all == 1 { "row" } else { "rows" };
        (all > 0).then(|| format!("{} {rows} failed: {}", grouped(all), kinds.join(", ")))
    }

    /// `4,988 of 5,000 rows are done`.
    pub(super) fn done(&self) -> String {
        format!("{} of {} rows are done", grouped(self.answered), grouped(self.all))
    }

    /// One line of progress. `level` is how many requests may be out at a time; `pause` how long all of them
    /// wait now.
    pub(super) fn line(&mut self, level: usize, pause: Option<Duration>) -> String {
        let mut parts = vec![format!("{} of {}", grouped(self.over), grouped(self.all))];
        if let failed @ 1.. = self.failed() {
            parts.push(format!("{} failed", grouped(failed)));
        }
        let pace = self.pace();
        match pause {
            Some(pause) => parts.push(format!("waits {}: rate limit", duration(pause))),
            None => {
                parts.extend(pace.map(|pace| format!("{}/s", of_pace(pace))));
                parts.push(format!("{level} at a time"));
            }
        }
        let tokens = [self.spent.input_tokens, self.spent.output_tokens];
        if let tokens @ 1.. = tokens.into_iter().flatten().sum() {
            parts.push(format!("{} tokens", short(tokens)));
        }
        parts.extend(self.money());
        if let Some(pace) = pace.filter(|pace| *pace > 0.0) {
            let left = self.all.saturating_sub(self.over) as f64 / pace;
            parts.push(format!("{} to go", duration(Duration::from_secs_f64(left.min(1e9)))));
        }
        parts.join(" · ")
    }

    /// Rows per second, of late.
    fn pace(&mut self) -> Option<f64> {
        let now = Instant::now();
        let first = (self.began, self.over);
        self.moments.push_back((now, self.over));
        while self.moments.len() > 2 && now - self.moments[1].0 > PACE_TIME {
            self.moments.pop_front();
        }
        let (since, then) = self.moments.front().copied().unwrap_or(first);
        let time = (now - since).as_secs_f64();
        (time > 0.5).then(|| (self.over - then) as f64 / time)
    }

    fn money(&self) -> impl Iterator<Item = String> {
        self.spent.cost.iter().map(|(currency, amount)| money(*amount, currency))
    }

    /// Tokens, time and money of the run, as `-u` tells them.
    pub(super) fn usage(&self) -> String {
        let mut parts = Vec::new();
        match (self.spent.input_tokens, self.spent.output_tokens) {
            (None, None) => parts.push("no token counts given".to_owned()),
            (input, output) => {
                let number = |count: Option<u64>| count.map_or("?".to_owned(), |it| it.to_string());
                parts.push(format!("{} tokens in, {} out", number(input), number(output)));
            }
        }
        parts.push(format!("{:.2} s in all", self.began.elapsed().as_secs_f64()));
        parts.extend(self.money());
        format!("usage: {}", parts.join(", "))
    }
}

/// A number with a comma between each three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `940`, `12.5k`, `1.2M`.
fn short(number: u64) -> String {
    match number {
        ..10_000 => grouped(number),
        10_000..1_000_000 => format!("{:.1}k", number as f64 / 1e3),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}

fn of_pace(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}") } else { grouped(pace.round() as u64) }
}

/// `99 s`, `5 min`, `3 h`.
fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 120.0 => format!("{} s", short.ceil()),
        middle if middle < 7200.0 => format!("{} min", (middle / 60.0).round()),
        long => format!("{} h", (long / 3600.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::RowError;
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        for (number, words) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), words);
        }
        assert_eq!([short(9_999), short(12_500), short(1_240_000)], ["9,999", "12.5k", "1.2M"]);
        let times = [98.2, 300.0, 10_000.0].map(|time| duration(Duration::from_secs_f64(time)));
        assert_eq!(times, ["99 s", "5 min", "3 h"]);
    }

    #[test]
    fn failures_are_told_by_their_causes() {
        let mut tally = RunTally::new(5_000);
        assert_eq!(tally.failures(), None);
        let failed = |kind| RowOutcome::failed(RowError::new(kind, "x"));
        for _ in 0..4 {
            tally.add(&failed(RowErrorKind::ContentFilter));
            tally.add(&failed(RowErrorKind::RateLimit));
        }
        tally.add(&failed(RowErrorKind::RateLimit));
        tally.add(&RowOutcome::default());
        let words = "9 rows failed: 5 rate limit, 4 content filter";
        assert_eq!(tally.failures().as_deref(), Some(words));
        assert_eq!(tally.done(), "1 of 5,000 rows are done");
        assert_eq!(tally.line(8, None), "10 of 5,000 · 9 failed · 8 at a time");
        let pause = Some(Duration::from_secs(12));
        assert_eq!(tally.line(8, pause), "10 of 5,000 · 9 failed · waits 12 s: rate limit");
        assert_eq!((tally.passing(), tally.failed()), (5, 9));
    }
}
