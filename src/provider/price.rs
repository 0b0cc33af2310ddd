//! What was counted costs: figures of the user's alone, as services change theirs.

use serde_json::Number;

use super::{Provider, rules};
use crate::config::price::PriceEntry;
use crate::ledger::{Spent, rounded};

impl Provider {
    /// The currency and the amount of what a model took in one reply, by the one of the profile's `prices`
    /// that is for it. `None` without one, and where nothing was counted that it has a price for.
    pub(crate) fn price_of(&self, model: &str, spent: &Spent) -> Option<(String, f64)> {
        let entry = entry_for(self.profile.prices.as_deref()?, model, spent)?;
        Some((entry.currency.clone().unwrap_or_default(), amount(entry, spent)?))
    }
}

/// The first entry that is for this. Of several for the same models, as for longer and longer contexts, the
/// one with the highest bound, in whatever order they stand.
fn entry_for<'e>(entries: &'e [PriceEntry], model: &str, spent: &Spent) -> Option<&'e PriceEntry> {
    let fitting = || entries.iter().filter(|entry| is_for(entry, model, spent));
    let first = fitting().next()?;
    let bound = |entry: &PriceEntry| entry.above.as_ref().and_then(Number::as_f64).unwrap_or(-1.0);
    let same = fitting().filter(|entry| entry.models == first.models);
    same.reduce(|best, entry| if bound(entry) > bound(best) { entry } else { best })
}

fn is_for(entry: &PriceEntry, model: &str, spent: &Spent) -> bool {
    let fits = |patterns: &Vec<String>| rules::is_model_of(patterns, model);
    let above = entry.above.as_ref().and_then(Number::as_f64);
    let is_long = |above| spent.input_tokens.is_some_and(|input| input as f64 > above);
    entry.models.as_ref().is_none_or(fits) && above.is_none_or(is_long)
}

fn amount(entry: &PriceEntry, spent: &Spent) -> Option<f64> {
    let figure = |figure: &Option<Number>| figure.as_ref().and_then(Number::as_f64);
    let count = |count: Option<u64>| count.map(|count| count as f64);
    let input = figure(&entry.input);
    let all = spent.input_tokens.unwrap_or_default();
    let cached = spent.cached_tokens.unwrap_or_default().min(all);
    let written = spent.cache_write_tokens.unwrap_or_default().min(all - cached);
    let of_all = spent.input_tokens.map(|_| {
        let price = input.unwrap_or_default();
        (all - cached - written) as f64 * price
            + cached as f64 * figure(&entry.cached_input).unwrap_or(price)
            + written as f64 * figure(&entry.cache_write).unwrap_or(price)
    });
    let of_input = of_all.filter(|amount| input.is_some() || *amount > 0.0);
    let priced = |price: &Option<Number>, count: Option<f64>, unit: f64| {
        Some(figure(price)? * count? / unit)
    };
    [
        of_input.map(|amount| amount / 1e6),
        priced(&entry.output, count(spent.output_tokens), 1e6),
        priced(&entry.characters, count(spent.characters), 1e6),
        priced(&entry.minute, spent.seconds, 60.0),
        priced(&entry.picture, count(spent.pictures), 1.0),
    ]
    .into_iter()
    .flatten()
    .reduce(|sum, more| sum + more)
    .map(rounded)
}

