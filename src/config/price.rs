//! Reads the `prices` of a profile.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::read::Source;
use super::{json, schema};
use crate::error::Failure;

/// Reads a profile's list of prices, each for a million tokens.
pub(super) fn list(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<Value, Failure> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(source.mistyped("prices", value, "a list of tables"));
    };
    items.iter().map(|item| one(source, item)).collect()
}

fn one(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<Value, Failure> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.mistyped("prices", value, "a list of tables"));
    };
    for (key, value) in table {
        let name = &**key.get_ref();
        let read = json::value(source, name, value)?;
        let (fits, expected) = match name {
            "models" => {
                let texts = read.as_array();
                let fits = texts.is_some_and(|texts| texts.iter().all(Value::is_string));
                (fits, "a list of texts")
            }
            "currency" => (read.is_string(), "a text"),
            "input" | "cached_input" | "output" => {
                let fits = read.as_f64().is_some_and(|price| price >= 0.0);
                (fits, "a price for a million tokens")
            }
            _ => return Err(source.unknown(key, "a price", schema::PRICE.iter().copied())),
        };
        if !fits {
            return Err(source.mistyped(name, value, expected));
        }
    }
    json::value(source, "prices", value)
}
