//! A text of which no more is kept than anybody reads. Does not know whose it is.

/// The most that is kept of a text, in bytes: a stream without end must not fill the memory.
pub(super) const MAX_KEPT_TEXT: usize = 256 * 1024;

/// The beginning of a text: all of it, unless it is longer than anybody reads.
#[derive(Debug, Default)]
pub(super) struct BoundedText(String);

impl BoundedText {
    /// Adds text, as far as there is room.
    pub(super) fn add(&mut self, text: &str) {
        let room = MAX_KEPT_TEXT.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        // What comes now has a gap before it, so nothing more is kept.
        if room > 0 && text.len() > room {
            self.0.push_str(GAP_SIGN);
        }
    }

    /// Whether nothing was left out.
    pub(super) fn is_whole(&self) -> bool {
        self.0.len() <= MAX_KEPT_TEXT
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<BoundedText> for String {
    fn from(kept: BoundedText) -> Self {
        kept.0
    }
}

/// Stands for the rest of a text that is kept in part.
pub(super) const GAP_SIGN: &str = " […] ";
