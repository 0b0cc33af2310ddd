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

/// The most that is held back, in characters: what stands at the end of the text so far and can't be
/// told yet, such as `*` before the character behind it came.
#[cfg(test)]
const MAX_HELD_CHARS: usize = 48;

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
