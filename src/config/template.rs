//! The templates of request bodies (a profile's `bodies`): which words may stand in one, and how a text
//! of it falls into words and what is between them. Fills nothing in.

use serde_json::Value;
use toml::de::DeValue;

use super::field::FieldMap;
use super::job::Job;
use super::schema::{Word, nearest};
use super::source::Item;
use super::value::FromToml;
use crate::error::Failure;

/// The sign before a word; twice, it stands for itself.
const WORD_SIGN: char = '$';

/// The word for the fields that stand nowhere else: as a value an object of them; as a name, with the
/// value `true`, they are laid into the object that it stands in.
pub(crate) const REST: &str = "rest";

/// The same with its sign, as the name of a member.
pub(crate) const REST_MEMBER: &str = "$rest";

const SIZES: &[&str] = &["size", "size.width", "size.height"];
/// What is to be had of a file: a data URL, its base64, its media type, the name of its format.
const FACETS: [&str; 4] = ["url", "data", "type", "format"];

/// A stretch of a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplatePiece<'t> {
    /// Goes out as it is.
    Plain(&'t str),
    /// A word, without its sign.
    Word(&'t str),
}

/// The pieces of a text, in order. A word is letters and `_`, and parts of it behind dots.
pub(crate) fn pieces(text: &str) -> Vec<TemplatePiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(WORD_SIGN) {
        let (before, behind) = (&rest[..at], &rest[at + WORD_SIGN.len_utf8()..]);
        if !before.is_empty() {
            pieces.push(TemplatePiece::Plain(before));
        }
        if let Some(doubled) = behind.strip_prefix(WORD_SIGN) {
            pieces.push(TemplatePiece::Plain(&behind[..WORD_SIGN.len_utf8()]));
            rest = doubled;
            continue;
        }
        let end = behind.find(|letter: char| !is_of_word(letter)).unwrap_or(behind.len());
        // The full stop behind a word ends a sentence.
        let word = behind[..end].trim_end_matches('.');
        pieces.push(TemplatePiece::Word(word));
        rest = &behind[word.len()..];
    }
    if !rest.is_empty() {
        pieces.push(TemplatePiece::Plain(rest));
    }
    pieces
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '_' || letter == '.'
}

/// The words for the request fields of a job (specification, the requests of these endpoints), and for
/// the files that go along with it; `None` if the job has no template. A field of another name goes
/// where `$rest` stands.
fn fields_and_files(job: Job) -> Option<(&'static [&'static str], &'static [&'static str])> {
    const IMAGE: &[&str] = &["model", "prompt", "n", "quality", "background", "output_format"];
    Some(match job {
        Job::Image => (IMAGE, &[]),
        Job::ImageEdit => (IMAGE, &["picture", "pictures", "mask"]),
        Job::Transcribe => {
            (&["model", "language", "prompt", "temperature", "response_format"], &["audio"])
        }
        Job::Translate => (&["model", "prompt", "temperature", "response_format"], &["audio"]),
        Job::Speak => {
            (&["model", "input", "voice", "instructions", "speed", "response_format"], &[])
        }
        Job::Chat | Job::Embed | Job::Rerank | Job::Models => return None,
    })
}

/// The words that may stand in a template for this job; `None` if it has no template.
fn words(job: Job) -> Option<Vec<String>> {
    let (fields, files) = fields_and_files(job)?;
    let sizes = if matches!(job, Job::Image | Job::ImageEdit) { SIZES } else { &[] };
    let plain = fields.iter().chain(sizes).chain(&[REST]).map(|word| (*word).to_owned());
    let files = files.iter().flat_map(|file| FACETS.map(|facet| format!("{file}.{facet}")));
    Some(plain.chain(files).collect())
}

/// Reads the table of templates: one for each job.
///
/// # Errors
/// A job that has no such template, or an unknown word, with file and line.
pub(super) fn bodies(item: &Item<'_>) -> Result<FieldMap<Value>, Failure> {
    FieldMap::read(item, |job, item| {
        let Some(words) = Job::of(job).and_then(words) else {
            let known = Job::ALL.iter().filter(|job| fields_and_files(**job).is_some());
            let known: Vec<&str> = known.map(|job| job.name()).collect();
            let what = format!("`bodies` has no `{job}`; its jobs are {}", known.join(", "));
            return Err(item.wrong_key(&what));
        };
        item.members("")?;
        check(&item.name, &words, item)?;
        Value::from_toml(item)
    })
}

