//! Cuts a text into parts that a voice can speak one after the other: at line ends and sentence ends
//! first, then at clauses and white space, and within a word only where there is no other place. Pure.

/// Behind these a sentence is over, whatever follows.
const SENTENCE: &[char] = &['。', '！', '？', '；', '…', '．', '｡'];
/// Behind these a sentence is over where white space follows.
const SENTENCE_BEFORE_SPACE: &[char] = &['.', '!', '?'];
/// Behind these there is a pause.
const CLAUSE: &[char] = &['，', '、', '：', '—', '､'];
/// Behind these there is a pause where white space follows.
const CLAUSE_BEFORE_SPACE: &[char] = &[',', ';', ':'];
/// What closes a quotation or a bracket belongs to the sentence before.
const CLOSING: &[char] =
    &['”', '’', '"', '\'', '」', '』', '）', ')', '】', ']', '》', '〉', '»', '›', '］', '｝', '}'];

/// How good a place for a cut is; the later the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CutPlace {
    /// Between two characters, within a word.
    Word,
    /// Between characters that are words of their own, as Chinese ones.
    Character,
    Space,
    Clause,
    Sentence,
    Line,
}

/// The most that a part may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextLimit {
    /// Unicode scalar values.
    Characters(usize),
    /// Bytes of UTF-8, which some gateways count.
    Bytes(usize),
}

impl TextLimit {
    /// Where so much of a text ends, in bytes; `None` if the text has no more than that. At least one
    /// character is before it.
    fn end(self, text: &str) -> Option<usize> {
        match self {
            TextLimit::Characters(most) => text.char_indices().nth(most.max(1)).map(|(at, _)| at),
            TextLimit::Bytes(most) if text.len() <= most => None,
            TextLimit::Bytes(most) => {
                let first = text.chars().next().map_or(0, char::len_utf8);
                let end = text.floor_char_boundary(most).max(first);
                (end < text.len()).then_some(end)
            }
        }
    }

    fn half(self) -> Self {
        match self {
            TextLimit::Characters(most) => TextLimit::Characters(most / 2),
            TextLimit::Bytes(most) => TextLimit::Bytes(most / 2),
        }
    }

    /// The limit in characters that keeps a text of this kind within it.
    pub(crate) fn characters(self, text: &str) -> usize {
        match self {
            TextLimit::Characters(most) => most,
            TextLimit::Bytes(most) => {
                most / text.chars().map(char::len_utf8).max().unwrap_or(1).max(1)
            }
        }
    }
}

/// The text in parts of at most `limit`, each without white space around it, none empty. A text of
/// white space alone has no parts.
pub(crate) fn parts(text: &str, limit: TextLimit) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = end_of_part(rest, limit);
        let (part, behind) = rest.split_at(end);
        // White space alone is left where the limit is smaller than a run of it.
        let part = part.trim();
        if !part.is_empty() {
            parts.push(part);
        }
        rest = behind.trim_start();
    }
    parts
}

/// Where the first sentence or line ends, in bytes; `None` if that is not known yet, as more may come.
/// A number with a point is no sentence.
pub(super) fn first_end(text: &str, only_lines: bool) -> Option<usize> {
    let (mut cuts, mut has_word) = (Cuts::default(), false);
    for (at, next) in text.char_indices() {
        match cuts.before(next) {
            Some(CutPlace::Line) => return Some(at),
            Some(CutPlace::Sentence) if has_word && !only_lines => return Some(at),
            _ => {}
        }
        has_word |= next.is_alphabetic();
    }
    text.ends_with('\n').then_some(text.len())
}

