//! A text that is being read as a profile file: its values with their names and origins, and failures
//! that name the line. Opens no files.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::origin::Origin;
use super::schema::nearest;
use crate::error::Failure;
use crate::secret;

/// Where a text that is being read comes from, and its lines.
pub(super) struct Source<'t> {
    /// `None` for the list inside the binary.
    pub(super) path: Option<&'t Path>,
    /// Where its line ends are: every value asks for its line.
    line_ends: Vec<usize>,
}

/// A value of the text.
pub(super) struct Item<'s> {
    source: &'s Source<'s>,
    /// What messages call it: `headers.X-Team`.
    pub(super) name: String,
    /// The byte at which its key begins, or itself in a list.
    pub(super) offset: usize,
    pub(super) value: &'s DeValue<'s>,
    value_offset: usize,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, path: Option<&'t Path>) -> Self {
        // Lines are told of the user's file, and of mistakes.
        let ends = |(at, byte): (usize, u8)| (byte == b'\n').then_some(at);
        Self { path, line_ends: text.bytes().enumerate().filter_map(ends).collect() }
    }

    /// The whole text as one value.
    pub(super) fn root<'s>(&'s self, value: &'s DeValue<'s>) -> Item<'s> {
        Item { source: self, name: String::new(), offset: 0, value, value_offset: 0 }
    }

    fn line(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }

    /// A failure that names file and line.
    pub(super) fn wrong(&self, offset: usize, what: &str) -> Failure {
        let file =
            self.path.map_or("providers.example.toml".into(), |path| path.display().to_string());
        Failure::usage(format!("{file}:{}: {what}", self.line(offset)))
    }
}

impl<'s> Item<'s> {
    /// Where the value came from.
    pub(super) fn origin(&self) -> Origin {
        match self.source.path {
            None => Origin::BuiltIn,
            Some(path) => {
                Origin::File { path: path.to_owned(), line: self.source.line(self.offset) }
            }
        }
    }

    /// A failure that names the line of the key.
    pub(super) fn wrong_key(&self, what: &str) -> Failure {
        self.source.wrong(self.offset, what)
    }

    /// A failure that names the line of the value.
    pub(super) fn wrong(&self, what: &str) -> Failure {
        self.source.wrong(self.value_offset, what)
    }

    /// A failure for a value of the wrong type.
    pub(super) fn mistyped(&self, expected: &str) -> Failure {
        let found = self.value.type_str();
        let article = if found.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        self.wrong(&format!("`{}` must be {expected}, not {article} {found}", self.name))
    }

    /// A failure for an unknown field, with the nearest one that somebody does.
    pub(super) fn unknown(&self, table: &str, known: &[&str]) -> Failure {
        self.unknown_name(&self.name, table, known)
    }

    /// The same for a name that stands within the field.
    pub(super) fn unknown_name(&self, name: &str, table: &str, known: &[&str]) -> Failure {
        let failure = self.unknown_field(table);
        match nearest(name, known.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("known fields: {}", known.join(", "))),
        }
    }

    /// A failure for an unknown field, without a hint.
    pub(super) fn unknown_field(&self, table: &str) -> Failure {
        self.wrong_key(&format!("unknown field {} in {table}", secret::named(&self.name)))
    }

    /// The members of a table: key and value, whose name begins with `prefix`.
    ///
    /// # Errors
    /// A value that is no table.
    pub(super) fn members(&self, prefix: &str) -> Result<Vec<(&'s str, Self)>, Failure> {
        let table: &'s DeTable<'s> =
            self.value.as_table().ok_or_else(|| self.mistyped("a table"))?;
        let member = |(key, value): (&'s Spanned<_>, &'s Spanned<_>)| {
            let key_text: &'s std::borrow::Cow<'s, str> = key.get_ref();
            (&**key_text, self.inner(format!("{prefix}{key_text}"), key.span().start, value))
        };
        Ok(table.iter().map(member).collect())
    }

    /// The items of a list; each has the list's name.
    ///
    /// # Errors
    /// A value that is not a list; `expected` says what it should be.
    pub(super) fn items(&self, expected: &str) -> Result<Vec<Self>, Failure> {
        let items = self.value.as_array().ok_or_else(|| self.mistyped(expected))?;
        let item = |item: &'s Spanned<_>| self.inner(self.name.clone(), item.span().start, item);
        Ok(items.iter().map(item).collect())
    }

    /// The items of a list of tables.
    ///
    /// # Errors
    /// Another value; `expected` says what it should be.
    pub(super) fn tables(&self, expected: &str) -> Result<Vec<Self>, Failure> {
        let items = self.items(expected)?;
        match items.iter().find(|item| !item.value.is_table()) {
            Some(item) => Err(item.mistyped("a list of tables")),
            None => Ok(items),
        }
    }

    fn inner(&self, name: String, offset: usize, value: &'s Spanned<DeValue<'s>>) -> Self {
        let (value_offset, value) = (value.span().start, value.get_ref());
        Self { source: self.source, name, offset, value, value_offset }
    }
}
