//! Finds out of a refusal's words which one field of the request it is about, and whether that
//! field has another name there. Pure: words and fields in, a decision out.

use super::super::user_fields::{SetBy, UserFields};
use crate::error::Refused;

/// A change to a request that may make it acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldChange {
    /// Leave the field out.
    Drop(String),
    /// Send it under another name.
    Rename { from: String, to: String },
}

/// What to make of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RepairVerdict {
    /// Ask once more, with this change.
    Change(FieldChange),
    /// The user set the field that is refused, by this.
    Theirs { field: String, by: SetBy },
    /// The user set the field, and its value is refused.
    TheirValue { field: String, by: SetBy },
    /// It is about nothing that could be changed.
    Nothing,
}

/// Fields without which a request asks for nothing; where a flag sets one (`transcribe --prompt`), it
/// is a field as others are.
const ESSENTIAL: [&str; 10] = [
    "model",
    "messages",
    "input",
    "prompt",
    "file",
    "image",
    "query",
    "documents",
    "passages",
    "texts",
];

/// Fields of which a service that refuses one wants another value, not none.
const REQUIRED: [&str; 1] = ["voice"];

/// Words of which a refusal has some when it is a field that it minds.
const REFUSING: [&str; 19] = [
    "unsupported",
    "not supported",
    "not support",
    "unknown",
    "unrecognized",
    "unrecognised",
    "unexpected",
    "not permitted",
    "not allowed",
    "extra inputs",
    "cannot find field",
    "not available",
    "can only be",
    "invalid",
    "deprecated",
    "renamed",
    "replaced",
    "did you mean",
    "不支持",
];

/// Words with which a service refuses a value, and not the field.
const OF_VALUES: [&str; 31] = [
    "must be",
    "should be",
    "has to be",
    "must not exceed",
    "at most",
    "at least",
    "too large",
    "too small",
    "too high",
    "too low",
    "too big",
    "less than",
    "greater than",
    "maximum",
    "minimum",
    "between",
    "in the range",
    "out of range",
    "valid range",
    "exceeds",
    "expected a value",
    "supported values",
    "valid values",
    "allowed values",
    "invalid value",
    "unsupported value",
    "one of",
    "is allowed for this model",
    "取值",
    "范围",
    "不能大于",
];

/// Codes of refused values.
const VALUE_CODES: [&str; 4] = ["unsupported_value", "invalid_value", "above_max", "below_min"];

/// Whether the value is refused, and not the field.
fn is_about_value(refused: &Refused) -> bool {
    let code = refused.code.as_deref().unwrap_or_default();
    let words = refused.words.to_lowercase();
    VALUE_CODES.iter().any(|known| code.contains(known))
        || OF_VALUES.iter().any(|of_value| words.contains(of_value))
}

/// What to make of a refusal (400 or 422) of a request with these fields: name, and value where it
/// is a text. `own` tells which of them are the user's, `eases` which we add for our own ease.
///
/// A new name that the service gives holds for a field of the user's too, as the value is kept.
/// Else a field of theirs is never taken away.
pub(crate) fn decide(
    refused: &Refused,
    fields: &[(String, Option<String>)],
    own: &UserFields,
    eases: &[&str],
) -> RepairVerdict {
    let is_refusal = matches!(refused.status, Some(400 | 422));
    let found = if is_refusal { named(refused, fields, own) } else { None };
    let Some((field, value)) = found else {
        let is_ours = |name: &str| eases.contains(&name) && own.by(name).is_none();
        return match mentioned(refused, fields, own) {
            Some(field) if is_ours(field) => {
                RepairVerdict::Change(FieldChange::Drop(field.to_owned()))
            }
            _ => RepairVerdict::Nothing,
        };
    };
    if let Some(to) = other_name(refused, field, value.as_deref())
        && !fields.iter().any(|(name, _)| *name == to)
    {
        return RepairVerdict::Change(FieldChange::Rename { from: field.clone(), to });
    }
    match own.by(field) {
        Some(by) if is_about_value(refused) => {
            RepairVerdict::TheirValue { field: field.clone(), by: by.clone() }
        }
        Some(by) => RepairVerdict::Theirs { field: field.clone(), by: by.clone() },
        None if REQUIRED.contains(&field.as_str()) => RepairVerdict::Nothing,
        None => RepairVerdict::Change(FieldChange::Drop(field.clone())),
    }
}

/// The one field that the refusal names, if it is one that could be changed.
fn named<'f>(
    refused: &Refused,
    fields: &'f [(String, Option<String>)],
    own: &UserFields,
) -> Option<&'f (String, Option<String>)> {
    let by_name = |name: &str| {
        let name = plain(name);
        fields.iter().find(|(field, _)| plain(field) == name)
    };
    // vLLM writes the name behind its words, and there alone if `param` is empty.
    let behind = refused.words.split_once("(parameter=").map(|(_, rest)| rest);
    let behind = behind.and_then(|rest| rest.split(')').next());
    if let Some(param) = refused.param.as_deref().filter(|param| !param.is_empty()).or(behind) {
        // `stream_options.include_usage`, and `body.reasoning_effort`.
        let parts = param.split(['.', '[']);
        let field = by_name(param).or_else(|| parts.take(2).find_map(by_name));
        return field.filter(|(name, _)| !is_essential(name, own));
    }
    let lower = refused.words.to_lowercase();
    if !REFUSING.iter().any(|words| lower.contains(words)) {
        return None;
    }
    the_one(refused, fields, own)
}

