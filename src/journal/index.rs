//! Which rows a journal has, and where they stand.

use std::collections::HashMap;

use super::hash::RowHash;

/// Where the bytes that are kept for a row stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) length: u64,
}

/// Rows by the hash of their request. Several rows may ask the same.
#[derive(Debug, Default)]
pub(super) struct RowIndex {
    rows: HashMap<RowHash, Vec<(u64, Place)>>,
    count: u64,
}

impl RowIndex {
    /// Adds a row. A later one with the same number and request takes the place of an earlier one.
    pub(super) fn add(&mut self, row: u64, hash: RowHash, place: Place) {
        let same = self.rows.entry(hash).or_default();
        match same.iter_mut().find(|(other, _)| *other == row) {
            Some((_, other)) => *other = place,
            None => {
                same.push((row, place));
                self.count += 1;
            }
        }
    }

    /// Takes out the row of this number with this request, else any with this request.
    pub(super) fn take(&mut self, row: u64, hash: RowHash) -> Option<Place> {
        let same = self.rows.get_mut(&hash)?;
        let index = same.iter().position(|(other, _)| *other == row).unwrap_or(0);
        let (_, place) = same.swap_remove(index);
        if same.is_empty() {
            self.rows.remove(&hash);
        }
        self.count -= 1;
        Some(place)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        self.count
    }
}
