//! `prices`: what tokens cost, as the user wrote it down.

use serde::Serialize;
use serde_json::{Number, Value};

use super::source::{Entry, Source};
use super::table::table;
use super::value::FromToml;
use crate::error::Failure;

table! {
    /// One entry of `prices`. Figures are for a million tokens.
    #[derive(Serialize)]
    struct PriceEntry {} reads {
        /// Globs over the model's name; `None` means every model.
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        cached_input: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    }
}

impl FromToml for Vec<PriceEntry> {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let tables = source.list_of_tables(name, value, "a list of tables")?.into_iter();
        let read = |(_, table)| PriceEntry::default().read_fields(source, "a price", table);
        tables.map(read).collect()
    }
}

fn figure(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Option<Number>, Failure> {
    match Value::from_toml(source, name, value)? {
        Value::Number(figure) if figure.as_f64() >= Some(0.0) => Ok(Some(figure)),
        _ => Err(source.mistyped(name, value, "a price for a million tokens")),
    }
}
