//! The keywords that look at one value and at nothing in it. What is wrong comes as words.

use std::cmp::Ordering::{Equal, Greater, Less};

use serde_json::{Map, Number, Value};

use super::misfit::{listed, shown};
use super::same::{is_multiple, is_same, is_whole, order};

type Rules = Map<String, Value>;

/// `Ok` if it is so; else the words.
pub(super) fn must(is_so: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(what()) }
}

/// `type`, `enum` and `const`.
pub(super) fn any(rules: &Rules, value: &Value) -> Result<(), String> {
    if let Some(types) = rules.get("type") {
        let types = types.as_array().map_or(std::slice::from_ref(types), Vec::as_slice);
        let is_of = |name: &Value| name.as_str().is_some_and(|name| is_of_type(value, name));
        let what = || format!("{} is not of type {}", shown(value), listed(types));
        must(types.iter().any(is_of), what)?;
    }
    if let Some(Value::Array(allowed)) = rules.get("enum") {
        let what = || format!("{} is not one of {}", shown(value), listed(allowed));
        must(allowed.iter().any(|one| is_same(one, value)), what)?;
    }
    rules.get("const").map_or(Ok(()), |only| {
        must(is_same(only, value), || format!("{} is not {}", shown(value), shown(only)))
    })
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || (name == "integer" && is_whole(number)),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// The bounds of a number, and its step.
pub(super) fn number(rules: &Rules, number: &Number) -> Result<(), String> {
    let bound = |name: &str| rules.get(name).and_then(Value::as_number);
    for (name, exclusive, outside, [beyond, within]) in [
        ("minimum", "exclusiveMinimum", Less, ["less", "greater"]),
        ("maximum", "exclusiveMaximum", Greater, ["greater", "less"]),
    ] {
        // In draft 4 the second keyword is a flag of the first.
        let is_strict = rules.get(exclusive) == Some(&Value::Bool(true));
        let strict = bound(exclusive).or(bound(name).filter(|_| is_strict));
        if let Some(bound) = bound(name) {
            let is_inside = order(number, bound) != outside;
            must(is_inside, || format!("{number} is {beyond} than the {name} of {bound}"))?;
        }
        if let Some(bound) = strict {
            let is_inside =
                !matches!(order(number, bound), order if order == outside || order == Equal);
            must(is_inside, || format!("{number} is not {within} than {bound}"))?;
        }
    }
    bound("multipleOf").map_or(Ok(()), |step| {
        must(is_multiple(number, step), || format!("{number} is not a multiple of {step}"))
    })
}

/// The keywords `min…` and `max…` of a count: `named` says what has how many of what, as in
/// `["an array has", "items"]`.
pub(super) fn count(
    rules: &Rules,
    name: &str,
    count: usize,
    named: [&str; 2],
) -> Result<(), String> {
    for (begin, outside, words) in [("min", Less, "fewer"), ("max", Greater, "more")] {
        let bound = rules.get(&format!("{begin}{name}")).and_then(Value::as_f64);
        let is_inside = bound.is_none_or(|bound| (count as f64).total_cmp(&bound) != outside);
        must(is_inside, || {
            let [who, what] = named;
            format!("{who} {words} than {} {what}", bound.unwrap_or_default())
        })?;
    }
    Ok(())
}
