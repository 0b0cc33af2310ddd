//! The kinds of tokens in code, and their styles.

use super::style::{CharStyle, TerminalColor};

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenKind {
    Plain,
    Comment,
    String,
    Number,
    Keyword,
    Added,
    Removed,
}

impl TokenKind {
    pub(super) fn style(self) -> CharStyle {
        match self {
            TokenKind::Plain => CharStyle::PLAIN,
            TokenKind::Comment => CharStyle { is_dim: true, ..CharStyle::PLAIN },
            TokenKind::String | TokenKind::Added => CharStyle::of(TerminalColor::Green),
            TokenKind::Number => CharStyle::of(TerminalColor::Cyan),
            TokenKind::Keyword => CharStyle::of(TerminalColor::Magenta),
            TokenKind::Removed => CharStyle::of(TerminalColor::Red),
        }
    }
}
