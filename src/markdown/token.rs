//! What a piece of code can be, and how it looks.

use super::style::{Color, Style};

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub(super) fn style(self) -> Style {
        match self {
            TokenKind::Plain => Style::PLAIN,
            TokenKind::Comment => Style { is_dim: true, ..Style::PLAIN },
            TokenKind::String | TokenKind::Added => Style::of(Color::Green),
            TokenKind::Number => Style::of(Color::Cyan),
            TokenKind::Keyword => Style::of(Color::Magenta),
            TokenKind::Removed => Style::of(Color::Red),
        }
    }
}
