//! What stands within a line of text: emphasis, code spans, links, formulas, escapes. Knows nothing about
//! lines and blocks.

use super::emphasis::flanks;
use super::marks::{begins, head, run};
use super::state::{Markdown, TextContext};
use super::style::CharStyle;

/// The longest run of backticks that opens a code span; a longer one is text.
const MAX_SPAN_MARKS: usize = 16;

impl Markdown {
    fn style(&self) -> CharStyle {
        self.line.emphasis.over(self.line.base)
    }

    /// Takes a part of a line's text.
    pub(super) fn text(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let head = head(rest);
        if let Some(mark) = self.line.literal.take() {
            let length = run(head, mark, usize::MAX);
            if length > 0 {
                self.line.literal = Some(mark);
                return Some(self.plain(&head[..length], out));
            }
        }
        let is_special = |byte: u8| b"\\`*_~[]|$:".contains(&byte);
        let length = head.bytes().position(is_special).unwrap_or(head.len());
        if length > 0 {
            return Some(self.plain(&head[..length], out));
        }
        let mark = char::from(head.as_bytes()[0]);
        match mark {
            '\\' => self.escape(rest, out),
            '`' => self.open_span(rest, out),
            '*' | '_' | '~' => self.emphasis(mark, rest, out),
            '[' => {
                self.line.brackets += 1;
                Some(self.plain("[", out))
            }
            ']' => self.close_bracket(rest, out),
            '$' => self.dollars(rest, out),
            ':' => self.colon(rest, out),
            _ if self.line.is_row => Some(self.paint("|", CharStyle::MARK, out)),
            _ => Some(self.plain(&head[..1], out)),
        }
    }

    /// Writes text in the current style.
    fn plain(&mut self, text: &str, out: &mut String) -> usize {
        let ends = |c: char| c.is_whitespace() || !c.is_ascii() || "<>\"'".contains(c);
        self.line.is_address &= !text.contains(ends);
        self.paint(text, self.style(), out)
    }

    fn escape(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let next = rest[1..].chars().next()?;
        match next {
            '(' => Some(self.open_formula(r"\(", r"\)", out)),
            '[' => Some(self.open_formula(r"\[", r"\]", out)),
            mark if mark.is_ascii_punctuation() => {
                self.paint("\\", CharStyle::MARK, out);
                self.plain(&rest[1..2], out);
                Some(2)
            }
            _ => Some(self.plain("\\", out)),
        }
    }

    /// A formula at the beginning of a line is a block. The marks in a formula are not Markdown.
    fn open_formula(&mut self, mark: &str, end: &'static str, out: &mut String) -> usize {
        let is_block = self.line.before == '\n' && end != r"\)";
        self.context = TextContext::Formula { end, is_block };
        self.plain(mark, out)
    }

    pub(super) fn formula(
        &mut self,
        end: &'static str,
        rest: &str,
        out: &mut String,
    ) -> Option<usize> {
        let head = head(rest);
        let first = char::from(end.as_bytes()[0]);
        match head.find(first) {
            None => Some(self.plain(head, out)),
            Some(0) => {
                let next = rest[1..].chars().next()?;
                if head.starts_with(end) {
                    self.context = TextContext::Text;
                    return Some(self.plain(end, out));
                }
                // A backslash escapes the next character, another backslash included.
                let taken = if next == '\\' && first == '\\' { 2 } else { 1 };
                Some(self.plain(&head[..taken], out))
            }
            Some(at) => Some(self.plain(&head[..at], out)),
        }
    }

    fn dollars(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        match rest[1..].chars().next()? {
            '$' => Some(self.open_formula("$$", "$$", out)),
            _ => Some(self.plain("$", out)),
        }
    }

    /// `https://` begins an address.
    fn colon(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let behind = begins(rest, "://")?;
        if behind && self.line.before.is_ascii_alphanumeric() {
            self.line.is_address = true;
            return Some(self.plain("://", out));
        }
        Some(self.plain(":", out))
    }

    fn emphasis(&mut self, mark: char, rest: &str, out: &mut String) -> Option<usize> {
        let length = run(rest, mark, 4);
        let is_text = length == 4 || (self.line.is_address && mark != '*');
        if is_text {
            self.line.literal = Some(mark);
            return Some(self.plain(&rest[..length], out));
        }
        let next = rest[length..].chars().next()?;
        let (opens, closes) = flanks(mark, self.line.before, next);
        let marks = &rest[..length];
        if self.line.emphasis.turn(mark, length, opens, closes) {
            self.line.is_address = false;
            return Some(self.paint(marks, CharStyle::MARK, out));
        }
        Some(self.plain(marks, out))
    }

    fn open_span(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let length = run(rest, '`', MAX_SPAN_MARKS + 1);
        if length > MAX_SPAN_MARKS {
            self.line.literal = Some('`');
            return Some(self.plain(&rest[..length], out));
        }
        rest[length..].chars().next()?;
        self.context = TextContext::Span(length);
        Some(self.paint(&rest[..length], CharStyle::MARK, out))
    }

    /// Takes a part of a code span.
    pub(super) fn span(&mut self, length: usize, rest: &str, out: &mut String) -> Option<usize> {
        let head = head(rest);
        let code = head.find('`').unwrap_or(head.len());
        if code > 0 {
            return Some(self.paint(&head[..code], CharStyle::CODE, out));
        }
        // A longer run than the opening one does not close the span.
        let is_inside = self.line.before == '`' && self.line.literal == Some('`');
        let marks = run(rest, '`', length + 1);
        if marks > length || is_inside {
            self.line.literal = Some('`');
            return Some(self.paint(&rest[..marks], CharStyle::CODE, out));
        }
        rest[marks..].chars().next()?;
        self.line.literal = None;
        if marks < length {
            return Some(self.paint(&rest[..marks], CharStyle::CODE, out));
        }
        self.context = TextContext::Text;
        Some(self.paint(&rest[..marks], CharStyle::MARK, out))
    }

    fn close_bracket(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        if self.line.brackets == 0 {
            return Some(self.plain("]", out));
        }
        let next = rest[1..].chars().next()?;
        self.line.brackets -= 1;
        if next != '(' {
            return Some(self.plain("]", out));
        }
        self.context = TextContext::Address(0);
        Some(self.paint("](", CharStyle::MARK, out))
    }

    /// Takes a part of a link's address.
    pub(super) fn address(&mut self, depth: usize, rest: &str, out: &mut String) -> usize {
        let head = head(rest);
        let length = head.find(['(', ')']).map_or(head.len(), |at| at + 1);
        self.context = match head[..length].chars().next_back() {
            Some('(') => TextContext::Address(depth + 1),
            Some(')') if depth == 0 => TextContext::Text,
            Some(')') => TextContext::Address(depth - 1),
            _ => self.context,
        };
        self.paint(&head[..length], CharStyle::MARK, out)
    }
}
