//! The replies that called tools before the answer, and the tokens of all replies.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::conversation::ModelReply;
use crate::dialect::usage::number;

/// What came before the current reply, in the same answer to the user.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The replies that called tools, with the results.
    pub(super) replies: Vec<ModelReply>,
    /// Token counts of the replies before the current one.
    pub(super) spent: Option<Value>,
    /// What all replies cost, the current one too, by currency.
    pub(super) cost: BTreeMap<String, f64>,
}

impl Rounds {
    /// The token counts of all replies, the last one's given.
    pub(super) fn usage(&self, last: Option<&Value>) -> Option<Value> {
        match (&self.spent, last) {
            (Some(spent), Some(last)) => Some(sum(spent, last)),
            (spent, last) => spent.as_ref().or(last).cloned(),
        }
    }

    /// Adds what a reply cost.
    pub(super) fn pay(&mut self, cost: &BTreeMap<String, f64>) {
        for (currency, amount) in cost {
            *self.cost.entry(currency.clone()).or_default() += amount;
        }
    }
}

/// Two accounts of tokens as one: numbers are added, anything else is the later one's.
pub(in crate::command) fn sum(first: &Value, second: &Value) -> Value {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            let mut both: Map<String, Value> = first.clone();
            for (name, value) in second {
                let value = first.get(name).map_or_else(|| value.clone(), |old| sum(old, value));
                both.insert(name.clone(), value);
            }
            Value::Object(both)
        }
        (first, second) => match (number(first), number(second)) {
            (Some(first), Some(second)) => first.saturating_add(second).into(),
            // Money is no whole number.
            _ if first.is_number() && second.is_number() => {
                (first.as_f64().unwrap_or_default() + second.as_f64().unwrap_or_default()).into()
            }
            _ if second.is_null() => first.clone(),
            _ => second.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn token_counts_are_added() {
        let first = json!({"prompt_tokens": 3, "details": {"cached": 1}, "only": 5, "note": "x", "cost": 0.25});
        let second = json!({"prompt_tokens": 4, "cost": 0.5, "details": {"cached": 2, "more": 1}, "note": null});
        let both = json!({"prompt_tokens": 7, "details": {"cached": 3, "more": 1}, "only": 5, "note": "x", "cost": 0.75});
        assert_eq!(sum(&first, &second), both);
        let rounds = Rounds { spent: Some(first.clone()), ..Rounds::default() };
        assert_eq!(rounds.usage(Some(&second)), Some(both));
        assert_eq!(rounds.usage(None), Some(first));
        assert_eq!(Rounds::default().usage(None), None);
    }
}
