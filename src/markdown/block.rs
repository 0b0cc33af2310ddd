//! The beginnings of lines: headings, lists, quotations, tables and the fences of code blocks.

use super::code::Highlighter;
use super::fence::OpenFence;
use super::marks::{begins, head, run};
use super::state::{Markdown, TextContext};
use super::style::CharStyle;

/// The shortest fence and thematic break (CommonMark 0.31.2, sections 4.1 and 4.5).
const MIN_FENCE: usize = 3;

/// How many spaces a closing fence may be indented deeper than its opening one (section 4.5).
const MAX_FENCE_INDENT: usize = 3;

/// Longer fences count as fences of this length.
const MAX_FENCE: usize = 32;

/// After this many spaces behind a closing fence nothing else is expected in its line.
const MAX_TRAILING_SPACES: usize = 8;

/// The most digits of a list item's number (section 5.2).
const MAX_LIST_DIGITS: usize = 9;

/// The longest name of a language, in bytes.
const MAX_LANGUAGE_NAME: usize = 24;

impl Markdown {
    /// Takes a mark at the beginning of a line.
    pub(super) fn start(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let first = rest.chars().next()?;
        match first {
            '\n' => Some(self.end_line(out)),
            ' ' | '\t' => Some(self.indent(rest, out)),
            '>' => {
                (self.line.quotes, self.line.indentation) = (self.line.quotes + 1, 0);
                Some(self.mark(&rest[..1], CharStyle::MARK, out))
            }
            '#' => self.heading(rest, out),
            '-' | '*' | '+' => self.item(first, rest, out),
            '[' if self.line.is_item => self.task(rest, out),
            '0'..='9' => self.numbered(rest, out),
            '`' | '~' => self.open_fence(first, rest, out),
            '|' => {
                (self.line.is_row, self.context) = (true, TextContext::Rule);
                Some(0)
            }
            _ => Some(self.begin_text()),
        }
    }

    fn begin_text(&mut self) -> usize {
        self.context = TextContext::Text;
        0
    }

    /// Writes a mark at the beginning of a line. Unlike [`Markdown::paint`] it leaves the previous
    /// character, as what follows is still the beginning.
    fn mark(&mut self, mark: &str, style: CharStyle, out: &mut String) -> usize {
        self.painter.paint(mark, style, out);
        mark.len()
    }

    fn indent(&mut self, rest: &str, out: &mut String) -> usize {
        let spaces = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
        self.line.indentation +=
            spaces.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
        self.mark(spaces, CharStyle::PLAIN, out)
    }

    /// `# ` to `###### ` (section 4.2).
    fn heading(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let level = run(rest, '#', 7);
        if level == 7 {
            return Some(self.begin_text());
        }
        if !rest[level..].chars().next()?.is_whitespace() {
            return Some(self.begin_text());
        }
        self.line.base = CharStyle::HEADING;
        self.begin_text();
        Some(self.mark(&rest[..level], CharStyle::HEADING, out))
    }

    /// `- `, `* `, `+ `, or a thematic break.
    fn item(&mut self, mark: char, rest: &str, out: &mut String) -> Option<usize> {
        let length = run(rest, mark, MIN_FENCE);
        if length == 1 {
            if !rest[1..].chars().next()?.is_whitespace() {
                return Some(self.begin_text());
            }
            self.line.is_item = true;
            self.line.indentation += 1;
            return Some(self.mark(&rest[..1], CharStyle::ITEM, out));
        }
        if length < MIN_FENCE || mark == '+' {
            // Two marks may become three.
            rest[length..].chars().next()?;
            return Some(self.begin_text());
        }
        let next = rest[length..].chars().next()?;
        if next != mark && !next.is_whitespace() {
            return Some(self.begin_text());
        }
        self.context = TextContext::Rule;
        Some(self.mark(&rest[..length], CharStyle::MARK, out))
    }

    /// The `[ ]` or `[x]` of a task.
    fn task(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        self.line.is_item = false;
        for task in ["[ ] ", "[x] ", "[X] "] {
            match begins(rest, task) {
                Some(true) => return Some(self.mark(&rest[..3], CharStyle::ITEM, out)),
                Some(false) => {}
                None => {
                    self.line.is_item = true;
                    return None;
                }
            }
        }
        Some(self.begin_text())
    }