fn is_essential(name: &str, own: &UserFields) -> bool {
    ESSENTIAL.contains(&name) && !matches!(own.by(name), Some(SetBy::Flag(_)))
}

/// The field whose name stands in the words of any answer that is none about key, money or pace.
fn mentioned<'f>(
    refused: &Refused,
    fields: &'f [(String, Option<String>)],
    own: &UserFields,
) -> Option<&'f str> {
    if matches!(refused.status, None | Some(401..=403 | 408 | 429)) {
        return None;
    }
    the_one(refused, fields, own).map(|(name, _)| name.as_str())
}

/// The one field, beside those without which nothing is asked for, that the words speak of.
fn the_one<'f>(
    refused: &Refused,
    fields: &'f [(String, Option<String>)],
    own: &UserFields,
) -> Option<&'f (String, Option<String>)> {
    let mut found: Vec<&(String, Option<String>)> = Vec::new();
    for word in words(&refused.words).into_iter().filter(RefusalWord::is_a_name) {
        let name = plain(word.text);
        if let Some(field) = fields.iter().find(|(field, _)| plain(field) == name)
            && !is_essential(&field.0, own)
            && !found.iter().any(|(name, _)| *name == field.0)
        {
            found.push(field);
        }
    }
    match found[..] {
        [field] => Some(field),
        _ => None,
    }
}

/// A field's name without what services write differently: `presencePenalty`, `stop[]`.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The name under which the service wants the field: `Use 'max_completion_tokens' instead`.
fn other_name(refused: &Refused, field: &str, value: Option<&str>) -> Option<String> {
    let words = words(&refused.words);
    // `response_format 'text' is not supported, use 'json' instead` is about a value.
    if value.is_some_and(|value| words.iter().any(|word| word.is_quoted && word.text == value)) {
        return None;
    }
    let is_name = |word: &&RefusalWord<'_>| {
        word.text.starts_with(|first: char| first.is_ascii_lowercase())
            && plain(word.text) != plain(field)
            && are_related(field, word.text)
    };
    let at = |index: usize| words.get(index).map_or("", |word| word.text).to_ascii_lowercase();
    let asks = |index: usize| {
        let (before, last) = (at(index.wrapping_sub(2)), at(index.wrapping_sub(1)));
        let is_use = last == "use" || (before == "use" && matches!(&*last, "the" | "parameter"));
        let then = (index + 1..index + 4).any(|index| at(index) == "instead");
        let is_mean = matches!((&*before, &*last), ("you", "mean") | ("renamed" | "replaced", _));
        (is_use && (then || words[index].is_quoted || words[index].text.contains('_'))) || is_mean
    };
    let found = (0..words.len()).find(|index| asks(*index) && is_name(&&words[*index]))?;
    Some(words[found].text.to_owned())
}

/// Whether two names share a part, as all known pairs do: `max_tokens` and `max_completion_tokens`,
/// `seed` and `random_seed`, `dimensions` and `output_dimension`.
fn are_related(one: &str, other: &str) -> bool {
    one.split('_').any(|a| {
        let fits = |b: &str| a.len().min(b.len()) >= 3 && (a.starts_with(b) || b.starts_with(a));
        other.split('_').any(fits)
    })
}

/// A word out of a refusal, and how it stands there.
struct RefusalWord<'w> {
    text: &'w str,
    is_quoted: bool,
    /// The text in front of it and behind it.
    before: &'w str,
    behind: &'w str,
}

impl RefusalWord<'_> {
    /// Whether the word stands for a field. `stop` and `user` are common words too; they must be
    /// quoted, or stand where a name does.
    fn is_a_name(&self) -> bool {
        let is_special = self.text.contains('_')
            || self.text.chars().skip(1).any(|letter| letter.is_ascii_uppercase())
                && self.text.starts_with(|first: char| first.is_ascii_lowercase());
        let before = self.before.trim_end().to_lowercase();
        let introduced = ["parameter", "parameter:", "field", "field:", "argument", "argument:"]
            .iter()
            .any(|word| before.ends_with(word));
        let is_last = self.behind.trim_matches(['.', ' ']).is_empty() && before.ends_with(':');
        let refused =
            [" is not supported", " is not permitted", " is not allowed", ": extra inputs"]
                .iter()
                .any(|words| self.behind.to_lowercase().starts_with(words));
        self.is_quoted || is_special || introduced || is_last || refused
    }
}

/// The words that a name could be: letters, digits, `_`, `[]`. `body.store` is two of them.
fn words(text: &str) -> Vec<RefusalWord<'_>> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_[]".contains(letter);
    let mut found = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(letter), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let (before, behind) = (&text[..from], &text[at..]);
                let quote = ['\'', '"', '`', '“', '‘'];
                let is_quoted =
                    before.ends_with(quote) && behind.starts_with(['\'', '"', '`', '”', '’']);
                found.push(RefusalWord { text: &text[from..at], is_quoted, before, behind });
                start = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
