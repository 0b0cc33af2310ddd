//! A text for ears: without the marks of Markdown, code, the addresses of links and emoji. Pure.

/// Takes Markdown line by line, and remembers whether it is within code.
#[derive(Debug, Default)]
pub(crate) struct PlainText {
    /// The signs that opened a block of code.
    fence: Option<String>,
}

impl PlainText {
    /// A line, or the beginning of one, as it is to be spoken; empty where nothing is.
    pub(crate) fn line(&mut self, line: &str) -> String {
        let bare = line.trim_start();
        let sign = bare.chars().next().filter(|sign| matches!(sign, '`' | '~'));
        let run: String = bare.chars().take_while(|other| Some(*other) == sign).collect();
        match &self.fence {
            Some(open) => {
                if run.starts_with(open.as_str()) && bare.trim_end() == run {
                    self.fence = None;
                }
                return String::new();
            }
            None if run.len() >= 3 && !bare[run.len()..].contains('`') => {
                self.fence = Some(run);
                return String::new();
            }
            None => {}
        }
        if is_rule(bare) || is_table_rule(bare) {
            return String::new();
        }
        let cells = table_row(without_block_mark(bare));
        tidy(&inline(&cells))
    }
}

impl PlainText {
    /// More of a line whose beginning was taken before.
    pub(crate) fn rest_of_line(&self, text: &str) -> String {
        if self.is_in_code() { String::new() } else { tidy(&inline(text)) }
    }

    /// Whether what comes is code.
    pub(crate) fn is_in_code(&self) -> bool {
        self.fence.is_some()
    }
}

/// The whole text, as it is to be spoken.
pub(crate) fn of(text: &str) -> String {
    let mut plain = PlainText::default();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let spoken = plain.line(line);
        // What was taken out leaves no gap.
        let is_gap = line.trim().is_empty() && lines.last().is_some_and(|last| !last.is_empty());
        if !spoken.is_empty() || (is_gap && !plain.is_in_code()) {
            lines.push(spoken);
        }
    }
    lines.join("\n").trim().to_owned()
}

/// A line of signs alone: a rule, or the underline of a heading.
fn is_rule(line: &str) -> bool {
    let line: String = line.split_whitespace().collect();
    let first = line.chars().next();
    line.len() >= 3
        && first.is_some_and(|sign| matches!(sign, '-' | '*' | '_' | '='))
        && line.chars().all(|sign| Some(sign) == first)
}

fn is_table_rule(line: &str) -> bool {
    line.contains('-')
        && line.contains('|')
        && line.chars().all(|c| matches!(c, '-' | '|' | ':' | ' '))
}

/// A line without what makes it a heading, a quotation, or an item of a list.
fn without_block_mark(line: &str) -> &str {
    let mut line = line.trim();
    while let Some(rest) = line.strip_prefix('>') {
        line = rest.trim_start();
    }
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len()
        && line.len() - heading.len() <= 6
        && (heading.is_empty() || heading.starts_with(' '))
    {
        return heading.trim().trim_end_matches('#').trim_end();
    }
    for mark in ["- ", "* ", "+ ", "• "] {
        if let Some(item) = line.strip_prefix(mark) {
            let item = item.trim_start();
            let task = ["[ ] ", "[x] ", "[X] "].iter().find_map(|task| item.strip_prefix(task));
            return task.unwrap_or(item);
        }
    }
    line
}

/// The cells of a table's row with commas between them; any other line as it is.
fn table_row(line: &str) -> String {
    let Some(inner) = line.strip_prefix('|').and_then(|line| line.trim_end().strip_suffix('|'))
    else {
        return line.to_owned();
    };
    let cells = inner.split('|').map(str::trim).filter(|cell| !cell.is_empty());
    cells.collect::<Vec<_>>().join(", ")
}

/// The text without the marks within a line.
fn inline(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        match letter {
            '\\' if next.is_some_and(|next| next.is_ascii_punctuation()) => {
                out.extend(next);
                at += 2;
            }
            '!' if next == Some('[') && link(&letters, at + 1).is_some() => at += 1,
            '[' => match link(&letters, at) {
                Some((words, end)) => {
                    out.push_str(&inline(&words));
                    at = end;
                }
                None => {
                    out.push(letter);
                    at += 1;
                }
            },
            '<' => match tag_end(&letters, at) {
                Some(end) => at = end,
                None => {
                    out.push(letter);
                    at += 1;
                }
            },
            '`' => at += 1,
            '*' | '_' | '~' => {
                let run = letters[at..].iter().take_while(|other| **other == letter).count();
                if !is_mark(&letters, at, run) {
                    out.extend(std::iter::repeat_n(letter, run));
                }
                at += run;
            }
            'h' if is_address(&letters[at..]) => {
                at += letters[at..].iter().take_while(|c| !ends_address(**c)).count();
            }
            letter => {
                if !is_emoji(letter) {
                    out.push(letter);
                }
                at += 1;
            }
        }
    }
    out
}

