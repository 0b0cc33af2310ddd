//! Takes the first fenced code block out of a streamed text; it knows no other Markdown.
//!
//! The rules are those of CommonMark 0.31.2, section 4.5 "Fenced code blocks", for blocks at the
//! top level and in quotations: a fence within a list counts if it is indented by three spaces at
//! most. Two things are as a shell wants them: a line end of CR LF is LF, and a fence behind the last
//! words of a text (models write `ls` and the fence on one line) closes the block.

/// The shortest fence.
const MIN_FENCE: usize = 3;

/// The deepest indentation of a fence, in spaces.
const MAX_INDENT: usize = 3;

/// Passes on the content of the first fenced code block while it comes.
#[derive(Debug, Default)]
pub(super) struct BlockReader {
    /// The text before any block, kept in case there is none.
    before: String,
    /// Where the last line in `before` begins.
    line_start: usize,
    /// The opening fence, once it came.
    pub(super) fence: Option<OpenFence>,
    /// Whether the closing fence came.
    pub(super) is_closed: bool,
    /// The beginning of a line of the block, kept while the line may become the closing fence.
    held: String,
    closing: ClosingFence,
    /// Whether the line of the block is certainly content.
    is_content: bool,
    /// Marks that end a line of content, and the white space behind them: a fence, if the text ends
    /// there.
    tail: String,
    quote: QuoteMarks,
    /// The line that a CR just ended, since an LF belongs to the same line end.
    after_cr: Option<LineKind>,
}

/// The marks of a quotation on the current line of a block.
#[derive(Debug, Default)]
struct QuoteMarks {
    read: usize,
    /// A space may follow that belongs to the mark.
    is_behind: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct OpenFence {
    /// How many quotations it stands in.
    pub(super) quotes: usize,
    pub(super) mark: char,
    pub(super) length: usize,
    /// In spaces.
    pub(super) indentation: usize,
}

/// How far a line fits the closing fence.
#[derive(Debug, Default)]
struct ClosingFence {
    spaces: usize,
    marks: usize,
    tail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum LineKind {
    Text,
    Content,
    Fence,
}

impl BlockReader {
    /// Takes the next text, and appends to `out` what is certainly content of the block. Returns the text
    /// after the block.
    pub(super) fn push<'t>(&mut self, text: &'t str, out: &mut String) -> &'t str {
        let mut rest = text;
        while !rest.is_empty() && !self.is_closed {
            if let Some(ended) = self.after_cr.take() {
                let behind = rest.strip_prefix('\n');
                let end = if behind.is_some() { "\r\n" } else { "\r" };
                self.add_end(ended, end, out);
                if let Some(behind) = behind {
                    rest = behind;
                    continue;
                }
            }
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            self.push_part(&rest[..end], out);
            if self.is_closed {
                break;
            }
            rest = &rest[end..];
            let Some(behind) = rest.strip_prefix(['\n', '\r']) else {
                break;
            };
            let ended = self.end_line(out);
            match rest.starts_with('\r') {
                true => self.after_cr = Some(ended),
                false => self.add_end(ended, "\n", out),
            }
            rest = behind;
        }
        rest
    }

    /// Ends the text: appends what was kept, or the whole text if no block came.
    ///
    /// A block that is not closed goes to the end of the text. The extractor is then as new.
    pub(super) fn finish(&mut self, out: &mut String) {
        if let Some(ended) = self.after_cr.take() {
            self.add_end(ended, "\r", out);
        }
        match self.fence {
            Some(_) if self.is_closed => {}
            Some(fence) if self.closing.closes(fence) => out.push_str(&self.tail),
            Some(fence) => {
                self.release(fence, out);
                let marks = self.tail.trim_end();
                if marks.len() < fence.length {
                    out.push_str(&self.tail);
                }
            }
            None if opening(&self.before[self.line_start..]).is_some() => {}
            None => out.push_str(&self.before),
        }
        *self = Self::default();
    }

    pub(super) fn kept(&self) -> usize {
        self.before.len() + self.held.len()
    }

    /// Takes a part of a line.
    fn push_part(&mut self, part: &str, out: &mut String) {
        let Some(fence) = self.fence else {
            self.before.push_str(part);
            return;
        };
        let Some(part) = self.quote.strip(part, fence.quotes) else {
            // A line without the mark is behind the quotation.
            out.push_str(&std::mem::take(&mut self.tail));
            self.is_closed = true;
            return;
        };
        if self.is_content {
            self.content(part, fence, out);
            return;
        }
        self.held.push_str(part);
        if !part.chars().all(|character| self.closing.accepts(character, fence)) {
            self.release(fence, out);
            self.is_content = true;
        }
    }

