//! Colours the code of one block by a description of its language. It knows no Markdown, and of a
//! language only comments, strings, numbers and keywords.
//!
//! The crates for this (syntect, synoptic, those on tree-sitter) tell a token only from a whole line or
//! the whole text, and bring packed grammars or a parser in C for each language; here a token is given
//! out as soon as it is complete, while its line is still being written.

use super::languages::{self, Language, TokenSpan};
use super::marks::begins;
use super::token::TokenKind;

/// A longer word is not a keyword of any language.
pub(super) const MAX_WORD: usize = 20;

/// The longest character in quotes: `'\u{10ffff}'`.
const MAX_QUOTED_CHARACTER: usize = 12;

/// Where in the code the next character is.
#[derive(Debug, Clone, Copy, Default)]
enum CodeState {
    #[default]
    Between,
    /// In a word that is not a keyword.
    Word,
    Number,
    /// In something that goes to the end of the line.
    Line(TokenKind),
    Within(&'static TokenSpan),
}

/// Colours a block of code that comes in pieces.
#[derive(Debug)]
pub(super) struct Highlighter {
    language: Option<&'static Language>,
    state: CodeState,
    /// The character before, a line feed at the beginning of a line.
    before: char,
}

impl Default for Highlighter {
    fn default() -> Self {
        Self { language: None, state: CodeState::Between, before: '\n' }
    }
}

impl Highlighter {
    /// For a language by one of its names; an unknown one is not coloured.
    pub(super) fn of(name: &str) -> Self {
        Self { language: languages::named(name), ..Self::default() }
    }

    /// The line ended.
    pub(super) fn end_line(&mut self) {
        self.before = '\n';
        if !matches!(self.state, CodeState::Within(span) if span.is_long) {
            self.state = CodeState::Between;
        }
    }

    /// Spaces came before what is given to [`Highlighter::step`].
    pub(super) fn indented(&mut self) {
        self.before = ' ';
    }

    /// Takes the beginning of `line`, of which more may come unless it `is_whole`: how long it is
    /// and what. `None` if it takes more text to tell.
    pub(super) fn step(&mut self, line: &str, is_whole: bool) -> Option<(usize, TokenKind)> {
        let Some(language) = self.language else { return Some((line.len(), TokenKind::Plain)) };
        let (length, kind) = match self.state {
            CodeState::Line(kind) => (line.len(), kind),
            CodeState::Within(span) => self.within(span, line, is_whole)?,
            CodeState::Word => self.tail(line, TokenKind::Plain, |c| language.is_in_word(c)),
            CodeState::Number => self.tail(line, TokenKind::Number, is_in_number),
            CodeState::Between => self.between(language, line, is_whole)?,
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
            self.state = CodeState::Between;
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
                if told(line, beginning, is_whole)? {
                    self.state = CodeState::Line(*kind);
                    return Some((line.len(), *kind));
                }
            }
        }
        let is_word_open = language.is_in_word(self.before);
        // Block comments come first: in Lua `--[[` begins one, and `--` a comment of one line.
        for span in &language.spans {
            let is_possible = !(is_word_open && span.open.starts_with(char::is_alphabetic));
            if is_possible && told(line, &span.open, is_whole)? {
                self.state = CodeState::Within(span);
                return Some((span.open.len(), span.kind));
            }
        }
        for comment in &language.line_comments {
            let is_possible = !language.comments_need_space || self.before.is_whitespace();
            if is_possible && told(line, comment, is_whole)? {
                self.state = CodeState::Line(TokenKind::Comment);
                return Some((line.len(), TokenKind::Comment));
            }
        }
        let first = line.chars().next()?;
        if first == '\'' && language.has_characters {
            return character(line, is_whole).map(|length| match length {
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

    /// Some of a string or comment: up to its end, or up to what may be its end.
    fn within(
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
                    // What the backslash is for is not known, unless the line is over.
                    return if is_whole {
                        Some((line.len(), span.kind))
                    } else {
                        some(at, span.kind)
                    };
                };
                at += 1 + next.len_utf8();
                continue;
            }
            match told(rest, &span.close, is_whole) {
                None => return some(at, span.kind),
                Some(true) => {
                    self.state = CodeState::Between;
                    return Some((at + span.close.len(), span.kind));
                }
                Some(false) => at += rest.chars().next().map_or(0, char::len_utf8),
            }
        }
        Some((line.len(), span.kind))
    }
}

/// A piece of this length, if it has any.
fn some(length: usize, kind: TokenKind) -> Option<(usize, TokenKind)> {
    (length > 0).then_some((length, kind))
}

/// [`begins`], where a whole line leaves no doubt.
fn told(line: &str, beginning: &str, is_whole: bool) -> Option<bool> {
    if is_whole { Some(line.starts_with(beginning)) } else { begins(line, beginning) }
}

/// The length of a character in quotes, if that is what begins here and no lifetime.
fn character(line: &str, is_whole: bool) -> Option<Option<usize>> {
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
