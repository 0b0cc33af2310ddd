//! Values of a profile file as Rust types and as JSON, which is what goes over the wire.

use std::ops::Deref;

use serde::Serialize;
use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::schema::Word;
use super::source::{Entry, Source};
use crate::error::Failure;

/// A type that a value of a profile file can have.
pub(super) trait FromToml: Sized {
    /// Reads a value. `name` is what a message calls it: `headers.X-Team`.
    ///
    /// # Errors
    /// A value of another type, with file, line, and the type that was expected.
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure>;
}

/// One text or several, as they were written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Deref for Texts {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

impl Texts {
    /// `None` for a value that is neither a text nor a list of texts.
    fn read(value: &Entry<'_>) -> Option<Self> {
        let text = |item: &Entry<'_>| item.get_ref().as_str().map(str::to_owned);
        match value.get_ref() {
            DeValue::Array(items) => {
                Some(Self::Several(items.iter().map(text).collect::<Option<_>>()?))
            }
            _ => text(value).map(Self::One),
        }
    }
}

/// [`Texts`] of which there may be none at all.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Patterns(Texts);

impl Deref for Patterns {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl FromToml for String {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let text = value.get_ref().as_str();
        text.map(str::to_owned).ok_or_else(|| source.mistyped(name, value, "a text"))
    }
}

impl FromToml for bool {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        value.get_ref().as_bool().ok_or_else(|| source.mistyped(name, value, "true or false"))
    }
}

impl FromToml for i64 {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let number = Value::from_toml(source, name, value)?.as_i64();
        number.ok_or_else(|| source.mistyped(name, value, "a whole number"))
    }
}

impl FromToml for Texts {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let texts = Texts::read(value).filter(|texts| !texts.is_empty());
        texts.ok_or_else(|| source.mistyped(name, value, "a text or a list of texts"))
    }
}

impl FromToml for Patterns {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let texts = Texts::read(value).map(Self);
        texts.ok_or_else(|| source.mistyped(name, value, "a list of texts"))
    }
}

impl FromToml for Vec<String> {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| source.mistyped(name, value, "a list of texts"))?;
        items.iter().map(|item| String::from_toml(source, name, item)).collect()
    }
}

impl<W: Word> FromToml for W {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let word = value.get_ref().as_str().and_then(W::of);
        word.ok_or_else(|| wrong_word::<W>(source, name, value))
    }
}

impl<W: Word> FromToml for Vec<W> {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let items = value.get_ref().as_array();
        let word = |item: &Entry<'_>| item.get_ref().as_str().and_then(W::of);
        let words = items.and_then(|items| items.iter().map(word).collect());
        words.ok_or_else(|| wrong_word::<W>(source, name, value))
    }
}

fn wrong_word<W: Word>(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Failure {
    let what = format!("`{name}` takes only these words: {}", W::names().join(", "));
    source.wrong(value.span().start, &what)
}

impl<T: FromToml> FromToml for Option<T> {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        T::from_toml(source, name, value).map(Some)
    }
}

impl FromToml for Map<String, Value> {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let members = source.table(name, value)?.iter().map(|(key, item)| {
            Ok((key.get_ref().to_string(), Value::from_toml(source, name, item)?))
        });
        members.collect()
    }
}

/// The JSON value that says the same as a TOML value. What JSON can't hold is refused: infinity, and
/// integers beyond 64 bits.
impl FromToml for Value {
    fn from_toml(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Self, Failure> {
        let unfit = || source.mistyped(name, value, "a value that JSON can hold");
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                Value::Number(number.map_err(|_| unfit())?.into())
            }
            DeValue::Float(float) => {
                let number: f64 = float.as_str().parse().map_err(|_| unfit())?;
                Value::Number(Number::from_f64(number).ok_or_else(unfit)?)
            }
            DeValue::Array(items) => {
                let items = items.iter().map(|item| Value::from_toml(source, name, item));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(_) => Value::Object(Map::from_toml(source, name, value)?),
        })
    }
}
