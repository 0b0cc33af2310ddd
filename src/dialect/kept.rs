//! A text of which no more is kept than anybody reads. Knows not whose it is.

/// The most that is kept of a text, in bytes: a stream without end must not fill the memory.
pub(super) const MOST: usize = 256 * 1024;

/// The beginning of a text: all of it, unless it is longer than anybody reads.
#[derive(Debug, Default)]
pub(super) struct Kept(String);

impl Kept {
    /// Adds text, as far as there is room.
    pub(super) fn add(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        // What comes now has a gap before it, so nothing more is kept.
        if room > 0 && text.len() > room {
            self.0.push_str(GAP);
        }
    }

    /// Whether nothing was left out.
    pub(super) fn is_whole(&self) -> bool {
        self.0.len() <= MOST
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Kept> for String {
    fn from(kept: Kept) -> Self {
        kept.0
    }
}

/// Stands for the rest of a text that is kept in part.
pub(super) const GAP: &str = " […] ";
