//! The best rows so far.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A row that is near.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hit {
    pub(crate) score: f64,
    /// From 1, over all files.
    pub(crate) number: u64,
    /// The text that the row belongs to, as far as it is known.
    pub(crate) text: Option<String>,
    /// The row's own name in its file, as JSON.
    pub(crate) id: Option<String>,
    /// The score as a service wrote it, where one gave it.
    pub(crate) written: Option<String>,
}

impl Hit {
    /// A row of which nothing else is known.
    pub(crate) fn new(score: f64, number: u64) -> Self {
        Self { score, number, text: None, id: None, written: None }
    }
}

/// A hit whose order is its rank: the better one is greater, and of equal ones the earlier.
#[derive(Debug, Clone, PartialEq)]
struct Ranked(Hit);

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (this, other) = (&self.0, &other.0);
        this.score.total_cmp(&other.score).then_with(|| other.number.cmp(&this.number))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best rows so far, never more than were asked for.
#[derive(Debug, Clone)]
pub(crate) struct Best {
    most: usize,
    /// Rows below it are not wanted.
    least: f64,
    rows: BinaryHeap<Reverse<Ranked>>,
}

impl Best {
    /// Keeps `most` rows whose score is at least `least`, where there is such a bound.
    pub(crate) fn new(most: usize, least: Option<f64>) -> Self {
        Self { most, least: least.unwrap_or(f64::NEG_INFINITY), rows: BinaryHeap::new() }
    }

    /// Whether a row with this score would be kept, if all others come before it.
    pub(super) fn wants(&self, score: f64) -> bool {
        let worst = self.rows.peek().filter(|_| self.rows.len() >= self.most);
        score >= self.least && worst.is_none_or(|Reverse(worst)| score > worst.0.score)
    }

    /// Keeps a row if it is among the best.
    pub(crate) fn offer(&mut self, hit: Hit) {
        if hit.score < self.least || hit.score.is_nan() {
            return;
        }
        self.rows.push(Reverse(Ranked(hit)));
        if self.rows.len() > self.most {
            self.rows.pop();
        }
    }

    /// Takes the rows of a later region or file in, whose numbers count on from `before`.
    pub(super) fn take_in(&mut self, later: Best, before: u64) {
        for Reverse(Ranked(hit)) in later.rows {
            self.offer(Hit { number: hit.number + before, ..hit });
        }
    }

    /// An empty one with the same bounds.
    pub(super) fn emptied(&self) -> Self {
        Self { rows: BinaryHeap::new(), ..*self }
    }

    /// The rows, best first.
    pub(crate) fn into_hits(self) -> Vec<Hit> {
        // Of reversed ranks the ascending order is the one from best to worst.
        self.rows.into_sorted_vec().into_iter().map(|Reverse(Ranked(hit))| hit).collect()
    }
}
