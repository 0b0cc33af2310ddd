//! Reads a profile file's text into profiles, and says exactly where it is wrong. Opens no files.

use std::path::Path;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::profile::{Field, Origin, Profile};
use super::schema::{self, Shape};
use super::tool::{self, ToolTable};
use super::{json, price, rule, template};
use crate::error::Failure;

/// What a profile file holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    /// The profile that is used when none is named.
    pub(crate) default: Option<Field>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) tools: Vec<ToolTable>,
    /// The tables of `[prompts]`, read as profiles are: fields with their places.
    pub(crate) prompts: Vec<Profile>,
    /// Whether conversations are kept, if the file says so.
    pub(crate) log: Option<bool>,
}

pub(super) type Key<'a, 'i> = &'a Spanned<std::borrow::Cow<'i, str>>;
pub(super) type Entry<'i> = Spanned<DeValue<'i>>;

/// A text that is being read, and the place that its values come from.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    /// `None` for the list inside the binary.
    pub(super) path: Option<&'t Path>,
}

impl Source<'_> {
    /// The origin of a value that begins at a byte offset.
    pub(super) fn origin(&self, offset: usize) -> Origin {
        match self.path {
            None => Origin::BuiltIn,
            Some(path) => Origin::File { path: path.to_owned(), line: self.line(offset) },
        }
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// A failure that names file and line.
    pub(super) fn wrong(&self, offset: usize, what: &str) -> Failure {
        let file =
            self.path.map_or("providers.example.toml".into(), |path| path.display().to_string());
        Failure::usage(format!("{file}:{}: {what}", self.line(offset)))
    }

    /// A failure for a field that nobody knows, with the nearest one that somebody does.
    pub(super) fn unknown<'k>(
        &self,
        key: Key<'_, '_>,
        place: &str,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) -> Failure {
        let name = key.get_ref();
        let failure = self.wrong(key.span().start, &format!("unknown field `{name}` in {place}"));
        match schema::nearest(name, known.clone()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => {
                let all: Vec<&str> = known.into_iter().collect();
                failure.hint(format!("known fields: {}", all.join(", ")))
            }
        }
    }

    /// A failure for a value of the wrong type.
    pub(super) fn mistyped(&self, place: &str, value: &Entry<'_>, expected: &str) -> Failure {
        let found = value.get_ref().type_str();
        let what = format!("`{place}` must be {expected}, not {} {found}", article(found));
        self.wrong(value.span().start, &what)
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Reads a whole profile file. `path` is `None` for the list inside the binary.
///
/// # Errors
/// The first thing that is wrong, with file, line and what was expected instead.
pub(crate) fn document(text: &str, path: Option<&Path>) -> Result<Document, Failure> {
    let source = Source { text, path };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let words = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = source.wrong(offset, &words);
        // Bare keys of TOML are ASCII (1.0.0, "Keys").
        match words.contains("unquoted key") {
            true => failure.hint("a name in other letters stands in quotes, as [prompts.\"翻译\"]"),
            false => failure,
        }
    })?;
    let mut document = Document::default();
    for (key, value) in table.get_ref() {
        match (&**key.get_ref(), value.get_ref()) {
            ("default", DeValue::String(name)) => {
                document.default = Some(Field {
                    section: String::new(),
                    key: "default".to_owned(),
                    value: Value::String(name.to_string()),
                    origin: source.origin(key.span().start),
                });
            }
            ("default", _) => {
                return Err(source.mistyped("default", value, "the name of a profile"));
            }
            ("log", DeValue::Boolean(log)) => document.log = Some(*log),
            ("log", _) => return Err(source.mistyped("log", value, "true or false")),
            ("providers", DeValue::Table(profiles)) => {
                for (name, profile) in profiles {
                    let place = ("providers", schema::PROFILE);
                    document.profiles.push(one_table(&source, place, name, profile)?);
                }
            }
            ("providers", _) => return Err(source.mistyped("providers", value, "a table")),
            ("prompts", DeValue::Table(prompts)) => {
                for (name, prompt) in prompts {
                    let place = ("prompts", schema::PROMPT);
                    document.prompts.push(one_table(&source, place, name, prompt)?);
                }
            }
            ("prompts", _) => return Err(source.mistyped("prompts", value, "a table")),
            // The built-in list has none.
            ("tools", DeValue::Table(tools)) if path.is_some() => {
                for (name, tool) in tools {
                    document.tools.push(tool::table(&source, name, tool)?);
                }
            }
            ("tools", _) if path.is_some() => {
                return Err(source.mistyped("tools", value, "a table"));
            }
            _ => {
                let known = ["default", "log", "prompts", "providers", "tools"];
                return Err(source.unknown(key, "the profile file", known));
            }
        }
    }
    Ok(document)
}

