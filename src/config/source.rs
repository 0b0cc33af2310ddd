//! A text that is being read as a profile file: the origin of its values, and failures that name the
//! line. Opens no files.

use std::borrow::Cow;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::origin::Origin;
use super::schema::nearest;
use crate::error::Failure;

/// A key with its place in the text.
pub(super) type Key<'a, 'i> = &'a Spanned<Cow<'i, str>>;
/// A value with its place in the text.
pub(super) type Entry<'i> = Spanned<DeValue<'i>>;

/// A text that is being read, and the file that it comes from.
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
    pub(super) fn unknown(&self, key: Key<'_, '_>, table: &str, known: &[&str]) -> Failure {
        let name = key.get_ref();
        let failure = self.wrong(key.span().start, &format!("unknown field `{name}` in {table}"));
        match nearest(name, known.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("known fields: {}", known.join(", "))),
        }
    }

    /// A failure for a value of the wrong type.
    pub(super) fn mistyped(&self, name: &str, value: &Entry<'_>, expected: &str) -> Failure {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let what = format!("`{name}` must be {expected}, not {article} {found}");
        self.wrong(value.span().start, &what)
    }

    /// A value that must be a table.
    ///
    /// # Errors
    /// Another value.
    pub(super) fn table<'v, 'i>(
        &self,
        name: &str,
        value: &'v Entry<'i>,
    ) -> Result<&'v DeTable<'i>, Failure> {
        value.get_ref().as_table().ok_or_else(|| self.mistyped(name, value, "a table"))
    }

    /// The tables of a value that must be a list of them, each with its place.
    ///
    /// # Errors
    /// Another value; `expected` says what it should be.
    pub(super) fn list_of_tables<'v, 'i>(
        &self,
        name: &str,
        value: &'v Entry<'i>,
        expected: &str,
    ) -> Result<Vec<(usize, &'v DeTable<'i>)>, Failure> {
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| self.mistyped(name, value, expected))?;
        let table = |item: &'v Entry<'i>| {
            let table = item.get_ref().as_table();
            let table = table.ok_or_else(|| self.mistyped(name, item, "a list of tables"))?;
            Ok((item.span().start, table))
        };
        items.iter().map(table).collect()
    }
}