/// Whether a run of signs is a mark: it stands at a word, and `_` not within one. A sign between
/// blanks is one of sums.
fn is_mark(letters: &[char], at: usize, run: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| letters.get(at));
    let after = letters.get(at + run);
    let is_blank = |letter: Option<&char>| letter.is_none_or(|letter| letter.is_whitespace());
    let is_word = |letter: Option<&char>| letter.is_some_and(|letter| letter.is_alphanumeric());
    match letters[at] {
        '~' => run >= 2,
        '_' => !(is_word(before) && is_word(after) || is_blank(before) && is_blank(after)),
        _ => {
            let is_sum = |letter: Option<&char>| letter.is_some_and(char::is_ascii_digit);
            let is_of_sum = run == 1 && is_sum(before) && is_sum(after);
            !(is_of_sum || is_blank(before) && is_blank(after))
        }
    }
}

/// The words of a link or a note that begins here, and where it ends: `[words](address)`,
/// `[words][name]`; of `[^1]` nothing is left.
fn link(letters: &[char], at: usize) -> Option<(String, usize)> {
    let end = closing(letters, at, '[', ']')?;
    let words: String = letters[at + 1..end].iter().collect();
    if words.starts_with('^') {
        return Some((String::new(), end + 1));
    }
    let (open, close) = match letters.get(end + 1) {
        Some('(') => ('(', ')'),
        Some('[') => ('[', ']'),
        _ => return None,
    };
    Some((words, closing(letters, end + 1, open, close)? + 1))
}

/// Where the bracket that opens here is closed.
fn closing(letters: &[char], at: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (index, letter) in letters.iter().enumerate().skip(at) {
        if *letter == open {
            depth += 1;
        } else if *letter == close {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// Behind a tag of HTML or an address in angle brackets.
fn tag_end(letters: &[char], at: usize) -> Option<usize> {
    let first = *letters.get(at + 1)?;
    if !(first.is_ascii_alphabetic() || first == '/' || first == '!') {
        return None;
    }
    let length = letters[at..].iter().take(500).position(|letter| *letter == '>')?;
    Some(at + length + 1)
}

fn is_address(letters: &[char]) -> bool {
    let begin: String = letters.iter().take(8).collect();
    begin.starts_with("http://") || begin.starts_with("https://")
}

fn ends_address(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, ')' | ']' | '>' | '"' | '，' | '。' | '）' | '、' | '；')
}

/// Pictures and the signs that join or colour them (Unicode, emoji-data, Extended_Pictographic by its
/// blocks). Digits, arrows and the signs of trade marks are read out.
fn is_emoji(letter: char) -> bool {
    matches!(letter,
        '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}'..='\u{2B1C}'
        | '\u{2B50}' | '\u{2B55}' | '\u{231A}'..='\u{231B}' | '\u{23E9}'..='\u{23FA}' | '\u{FE0F}' | '\u{200D}'
        | '\u{20E3}' | '\u{E0020}'..='\u{E007F}')
}

/// One blank between words, none before punctuation.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let is_mark =
            word.chars().all(|c| matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '。' | '，'));
        if !out.is_empty() && !is_mark {
            out.push(' ');
        }
        out.push_str(word);
    }
    // Brackets around an address that is gone.
    out.replace("()", "").replace("（）", "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_not_spoken() {
        for (text, spoken) in [
            ("# 标题 #", "标题"),
            ("**Bold**, *soft* and __both__ ~~gone~~", "Bold, soft and both gone"),
            ("- item\n- [x] done\n* star", "item\ndone\nstar"),
            ("1. first", "1. first"),
            ("> quoted", "quoted"),
            ("see [the page](https://example.com/a_(b)) now", "see the page now"),
            ("see <https://example.com> or https://example.com/x.", "see or"),
            ("![a cat](cat.png) sleeps", "a cat sleeps"),
            ("`code` and 2 * 3 = 6, a_b_c, 5*6", "code and 2 * 3 = 6, a_b_c, 5*6"),
            ("before\n```rust\nfn main() {}\n```\nafter", "before\nafter"),
            ("~~~\na\n```\n~~~\nafter", "after"),
            ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b\n1, 2"),
            ("Hello 👋🏽 world 🎉!", "Hello world!"),
            ("做得好👍。", "做得好。"),
            ("above\n\n---\n\nbelow", "above\n\nbelow"),
            ("a note[^1] <b>here</b> \\* x < y", "a note here * x < y"),
            ("#hashtag C# 1 < 2", "#hashtag C# 1 < 2"),
            ("```\nnever closed", ""),
        ] {
            assert_eq!(of(text), spoken, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn plain_text_stays(text in "[a-z你好,. ]{0,40}") {
            let words = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(words(&of(&text)), words(&text));
        }

        #[test]
        fn no_text_does_harm(text in "[-a*_`~#>|\\[\\]()!<\\\\h:/\n👍 ]{0,60}") {
            of(&text);
        }
    }
}
