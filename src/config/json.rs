//! TOML values as JSON values, which is what goes over the wire.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::read::Source;
use crate::error::Failure;

/// The JSON value that says the same as a TOML value.
///
/// # Errors
/// Numbers that JSON can't hold (infinity, beyond 64 bits).
pub(super) fn value(
    source: &Source<'_>,
    place: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Value, Failure> {
    let unfit = || source.mistyped(place, value, "a value that JSON can hold");
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Integer(integer) => {
            let number =
                i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| unfit())?;
            Value::Number(number.into())
        }
        DeValue::Float(float) => {
            let number: f64 = float.as_str().parse().map_err(|_| unfit())?;
            Value::Number(Number::from_f64(number).ok_or_else(unfit)?)
        }
        DeValue::Array(items) => Value::Array(
            items.iter().map(|item| self::value(source, place, item)).collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => {
            let mut map = Map::new();
            for (key, item) in table {
                map.insert(key.get_ref().to_string(), self::value(source, place, item)?);
            }
            Value::Object(map)
        }
    })
}
