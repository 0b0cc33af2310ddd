//! Colours Markdown while it streams in; it takes no character away, adds none, and knows neither
//! where the text came from nor where it goes.
//!
//! The text stays what it was, its marks included, so that what is copied from the scrollback is the
//! source: only SGR sequences (ECMA-48, section 8.3.117) with the sixteen colours are put between its
//! characters. A character is given out as soon as its style is known; what was given out is never
//! changed. So a mark opens its style before the mark that closes it came; one that is never closed
//! ends with its line.
//!
//! The rules are those of CommonMark 0.31.2 and GFM as far as they can be known at that moment. Known
//! to differ: emphasis and code spans end with their line, no code block comes from indentation alone,
//! and marks beside Chinese text need no space or letter of their own.

mod block;
mod code;
mod inline;
mod languages;
mod style;

use block::Fence;
use inline::Emphasis;
use style::{Painter, Style};

/// The most that is held back, in characters: what stands at the end of the text so far and can't be
/// told yet, such as `*` before the character behind it came.
#[cfg(test)]
const MOST_HELD: usize = 48;

/// Colours a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// The end of the text so far, as long as its style is not known.
    held: String,
    place: Place,
    line: Line,
    /// The code block that the text is in.
    fence: Option<Fence>,
    painter: Painter,
}

/// What the next character is a part of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
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
struct Line {
    /// The character before, a line feed at the beginning.
    before: char,
    /// Spaces since the beginning, or since the last `>`.
    indentation: usize,
    /// How many `>` came.
    quotes: usize,
    /// Behind the mark of a list's item.
    is_item: bool,
    /// Began with `|`.
    is_row: bool,
    /// In a bare address, whose `_` and `~` mark nothing.
    is_address: bool,
    /// Square brackets that are open.
    brackets: usize,
    /// The style of a heading.
    base: Style,
    emphasis: Emphasis,
    /// The rest of a long run of this mark is text.
    literal: Option<char>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            before: '\n',
            indentation: 0,
            quotes: 0,
            is_item: false,
            is_row: false,
            is_address: false,
            brackets: 0,
            base: Style::PLAIN,
            emphasis: Emphasis::default(),
            literal: None,
        }
    }
}

impl Markdown {
    /// Takes the next piece and appends to `out` what of the text has its style, which may be less
    /// or more than the piece. Behind it the terminal's style is the plain one, so that whatever is
    /// written there next is not coloured. A line feed gives out all that was held back.
    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        let mut held = std::mem::take(&mut self.held);
        let is_held = !held.is_empty();
        if is_held {
            held.push_str(text);
        }
        let whole = if is_held { held.as_str() } else { text };
        for line in whole.split_inclusive('\n') {
            let mut rest = line;
            while !rest.is_empty() {
                let Some(taken) = self.step(rest, out) else { break };
                rest = &rest[taken..];
            }
            // Only of the last line, which has no end yet, anything is left.
            self.held = rest.to_owned();
        }
        self.painter.rest(out);
    }

    /// Takes the beginning of `rest`, which is of one line, and gives its length in bytes; 0 if only the place changed, and
    /// `None` if it takes more text to tell.
    fn step(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        match self.place {
            Place::Start => self.start(rest, out),
            Place::CodeStart => self.code_start(rest, out),
            _ if rest.starts_with('\n') => Some(self.end_line(out)),
            Place::Text => self.text(rest, out),
            Place::Span(length) => self.span(length, rest, out),
            Place::Address(depth) => Some(self.address(depth, rest, out)),
            Place::Formula { end, .. } => self.formula(end, rest, out),
            Place::Rule => Some(self.rule(rest, out)),
            Place::Tail => Some(self.paint(head(rest), Style::MARK, out)),
            Place::Info => Some(self.info(rest, out)),
            Place::Code => self.code(rest, out),
        }
    }

    /// Gives out a text of this line in one style.
    fn paint(&mut self, text: &str, style: Style, out: &mut String) -> usize {
        self.painter.paint(text, style, out);
        self.line.before = text.chars().next_back().unwrap_or(self.line.before);
        text.len()
    }

    /// Gives out the line feed. No style goes over the end of a line.
    fn end_line(&mut self, out: &mut String) -> usize {
        self.painter.rest(out);
        out.push('\n');
        let is_blank = self.line.before == '\n';
        self.line = Line::default();
        self.place = match self.place {
            _ if self.fence.is_some() => Place::CodeStart,
            Place::Formula { is_block: true, .. } if !is_blank => self.place,
            _ => Place::Start,
        };
        if let Some(fence) = &mut self.fence {
            fence.end_line();
        }
        1
    }
}

/// The rest of a line without its end.
fn head(rest: &str) -> &str {
    rest.strip_suffix('\n').unwrap_or(rest)
}

/// How many of these characters a text begins with, counted to `most`. They are ASCII.
fn run(text: &str, mark: char, most: usize) -> usize {
    text.chars().take(most).take_while(|character| *character == mark).count()
}

/// Whether a text begins with this one; `None` if it takes more text to tell.
fn begins(text: &str, with: &str) -> Option<bool> {
    if text.len() < with.len() && with.starts_with(text) {
        return None;
    }
    Some(text.starts_with(with))
}

#[cfg(test)]
mod tests;