/// Where the first part ends, in bytes.
fn end_of_part(text: &str, limit: TextLimit) -> usize {
    let Some(most) = limit.end(text) else { return text.len() };
    let (mut best, mut late) = (None, None);
    // A line that ends early in the part would leave a part much shorter than it could be.
    let middle = limit.half().end(text).unwrap_or(0);
    let mut cuts = Cuts::default();
    let letters = text[..most]
        .char_indices()
        .chain(text[most..].char_indices().next().map(|(_, next)| (most, next)));
    for (at, next) in letters {
        if let Some(place) = cuts.before(next) {
            let found = Some((place, at));
            if best.is_none_or(|(known, _)| place >= known) {
                best = found;
            }
            if at > middle && late.is_none_or(|(known, _)| place >= known) {
                late = found;
            }
        }
    }
    // A pause near the end is better than a line end near the beginning only if it ends a sentence.
    match (late, best) {
        (Some((CutPlace::Line | CutPlace::Sentence, at)), _) => at,
        (_, Some((_, at))) => at,
        // A cluster longer than the limit: it can't be kept whole.
        (_, None) => most,
    }
}

/// Walks over a text and tells what kind of place there is between two characters.
#[derive(Debug, Default)]
struct Cuts {
    last: Option<char>,
    /// The sentence or clause that `last` ends, closing marks passed over: what it ends in any case,
    /// and what it ends if white space follows.
    ended: Option<CutPlace>,
    ended_if_space: Option<CutPlace>,
    /// Letters of flags (regional indicators) in a row up to `last`.
    flags: usize,
}

impl Cuts {
    /// The place between the last character and this one, which becomes the last; `None` if they must
    /// stay together, or if there is none before.
    fn before(&mut self, next: char) -> Option<CutPlace> {
        let place = self.last.and_then(|last| self.place(last, next));
        self.step(next);
        place
    }

    fn place(&self, last: char, next: char) -> Option<CutPlace> {
        if is_joined(last, next, self.flags) {
            return None;
        }
        if last == '\n' {
            return Some(CutPlace::Line);
        }
        if next.is_whitespace() {
            let ended = self.ended.max(self.ended_if_space);
            return Some(ended.unwrap_or(CutPlace::Space));
        }
        if last.is_whitespace() {
            return Some(CutPlace::Space);
        }
        // `？！」` stays together, and so do dots in a row.
        let goes_on = SENTENCE.contains(&next) || CLOSING.contains(&next) || CLAUSE.contains(&next);
        if let Some(ended) = self.ended.filter(|_| !goes_on) {
            return Some(ended);
        }
        let in_word = is_of_word(last) && is_of_word(next);
        let before_mark = !next.is_alphanumeric() && !next.is_whitespace();
        Some(if in_word || before_mark { CutPlace::Word } else { CutPlace::Character })
    }

    fn step(&mut self, next: char) {
        self.flags = if is_flag_letter(next) { self.flags + 1 } else { 0 };
        self.last = Some(next);
        if CLOSING.contains(&next) {
            return;
        }
        let any = |places: [(&[char], CutPlace); 2]| {
            places.into_iter().find(|(marks, _)| marks.contains(&next)).map(|(_, place)| place)
        };
        self.ended = any([(SENTENCE, CutPlace::Sentence), (CLAUSE, CutPlace::Clause)]);
        self.ended_if_space = any([
            (SENTENCE_BEFORE_SPACE, CutPlace::Sentence),
            (CLAUSE_BEFORE_SPACE, CutPlace::Clause),
        ]);
    }
}

/// Whether a character is a letter of a word that white space ends, or stands within one.
fn is_of_word(letter: char) -> bool {
    (letter.is_alphanumeric() && !stands_alone(letter))
        || matches!(letter, '\'' | '’' | '-' | '_' | '@' | '/' | '.' | ',' | ':' | '·' | '\u{ad}')
        || is_mark(letter)
}

