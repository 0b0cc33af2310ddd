//! Colours Markdown while it streams in. Knows neither where the text comes from nor where it goes.
//!
//! Every character of the text stays, marks included, so that text copied from the scrollback is the
//! Markdown source: only SGR sequences (ECMA-48, section 8.3.117) with the sixteen colours are put
//! between the characters. A character is written as soon as its style is known, and never changed
//! later. So an opening mark sets its style before the closing mark has come; without a closing mark
//! the style ends with the line.
//!
//! The rules are those of CommonMark 0.31.2 and GFM, as far as they can be applied at that moment.
//! Known differences: emphasis and code spans end with their line, indentation alone makes no code
//! block, and marks next to Chinese text need no spaces.

mod block;
mod code;
mod emphasis;
mod fence;
mod inline;
mod languages;
mod marks;
mod state;
mod style;
mod token;

use marks::head;
pub(crate) use state::Markdown;
use state::TextContext;
use style::CharStyle;

/// The most that is held back, in characters: the end of the text as long as its style is unknown, such
/// as a `*` whose next character has not come.
#[cfg(test)]
const MAX_HELD_CHARS: usize = 48;

impl Markdown {
    /// Takes the next piece and appends to `out` the text whose style is known, which may be less or
    /// more than the piece. The terminal is left in the plain style, so that nothing written next is
    /// coloured. After a line feed nothing is held back.
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
            // Something is left only of the last line, whose end has not come.
            self.held = rest.to_owned();
        }
        self.painter.reset(out);
    }

    /// Takes the beginning of `rest`, which is part of one line, and returns its length in bytes: 0 if
    /// only the context changed, `None` if more text is needed to decide.
    fn step(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        match self.context {
            TextContext::Start => self.start(rest, out),
            TextContext::CodeStart => self.code_start(rest, out),
            _ if rest.starts_with('\n') => Some(self.end_line(out)),
            TextContext::Text => self.text(rest, out),
            TextContext::Span(length) => self.span(length, rest, out),
            TextContext::Address(depth) => Some(self.address(depth, rest, out)),
            TextContext::Formula { end, .. } => self.formula(end, rest, out),
            TextContext::Rule => Some(self.rule(rest, out)),
            TextContext::Tail => Some(self.paint(head(rest), CharStyle::MARK, out)),
            TextContext::Info => Some(self.info(rest, out)),
            TextContext::Code => self.code(rest, out),
        }
    }
}

#[cfg(test)]
mod tests;
