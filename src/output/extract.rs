//! Takes the first fenced code block out of a streamed text; it knows no other Markdown.
//!
//! The rules are those of CommonMark 0.31.2, section 4.5 "Fenced code blocks", for blocks at the
//! top level: a fence within a list or a quotation counts if it is indented by three spaces at
//! most.

/// The shortest fence and, as it happens, the deepest indentation of one in spaces.
const THREE: usize = 3;

/// Passes the content of the first fenced code block on while it comes.
#[derive(Debug, Default)]
pub(crate) struct BlockExtractor {
    /// The text before any block, kept in case that none comes.
    before: String,
    /// Where the last line in `before` begins.
    line: usize,
    /// The opening fence, once it came.
    fence: Option<Fence>,
    /// Whether the closing fence came.
    closed: bool,
    /// The beginning of a line of the block, kept while the line may become the closing fence.
    held: String,
    closing: Closing,
    /// Whether the line of the block is certainly content.
    live: bool,
    /// The line that a CR just ended, since an LF belongs to the same line end.
    after_cr: Option<Ended>,
}

#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
    /// In spaces.
    indentation: usize,
}

/// How far a line fits the closing fence.
#[derive(Debug, Default)]
struct Closing {
    spaces: usize,
    marks: usize,
    tail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ended {
    Text,
    Content,
    Fence,
}

impl BlockExtractor {
    /// Takes the next text and appends to `out` what of the block it makes certain.
    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while !rest.is_empty() && !self.closed {
            if let Some(ended) = self.after_cr.take()
                && let Some(behind) = rest.strip_prefix('\n')
            {
                self.add_end(ended, "\n", out);
                rest = behind;
                continue;
            }
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            self.take(&rest[..end], out);
            rest = &rest[end..];
            let Some(behind) = rest.strip_prefix(['\n', '\r']) else {
                break;
            };
            let ended = self.end_line(out);
            self.add_end(ended, &rest[..1], out);
            self.after_cr = rest.starts_with('\r').then_some(ended);
            rest = behind;
        }
    }

    /// Ends the text: appends what was kept, or the whole text if no block came.
    ///
    /// A block that is not closed goes to the end of the text. The extractor is then as new.
    pub(crate) fn finish(&mut self, out: &mut String) {
        match self.fence {
            Some(_) if self.closed => {}
            Some(fence) if self.closing.closes(fence) => {}
            Some(fence) => self.release(fence, out),
            None if opening(&self.before[self.line..]).is_some() => {}
            None => out.push_str(&self.before),
        }
        *self = Self::default();
    }

    /// Takes a part of a line.
    fn take(&mut self, part: &str, out: &mut String) {
        let Some(fence) = self.fence else {
            self.before.push_str(part);
            return;
        };
        if self.live {
            out.push_str(part);
            return;
        }
        self.held.push_str(part);
        if !part.chars().all(|character| self.closing.accepts(character, fence)) {
            self.release(fence, out);
            self.live = true;
        }
    }

    /// Ends the line and tells what it was; its line end is still to be added.
    fn end_line(&mut self, out: &mut String) -> Ended {
        let Some(fence) = self.fence else {
            self.fence = opening(&self.before[self.line..]);
            if self.fence.is_none() {
                return Ended::Text;
            }
            self.before = String::new();
            return Ended::Fence;
        };
        if !self.live && self.closing.closes(fence) {
            self.closed = true;
            return Ended::Fence;
        }
        self.release(fence, out);
        self.live = false;
        Ended::Content
    }

    fn add_end(&mut self, ended: Ended, end: &str, out: &mut String) {
        match ended {
            Ended::Text => {
                self.before.push_str(end);
                self.line = self.before.len();
            }
            Ended::Content => out.push_str(end),
            Ended::Fence => {}
        }
    }

    /// Appends the kept beginning of a line: it is content.
    fn release(&mut self, fence: Fence, out: &mut String) {
        push_unindented(&self.held, fence.indentation, out);
        self.held.clear();
        self.closing = Closing::default();
    }
}

impl Closing {
    /// Whether the line may still become the closing fence with this character added.
    fn accepts(&mut self, character: char, fence: Fence) -> bool {
        if character == fence.mark && !self.tail {
            self.marks += 1;
            return true;
        }
        if character == ' ' && self.marks == 0 {
            self.spaces += 1;
            return self.spaces <= THREE;
        }
        self.tail = matches!(character, ' ' | '\t') && self.closes(fence);
        self.tail
    }

    fn closes(&self, fence: Fence) -> bool {
        self.marks >= fence.length
    }
}

/// The fence that this line opens a block with.
fn opening(line: &str) -> Option<Fence> {
    let fence = line.trim_start_matches(' ');
    let indentation = line.len() - fence.len();
    let mark = fence.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = fence.trim_start_matches(mark);
    let length = fence.len() - info.len();
    // A backtick in the info string would make the line a code span.
    let fits = indentation <= THREE && length >= THREE && (mark == '~' || !info.contains('`'));
    fits.then_some(Fence { mark, length, indentation })
}

