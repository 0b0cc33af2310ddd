//! Runs and beginnings in a text of which more may come.

/// The rest of a line without its end.
pub(super) fn head(rest: &str) -> &str {
    rest.strip_suffix('\n').unwrap_or(rest)
}

/// How many of these ASCII characters a text begins with; at most `most`.
pub(super) fn run(text: &str, mark: char, most: usize) -> usize {
    text.chars().take(most).take_while(|character| *character == mark).count()
}

/// Whether a text begins with this one; `None` if more text is needed to decide.
pub(super) fn begins(text: &str, with: &str) -> Option<bool> {
    if text.len() < with.len() && with.starts_with(text) {
        return None;
    }
    Some(text.starts_with(with))
}
