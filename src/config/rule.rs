//! `rules`: changes to a request. The vocabulary is explained at the head of
//! `providers.example.toml`.

use std::fmt;

use serde_json::{Map, Value};

use super::field::{Layer, Rows};
use super::job::Job;
use super::origin::Origin;
use super::schema::{AttachmentKind, ChatApi, Word};
use super::source::Item;
use super::table::table;
use super::value::FromToml;
use crate::error::Failure;
use crate::secret::{MASK, is_secret_field, masked_json};

/// Names with what each stands for, in the order in which they were written.
pub(crate) type Pairs<T> = Vec<(String, T)>;

table! {
    /// A request rule: what is done to the fields of a request when job and model match.
    struct Rule { origin: Origin } reads {
        /// Empty means every job.
        jobs: Vec<Job> = |item| words(item, "job"),
        /// Globs over the model's name; empty means every model.
        models: Vec<String>,
        /// Globs over models that the rule leaves alone.
        models_except: Vec<String>,
        /// Fields of the request without which the rule leaves it alone.
        with: Vec<String>,
        /// Fields of the request with any of which the rule leaves it alone.
        without: Vec<String>,
        /// Fields that must have one of these values.
        with_value: Pairs<Vec<Value>> = |item| pairs(item, VALUES, values),
        /// Fields that must have none of these values; one that is not there has none.
        without_value: Pairs<Vec<Value>> = |item| pairs(item, VALUES, values),
        /// Old name and new name.
        rename: Pairs<String> = |item| pairs(item, "a table of strings", text),
        drop: Vec<String>,
        set: Map<String, Value>,
        /// Fields that the service ignores: they are sent all the same, and the user is told.
        ignored: Vec<String>,
        /// Field, then old value (as text) to new value.
        map: Pairs<Map<String, Value>> = |item| pairs(item, "a table of tables", object),
        /// The endpoint of chat that the question goes to.
        via: Option<ChatApi>,
        /// What the model is known not to take as an attachment.
        takes_no: Vec<AttachmentKind> = |item| words(item, "attachment"),
        /// The most seconds of a recording that the models take.
        audio_seconds: Option<i64>,
        /// One short reason, for warnings.
        why: Option<String>,
    }
}

/// What `with_value` and `without_value` should be.
const VALUES: &str = "a table of values, as in { reasoning_effort = [\"low\", \"none\"] }";

/// Reads a profile's list of rules.
pub(super) fn list(item: &Item<'_>) -> Result<Vec<Rule>, Failure> {
    let rules = item.tables("a list of rules, as [[providers.NAME.rules]]")?;
    let read = |item: &Item<'_>| {
        Rule { origin: item.origin(), ..Rule::default() }.read_fields("a rule", item)
    };
    rules.iter().map(read).collect()
}

/// Rules of an upper layer come behind those below, and are shown apart from the fields.
impl Layer for Vec<Rule> {
    fn lay_over(&mut self, upper: Self) {
        self.extend(upper);
    }

    fn add_rows(&self, _: &'static str, _: &mut Rows) {}
}

/// A list of known words. `what` is what a word names.
fn words<W: Word>(item: &Item<'_>, what: &str) -> Result<Vec<W>, Failure> {
    let known = |word: &String| {
        let known = W::names().join(", ");
        let unknown = format!("`{word}` is no {what}; {what}s are {known}");
        W::of(word).ok_or_else(|| item.wrong(&unknown))
    };
    Vec::<String>::from_toml(item)?.iter().map(known).collect()
}

/// A table of which `read` takes every value; `expected` says what it should be.
fn pairs<T>(
    item: &Item<'_>,
    expected: &str,
    read: impl Fn(Value) -> Option<T>,
) -> Result<Pairs<T>, Failure> {
    let pair = |(name, value)| Some((name, read(value)?));
    let pairs = Map::from_toml(item)?.into_iter().map(pair);
    pairs.collect::<Option<_>>().ok_or_else(|| item.mistyped(expected))
}

fn text(value: Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// One value or several.
fn values(value: Value) -> Option<Vec<Value>> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    values.iter().all(is_plain).then_some(values)
}

/// A value as text without quotes: how rules name and compare values.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn object(value: Value) -> Option<Map<String, Value>> {
    value.as_object().cloned()
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.changes();
        parts.extend(self.conditions());
        f.write_str(&parts.join(" · "))
    }
}

impl Rule {
    /// What the rule does, in words.
    fn changes(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.via.map(|api| format!("via {}", api.word())));
        let renames = self.rename.iter().map(|(from, to)| format!("rename {from} to {to}"));
        parts.extend(renames);
        if !self.drop.is_empty() {
            parts.push(format!("drop {}", self.drop.join(", ")));
        }
        let set = self.set.iter().map(|(name, value)| match value.as_str() {
            Some(text) if is_secret_field(name, text) => format!("set {name} = {MASK}"),
            _ => format!("set {name} = {}", masked_json(value)),
        });
        parts.extend(set);
        for (field, changes) in &self.map {
            parts.extend(changes.iter().map(|(old, new)| format!("{field} {old} becomes {new}")));
        }
        parts.extend(self.audio_seconds.map(|most| format!("audio_seconds = {most}")));
        if !self.ignored.is_empty() {
            parts.push(format!("ignored {}", self.ignored.join(", ")));
        }
        let kinds: Vec<_> = self.takes_no.iter().map(|kind| kind.word()).collect();
        if !kinds.is_empty() {
            parts.push(format!("takes no {}", kinds.join(", ")));
        }
        parts
    }

    /// When it does so, in words.
    fn conditions(&self) -> Vec<String> {
        let jobs: Vec<_> = self.jobs.iter().map(|job| job.name()).collect();
        let lists = [
            ("for", jobs.join(", ")),
            ("of", self.models.join(", ")),
            ("not of", self.models_except.join(", ")),
            ("with", self.with.join(", ")),
            ("without", self.without.join(", ")),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let mut parts: Vec<String> = lists.map(|(what, list)| format!("{what} {list}")).collect();
        for (what, fields) in [("with", &self.with_value), ("without", &self.without_value)] {
            parts.extend(fields.iter().map(|(field, values)| {
                let is_secret = |text: &String| is_secret_field(field, text);
                let values = values.iter().map(plain);
                let values = values.map(|text| if is_secret(&text) { MASK.into() } else { text });
                format!("{what} {field} = {}", values.collect::<Vec<String>>().join(" or "))
            }));
        }
        parts
    }
}
