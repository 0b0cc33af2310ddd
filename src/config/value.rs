//! Values of a profile file as Rust types and as JSON, which is what goes over the wire.

use std::ops::Deref;

use serde::Serialize;
use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::schema::Word;
use super::source::Item;
use crate::error::Failure;

/// A type that a value of a profile file can have.
pub(super) trait FromToml: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// A value of another type, with file, line, and the type that was expected.
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure>;
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
    /// One text, or a list which may be empty.
    ///
    /// # Errors
    /// Another value; `expected` says what it should be.
    pub(super) fn any(item: &Item<'_>, expected: &str) -> Result<Self, Failure> {
        match item.value.as_str() {
            Some(text) => Ok(Self::One(text.to_owned())),
            None => {
                let texts = Vec::from_toml(item).map_err(|_| item.mistyped(expected))?;
                Ok(Self::Several(texts))
            }
        }
    }
}

impl FromToml for Texts {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        let expected = "a string or a list of strings";
        match Self::any(item, expected)? {
            texts if texts.is_empty() => Err(item.mistyped(expected)),
            texts => Ok(texts),
        }
    }
}

impl FromToml for String {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        item.value.as_str().map(str::to_owned).ok_or_else(|| item.mistyped("a text"))
    }
}

impl FromToml for bool {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        item.value.as_bool().ok_or_else(|| item.mistyped("true or false"))
    }
}

impl FromToml for i64 {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        Value::from_toml(item)?.as_i64().ok_or_else(|| item.mistyped("a whole number"))
    }
}

impl FromToml for Vec<String> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        item.items("a list of strings")?.iter().map(String::from_toml).collect()
    }
}

impl<W: Word> FromToml for W {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        item.value.as_str().and_then(W::of).ok_or_else(|| wrong_word::<W>(item))
    }
}

impl<W: Word> FromToml for Vec<W> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        let items = item.items("").map_err(|_| wrong_word::<W>(item))?;
        items.iter().map(W::from_toml).collect::<Result<_, _>>().map_err(|_| wrong_word::<W>(item))
    }
}

fn wrong_word<W: Word>(item: &Item<'_>) -> Failure {
    item.wrong(&format!("`{}` takes only these words: {}", item.name, W::names().join(", ")))
}

impl<T: FromToml> FromToml for Option<T> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        T::from_toml(item).map(Some)
    }
}

impl FromToml for Map<String, Value> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        let members = item.members("")?.into_iter().map(|(key, mut member)| {
            // What JSON can't hold is called by the name of the whole.
            member.name.clone_from(&item.name);
            Ok((key.to_owned(), Value::from_toml(&member)?))
        });
        members.collect()
    }
}

/// The JSON value that says the same as a TOML value. What JSON can't hold is refused: infinity, and
/// integers beyond 64 bits.
impl FromToml for Value {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        let unfit = || item.mistyped("a value that JSON can hold");
        Ok(match item.value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                Value::Number(number.map_err(|_| unfit())?.into())
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(Number::from_f64);
                Value::Number(number.ok_or_else(unfit)?)
            }
            DeValue::Array(_) => {
                let items = item.items("a list")?;
                Value::Array(items.iter().map(Value::from_toml).collect::<Result<_, _>>()?)
            }
            DeValue::Table(_) => Value::Object(Map::from_toml(item)?),
        })
    }
}