/// Whether a script is written without spaces, so that a cut behind any of its characters is as good
/// as behind another: Chinese, Japanese, Thai, Lao, Tibetan, Burmese, Khmer.
fn stands_alone(letter: char) -> bool {
    matches!(letter,
        '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{312F}' | '\u{3190}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{A000}'..='\u{A4CF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}'
        | '\u{1B000}'..='\u{1B2FF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether two characters are one for a reader (after Unicode Standard Annex 29, section 3.1.1).
/// `flags` is the number of regional indicators in a row up to `last`.
fn is_joined(last: char, next: char, flags: usize) -> bool {
    is_mark(next)
        || last == '\u{200D}'
        || (last == '\r' && next == '\n')
        || (is_flag_letter(next) && flags % 2 == 1)
        || (is_jamo(last) && is_jamo(next))
        // Vowels of Thai and Lao that are written before the consonant.
        || matches!(last, '\u{0E40}'..='\u{0E44}' | '\u{0EC0}'..='\u{0EC4}')
        // A consonant below the one before it.
        || matches!(last, '\u{1039}' | '\u{17D2}')
}

fn is_flag_letter(letter: char) -> bool {
    matches!(letter, '\u{1F1E6}'..='\u{1F1FF}')
}

fn is_jamo(letter: char) -> bool {
    matches!(letter, '\u{1100}'..='\u{11FF}' | '\u{A960}'..='\u{A97F}' | '\u{D7B0}'..='\u{D7FF}')
}

/// Whether a character only changes the one before: combining marks, joiners, variation selectors,
/// skin tones, tags (Unicode Character Database, Grapheme_Extend and SpacingMark; where a block mixes
/// them with letters rarely, the block).
fn is_mark(letter: char) -> bool {
    matches!(letter,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}'
        | '\u{05C1}'..='\u{05C2}' | '\u{05C4}'..='\u{05C5}' | '\u{05C7}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}'
        | '\u{06E7}'..='\u{06E8}' | '\u{06EA}'..='\u{06ED}' | '\u{0711}' | '\u{0730}'..='\u{074A}'
        | '\u{07A6}'..='\u{07B0}' | '\u{07EB}'..='\u{07F3}' | '\u{0816}'..='\u{082D}'
        | '\u{0898}'..='\u{089F}' | '\u{08CA}'..='\u{0903}'
        | '\u{0E31}' | '\u{0E33}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}'
        | '\u{0EB1}' | '\u{0EB3}'..='\u{0EBC}' | '\u{0EC8}'..='\u{0ECE}'
        | '\u{0F18}'..='\u{0F19}' | '\u{0F35}' | '\u{0F37}' | '\u{0F39}' | '\u{0F3E}'..='\u{0F3F}'
        | '\u{0F71}'..='\u{0F84}' | '\u{0F86}'..='\u{0F87}' | '\u{0F8D}'..='\u{0FBC}'
        | '\u{102B}'..='\u{103E}' | '\u{1056}'..='\u{1059}' | '\u{105E}'..='\u{1060}'
        | '\u{135D}'..='\u{135F}' | '\u{17B4}'..='\u{17D3}' | '\u{17DD}' | '\u{180B}'..='\u{180F}'
        | '\u{1AB0}'..='\u{1ACE}' | '\u{1DC0}'..='\u{1DFF}' | '\u{200C}'..='\u{200D}'
        | '\u{20D0}'..='\u{20F0}' | '\u{2DE0}'..='\u{2DFF}' | '\u{302A}'..='\u{302F}'
        | '\u{3099}'..='\u{309A}' | '\u{A66F}'..='\u{A672}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FE20}'..='\u{FE2F}' | '\u{FF9E}'..='\u{FF9F}' | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
        || is_indic_mark(letter)
}

/// The vowel signs and the like of the nine Indic blocks, which share one plan of 128 places each.
fn is_indic_mark(letter: char) -> bool {
    let code = u32::from(letter);
    (0x0900..0x0E00).contains(&code)
        && matches!(code % 128, 0x00..=0x03 | 0x3C | 0x3E..=0x4D | 0x51..=0x57 | 0x62..=0x63)
}

#[cfg(test)]
mod tests;
