//! What is summed, as numbers in words.

use crate::ledger::Sum;
use crate::provider::price::money;

/// What is counted in whole numbers.
pub(super) fn counts(sum: &Sum) -> [(&'static str, u64); 7] {
    let spent = &sum.spent;
    let count = Option::unwrap_or_default;
    [
        ("input_tokens", count(spent.input_tokens)),
        ("cached_tokens", count(spent.cached_tokens)),
        ("cache_write_tokens", count(spent.cache_write_tokens)),
        ("output_tokens", count(spent.output_tokens)),
        ("reasoning_tokens", count(spent.reasoning_tokens)),
        ("characters", count(spent.characters)),
        ("pictures", count(spent.pictures)),
    ]
}

/// Money, each currency by itself.
pub(super) fn amounts(sum: &Sum) -> Vec<String> {
    sum.spent.cost.iter().map(|(name, amount)| money(*amount, name)).collect()
}

/// Of sound, with a tenth where there is one.
pub(super) fn seconds(sum: &Sum) -> String {
    let text = format!("{:.1}", sum.spent.seconds.unwrap_or(0.0));
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
