//! Reads the `rules` of a profile.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::profile::Rule;
use super::read::{Source, object};
use super::schema;
use crate::error::Failure;

/// Reads a profile's list of rules.
pub(super) fn list(
    source: &Source<'_>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<Rule>, Failure> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(source.mistyped(
            "rules",
            value,
            "a list of rules, as [[providers.NAME.rules]]",
        ));
    };
    items.iter().map(|item| one(source, item)).collect()
}

fn one(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<Rule, Failure> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.mistyped("rules", value, "a list of tables"));
    };
    let mut rule = Rule {
        jobs: Vec::new(),
        models: Vec::new(),
        models_except: Vec::new(),
        with: Vec::new(),
        rename: Vec::new(),
        drop: Vec::new(),
        set: Map::new(),
        map: Vec::new(),
        takes_no: Vec::new(),
        why: None,
        origin: source.origin(value.span().start),
    };
    for (key, value) in table {
        match &**key.get_ref() {
            "jobs" => rule.jobs = words(source, "jobs", value, schema::JOBS, "job")?,
            "models" => rule.models = texts(source, "models", value)?,
            "models_except" => rule.models_except = texts(source, "models_except", value)?,
            "with" => rule.with = texts(source, "with", value)?,
            "drop" => rule.drop = texts(source, "drop", value)?,
            "set" => rule.set = object(source, "set", value)?,
            "takes_no" => {
                rule.takes_no = words(source, "takes_no", value, schema::KINDS, "attachment")?;
            }
            "why" => rule.why = Some(text(source, "why", value)?),
            "rename" => {
                for (from, to) in object(source, "rename", value)? {
                    let Value::String(to) = to else {
                        return Err(source.mistyped("rename", value, "a table of texts"));
                    };
                    rule.rename.push((from, to));
                }
            }
            "map" => {
                for (field, changes) in object(source, "map", value)? {
                    let Value::Object(changes) = changes else {
                        return Err(source.mistyped("map", value, "a table of tables"));
                    };
                    rule.map.push((field, changes.into_iter().collect()));
                }
            }
            _ => return Err(source.unknown(key, "a rule", schema::RULE.iter().copied())),
        }
    }
    Ok(rule)
}

fn text(source: &Source<'_>, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Failure> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(source.mistyped(name, value, "a text")),
    }
}

fn texts(
    source: &Source<'_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<String>, Failure> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(source.mistyped(name, value, "a list of texts"));
    };
    items.iter().map(|item| text(source, name, item)).collect()
}

/// A list of texts, each of them one of the known words. `what` is what a word names.
fn words(
    source: &Source<'_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    known: &[&str],
    what: &str,
) -> Result<Vec<String>, Failure> {
    let words = texts(source, name, value)?;
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(words),
        Some(word) => {
            let what = format!("`{word}` is no {what}; {what}s are {}", known.join(", "));
            Err(source.wrong(value.span().start, &what))
        }
    }
}
