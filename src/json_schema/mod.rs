//! Whether a JSON value fits a JSON Schema: the first thing that does not, in words, with its place.
//!
//! The keywords are those of draft 4 to draft 2020-12, each by what it means in the draft that has it.
//! Nothing is fetched: every `$ref` must lead into the document. `format` and `content*` are notes, as
//! 2020-12 has it, and `$dynamicRef` and `$recursiveRef` lead where `$ref` would.
//!
//! It is written here as the libraries for it collect the errors of every branch of a union before the
//! first one can be read: seconds and 600 MB for an answer of 16 levels. Here a branch is tried once
//! for each value, and no error but the nearest one is kept.

mod check;
mod ecma;
mod form;
mod format;
mod leaf;
mod misfit;
mod same;

use std::collections::HashMap;

use fancy_regex::Regex;
use serde_json::Value;

pub(crate) use form::unescaped;
pub(crate) use misfit::Misfit;

/// A schema whose form was checked.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
    places: form::ReferenceTargets,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// Words for what is wrong: a keyword whose value has another form, a `$ref` that leads nowhere, a
    /// pattern that is not a regular expression.
    pub(crate) fn new(root: Value) -> Result<Self, String> {
        let form::ReadSchema { patterns, places } = form::read(&root)?;
        Ok(Self { root, patterns, places })
    }

    /// Whether any JSON object fits it, as no keyword says anything of it: `{}`, or an object whose
    /// names are none of JSON Schema.
    pub(crate) fn constrains_nothing(&self) -> bool {
        self.root.as_object().is_some_and(|rules| !rules.iter().any(form::is_constraint))
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The first thing found that does not fit; of a union the one that lies deepest.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Misfit> {
        check::Check::new(&self.root, &self.patterns, &self.places).fits(&self.root, value)
    }
}

#[cfg(test)]
mod tests;
