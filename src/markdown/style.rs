//! The styles of characters, and the SGR sequences that change the style. Knows no Markdown.

/// One of the terminal's own colours. The user chose them to be readable on the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TerminalColor {
    #[default]
    Plain,
    Red,
    Green,
    Magenta,
    Cyan,
}

/// The style of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CharStyle {
    pub(super) is_bold: bool,
    pub(super) is_dim: bool,
    pub(super) is_italic: bool,
    pub(super) is_struck: bool,
    pub(super) color: TerminalColor,
}

impl CharStyle {
    pub(super) const PLAIN: Self = Self {
        is_bold: false,
        is_dim: false,
        is_italic: false,
        is_struck: false,
        color: TerminalColor::Plain,
    };
    /// Marks, which are less visible than the text.
    pub(super) const MARK: Self = Self { is_dim: true, ..Self::PLAIN };
    pub(super) const HEADING: Self = Self { is_bold: true, ..Self::of(TerminalColor::Magenta) };
    /// The mark of a list item.
    pub(super) const ITEM: Self = Self::of(TerminalColor::Magenta);
    /// A code span.
    pub(super) const CODE: Self = Self::of(TerminalColor::Cyan);

    pub(super) const fn of(color: TerminalColor) -> Self {
        Self { color, ..Self::PLAIN }
    }

    /// Appends the SGR sequence that sets this style, whatever the style before.
    fn push_sequence(self, out: &mut String) {
        let color = match self.color {
            TerminalColor::Plain => None,
            TerminalColor::Red => Some("31"),
            TerminalColor::Green => Some("32"),
            TerminalColor::Magenta => Some("35"),
            TerminalColor::Cyan => Some("36"),
        };
        let codes = [
            self.is_bold.then_some("1"),
            self.is_dim.then_some("2"),
            self.is_italic.then_some("3"),
            self.is_struck.then_some("9"),
            color,
        ];
        out.push_str("\u{1b}[0");
        for code in codes.into_iter().flatten() {
            out.push(';');
            out.push_str(code);
        }
        out.push('m');
    }
}

/// Writes styled text. Knows the terminal's style, so that sequences are written only where it changes.
#[derive(Debug, Default)]
pub(super) struct Painter {
    current: CharStyle,
}

impl Painter {
    /// Appends a text in this style.
    pub(super) fn paint(&mut self, text: &str, style: CharStyle, out: &mut String) {
        if text.is_empty() {
            return;
        }
        if style != self.current {
            style.push_sequence(out);
            self.current = style;
        }
        out.push_str(text);
    }

    /// Returns to the plain style.
    pub(super) fn reset(&mut self, out: &mut String) {
        if self.current != CharStyle::PLAIN {
            CharStyle::PLAIN.push_sequence(out);
            self.current = CharStyle::PLAIN;
        }
    }
}
