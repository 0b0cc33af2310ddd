//! `prices`: what tokens cost, as the user wrote it down.

use serde::Serialize;
use serde_json::{Number, Value};

use super::source::Item;
use super::table::table;
use super::value::FromToml;
use crate::error::Failure;

table! {
    /// One entry of `prices`. Figures are for a million tokens, where nothing else is said.
    #[derive(Serialize)]
    struct PriceEntry {} reads {
        /// Globs over the model's name; `None` means every model.
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<Vec<String>>,
        /// Only where more tokens than this were sent: what services ask for long contexts.
        #[serde(skip_serializing_if = "Option::is_none")]
        above: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        cached_input: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_write: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<Number> = figure,
        /// For a million characters of text that is spoken.
        #[serde(skip_serializing_if = "Option::is_none")]
        characters: Option<Number> = figure,
        /// For one minute of sound.
        #[serde(skip_serializing_if = "Option::is_none")]
        minute: Option<Number> = figure,
        /// For one picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        picture: Option<Number> = figure,
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    }
}

impl FromToml for Vec<PriceEntry> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        let read = |item: &Item<'_>| PriceEntry::default().read_fields("a price", item);
        item.tables("a list of tables")?.iter().map(read).collect()
    }
}

fn figure(item: &Item<'_>) -> Result<Option<Number>, Failure> {
    match Value::from_toml(item)? {
        Value::Number(figure) if figure.as_f64() >= Some(0.0) => Ok(Some(figure)),
        _ => Err(item.mistyped("a number that is not below 0")),
    }
}