    /// `1. ` or `1) `.
    fn numbered(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let digits = rest.bytes().take(MAX_LIST_DIGITS + 1).take_while(u8::is_ascii_digit).count();
        let mut behind = rest[digits..].chars();
        if digits > MAX_LIST_DIGITS || !matches!(behind.next()?, '.' | ')') {
            return Some(self.begin_text());
        }
        if !behind.next()?.is_whitespace() {
            return Some(self.begin_text());
        }
        self.line.is_item = true;
        self.line.indentation += digits + 1;
        Some(self.mark(&rest[..=digits], CharStyle::ITEM, out))
    }

    /// A thematic break, or a table row as long as it may be `|---|:--|`.
    pub(super) fn rule(&mut self, rest: &str, out: &mut String) -> usize {
        let head = head(rest);
        let marks = if self.line.is_row { "|-: \t" } else { "-* \t" };
        let length = head.find(|c| !marks.contains(c)).unwrap_or(head.len());
        if length < head.len() {
            self.context = TextContext::Text;
        }
        self.paint(&head[..length], CharStyle::MARK, out)
    }

    fn open_fence(&mut self, mark: char, rest: &str, out: &mut String) -> Option<usize> {
        let length = run(rest, mark, MAX_FENCE);
        if length < MAX_FENCE {
            rest[length..].chars().next()?;
        }
        if length < MIN_FENCE {
            return Some(self.begin_text());
        }
        self.fence = Some(OpenFence {
            mark,
            length,
            indentation: self.line.indentation,
            quotes: self.line.quotes,
            info: String::new(),
            code: Highlighter::default(),
        });
        self.context = TextContext::Info;
        Some(self.paint(&rest[..length], CharStyle::MARK, out))
    }

    pub(super) fn info(&mut self, rest: &str, out: &mut String) -> usize {
        let head = head(rest);
        let Some(fence) = &mut self.fence else { return self.begin_text() };
        let tick = if fence.mark == '`' { head.find('`') } else { None };
        let info = &head[..tick.unwrap_or(head.len())];
        let room = MAX_LANGUAGE_NAME.saturating_sub(fence.info.len());
        fence.info.push_str(&info[..info.floor_char_boundary(room)]);
        if tick.is_some() {
            // An info string has no backtick: this is a code span.
            self.context = TextContext::Span(fence.length);
            self.fence = None;
        }
        self.paint(info, CharStyle::CODE, out)
    }

    /// Takes what comes before the code of a line, or the closing fence.
    pub(super) fn code_start(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let first = rest.chars().next()?;
        let Some(fence) = &mut self.fence else {
            self.context = TextContext::Start;
            return Some(0);
        };
        if self.line.quotes < fence.quotes {
            return Some(match first {
                '>' => {
                    (self.line.quotes, self.line.indentation) = (self.line.quotes + 1, 0);
                    self.mark(&rest[..1], CharStyle::MARK, out)
                }
                ' ' if self.line.indentation < MAX_FENCE_INDENT => {
                    self.line.indentation += 1;
                    self.mark(&rest[..1], CharStyle::PLAIN, out)
                }
                // The quotation ends, and the block with it.
                _ => {
                    (self.fence, self.context) = (None, TextContext::Start);
                    0
                }
            });
        }
        if matches!(first, ' ' | '\t') {
            if self.line.indentation >= fence.indentation {
                fence.code.indented();
            }
            return Some(self.indent(rest, out));
        }
        let is_near = self.line.indentation <= fence.indentation + MAX_FENCE_INDENT;
        if first == fence.mark && is_near && closes(rest, fence.mark, fence.length)? {
            (self.fence, self.context) = (None, TextContext::Tail);
        } else {
            self.context = TextContext::Code;
        }
        Some(0)
    }

    pub(super) fn code(&mut self, rest: &str, out: &mut String) -> Option<usize> {
        let Some(fence) = &mut self.fence else { return Some(self.begin_text()) };
        let head = head(rest);
        let (length, kind) = fence.code.step(head, head.len() < rest.len())?;
        Some(self.paint(&head[..length], kind.style(), out))
    }
}

/// Whether a line that begins with a fence's mark closes it; `None` if more text is needed to decide.
fn closes(rest: &str, mark: char, length: usize) -> Option<bool> {
    let marks = run(rest, mark, MAX_FENCE + 1);
    if marks > MAX_FENCE {
        return Some(true);
    }
    let behind = &rest[marks..];
    if marks < length {
        return behind.chars().next().map(|_| false);
    }
    let spaces = behind
        .bytes()
        .take(MAX_TRAILING_SPACES)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    if spaces == MAX_TRAILING_SPACES {
        return Some(true);
    }
    behind[spaces..].chars().next().map(|next| next == '\n')
}
