//! The state between two characters of a Markdown text.

use super::emphasis::Emphasis;
use super::fence::OpenFence;
use super::style::{CharStyle, Painter};

/// Colours a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// The end of the text, as long as its style is not known.
    pub(super) held: String,
    pub(super) context: TextContext,
    pub(super) line: LineState,
    /// The code block that the text is in.
    pub(super) fence: Option<OpenFence>,
    pub(super) painter: Painter,
}

/// What the next character belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextContext {
    /// A line of which only spaces and block marks have come.
    #[default]
    Start,
    Text,
    /// A code span, with the number of backticks that opened it.
    Span(usize),
    /// A link's address, with the number of open parentheses in it.
    Address(usize),
    /// A formula up to this mark. A block formula continues in the next line.
    Formula {
        end: &'static str,
        is_block: bool,
    },
    /// A line that has only marks so far: a thematic break, or a table row such as `|---|`.
    Rule,
    /// The rest of a closing fence's line.
    Tail,
    /// The info string of an opening fence.
    Info,
    /// The beginning of a line in a code block.
    CodeStart,
    Code,
}

/// What is known about the current line.
#[derive(Debug)]
pub(super) struct LineState {
    /// The previous character; a line feed at the beginning.
    pub(super) before: char,
    /// Spaces since the beginning, or since the last `>`.
    pub(super) indentation: usize,
    /// The number of `>` at its beginning.
    pub(super) quotes: usize,
    /// After the mark of a list item.
    pub(super) is_item: bool,
    /// It begins with `|`.
    pub(super) is_row: bool,
    /// In a bare address, where `_` and `~` are text.
    pub(super) is_address: bool,
    /// The number of open square brackets.
    pub(super) brackets: usize,
    /// The style under all others: that of a heading.
    pub(super) base: CharStyle,
    pub(super) emphasis: Emphasis,
    /// The mark whose long run is text to its end.
    pub(super) literal: Option<char>,
}

impl Default for LineState {
    fn default() -> Self {
        Self {
            before: '\n',
            indentation: 0,
            quotes: 0,
            is_item: false,
            is_row: false,
            is_address: false,
            brackets: 0,
            base: CharStyle::PLAIN,
            emphasis: Emphasis::default(),
            literal: None,
        }
    }
}

impl Markdown {
    /// Writes text of this line in one style. Returns its length in bytes.
    pub(super) fn paint(&mut self, text: &str, style: CharStyle, out: &mut String) -> usize {
        self.painter.paint(text, style, out);
        self.line.before = text.chars().next_back().unwrap_or(self.line.before);
        text.len()
    }

    /// Writes the line feed. No style continues in the next line.
    pub(super) fn end_line(&mut self, out: &mut String) -> usize {
        self.painter.reset(out);
        out.push('\n');
        let is_blank = self.line.before == '\n';
        self.line = LineState::default();
        self.context = match self.context {
            _ if self.fence.is_some() => TextContext::CodeStart,
            TextContext::Formula { is_block: true, .. } if !is_blank => self.context,
            _ => TextContext::Start,
        };
        if let Some(fence) = &mut self.fence {
            fence.end_line();
        }
        1
    }
}
