//! The open emphasis of a line, and the marks that open and close it.

use super::style::CharStyle;

/// The open emphasis, the outermost first. Each kind can be open once.
#[derive(Debug, Default)]
pub(super) struct Emphasis {
    open: Vec<EmphasisKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EmphasisKind {
    /// One `*` or `_`.
    Light(char),
    /// Two of them.
    Strong(char),
    /// `~~`.
    Struck,
}

impl Emphasis {
    fn has(&self, kind: EmphasisKind) -> bool {
        self.open.contains(&kind)
    }

    /// Closes this kind, and what was opened within it.
    fn close(&mut self, kind: EmphasisKind) {
        if let Some(at) = self.open.iter().position(|open| *open == kind) {
            self.open.truncate(at);
        }
    }

    /// Opens or closes the emphasis of a run of `length` marks. False if the run is text.
    pub(super) fn turn(&mut self, mark: char, length: usize, opens: bool, closes: bool) -> bool {
        let kinds: &[EmphasisKind] = match (mark, length) {
            ('~', 2) => &[EmphasisKind::Struck],
            ('~', _) => &[],
            (_, 1) => &[EmphasisKind::Light(mark)],
            (_, 2) => &[EmphasisKind::Strong(mark)],
            (_, 3) => &[EmphasisKind::Strong(mark), EmphasisKind::Light(mark)],
            _ => &[],
        };
        if closes && kinds.iter().any(|kind| self.has(*kind)) {
            kinds.iter().for_each(|kind| self.close(*kind));
            return true;
        }
        let is_new = !kinds.is_empty() && !kinds.iter().any(|kind| self.has(*kind));
        if opens && is_new {
            self.open.extend(kinds);
        }
        opens && is_new
    }

    /// The style of text in this emphasis, based on another one.
    pub(super) fn over(&self, base: CharStyle) -> CharStyle {
        self.open.iter().fold(base, |style, kind| match kind {
            EmphasisKind::Light(_) => CharStyle { is_italic: true, ..style },
            EmphasisKind::Strong(_) => CharStyle { is_bold: true, ..style },
            EmphasisKind::Struck => CharStyle { is_struck: true, ..style },
        })
    }
}

/// Whether a run of marks between these characters can open emphasis, and whether it can close it.
/// The rules are those of CommonMark, section 6.2, but Chinese text counts as a space, as it is written
/// without spaces. A `*` between ASCII letters or digits is a product and opens nothing.
pub(super) fn flanks(mark: char, before: char, next: char) -> (bool, bool) {
    let is_mark = |c: char| c.is_ascii_punctuation() || (!c.is_alphanumeric() && !c.is_ascii());
    let is_open = before.is_whitespace() || is_mark(before) || !before.is_ascii();
    let is_within = before.is_ascii_alphanumeric() && next.is_ascii_alphanumeric();
    let mut opens = !next.is_whitespace() && (!is_mark(next) || is_open) && !is_within;
    let mut closes = !before.is_whitespace();
    if mark == '_' {
        opens &= !before.is_alphanumeric() && !matches!(before, '}' | ')' | ']');
        closes &= !next.is_alphanumeric();
    }
    (opens, closes)
}