/// Reads `[TABLE.NAME]`, where `fields` are those that it may have.
fn one_table(
    source: &Source<'_>,
    (table, fields): (&str, &[(&'static str, Shape)]),
    name: Key<'_, '_>,
    value: &Entry<'_>,
) -> Result<Profile, Failure> {
    let place = format!("{table}.{}", name.get_ref());
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.mistyped(&place, value, "a table"));
    };
    let mut profile = Profile::new(name.get_ref().to_string());
    for (key, value) in table {
        let Some((known, shape)) = fields.iter().find(|(known, _)| known == key.get_ref()) else {
            let known = fields.iter().map(|(name, _)| *name);
            return Err(source.unknown(key, &format!("[{place}]"), known));
        };
        match shape {
            Shape::Rules => profile.rules = rule::list(source, value)?,
            Shape::Templates => template::table(source, &mut profile, value)?,
            Shape::Prices => {
                let prices = price::list(source, value)?;
                profile.set("", known, prices, source.origin(key.span().start));
            }
            Shape::TextTable | Shape::NumberTable | Shape::AnyTable => {
                section(source, &mut profile, known, *shape, value)?;
            }
            _ => {
                let json = plain(source, known, *shape, value)?;
                profile.set("", known, json, source.origin(key.span().start));
            }
        }
    }
    Ok(profile)
}

/// Reads a table of values into the profile's section of the same name.
fn section(
    source: &Source<'_>,
    profile: &mut Profile,
    name: &str,
    shape: Shape,
    value: &Entry<'_>,
) -> Result<(), Failure> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.mistyped(name, value, "a table"));
    };
    for (key, value) in table {
        let place = format!("{name}.{}", key.get_ref());
        let fits = match shape {
            Shape::TextTable => value.get_ref().is_str(),
            Shape::NumberTable => value.get_ref().is_integer(),
            _ => true,
        };
        if !fits {
            let expected = if shape == Shape::TextTable { "a text" } else { "a whole number" };
            return Err(source.mistyped(&place, value, expected));
        }
        let json = json::value(source, &place, value)?;
        profile.set(name, key.get_ref(), json, source.origin(key.span().start));
    }
    Ok(())
}

/// Reads a value that is a text, a word or a list of them.
pub(super) fn plain(
    source: &Source<'_>,
    name: &str,
    shape: Shape,
    value: &Entry<'_>,
) -> Result<Value, Failure> {
    let json = json::value(source, name, value)?;
    let is_texts = |value: &Value| match value {
        Value::String(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
        _ => false,
    };
    match shape {
        Shape::Text if json.is_string() => Ok(json),
        Shape::Text => Err(source.mistyped(name, value, "a text")),
        Shape::Texts if is_texts(&json) => Ok(json),
        Shape::Texts => Err(source.mistyped(name, value, "a text or a list of texts")),
        Shape::Patterns if is_texts(&json) || json.as_array().is_some_and(Vec::is_empty) => {
            Ok(json)
        }
        Shape::Patterns => Err(source.mistyped(name, value, "a list of texts")),
        Shape::Flag if json.is_boolean() => Ok(json),
        Shape::Flag => Err(source.mistyped(name, value, "true or false")),
        Shape::Word(words) => match json.as_str() {
            Some(text) if words.contains(&text) => Ok(json),
            _ => Err(source.mistyped_word(name, value, words)),
        },
        Shape::Words(words) => {
            let known = |item: &Value| item.as_str().is_some_and(|text| words.contains(&text));
            match &json {
                Value::Array(items) if items.iter().all(known) => Ok(json),
                _ => Err(source.mistyped_word(name, value, words)),
            }
        }
        // The tables and rules are read by their own functions.
        _ => Ok(json),
    }
}

impl Source<'_> {
    fn mistyped_word(&self, name: &str, value: &Entry<'_>, words: &[&str]) -> Failure {
        let what = format!("`{name}` takes only these words: {}", words.join(", "));
        self.wrong(value.span().start, &what)
    }
}

/// The members of a table that holds JSON-like values, as a JSON object.
pub(super) fn object(
    source: &Source<'_>,
    place: &str,
    value: &Entry<'_>,
) -> Result<Map<String, Value>, Failure> {
    match json::value(source, place, value)? {
        Value::Object(map) => Ok(map),
        _ => Err(source.mistyped(place, value, "a table")),
    }
}
