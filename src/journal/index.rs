//! Which rows a journal has, and where they stand. A million rows take some 24 MB: they are held as a sorted
//! list, by the first half of their hashes.

use super::hash::RowHash;

/// A row that was found in a journal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FoundRow {
    /// Where its head stands.
    pub(crate) at: u64,
    /// The first byte of what is kept for it; 0 where that is nothing.
    pub(crate) mark: u8,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    at: u64,
    row: u32,
    mark: u8,
    is_taken: bool,
}

/// Rows by the hash of their request. Several rows may ask the same.
#[derive(Debug, Default)]
pub(super) struct RowIndex {
    entries: Vec<Entry>,
    taken: u64,
}

/// A list grows by a quarter: twice its size would be the most memory of the whole run.
const GROWTH: usize = 4;

fn short(row: u64) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

fn half(hash: RowHash) -> u64 {
    // The upper half of 128 bits.
    (hash.0 >> 64) as u64
}

impl RowIndex {
    /// Adds a row. [`RowIndex::seal`] makes it one that can be found.
    pub(super) fn add(&mut self, row: u64, hash: RowHash, found: FoundRow) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(self.entries.len() / GROWTH + 1024);
        }
        let FoundRow { at, mark } = found;
        self.entries.push(Entry { hash: half(hash), at, row: short(row), mark, is_taken: false });
    }

    /// All rows are added. Of several with one number and request only the last one counts.
    pub(super) fn seal(&mut self) {
        self.entries.sort_unstable_by_key(|entry| (entry.hash, entry.row, entry.at));
        // `dedup_by` keeps the first of those that are alike, so it gets the place of the later ones.
        self.entries.dedup_by(|later, kept| {
            let is_same = (later.hash, later.row) == (kept.hash, kept.row);
            if is_same {
                (kept.at, kept.mark) = (later.at, later.mark);
            }
            is_same
        });
    }

    /// Takes out the row of this number with this request, else any with this request.
    pub(super) fn take(&mut self, row: u64, hash: RowHash) -> Option<FoundRow> {
        let (hash, row) = (half(hash), short(row));
        let start = self.entries.partition_point(|entry| entry.hash < hash);
        let own = start
            + self.entries[start..].partition_point(|entry| entry.hash == hash && entry.row < row);
        let is_free = |entry: &Entry| entry.hash == hash && !entry.is_taken;
        let is_own = |entry: &Entry| entry.row == row && is_free(entry);
        let at = match self.entries.get(own).is_some_and(is_own) {
            true => own,
            false => {
                let same = self.entries[start..].iter().take_while(|entry| entry.hash == hash);
                start + same.into_iter().position(|entry| !entry.is_taken)?
            }
        };
        let entry = &mut self.entries[at];
        entry.is_taken = true;
        self.taken += 1;
        Some(FoundRow { at: entry.at, mark: entry.mark })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64 - self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_number_and_by_request() {
        let mut index = RowIndex::default();
        let hash = |text: &str| RowHash::of([text.as_bytes()]);
        let found = |at, mark| FoundRow { at, mark };
        for (row, text, at, mark) in
            [(3, "a", 30, b'a'), (1, "a", 10, b'f'), (2, "b", 20, b'a'), (1, "a", 40, b'a')]
        {
            index.add(row, hash(text), found(at, mark));
        }
        index.seal();
        assert_eq!(index.len(), 3);
        assert_eq!(index.take(3, hash("a")), Some(found(30, b'a')));
        assert_eq!(index.take(9, hash("a")), Some(found(40, b'a')));
        assert_eq!(index.take(1, hash("a")), None);
        assert_eq!(index.take(7, hash("c")), None);
        assert_eq!(index.take(1, hash("b")), Some(found(20, b'a')));
        assert_eq!(index.len(), 0);
    }
}
