//! The words of a server's command as they may be shown, and what in them may not. Knows no server.

use crate::http::request::{secrets_of_address, shown_address};
use crate::secret::{self, MASK, Secret};

/// What of a word must not be shown: its end, from there on.
enum Hidden<'w> {
    Secret(&'w str),
    /// An address, which may hold secrets.
    Address(&'w str),
}

/// The words with `***` in the place of secrets.
pub(super) fn shown(words: &[String]) -> Vec<String> {
    let word = |(word, hidden): (&String, Option<Hidden<'_>>)| {
        let (end, shown) = match hidden {
            None => return word.clone(),
            Some(Hidden::Secret(end)) => (end, MASK.to_owned()),
            Some(Hidden::Address(end)) => (end, shown_address(end)),
        };
        format!("{}{shown}", word.strip_suffix(end).unwrap_or_default())
    };
    words.iter().zip(hidden(words)).map(word).collect()
}

/// The secrets among the words, which the program may echo.
pub(super) fn secrets(words: &[String]) -> Vec<Secret> {
    let secrets = |hidden| match hidden {
        Hidden::Secret(text) => vec![Secret::new(text)],
        Hidden::Address(text) => secrets_of_address(text),
    };
    hidden(words).into_iter().flatten().flat_map(secrets).collect()
}

/// What is to be hidden of each word: by itself, or because the word before says what it is.
fn hidden(words: &[String]) -> Vec<Option<Hidden<'_>>> {
    let mut was_announced = false;
    let hidden = words.iter().map(|word| {
        let is_announced = was_announced;
        was_announced = announces(word, is_announced);
        match is_announced && !word.starts_with('-') && !secret::is_scheme(word) {
            true => Some(Hidden::Secret(secret::scheme_and_rest(word).1)),
            false => in_word(word),
        }
    });
    hidden.collect()
}

/// Whether the next word is a secret: behind `--api-key`, `Authorization:`, or a scheme that stands there.
fn announces(word: &str, is_announced: bool) -> bool {
    let is_name = word.starts_with('-') && !word.contains(['=', ':']) || word.ends_with(':');
    is_name && secret::is_secret_name(word.trim_end_matches(':'))
        || is_announced && secret::is_scheme(word)
}

/// What of a word, or of the value in `NAME=VALUE` and `NAME: VALUE`, must not be shown.
fn in_word(word: &str) -> Option<Hidden<'_>> {
    if secret::looks_like_a_key(word) || secret::is_secret_value(word) {
        return Some(Hidden::Secret(secret::scheme_and_rest(word).1));
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) if !name.contains("://") => (name, value),
        _ if word.contains("://") => return Some(Hidden::Address(word)),
        _ => word.split_once(':')?,
    };
    let value = value.trim_start();
    match secret::is_secret_name(name) && !value.is_empty() {
        true => Some(Hidden::Secret(secret::scheme_and_rest(value).1)),
        false => in_word(value),
    }
}
