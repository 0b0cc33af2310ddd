//! What tokens cost: figures of the user's alone, as services change theirs. Knows no token counts
//! but those it is given.

use serde_json::Number;

use super::{Provider, rules};
use crate::config::price::PriceEntry;

/// Prices of a model, each for a million tokens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price {
    pub(crate) input: f64,
    pub(crate) cached_input: f64,
    pub(crate) output: f64,
    /// The currency's name, or nothing.
    pub(crate) currency: String,
}

impl Provider {
    /// The first of the profile's `prices` that is for the model.
    pub(crate) fn price(&self, model: &str) -> Option<Price> {
        let is_for_model = |entry: &&PriceEntry| match &entry.models {
            None => true,
            Some(patterns) => rules::is_model_of(patterns, model),
        };
        let entry = self.profile.prices.as_deref()?.iter().find(is_for_model)?;
        let figure = |figure: &Option<Number>| figure.as_ref().and_then(Number::as_f64);
        let input = figure(&entry.input).unwrap_or_default();
        Some(Price {
            input,
            cached_input: figure(&entry.cached_input).unwrap_or(input),
            output: figure(&entry.output).unwrap_or_default(),
            currency: entry.currency.clone().unwrap_or_default(),
        })
    }
}

impl Price {
    /// What so many tokens cost. `cached` is a part of `input`.
    pub(crate) fn of(&self, input: u64, cached: u64, output: u64) -> f64 {
        let cached = cached.min(input);
        let fresh = (input - cached) as f64 * self.input;
        (fresh + cached as f64 * self.cached_input + output as f64 * self.output) / 1e6
    }

    /// An amount in words: two digits of a small one, cents of one that is not.
    pub(crate) fn words(&self, amount: f64) -> String {
        let digits = match amount {
            amount if amount <= 0.0 => 0,
            amount if amount >= 0.1 => 2,
            // 0.0021: the first digit that is not zero, and one more.
            amount => (1 - amount.log10().floor() as i64).clamp(2, 12) as usize,
        };
        format!("{amount:.digits$} {}", self.currency).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(currency: &str) -> Price {
        Price { input: 0.15, cached_input: 0.075, output: 0.6, currency: currency.to_owned() }
    }

    #[test]
    fn tokens_have_their_price() {
        let price = price("USD");
        assert_eq!(price.words(price.of(1_000_000, 0, 0)), "0.15 USD");
        assert_eq!(price.words(price.of(1_000_000, 500_000, 1_000_000)), "0.71 USD");
        assert_eq!(price.words(price.of(100, 200, 0)), "0.0000075 USD");
    }

    #[test]
    fn amounts_have_as_many_digits_as_they_need() {
        for (amount, words) in [
            (0.0, "0 元"),
            (12.345, "12.35 元"),
            (0.1, "0.10 元"),
            (0.0123, "0.012 元"),
            (0.000_213_4, "0.00021 元"),
            (1e-15, "0.000000000000 元"),
        ] {
            assert_eq!(price("元").words(amount), words);
        }
        assert_eq!(price("").words(1.0), "1.00");
    }
}