/// Looks for unknown words, in all texts of the template `template`.
fn check(template: &str, known: &[String], item: &Item<'_>) -> Result<(), Failure> {
    match item.value {
        DeValue::String(text) => {
            let pieces = pieces(text);
            let is_unknown = |word: &str| !known.iter().any(|one| one == word);
            let is_alone = pieces.len() == 1;
            for piece in pieces {
                if let TemplatePiece::Word(word) = piece {
                    if is_unknown(word) {
                        return Err(unknown(template, known, word, item));
                    }
                    if word == REST && !is_alone {
                        let what =
                            format!("`{REST_MEMBER}` stands alone, it is no text ({template})");
                        return Err(item.wrong(&what));
                    }
                }
            }
            Ok(())
        }
        DeValue::Array(_) => {
            item.items("a list")?.iter().try_for_each(|item| check(template, known, item))
        }
        DeValue::Table(_) => item.members("")?.into_iter().try_for_each(|(name, item)| {
            if name == REST_MEMBER {
                if item.value.as_bool() != Some(true) {
                    return Err(item.mistyped("true"));
                }
            } else if name.contains(WORD_SIGN) {
                let what = format!(
                    "`{name}` in {template} is not allowed as a name: only `{REST_MEMBER}` is"
                );
                return Err(item.wrong_key(&what));
            }
            check(template, known, &item)
        }),
        _ => Ok(()),
    }
}

fn unknown(template: &str, known: &[String], word: &str, item: &Item<'_>) -> Failure {
    let failure = item.wrong(&format!("unknown word `${word}` in {template}"));
    match nearest(word, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `${near}`?")),
        None => {
            let all: Vec<String> = known.iter().map(|word| format!("${word}")).collect();
            failure.hint(format!("known words: {}; `$$` is a dollar sign", all.join(", ")))
        }
    }
}

/// Every word of a template, those that are names of members included.
pub(crate) fn all_words(template: &Value) -> Vec<&str> {
    match template {
        Value::String(text) => {
            let word = |piece| match piece {
                TemplatePiece::Word(word) => Some(word),
                TemplatePiece::Plain(_) => None,
            };
            pieces(text).into_iter().filter_map(word).collect()
        }
        Value::Array(items) => items.iter().flat_map(all_words).collect(),
        Value::Object(members) => {
            let is_rest = members.contains_key(REST_MEMBER);
            is_rest
                .then_some(REST)
                .into_iter()
                .chain(members.values().flat_map(all_words))
                .collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_text_falls_into_words_and_what_is_between() {
        use TemplatePiece::{Plain, Word};
        for (text, expected) in [
            ("", vec![]),
            ("猫", vec![Plain("猫")]),
            ("$prompt", vec![Word("prompt")]),
            ("$size.width*$size.height", vec![Word("size.width"), Plain("*"), Word("size.height")]),
            ("In $language. 你", vec![Plain("In "), Word("language"), Plain(". 你")]),
            ("$$5 $Prompt", vec![Plain("$"), Plain("5 "), Word(""), Plain("Prompt")]),
            ("$", vec![Word("")]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_found_at_any_depth() {
        let template = json!({"a": ["$model", {"b": "x $voice"}], "$rest": true, "c": 1});
        assert_eq!(all_words(&template), ["rest", "model", "voice"]);
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_lost(text in "[$a-c.你 ]{0,20}") {
            let whole: String = pieces(&text)
                .into_iter()
                .map(|piece| match piece {
                    TemplatePiece::Plain("$") => "$$".to_owned(),
                    TemplatePiece::Plain(plain) => plain.to_owned(),
                    TemplatePiece::Word(word) => format!("${word}"),
                })
                .collect();
            prop_assert_eq!(whole, text);
        }
    }
}
