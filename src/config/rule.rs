//! `rules`: changes to a request. The vocabulary is explained at the head of
//! `providers.example.toml`.

use std::fmt;

use serde_json::{Map, Value};

use super::field::{Layer, Rows};
use super::job::Job;
use super::origin::Origin;
use super::schema::{AttachmentKind, Word};
use super::source::{Entry, Source};
use super::table::table;
use super::value::FromToml;
use crate::error::Failure;

/// Names with what each stands for, in the order in which they were written.
pub(crate) type Pairs<T> = Vec<(String, T)>;

table! {
    /// A request rule: what is done to the fields of a request when job and model match.
    struct Rule { origin: Origin } reads {
        /// Empty means every job.
        jobs: Vec<Job> = jobs,
        /// Globs over the model's name; empty means every model.
        models: Vec<String>,
        /// Globs over models that the rule leaves alone.
        models_except: Vec<String>,
        /// Fields of the request without which the rule leaves it alone.
        with: Vec<String>,
        /// Old name and new name.
        rename: Pairs<String> = renames,
        drop: Vec<String>,
        set: Map<String, Value>,
        /// Field, then old value (as text) to new value.
        map: Pairs<Map<String, Value>> = maps,
        /// What the model is known not to take as an attachment.
        takes_no: Vec<AttachmentKind> = attachments,
        /// One short reason, for warnings.
        why: Option<String>,
    }
}

/// Reads a profile's list of rules.
pub(super) fn list(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
) -> Result<Vec<Rule>, Failure> {
    let expected = "a list of rules, as [[providers.NAME.rules]]";
    let rules = source.list_of_tables(name, value, expected)?.into_iter().map(|(offset, table)| {
        let rule = Rule { origin: source.origin(offset), ..Rule::default() };
        rule.read_fields(source, "a rule", table)
    });
    rules.collect()
}

/// Rules of an upper layer come behind those below, and are shown apart from the fields.
impl Layer for Vec<Rule> {
    fn lay_over(&mut self, upper: Self) {
        self.extend(upper);
    }

    fn add_rows(&self, _: &'static str, _: &mut Rows) {}
}

fn jobs(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Vec<Job>, Failure> {
    words(source, name, value, "job")
}

fn attachments(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
) -> Result<Vec<AttachmentKind>, Failure> {
    words(source, name, value, "attachment")
}

/// A list of known words. `what` is what a word names.
fn words<W: Word>(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
    what: &str,
) -> Result<Vec<W>, Failure> {
    let known = |word: &String| {
        W::of(word).ok_or_else(|| {
            let known = W::names().join(", ");
            let what = format!("`{word}` is no {what}; {what}s are {known}");
            source.wrong(value.span().start, &what)
        })
    };
    Vec::<String>::from_toml(source, name, value)?.iter().map(known).collect()
}

fn renames(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Pairs<String>, Failure> {
    let rename = |(from, to)| match to {
        Value::String(to) => Ok((from, to)),
        _ => Err(source.mistyped(name, value, "a table of texts")),
    };
    Map::from_toml(source, name, value)?.into_iter().map(rename).collect()
}

fn maps(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
) -> Result<Pairs<Map<String, Value>>, Failure> {
    let map = |(field, changes)| match changes {
        Value::Object(changes) => Ok((field, changes)),
        _ => Err(source.mistyped(name, value, "a table of tables")),
    };
    Map::from_toml(source, name, value)?.into_iter().map(map).collect()
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |list: &[&'static str]| list.join(", ");
        let mut parts = Vec::new();
        let renames = self.rename.iter().map(|(from, to)| format!("rename {from} to {to}"));
        parts.extend(renames);
        if !self.drop.is_empty() {
            parts.push(format!("drop {}", self.drop.join(", ")));
        }
        parts.extend(self.set.iter().map(|(name, value)| format!("set {name} = {value}")));
        for (field, changes) in &self.map {
            parts.extend(changes.iter().map(|(old, new)| format!("{field} {old} becomes {new}")));
        }
        let kinds: Vec<_> = self.takes_no.iter().map(|kind| kind.word()).collect();
        let jobs: Vec<_> = self.jobs.iter().map(|job| job.name()).collect();
        for (what, list) in [
            ("takes no", words(&kinds)),
            ("for", words(&jobs)),
            ("of", self.models.join(", ")),
            ("not of", self.models_except.join(", ")),
            ("with", self.with.join(", ")),
        ] {
            if !list.is_empty() {
                parts.push(format!("{what} {list}"));
            }
        }
        f.write_str(&parts.join(" · "))
    }
}
