//! The fields of a profile: values that know their origin, and how one layer of them lies over
//! another.

use std::ops::Deref;

use serde::Serialize;
use serde_json::Value;

use super::origin::Origin;
use super::source::Item;
use super::value::FromToml;
use crate::error::Failure;

/// A value and its origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
    /// Values are shown in this order: as they were written, a lower layer's first.
    order: u64,
}

/// More than any offset in a file: what an upper layer adds is shown behind all of the lower one.
const LAYER: u64 = 1 << 40;

impl<T> Sourced<T> {
    /// A value that is in no file.
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin, order: u64::MAX }
    }

    /// A value as it was read.
    fn read(value: T, item: &Item<'_>) -> Self {
        Self { value, origin: item.origin(), order: item.offset as u64 }
    }

    /// As it is shown when laid over `old`, which may not be there.
    fn over(self, old: Option<&Self>) -> Self {
        let order = old.map_or(self.order.saturating_add(LAYER), |old| old.order);
        Self { order, ..self }
    }
}

/// One value of a profile as it can be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldRow {
    /// The table that it stands in (`models`); empty for the profile's own fields.
    pub(crate) section: &'static str,
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Rows that are still to be put in order.
pub(crate) type Rows = Vec<(u64, FieldRow)>;

/// A part of a profile of which one can lie over another.
pub(crate) trait Layer {
    /// Lays `upper` over this one.
    fn lay_over(&mut self, upper: Self);

    /// Adds what is to be shown; `name` is the field's.
    fn add_rows(&self, name: &'static str, rows: &mut Rows);
}

/// A field that may be set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field<T>(Option<Sourced<T>>);

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|field| &field.value)
    }

    /// The value as what it stands for: a text as `&str`, a list as a slice.
    pub(crate) fn as_deref(&self) -> Option<&T::Target>
    where
        T: Deref,
    {
        self.get().map(Deref::deref)
    }

    /// The value with its origin.
    pub(crate) fn sourced(&self) -> Option<&Sourced<T>> {
        self.0.as_ref()
    }

    /// Where the value came from.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.0.as_ref().map(|field| &field.origin)
    }

    /// Whether there is a value.
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Sets the value, over an older one.
    pub(crate) fn set(&mut self, value: T, origin: Origin) {
        self.0 = Some(Sourced::new(value, origin).over(self.0.as_ref()));
    }

    /// Removes the value unless it is to be kept.
    pub(super) fn keep_if(&mut self, is_kept: bool) {
        self.0.take_if(|_| !is_kept);
    }

    /// A value as it was read.
    pub(super) fn read(value: T, item: &Item<'_>) -> Self {
        Self(Some(Sourced::read(value, item)))
    }

    /// Shows the value before all others.
    pub(super) fn show_first(&mut self) {
        if let Some(field) = &mut self.0 {
            field.order = 0;
        }
    }
}

impl<T: FromToml> FromToml for Field<T> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        Ok(Self::read(T::from_toml(item)?, item))
    }
}

impl<T: Serialize> Layer for Field<T> {
    fn lay_over(&mut self, upper: Self) {
        if let Some(upper) = upper.0 {
            self.0 = Some(upper.over(self.0.as_ref()));
        }
    }

    fn add_rows(&self, name: &'static str, rows: &mut Rows) {
        if let Some(field) = &self.0 {
            rows.push(row("", name, field));
        }
    }
}

/// A table of values with open names, in the order in which they were written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldMap<T>(Vec<(String, Sourced<T>)>);

impl<T> Default for FieldMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FieldMap<T> {
    /// Values that are in no file.
    pub(crate) fn of(members: impl IntoIterator<Item = (String, T)>, origin: &Origin) -> Self {
        let sourced = |(name, value)| (name, Sourced::new(value, origin.clone()));
        Self(members.into_iter().map(sourced).collect())
    }

    /// The value of that name, with its origin.
    pub(crate) fn get(&self, name: &str) -> Option<&Sourced<T>> {
        self.iter().find_map(|(key, field)| (key == name).then_some(field))
    }

    /// All names with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Sourced<T>)> {
        self.0.iter().map(|(key, field)| (key.as_str(), field))
    }

    /// Removes all values.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Reads a table whose members, each given with its key, `read` reads.
    ///
    /// # Errors
    /// A value that is no table, and those of `read`.
    pub(super) fn read(
        item: &Item<'_>,
        read: impl Fn(&str, &Item<'_>) -> Result<T, Failure>,
    ) -> Result<Self, Failure> {
        let members = item.members(&format!("{}.", item.name))?.into_iter();
        let members = members
            .map(|(key, item)| Ok((key.to_owned(), Sourced::read(read(key, &item)?, &item))));
        Ok(Self(members.collect::<Result<_, _>>()?))
    }
}

impl<T: FromToml> FromToml for FieldMap<T> {
    fn from_toml(item: &Item<'_>) -> Result<Self, Failure> {
        Self::read(item, |_, item| T::from_toml(item))
    }
}

impl<T: Serialize> Layer for FieldMap<T> {
    fn lay_over(&mut self, upper: Self) {
        for (key, field) in upper.0 {
            match self.0.iter_mut().find(|(old, _)| *old == key) {
                Some((_, old)) => *old = field.over(Some(old)),
                None => self.0.push((key, field.over(None))),
            }
        }
    }

    fn add_rows(&self, name: &'static str, rows: &mut Rows) {
        rows.extend(self.iter().map(|(key, field)| row(name, key, field)));
    }
}

fn row<T: Serialize>(section: &'static str, key: &str, field: &Sourced<T>) -> (u64, FieldRow) {
    // Texts, numbers, and lists and objects of them: nothing that JSON can't hold.
    let value = serde_json::to_value(&field.value).unwrap_or_default();
    let row = FieldRow { section, key: key.to_owned(), value, origin: field.origin.clone() };
    (field.order, row)
}
