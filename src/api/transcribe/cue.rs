//! How much a subtitle shows at once: lines of so many characters, so many lines. Pure.

use super::subtitles::Segment;

/// The most that a subtitle shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CueLayout {
    /// Characters a line; one of Chinese, Japanese or Korean takes the room of two.
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// What subtitles usually have (BBC Subtitle Guidelines, Netflix Timed Text Style Guide).
pub(crate) const USUAL: CueLayout = CueLayout { line: 42, lines: 2 };

impl CueLayout {
    /// Whether a text is short enough for one subtitle.
    pub(super) fn has_room_for(self, text: &str) -> bool {
        self.wrap(text).len() <= self.lines
    }

    /// The text in lines, broken between words, and within one only where it is longer than a line.
    pub(super) fn wrap(self, text: &str) -> Vec<String> {
        let most = self.line.max(1);
        let mut lines: Vec<String> = Vec::new();
        for piece in pieces(text) {
            let shown = width(piece.trim_end());
            if let Some(line) = lines.last_mut()
                && width(line) + shown <= most
            {
                line.push_str(piece);
                continue;
            }
            if let Some(line) = lines.last_mut() {
                line.truncate(line.trim_end().len());
            }
            let mut rest = piece;
            while width(rest.trim_end()) > most {
                let end = end_of_width(rest, most);
                lines.push(rest[..end].to_owned());
                rest = &rest[end..];
            }
            lines.push(rest.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.truncate(line.trim_end().len());
        }
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// A segment as one subtitle or several; each gets the share of the time that its text has.
    pub(crate) fn cues(self, segment: &Segment) -> Vec<Segment> {
        let text: Vec<&str> = segment.text.split_whitespace().collect();
        let lines = self.wrap(&text.join(" "));
        let all: usize = lines.iter().map(|line| width(line)).sum::<usize>().max(1);
        let time = (segment.end - segment.start).max(0.0);
        let (mut said, mut cues) = (0, Vec::new());
        for lines in lines.chunks(self.lines.max(1)) {
            let at = |said: usize| segment.start + time * said as f64 / all as f64;
            let start = at(said);
            said += lines.iter().map(|line| width(line)).sum::<usize>();
            cues.push(Segment { start, end: at(said), text: lines.join("\n"), ..segment.clone() });
        }
        cues
    }
}

/// A text in the pieces between which a line may end: words with the white space behind them, and
/// characters of scripts without spaces. Punctuation stays with what is before it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut last) = (0, None);
    for (at, letter) in text.trim().char_indices() {
        let ends = |last: char| {
            (last.is_whitespace() && !letter.is_whitespace())
                || (!letter.is_whitespace()
                    && !is_closing(letter)
                    && (stands_alone(last) || (stands_alone(letter) && !is_opening(last))))
        };
        if last.is_some_and(ends) {
            pieces.push(&text.trim()[begin..at]);
            begin = at;
        }
        last = Some(letter);
    }
    if begin < text.trim().len() {
        pieces.push(&text.trim()[begin..]);
    }
    pieces
}

fn is_opening(letter: char) -> bool {
    matches!(letter, '(' | '[' | '{' | '"' | '“' | '‘' | '「' | '『' | '（' | '【' | '《' | '〈')
}

fn is_closing(letter: char) -> bool {
    matches!(letter, '\u{3001}'..='\u{3002}' | '\u{ff01}' | '\u{ff0c}' | '\u{ff1a}'..='\u{ff1b}' | '\u{ff1f}'
        | '」' | '』' | '）' | '】' | '》' | '〉' | '”' | '’' | '…' | '.' | ',' | '!' | '?' | ';' | ':' | ')' | ']' | '}' | '"')
}

/// Whether a line may end on either side of a character: Han and Kana.
fn stands_alone(letter: char) -> bool {
    is_wide(letter) && !('\u{ac00}'..='\u{d7a3}').contains(&letter)
}

/// Where so much width of a text ends, in bytes; at least one character is before it.
fn end_of_width(text: &str, most: usize) -> usize {
    let mut shown = 0;
    for (at, letter) in text.char_indices() {
        shown += if is_wide(letter) { 2 } else { 1 };
        if shown > most && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Whether a character takes the room of two (CJK, Hangul, full-width forms).
pub(super) fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

pub(super) fn width(text: &str) -> usize {
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_end_between_words() {
        let layout = CueLayout { line: 10, lines: 2 };
        assert_eq!(layout.wrap("the quick brown fox"), ["the quick", "brown fox"]);
        assert_eq!(layout.wrap("今天下雨，明天晴。"), ["今天下雨，", "明天晴。"]);
        assert_eq!(layout.wrap("abcdefghijklmno p"), ["abcdefghij", "klmno p"]);
        assert!(layout.wrap(" ").is_empty());
        assert!(layout.has_room_for("the quick brown fox"));
        assert!(!layout.has_room_for("the quick brown fox jumps"));
    }

    #[test]
    fn a_long_segment_becomes_several_with_their_share_of_the_time() {
        let layout = CueLayout { line: 5, lines: 1 };
        let text = "aaaa\nbbbb cccc dddd".to_owned();
        let cues = layout.cues(&Segment { start: 10.0, end: 18.0, text, speaker: None });
        let found: Vec<_> =
            cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
        assert_eq!(
            found,
            [
                (10.0, 12.0, "aaaa"),
                (12.0, 14.0, "bbbb"),
                (14.0, 16.0, "cccc"),
                (16.0, 18.0, "dddd")
            ]
        );
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_letter_is_lost(text in "[ a-d你，。\n]{0,60}", line in 2..20_usize) {
            let lines = CueLayout { line, lines: 2 }.wrap(&text);
            // Punctuation that belongs to a word may be one sign too many.
            prop_assert!(lines.iter().all(|found| width(found) <= line), "{:?}", lines);
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