/// Money in words: two digits of a small amount, cents of one that is not.
pub(crate) fn money(amount: f64, currency: &str) -> String {
    let digits = match amount {
        amount if amount <= 0.0 => 0,
        amount if amount >= 0.1 => 2,
        // 0.0021: the first digit that is not zero, and one more.
        amount => (1 - amount.log10().floor() as i64).clamp(2, 12) as usize,
    };
    format!("{amount:.digits$} {currency}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, f64)]) -> PriceEntry {
        let mut entry = PriceEntry::default();
        for (name, figure) in fields {
            let figure = Number::from_f64(*figure);
            match *name {
                "input" => entry.input = figure,
                "cached_input" => entry.cached_input = figure,
                "cache_write" => entry.cache_write = figure,
                "output" => entry.output = figure,
                "characters" => entry.characters = figure,
                "minute" => entry.minute = figure,
                _ => entry.picture = figure,
            }
        }
        entry
    }

    fn tokens(input: u64, cached: u64, written: u64, output: u64) -> Spent {
        Spent {
            input_tokens: Some(input),
            cached_tokens: Some(cached),
            cache_write_tokens: Some(written),
            output_tokens: Some(output),
            ..Spent::default()
        }
    }

    #[test]
    fn tokens_have_their_price() {
        let price = entry(&[("input", 0.15), ("cached_input", 0.075), ("output", 0.6)]);
        let words = |price: &PriceEntry, spent: Spent| {
            amount(price, &spent).map(|amount| money(amount, "USD")).unwrap_or_default()
        };
        assert_eq!(words(&price, tokens(1_000_000, 0, 0, 0)), "0.15 USD");
        assert_eq!(words(&price, tokens(1_000_000, 500_000, 0, 1_000_000)), "0.71 USD");
        assert_eq!(words(&price, tokens(100, 200, 0, 0)), "0.0000075 USD");
        // What is written to the cache costs as the rest does, unless it has a price of its own.
        assert_eq!(words(&price, tokens(1_000_000, 0, 1_000_000, 0)), "0.15 USD");
        let writes = entry(&[
            ("input", 3.0),
            ("cached_input", 0.3),
            ("cache_write", 3.75),
            ("output", 15.0),
        ]);
        assert_eq!(words(&writes, tokens(1_000_000, 400_000, 400_000, 100_000)), "3.72 USD");
        assert_eq!(words(&price, Spent::default()), "");
        assert_eq!(words(&entry(&[("output", 1.0)]), tokens(5, 0, 0, 1_000_000)), "1.00 USD");
    }

    #[test]
    fn a_long_context_has_its_price_wherever_it_stands() {
        let tier = |models: &[&str], above: Option<u32>, input: f64| PriceEntry {
            models: Some(models.iter().map(|model| (*model).to_owned()).collect()),
            above: above.map(Number::from),
            ..entry(&[("input", input)])
        };
        let entries = [
            tier(&["qwen*"], None, 1.0),
            tier(&["qwen*"], Some(128_000), 3.0),
            tier(&["qwen*"], Some(32_000), 2.0),
            tier(&["*"], Some(1), 9.0),
        ];
        let found = |model: &str, input: u64| {
            let entry = entry_for(&entries, model, &tokens(input, 0, 0, 0))?;
            entry.input.as_ref()?.as_f64()
        };
        assert_eq!(found("qwen-plus", 32_000), Some(1.0));
        assert_eq!(found("qwen-plus", 32_001), Some(2.0));
        assert_eq!(found("qwen-plus", 128_000), Some(2.0));
        assert_eq!(found("qwen-plus", 128_001), Some(3.0));
        assert_eq!(found("gpt", 5), Some(9.0));
        assert_eq!(found("gpt", 1), None);
    }

    #[test]
    fn what_is_no_token_has_its_price() {
        let spent = Spent {
            pictures: Some(3),
            characters: Some(500_000),
            seconds: Some(90.0),
            ..Spent::default()
        };
        assert_eq!(amount(&entry(&[("picture", 0.04)]), &spent), Some(0.12));
        assert_eq!(amount(&entry(&[("characters", 15.0)]), &spent), Some(7.5));
        assert_eq!(amount(&entry(&[("minute", 0.006)]), &spent), Some(0.009));
        assert_eq!(amount(&entry(&[("input", 2.0)]), &spent), None);
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
            assert_eq!(money(amount, "元"), words);
        }
        assert_eq!(money(1.0, ""), "1.00");
    }
}