    /// Ends the line, and returns what it was. Its line end is added afterwards.
    fn end_line(&mut self, out: &mut String) -> LineKind {
        let Some(fence) = self.fence else {
            self.fence = opening(&self.before[self.line_start..]);
            if self.fence.is_none() {
                return LineKind::Text;
            }
            self.before = String::new();
            return LineKind::Fence;
        };
        let is_quoted = self.quote.read == fence.quotes;
        if !is_quoted || !self.is_content && self.closing.closes(fence) {
            out.push_str(&std::mem::take(&mut self.tail));
            self.is_closed = true;
            return LineKind::Fence;
        }
        self.quote = QuoteMarks::default();
        self.release(fence, out);
        self.is_content = false;
        LineKind::Content
    }

    fn add_end(&mut self, ended: LineKind, end: &str, out: &mut String) {
        match ended {
            LineKind::Text => {
                self.before.push_str(end);
                self.line_start = self.before.len();
            }
            LineKind::Content => {
                let end = if end == "\r\n" { "\n" } else { end };
                let target = if self.tail.is_empty() { out } else { &mut self.tail };
                target.push_str(end);
            }
            LineKind::Fence => {}
        }
    }

    /// Appends a part of a line that is content, but for marks at its end that may be a fence.
    fn content(&mut self, part: &str, fence: OpenFence, out: &mut String) {
        let bare = part.trim_end_matches([' ', '\t']);
        let words = bare.trim_end_matches(fence.mark);
        if !words.is_empty() || self.tail.ends_with(char::is_whitespace) && !bare.is_empty() {
            out.push_str(&std::mem::take(&mut self.tail));
        }
        if bare.len() == words.len() && self.tail.is_empty() {
            out.push_str(part);
            return;
        }
        out.push_str(words);
        self.tail.push_str(&part[words.len()..]);
    }

    /// Appends the kept beginning of a line: it is content.
    fn release(&mut self, fence: OpenFence, out: &mut String) {
        let mut line = String::new();
        push_unindented(&self.held, fence.indentation, &mut line);
        self.content(&line, fence, out);
        self.held.clear();
        self.closing = ClosingFence::default();
    }
}

impl QuoteMarks {
    /// A part of a line without the marks of so many quotations; `None` if it has fewer.
    fn strip<'p>(&mut self, mut part: &'p str, quotes: usize) -> Option<&'p str> {
        while let Some(next) = part.chars().next() {
            let is_space = next == ' ' && std::mem::take(&mut self.is_behind);
            match next {
                _ if is_space => {}
                _ if self.read == quotes => break,
                '>' => (self.read, self.is_behind) = (self.read + 1, true),
                ' ' => {}
                _ => return None,
            }
            part = &part[next.len_utf8()..];
        }
        Some(part)
    }
}

impl ClosingFence {
    /// Whether the line may still become the closing fence with this character added.
    fn accepts(&mut self, character: char, fence: OpenFence) -> bool {
        if character == fence.mark && !self.tail {
            self.marks += 1;
            return true;
        }
        if character == ' ' && self.marks == 0 {
            self.spaces += 1;
            return self.spaces <= MAX_INDENT;
        }
        self.tail = matches!(character, ' ' | '\t') && self.closes(fence);
        self.tail
    }

    fn closes(&self, fence: OpenFence) -> bool {
        self.marks >= fence.length
    }
}

/// The fence with which this line opens a block.
pub(super) fn opening(line: &str) -> Option<OpenFence> {
    let (mut line, mut quotes) = (line, 0);
    while let Some(behind) = quoted(line) {
        (line, quotes) = (behind, quotes + 1);
    }
    let fence = line.trim_start_matches(' ');
    let indentation = line.len() - fence.len();
    let mark = fence.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = fence.trim_start_matches(mark);
    let length = fence.len() - info.len();
    // A backtick in the info string would make the line a code span.
    let fits =
        indentation <= MAX_INDENT && length >= MIN_FENCE && (mark == '~' || !info.contains('`'));
    fits.then_some(OpenFence { quotes, mark, length, indentation })
}

/// What a line of a quotation says behind its mark.
fn quoted(line: &str) -> Option<&str> {
    let bare = line.trim_start_matches(' ');
    let behind = bare.strip_prefix('>').filter(|_| line.len() - bare.len() <= MAX_INDENT)?;
    Some(behind.strip_prefix(' ').unwrap_or(behind))
}

/// Appends a line without its block's indentation. A tab reaches to the next multiple of four columns
/// (section 2.2); the columns that are left of it become spaces.
fn push_unindented(line: &str, indentation: usize, out: &mut String) {
    const TAB: usize = 4;
    let mut column = 0;
    let mut rest = line;
    while column < indentation {
        if let Some(behind) = rest.strip_prefix(' ') {
            column += 1;
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('\t') {
            // The indentation is below four columns, so the tab reaches to the fourth.
            out.extend(std::iter::repeat_n(' ', TAB - indentation));
            column = TAB;
            rest = behind;
        } else {
            break;
        }
    }
    out.push_str(rest);
}
