//! What was counted of one reply, or of many together.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was counted. `None`: nobody counted it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Spent {
    /// All tokens of what was sent: those read from a cache and written to it are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    /// Of these, what came out of the service's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cached_tokens: Option<u64>,
    /// Of these, what was put into the service's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write_tokens: Option<u64>,
    /// All tokens that are paid for as output: thinking is among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_tokens: Option<u64>,
    /// Of sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// Of text that was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) characters: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pictures: Option<u64>,
    /// Money, each amount under the name of its currency; no name where the user gave none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cost: BTreeMap<String, f64>,
}

impl Spent {
    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, more: &Self) {
        let sum = |all: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *all = Some(all.unwrap_or(0).saturating_add(more));
            }
        };
        sum(&mut self.input_tokens, more.input_tokens);
        sum(&mut self.cached_tokens, more.cached_tokens);
        sum(&mut self.cache_write_tokens, more.cache_write_tokens);
        sum(&mut self.output_tokens, more.output_tokens);
        sum(&mut self.reasoning_tokens, more.reasoning_tokens);
        sum(&mut self.characters, more.characters);
        sum(&mut self.pictures, more.pictures);
        if let Some(seconds) = more.seconds {
            self.seconds = Some(self.seconds.unwrap_or(0.0) + seconds);
        }
        for (currency, amount) in &more.cost {
            self.pay(currency, *amount);
        }
    }

    /// Adds money.
    pub(super) fn pay(&mut self, currency: &str, amount: f64) {
        match self.cost.get_mut(currency) {
            Some(sum) => *sum += amount,
            None => {
                self.cost.insert(currency.to_owned(), amount);
            }
        }
    }

    /// Whether anything was counted.
    pub(crate) fn is_counted(&self) -> bool {
        *self != Self::default()
    }
}

/// An amount without the last digits, which adding up makes wrong.
pub(crate) fn rounded(amount: f64) -> f64 {
    format!("{amount:.12}").parse().unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_money_have_no_odd_digits() {
        assert_eq!(rounded(0.1 + 0.2), 0.3);
        assert_eq!(rounded(0.000_014), 0.000_014);
    }

    #[test]
    fn what_nobody_counted_stays_so() {
        let mut all = Spent { input_tokens: Some(3), ..Spent::default() };
        assert!(!Spent::default().is_counted() && all.is_counted());
        all.add(&Spent {
            input_tokens: Some(4),
            seconds: Some(1.5),
            cost: [("USD".to_owned(), 0.25)].into(),
            ..Spent::default()
        });
        all.add(&Spent {
            cost: [("USD".to_owned(), 0.5), ("CNY".to_owned(), 1.0)].into(),
            ..Spent::default()
        });
        assert_eq!((all.input_tokens, all.output_tokens, all.seconds), (Some(7), None, Some(1.5)));
        assert_eq!(all.cost, [("CNY".to_owned(), 1.0), ("USD".to_owned(), 0.75)].into());
    }
}