/// Appends a line without the indentation of its block, as far as it has it. A tab reaches to the
/// next multiple of four columns (section 2.2); what it is too wide stays as spaces.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extracted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
        let mut extractor = BlockExtractor::default();
        let mut out = String::new();
        for text in texts {
            extractor.push(text, &mut out);
        }
        extractor.finish(&mut out);
        out
    }

    /// The block of a text, the same however the text is split in two or into characters.
    fn block(text: &str) -> String {
        let whole = extracted([text]);
        for (at, _) in text.char_indices() {
            let (first, second) = text.split_at(at);
            assert_eq!(extracted([first, second]), whole, "split at {at}: {text:?}");
        }
        let characters = extracted(text.split_inclusive(|_| true));
        assert_eq!(characters, whole, "character by character: {text:?}");
        whole
    }

    #[test]
    fn the_first_block_is_given() {
        assert_eq!(
            block("说明：\n\n```python\nprint('你好')\n```\n\n```\n第二\n```\n"),
            "print('你好')\n"
        );
        assert_eq!(block("~~~ `a` b\n```\n~~\n~~~~ \t\nafter"), "```\n~~\n");
        assert_eq!(block("```\n```"), "");
        assert_eq!(block("```\n\n  \n```"), "\n  \n");
        assert_eq!(block("甲 ```\n```\n乙\n```"), "乙\n");
    }

    #[test]
    fn without_a_block_the_text_is_given() {
        for text in [
            "",
            "没有代码块",
            "``\n甲\n``\n",
            "    ```\n甲\n    ```\n",
            "\t```\n甲\n",
            "```a`b\n甲\n",
            "```行内``` 甲\n",
            "\r\n甲\r乙\n\r",
            "> ```\n> 甲\n> ```",
        ] {
            assert_eq!(block(text), text);
        }
    }

    #[test]
    fn the_closing_fence_is_as_long_and_of_the_same_kind() {
        assert_eq!(
            block("````\n```\n~~~~\n````甲\n    ````\n   ````` \t\n乙"),
            "```\n~~~~\n````甲\n    ````\n"
        );
        assert_eq!(block("```\na ```\n`` `\n```\u{a0}\n```"), "a ```\n`` `\n```\u{a0}\n");
    }

    #[test]
    fn an_unclosed_block_goes_to_the_end() {
        assert_eq!(block("```rust\nfn 主() {\n``"), "fn 主() {\n``");
        assert_eq!(block("```\n甲\n```"), "甲\n");
        assert_eq!(block("```\n甲\n  "), "甲\n  ");
        assert_eq!(block("前\n```rust"), "");
        assert_eq!(block("```"), "");
    }

    #[test]
    fn the_indentation_of_the_fence_is_taken_from_the_content() {
        assert_eq!(
            block("  ```\n甲\n 乙\n  丙\n   丁\n      戊\n  ```"),
            "甲\n乙\n丙\n 丁\n    戊\n"
        );
        assert_eq!(block("   ~~~\n   \n  ``\n ~~~"), "\n``\n");
        assert_eq!(block(" ```\n\t甲\n \t乙\n\t\t丙\n```"), "   甲\n\t乙\n   \t丙\n");
        assert_eq!(block("  ```\n "), "");
    }

    #[test]
    fn line_ends_are_kept() {
        assert_eq!(block("前\r\n```\r\n甲\r\n\r\n``\r\n```\r\n后"), "甲\r\n\r\n``\r\n");
        assert_eq!(block("前\r```\r甲\r乙\n\r```\r后"), "甲\r乙\n\r");
        assert_eq!(block("```\r\r\n甲"), "\r\n甲");
    }

    #[test]
    fn content_is_given_before_its_line_ends() {
        let mut extractor = BlockExtractor::default();
        let mut given = |text: &str| {
            let mut out = String::new();
            extractor.push(text, &mut out);
            out
        };
        let steps = [
            ("文\n``", ""),
            ("`sh\ne", "e"),
            ("cho", "cho"),
            (" `", " `"),
            ("\n", "\n"),
            (" ", ""),
            ("``", ""),
            ("x", " ``x"),
            ("\n```", "\n"),
            (" ", ""),
            ("y", "``` y"),
            ("\n```\n", "\n"),
            ("后", ""),
        ];
        for (text, expected) in steps {
            assert_eq!(given(text), expected, "{text:?}");
        }
    }

    /// The same rules over the whole text at once, a line at a time, without tabs and lone CR.
    fn reference(text: &str) -> String {
        let mut block: Option<(Fence, String)> = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\n', '\r']);
            let Some((fence, content)) = &mut block else {
                block = opening(bare).map(|fence| (fence, String::new()));
                continue;
            };
            let spaces = bare.len() - bare.trim_start_matches(' ').len();
            let marks = bare.trim_matches(' ');
            if spaces <= 3
                && marks.len() >= fence.length
                && marks.chars().all(|mark| mark == fence.mark)
            {
                break;
            }
            content.push_str(&line[spaces.min(fence.indentation)..]);
        }
        block.map_or_else(|| text.to_owned(), |(_, content)| content)
    }

    proptest! {
        #[test]
        fn splitting_never_changes_the_block(text in "([`~]{1,4}| {1,4}|[\n\r\ta你😀]){0,24}") {
            block(&text);
        }

        #[test]
        fn the_reference_agrees(text in "(`{1,4}|~{3}| {1,4}|\n|\r\n|[a你]){0,24}") {
            prop_assert_eq!(block(&text), reference(&text));
        }
    }
}
