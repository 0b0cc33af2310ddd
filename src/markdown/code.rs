//! Highlights the code of one block: comments, strings, numbers and keywords. Knows no Markdown.
//!
//! The crates for this (syntect, synoptic, those based on tree-sitter) need whole lines or the whole
//! text, and bring packed grammars or a C parser for each language. Here a token is written as soon as
//! it is complete, while its line is still coming.

use super::languages::{self, Language, TokenSpan};
use super::marks::begins;
use super::token::TokenKind;

/// The longest keyword of all languages, in bytes.
pub(super) const MAX_WORD: usize = 20;

/// The longest character in quotes: `'\u{10ffff}'`.
const MAX_QUOTED_CHARACTER: usize = 12;

/// What the next character belongs to.
#[derive(Debug, Clone, Copy, Default)]
enum CodeState {
    #[default]
    BetweenTokens,
    /// In a word that is not a keyword.
    Word,
    Number,
    /// In a token that goes to the end of the line.
    Line(TokenKind),
    InSpan(&'static TokenSpan),
}

/// Colours a block of code that comes in pieces.
#[derive(Debug)]
pub(super) struct Highlighter {
    language: Option<&'static Language>,
    state: CodeState,
    /// The previous character; a line feed at the beginning of a line.
    before: char,
}

impl Default for Highlighter {
    fn default() -> Self {
        Self { language: None, state: CodeState::BetweenTokens, before: '\n' }
    }
}

impl Highlighter {
    /// For a language by one of its names; an unknown one is not coloured.
    pub(super) fn of(name: &str) -> Self {
        Self { language: languages::named(name), ..Self::default() }
    }

    /// The current line ends.
    pub(super) fn end_line(&mut self) {
        self.before = '\n';
        if !matches!(self.state, CodeState::InSpan(span) if span.is_long) {
            self.state = CodeState::BetweenTokens;
        }
    }

    /// There are spaces before the text for [`Highlighter::step`].
    pub(super) fn indented(&mut self) {
        self.before = ' ';
    }

    /// Takes a token, or a part of one, from the beginning of `line`: its length in bytes and its kind.
    /// `None` if more text is needed to decide; never if the line `is_whole`.
    pub(super) fn step(&mut self, line: &str, is_whole: bool) -> Option<(usize, TokenKind)> {
        let Some(language) = self.language else { return Some((line.len(), TokenKind::Plain)) };
        let (length, kind) = match self.state {
            CodeState::Line(kind) => (line.len(), kind),
            CodeState::InSpan(span) => self.span(span, line, is_whole)?,
            CodeState::Word => self.tail(line, TokenKind::Plain, |c| language.is_in_word(c)),
            CodeState::Number => self.tail(line, TokenKind::Number, is_in_number),
            CodeState::BetweenTokens => self.between(language, line, is_whole)?,
        };
        self.before = line[..length].chars().next_back().unwrap_or(self.before);
        Some((length, kind))
    }

    /// The rest of a word or a number, which may be empty.
    fn tail(
        &mut self,
        line: &str,
        kind: TokenKind,
        is_part: impl Fn(char) -> bool,
    ) -> (usize, TokenKind) {
        let length = line.find(|c| !is_part(c)).unwrap_or(line.len());
        if length < line.len() {
            self.state = CodeState::BetweenTokens;
        }
        (length, kind)
    }

