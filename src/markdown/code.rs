//! Colours the code of one block by a description of its language. It knows no Markdown, and of a
//! language only comments, strings, numbers and keywords.
//!
//! The crates for this (syntect, synoptic, those on tree-sitter) tell a token only from a whole line or
//! the whole text, and bring packed grammars or a parser in C for each language; here a token is given
//! out as soon as it is complete, while its line is still being written.

use super::begins;
use super::languages::{self, Language, Span};
use super::style::{Color, Style};

/// A longer word is no keyword of any language.
pub(super) const LONGEST_WORD: usize = 20;

/// The longest character in quotes: `'\u{10ffff}'`.
const LONGEST_CHARACTER: usize = 12;

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Comment,
    String,
    Number,
    Keyword,
    Added,
    Removed,
}

impl Kind {
    pub(super) fn style(self) -> Style {
        match self {
            Kind::Plain => Style::PLAIN,
            Kind::Comment => Style { is_dim: true, ..Style::PLAIN },
            Kind::String | Kind::Added => Style::of(Color::Green),
            Kind::Number => Style::of(Color::Cyan),
            Kind::Keyword => Style::of(Color::Magenta),
            Kind::Removed => Style::of(Color::Red),
        }
    }
}

/// Where in the code the next character is.
#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Between,
    /// In a word that is no keyword.
    Word,
    Number,
    /// In something that goes to the end of the line.
    Line(Kind),
    Within(&'static Span),
}

/// Colours a block of code that comes in pieces.
#[derive(Debug)]
pub(super) struct Highlighter {
    language: Option<&'static Language>,
    state: State,
    /// The character before, a line feed at the beginning of a line.
    before: char,
}

impl Default for Highlighter {
    fn default() -> Self {
        Self { language: None, state: State::Between, before: '\n' }
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
        if !matches!(self.state, State::Within(span) if span.is_long) {
            self.state = State::Between;
        }
    }

    /// Spaces came before what is given to [`Highlighter::step`].
    pub(super) fn indented(&mut self) {
        self.before = ' ';
    }

    /// Takes the beginning of `line`, of which more may come unless it `is_whole`: how long it is
    /// and what. `None` if it takes more text to tell.
    pub(super) fn step(&mut self, line: &str, is_whole: bool) -> Option<(usize, Kind)> {
        let Some(language) = self.language else { return Some((line.len(), Kind::Plain)) };
        let (length, kind) = match self.state {
            State::Line(kind) => (line.len(), kind),
            State::Within(span) => self.within(span, line, is_whole)?,
            State::Word => self.tail(line, Kind::Plain, |c| language.is_in_word(c)),
            State::Number => self.tail(line, Kind::Number, is_in_number),
            State::Between => self.between(language, line, is_whole)?,
        };
        self.before = line[..length].chars().next_back().unwrap_or(self.before);
        Some((length, kind))
    }

    /// The rest of a word or a number, which may be empty.
    fn tail(&mut self, line: &str, kind: Kind, is_part: impl Fn(char) -> bool) -> (usize, Kind) {
        let length = line.find(|c| !is_part(c)).unwrap_or(line.len());
        if length < line.len() {
            self.state = State::Between;
        }
        (length, kind)
    }

    fn between(
        &mut self,
        language: &'static Language,
        line: &str,
        is_whole: bool,
    ) -> Option<(usize, Kind)> {
        if self.before == '\n' {
            for (beginning, kind) in language.lines {
                if told(line, beginning, is_whole)? {
                    self.state = State::Line(*kind);
                    return Some((line.len(), *kind));
                }
            }
        }
        let is_word_open = language.is_in_word(self.before);
        for comment in language.comments {
            let is_possible = !language.comments_need_space || self.before.is_whitespace();
            if is_possible && told(line, comment, is_whole)? {
                self.state = State::Line(Kind::Comment);
                return Some((line.len(), Kind::Comment));
            }
        }
        for span in language.spans {
            let is_possible = !(is_word_open && span.open.starts_with(char::is_alphabetic));
            if is_possible && told(line, span.open, is_whole)? {
                self.state = State::Within(span);
                return Some((span.open.len(), span.kind));
            }
        }
        let first = line.chars().next()?;
        if first == '\'' && language.has_characters {
            return character(line, is_whole).map(|length| {
                (
                    length.unwrap_or(1),
                    match length {
                        Some(_) => Kind::String,
                        None => Kind::Plain,
                    },
                )
            });
        }
        if first.is_ascii_digit() && !is_word_open {
            self.state = State::Number;
            return Some((1, Kind::Number));
        }
        if language.is_in_word(first) {
            return self.word(language, line, is_whole);
        }
        let is_quiet = |c: char| !c.is_ascii() || c == ' ';
        let quiet = line.find(|c| !is_quiet(c)).unwrap_or(line.len());
        Some((quiet.max(first.len_utf8()), Kind::Plain))
    }

    fn word(&mut self, language: &Language, line: &str, is_whole: bool) -> Option<(usize, Kind)> {
        let length = line.find(|c| !language.is_in_word(c)).unwrap_or(line.len());
        if length > LONGEST_WORD {
            self.state = State::Word;
            return Some((length, Kind::Plain));
        }
        if length == line.len() && !is_whole {
            return None;
        }
        let kind = match language.has_keyword(&line[..length]) {
            true => Kind::Keyword,
            false => Kind::Plain,
        };
        Some((length, kind))
    }

    /// Some of a string or comment: up to its end, or up to what may be its end.
    fn within(&mut self, span: &'static Span, line: &str, is_whole: bool) -> Option<(usize, Kind)> {
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
            match told(rest, span.close, is_whole) {
                None => return some(at, span.kind),
                Some(true) => {
                    self.state = State::Between;
                    return Some((at + span.close.len(), span.kind));
                }
                Some(false) => at += rest.chars().next().map_or(0, char::len_utf8),
            }
        }
        Some((line.len(), span.kind))
    }
}

/// A piece of this length, if it has any.
fn some(length: usize, kind: Kind) -> Option<(usize, Kind)> {
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
    for (at, letter) in letters.take(LONGEST_CHARACTER) {
        if letter == '\'' {
            return Some(Some(at + 1));
        }
    }
    if line.chars().count() > LONGEST_CHARACTER + 3 { Some(None) } else { more(None) }
}

fn is_in_number(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_')
}
