//! How a character looks, and the SGR sequences between characters that look different. Knows no
//! Markdown.

/// One of the terminal's own colours, which its user chose to be readable on the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TerminalColor {
    #[default]
    Plain,
    Red,
    Green,
    Magenta,
    Cyan,
}

/// How a character looks.
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
    /// Marks of the source, which step back behind the text.
    pub(super) const MARK: Self = Self { is_dim: true, ..Self::PLAIN };
    pub(super) const HEADING: Self = Self { is_bold: true, ..Self::of(TerminalColor::Magenta) };
    /// The mark of a list's item.
    pub(super) const ITEM: Self = Self::of(TerminalColor::Magenta);
    /// Code within a line.
    pub(super) const CODE: Self = Self::of(TerminalColor::Cyan);

    pub(super) const fn of(color: TerminalColor) -> Self {
        Self { color, ..Self::PLAIN }
    }

    /// The SGR sequence that turns the plain style into this one, or any style into the plain one.
    fn sequence(self, out: &mut String) {
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

/// Knows which style the terminal has, so that a sequence is written only where it changes.
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
            style.sequence(out);
            self.current = style;
        }
        out.push_str(text);
    }

    /// Goes back to the plain style.
    pub(super) fn rest(&mut self, out: &mut String) {
        if self.current != CharStyle::PLAIN {
            CharStyle::PLAIN.sequence(out);
            self.current = CharStyle::PLAIN;
        }
    }
}
