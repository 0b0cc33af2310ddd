//! What is known of the languages of code blocks: names, comments, strings and keywords. The table is
//! `languages.toml`, read when the first code block with a language opens.

use std::cmp::Reverse;
use std::sync::LazyLock;

use serde::Deserialize;

use super::token::TokenKind;

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let table: LanguageTable =
        toml::from_str(include_str!("languages.toml")).expect("a test reads this table");
    table.language.into_iter().map(Language::with_spans).collect()
});

#[derive(Debug, Deserialize)]
struct LanguageTable {
    language: Vec<Language>,
}

/// One language.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Language {
    /// The names that stand behind a fence, in lower case.
    names: Vec<String>,
    /// The marks of comments that go to the end of their line.
    pub(super) line_comments: Vec<String>,
    /// Such a comment begins only behind a space: `$#` is none.
    pub(super) comments_need_space: bool,
    /// The first and the last mark of comments that may span lines.
    block_comments: Vec<[String; 2]>,
    /// The quotes of strings of one line; a backslash escapes the next character.
    strings: Vec<String>,
    /// The same for strings that may span lines.
    long_strings: Vec<String>,
    /// The first and the last mark of strings in which a backslash is just a backslash.
    raw_strings: Vec<[String; 2]>,
    /// A single `'` begins a character or a lifetime, not a string.
    pub(super) has_characters: bool,
    /// Beginnings of lines that decide what the whole line is.
    pub(super) lines: Vec<(String, TokenKind)>,
    /// The characters of words besides letters, digits and `_`.
    letters: String,
    /// Separated by white space.
    keywords: String,
    /// The keywords are in lower case here and may be written in any case.
    ignores_case: bool,
    /// All strings and block comments; of two that begin alike the longer one comes first.
    #[serde(skip)]
    pub(super) spans: Vec<TokenSpan>,
}

/// Code between two marks.
#[derive(Debug)]
pub(super) struct TokenSpan {
    pub(super) open: String,
    pub(super) close: String,
    pub(super) kind: TokenKind,
    /// A backslash escapes the next character.
    pub(super) has_escapes: bool,
    /// It may go on in the next line.
    pub(super) is_long: bool,
}

impl Language {
    fn with_spans(mut self) -> Self {
        let between = |kind| {
            move |[open, close]: [String; 2]| TokenSpan {
                open,
                close,
                kind,
                has_escapes: false,
                is_long: true,
            }
        };
        let quoted = |is_long| {
            move |mark: String| TokenSpan {
                open: mark.clone(),
                close: mark,
                kind: TokenKind::String,
                has_escapes: true,
                is_long,
            }
        };
        let comments = std::mem::take(&mut self.block_comments).into_iter();
        self.spans.extend(comments.map(between(TokenKind::Comment)));
        let raw = std::mem::take(&mut self.raw_strings).into_iter();
        self.spans.extend(raw.map(between(TokenKind::String)));
        self.spans.extend(std::mem::take(&mut self.strings).into_iter().map(quoted(false)));
        self.spans.extend(std::mem::take(&mut self.long_strings).into_iter().map(quoted(true)));
        self.spans.sort_by_key(|span| Reverse(span.open.len()));
        self
    }

    pub(super) fn is_in_word(&self, character: char) -> bool {
        character.is_ascii_alphanumeric() || character == '_' || self.letters.contains(character)
    }

    pub(super) fn has_keyword(&self, word: &str) -> bool {
        self.keywords.split_ascii_whitespace().any(|keyword| match self.ignores_case {
            true => keyword.eq_ignore_ascii_case(word),
            false => keyword == word,
        })
    }
}

/// The language of this name, in any letter case.
pub(super) fn named(name: &str) -> Option<&'static Language> {
    let is_it = |known: &String| known.eq_ignore_ascii_case(name);
    LANGUAGES.iter().find(|language| language.names.iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::code::MAX_WORD;
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let mut names = BTreeSet::new();
        for language in LANGUAGES.iter() {
            for name in &language.names {
                assert!(names.insert(name), "{name} stands twice");
                assert_eq!(*name, name.to_lowercase());
            }
            for keyword in language.keywords.split_ascii_whitespace() {
                assert!(keyword.len() <= MAX_WORD, "{keyword}");
                let is_word = |c: char| language.is_in_word(c);
                assert!(keyword.chars().all(is_word), "{keyword} of {:?}", language.names);
            }
            for span in &language.spans {
                assert!(!span.open.is_empty() && !span.close.is_empty());
            }
        }
        assert!(named("RUST").is_some() && named("text").is_none() && named("").is_none());
    }
}
