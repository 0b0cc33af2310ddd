//! Where in a Markdown text the next character stands, and how it is given out. Knows no marks.

use super::emphasis::Emphasis;
use super::fence::OpenFence;
use super::style::{CharStyle, Painter};

/// Colours a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// The end of the text so far, as long as its style is not known.
    pub(super) held: String,
    pub(super) place: TextContext,
    pub(super) line: LineState,
    /// The code block that the text is in.
    pub(super) fence: Option<OpenFence>,
    pub(super) painter: Painter,
}

/// What the next character is a part of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextContext {
    /// A line of which only spaces and marks of blocks came.
    #[default]
    Start,
    Text,
    /// A code span opened by so many backticks.
    Span(usize),
    /// A link's address, with so many parentheses open in it.
    Address(usize),
    /// A formula up to this mark; one that is a block of its own goes on in the next line.
    Formula {
        end: &'static str,
        is_block: bool,
    },
    /// A line of marks only so far: a thematic break, or a row of a table such as `|---|`.
    Rule,
    /// The rest of a line of marks only.
    Tail,
    /// What stands behind an opening fence.
    Info,
    /// The beginning of a line in a code block.
    CodeStart,
    Code,
}

/// What is known of the line so far.
#[derive(Debug)]
pub(super) struct LineState {
    /// The character before, a line feed at the beginning.
    pub(super) before: char,
    /// Spaces since the beginning, or since the last `>`.
    pub(super) indentation: usize,
    /// How many `>` came.
    pub(super) quotes: usize,
    /// Behind the mark of a list's item.
    pub(super) is_item: bool,
    /// Began with `|`.
    pub(super) is_row: bool,
    /// In a bare address, whose `_` and `~` mark nothing.
    pub(super) is_address: bool,
    /// Square brackets that are open.
    pub(super) brackets: usize,
    /// The style of a heading.
    pub(super) base: CharStyle,
    pub(super) emphasis: Emphasis,
    /// The rest of a long run of this mark is text.
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
    /// Gives out a text of this line in one style.
    pub(super) fn paint(&mut self, text: &str, style: CharStyle, out: &mut String) -> usize {
        self.painter.paint(text, style, out);
        self.line.before = text.chars().next_back().unwrap_or(self.line.before);
        text.len()
    }

    /// Gives out the line feed. No style goes over the end of a line.
    pub(super) fn end_line(&mut self, out: &mut String) -> usize {
        self.painter.rest(out);
        out.push('\n');
        let is_blank = self.line.before == '\n';
        self.line = LineState::default();
        self.place = match self.place {
            _ if self.fence.is_some() => TextContext::CodeStart,
            TextContext::Formula { is_block: true, .. } if !is_blank => self.place,
            _ => TextContext::Start,
        };
        if let Some(fence) = &mut self.fence {
            fence.end_line();
        }
        1
    }
}