    fn between(
        &mut self,
        language: &'static Language,
        line: &str,
        is_whole: bool,
    ) -> Option<(usize, TokenKind)> {
        if self.before == '\n' {
            for (beginning, kind) in &language.lines {
                if begins_with(line, beginning, is_whole)? {
                    self.state = CodeState::Line(*kind);
                    return Some((line.len(), *kind));
                }
            }
        }
        let is_word_open = language.is_in_word(self.before);
        // Block comments come first: in Lua `--[[` begins one, and `--` a comment of one line.
        for span in &language.spans {
            let is_possible = !(is_word_open && span.open.starts_with(char::is_alphabetic));
            if is_possible && begins_with(line, &span.open, is_whole)? {
                self.state = CodeState::InSpan(span);
                return Some((span.open.len(), span.kind));
            }
        }
        for comment in &language.line_comments {
            let is_possible = !language.comments_need_space || self.before.is_whitespace();
            if is_possible && begins_with(line, comment, is_whole)? {
                self.state = CodeState::Line(TokenKind::Comment);
                return Some((line.len(), TokenKind::Comment));
            }
        }
        let first = line.chars().next()?;
        if first == '\'' && language.has_characters {
            return quoted_character(line, is_whole).map(|length| match length {
                Some(length) => (length, TokenKind::String),
                None => (1, TokenKind::Plain),
            });
        }
        if first.is_ascii_digit() && !is_word_open {
            self.state = CodeState::Number;
            return Some((1, TokenKind::Number));
        }
        if language.is_in_word(first) {
            return self.word(language, line, is_whole);
        }
        let is_quiet = |c: char| !c.is_ascii() || c == ' ';
        let quiet = line.find(|c| !is_quiet(c)).unwrap_or(line.len());
        Some((quiet.max(first.len_utf8()), TokenKind::Plain))
    }

    fn word(
        &mut self,
        language: &Language,
        line: &str,
        is_whole: bool,
    ) -> Option<(usize, TokenKind)> {
        let length = line.find(|c| !language.is_in_word(c)).unwrap_or(line.len());
        if length > MAX_WORD {
            self.state = CodeState::Word;
            return Some((length, TokenKind::Plain));
        }
        if length == line.len() && !is_whole {
            return None;
        }
        let kind = match language.has_keyword(&line[..length]) {
            true => TokenKind::Keyword,
            false => TokenKind::Plain,
        };
        Some((length, kind))
    }

    /// A part of a string or comment: up to its end, or up to what may become its end.
    fn span(
        &mut self,
        span: &'static TokenSpan,
        line: &str,
        is_whole: bool,
    ) -> Option<(usize, TokenKind)> {
        let mut at = 0;
        while let Some(found) = line[at..].find(|c| c == '\\' || span.close.starts_with(c)) {
            at += found;
            let rest = &line[at..];
            if rest.starts_with('\\') && span.has_escapes {
                let Some(next) = rest[1..].chars().next() else {
                    // What the backslash escapes has not come, unless the line is whole.
                    return if is_whole {
                        Some((line.len(), span.kind))
                    } else {
                        non_empty(at, span.kind)
                    };
                };
                at += 1 + next.len_utf8();
                continue;
            }
            match begins_with(rest, &span.close, is_whole) {
                None => return non_empty(at, span.kind),
                Some(true) => {
                    self.state = CodeState::BetweenTokens;
                    return Some((at + span.close.len(), span.kind));
                }
                Some(false) => at += rest.chars().next().map_or(0, char::len_utf8),
            }
        }
        Some((line.len(), span.kind))
    }
}

/// A token of this length, unless it is empty.
fn non_empty(length: usize, kind: TokenKind) -> Option<(usize, TokenKind)> {
    (length > 0).then_some((length, kind))
}

/// [`begins`], which is certain for a whole line.
fn begins_with(line: &str, beginning: &str, is_whole: bool) -> Option<bool> {
    if is_whole { Some(line.starts_with(beginning)) } else { begins(line, beginning) }
}

/// The length of a quoted character at the beginning of `line`. The inner `None` stands for a lifetime,
/// the outer one for more text that is needed.
fn quoted_character(line: &str, is_whole: bool) -> Option<Option<usize>> {
    let mut letters = line.char_indices().skip(1);
    let more = |known| if is_whole { Some(known) } else { None };
    let Some((_, first)) = letters.next() else { return more(None) };
    if first != '\\' {
        let Some((at, second)) = letters.next() else { return more(None) };
        return Some((second == '\'').then_some(at + 1));
    }
    let Some(_) = letters.next() else { return more(None) };
    for (at, letter) in letters.take(MAX_QUOTED_CHARACTER) {
        if letter == '\'' {
            return Some(Some(at + 1));
        }
    }
    if line.chars().count() > MAX_QUOTED_CHARACTER + 3 { Some(None) } else { more(None) }
}

fn is_in_number(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_')
}
