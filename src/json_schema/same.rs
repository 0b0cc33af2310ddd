//! Numbers and values compared as JSON Schema does: 1 and 1.0 are the same, the order of members does
//! not count.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Number, Value};

/// The order of two numbers; whole ones are compared exactly.
pub(super) fn order(one: &Number, other: &Number) -> Ordering {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => float(one).total_cmp(&float(other)),
    }
}

/// Whether a number is whole.
pub(super) fn is_whole(number: &Number) -> bool {
    whole(number).is_some() || float(number).fract() == 0.0
}

/// Whether a number is a multiple of a step, up to what is lost in 64 bits.
pub(super) fn is_multiple(number: &Number, step: &Number) -> bool {
    if let (Some(number), Some(step @ 1..)) = (whole(number), whole(step)) {
        return number % step == 0;
    }
    let count = float(number) / float(step);
    (count - count.round()).abs() <= 1e-9 * count.abs().max(1.0)
}

/// Whether two values are the same.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// Whether no two values are the same.
pub(super) fn are_unique(values: &[Value]) -> bool {
    let mut seen = HashSet::new();
    values.iter().all(|value| seen.insert(canonical(value)))
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Zero has no sign here.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN) + 0.0
}

/// A text that is the same for the same values alone.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match whole(number) {
            Some(whole) => whole.to_string(),
            None => float(number).to_string(),
        },
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let member = |(name, value)| format!("{}:{}", Value::from(name), canonical(value));
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| member((name.as_str(), value))).collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        value => value.to_string(),
    }
}
