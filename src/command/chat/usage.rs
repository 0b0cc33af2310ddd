//! Token counts, timing and money in words, for one answer and for a conversation.

use std::time::Instant;

use crate::conversation::Turn;
use crate::dialect::usage::TokenCounts;
use crate::provider::Provider;
use crate::provider::price::Price;

/// When things happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) asked: Instant,
    pub(super) first: Option<Instant>,
    /// One reply was all: no tools took their time between two.
    pub(super) is_one: bool,
}

impl Timing {
    /// For what is asked now.
    pub(super) fn new() -> Self {
        Self { asked: Instant::now(), first: None, is_one: true }
    }
}

/// Counts, timing, how the answers ended and what they cost, on one line.
pub(super) fn words(
    counts: TokenCounts,
    timing: Timing,
    ends: &[&str],
    price: Option<&Price>,
) -> String {
    let mut parts = of_counts(counts);
    let total = timing.asked.elapsed();
    if let Some(first) = timing.first {
        let wait = first - timing.asked;
        parts.push(format!("first token after {:.2} s", wait.as_secs_f64()));
        let writing = total.saturating_sub(wait).as_secs_f64();
        let is_told = |output: &u64| *output > 1 && writing > 0.01 && timing.is_one;
        if let Some(output) = counts.output.filter(is_told) {
            parts.push(format!("{:.1} tokens/s", output as f64 / writing));
        }
    }
    parts.push(format!("{:.2} s in all", total.as_secs_f64()));
    if !ends.is_empty() {
        parts.push(format!("ended by {}", ends.join(", ")));
    }
    if let Some(price) = price.filter(|_| counts.input.is_some()) {
        parts.push(price.words(cost(counts, price)));
    }
    format!("usage: {}", parts.join(", "))
}

/// What a conversation took so far, as far as it was counted; `None` if nothing was.
pub(super) fn total(turns: &[Turn], provider: &Provider) -> Option<String> {
    let counted = |turn: &Turn| turn.usage.as_ref().map(TokenCounts::of);
    let all: Vec<(&Turn, TokenCounts)> =
        turns.iter().filter_map(|turn| Some((turn, counted(turn)?))).collect();
    let sum = all.iter().map(|(_, counts)| *counts).reduce(TokenCounts::and)?;
    let mut parts = of_counts(sum);
    let is_here = |turn: &Turn| turn.service.provider == provider.name;
    let mut money: Vec<(Price, f64)> = Vec::new();
    for (turn, counts) in all.iter().filter(|(turn, _)| is_here(turn)) {
        let Some(price) = provider.price(&turn.service.model) else { continue };
        let amount = cost(*counts, &price);
        match money.iter_mut().find(|(one, _)| one.currency == price.currency) {
            Some((_, sum)) => *sum += amount,
            None => money.push((price, amount)),
        }
    }
    parts.extend(money.iter().map(|(price, amount)| price.words(*amount)));
    let uncounted = match turns.len() - all.len() {
        0 => String::new(),
        count => format!(" ({count} of {} answers were not counted)", turns.len()),
    };
    Some(format!("so far {}{uncounted}", parts.join(", ")))
}

fn cost(counts: TokenCounts, price: &Price) -> f64 {
    let or_none = Option::unwrap_or_default;
    price.of(or_none(counts.input), or_none(counts.cached), counts.paid_output)
}

fn of_counts(counts: TokenCounts) -> Vec<String> {
    let mut parts = Vec::new();
    match (counts.input, counts.output) {
        (None, None) => parts.push("no token counts given".to_owned()),
        (input, output) => {
            let number =
                |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
            parts.push(format!("{} tokens in, {} out", number(input), number(output)));
        }
    }
    for (count, what) in [(counts.cached, "cached"), (counts.thinking, "thinking")] {
        if let Some(count) = count.filter(|count| *count > 0) {
            parts.push(format!("{count} {what}"));
        }
    }
    parts
}
