//! Takes the first fenced code block out of a streamed text; it knows no other Markdown.
//!
//! The rules are those of CommonMark 0.31.2, section 4.5 "Fenced code blocks", for blocks at the
//! top level: a fence within a list or a quotation counts if it is indented by three spaces at
//! most.

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
    /// The line that a CR just ended, since an LF belongs to the same line end.
    after_cr: Option<LineKind>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct OpenFence {
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
            if let Some(ended) = self.after_cr.take()
                && let Some(behind) = rest.strip_prefix('\n')
            {
                self.add_end(ended, "\n", out);
                rest = behind;
                continue;
            }
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            self.push_part(&rest[..end], out);
            rest = &rest[end..];
            let Some(behind) = rest.strip_prefix(['\n', '\r']) else {
                break;
            };
            let ended = self.end_line(out);
            self.add_end(ended, &rest[..1], out);
            self.after_cr = rest.starts_with('\r').then_some(ended);
            rest = behind;
        }
        rest
    }

    /// Ends the text: appends what was kept, or the whole text if no block came.
    ///
    /// A block that is not closed goes to the end of the text. The extractor is then as new.
    pub(super) fn finish(&mut self, out: &mut String) {
        match self.fence {
            Some(_) if self.is_closed => {}
            Some(fence) if self.closing.closes(fence) => {}
            Some(fence) => self.release(fence, out),
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
        if self.is_content {
            out.push_str(part);
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
        if !self.is_content && self.closing.closes(fence) {
            self.is_closed = true;
            return LineKind::Fence;
        }
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
            LineKind::Content => out.push_str(end),
            LineKind::Fence => {}
        }
    }

    /// Appends the kept beginning of a line: it is content.
    fn release(&mut self, fence: OpenFence, out: &mut String) {
        push_unindented(&self.held, fence.indentation, out);
        self.held.clear();
        self.closing = ClosingFence::default();
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
    let fence = line.trim_start_matches(' ');
    let indentation = line.len() - fence.len();
    let mark = fence.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = fence.trim_start_matches(mark);
    let length = fence.len() - info.len();
    // A backtick in the info string would make the line a code span.
    let fits =
        indentation <= MAX_INDENT && length >= MIN_FENCE && (mark == '~' || !info.contains('`'));
    fits.then_some(OpenFence { mark, length, indentation })
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
