//! A fenced code block that is open.

use super::code::Highlighter;

/// A code block whose closing fence has not come.
#[derive(Debug)]
pub(super) struct OpenFence {
    pub(super) mark: char,
    pub(super) length: usize,
    /// In spaces, counted from the last `>`.
    pub(super) indentation: usize,
    /// The number of `>` before each of its lines.
    pub(super) quotes: usize,
    /// The beginning of its info string.
    pub(super) info: String,
    pub(super) code: Highlighter,
}

impl OpenFence {
    pub(super) fn end_line(&mut self) {
        if !self.info.is_empty() {
            self.code = Highlighter::of(language(&std::mem::take(&mut self.info)));
        }
        self.code.end_line();
    }
}

/// The name of the language in an info string: `rust,ignore`, `{.python}`, `js title="a"`.
fn language(info: &str) -> &str {
    let name = info.trim_start_matches([' ', '\t', '{', '.']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_');
    name.find(|c| !is_part(c)).map_or(name, |end| &name[..end])
}
