//! Token counts, timing and money in words, for one answer and for a conversation.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::command::spent;
use crate::conversation::Turn;
use crate::dialect::usage::TokenCounts;
use crate::provider::Provider;
use crate::provider::price::money;

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
    cost: &BTreeMap<String, f64>,
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
    parts.extend(cost.iter().map(|(currency, amount)| money(*amount, currency)));
    format!("usage: {}", parts.join(", "))
}

/// What a conversation took so far, as far as it was counted; `None` if nothing was.
pub(super) fn total(turns: &[Turn], provider: &Provider) -> Option<String> {
    let counted = |turn: &Turn| turn.usage.as_ref().map(TokenCounts::of);
    let all: Vec<(&Turn, TokenCounts)> =
        turns.iter().filter_map(|turn| Some((turn, counted(turn)?))).collect();
    let sum = all.iter().map(|(_, counts)| *counts).reduce(TokenCounts::and)?;
    let mut parts = of_counts(sum);
    let mut cost: BTreeMap<String, f64> = BTreeMap::new();
    for (turn, _) in &all {
        // What it cost is not kept of turns of earlier versions.
        let by = turn.answerer(&turn.answer);
        let is_kept = !turn.cost.is_empty() || by.provider != provider.name;
        let found = match is_kept {
            true => turn.cost.clone(),
            false => {
                let spent = spent::of_usage(turn.usage.as_ref());
                provider.price_of(&by.model, &spent).into_iter().collect()
            }
        };
        for (currency, amount) in found {
            *cost.entry(currency).or_default() += amount;
        }
    }
    parts.extend(cost.iter().map(|(currency, amount)| money(*amount, currency)));
    let uncounted = match turns.len() - all.len() {
        0 => String::new(),
        count => format!(" ({count} of {} answers were not counted)", turns.len()),
    };
    Some(format!("so far {}{uncounted}", parts.join(", ")))
}

fn of_counts(counts: TokenCounts) -> Vec<String> {
    let mut parts = Vec::new();
    match (counts.told_input, counts.output) {
        (None, None) => parts.push("no token counts given".to_owned()),
        (input, output) => {
            let number =
                |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
            parts.push(format!("{} tokens in, {} out", number(input), number(output)));
        }
    }
    for (count, what) in [
        (counts.cached, "cached"),
        (counts.cache_write, "written to the cache"),
        (counts.thinking, "thinking"),
    ] {
        if let Some(count) = count.filter(|count| *count > 0) {
            parts.push(format!("{count} {what}"));
        }
    }
    parts
}
