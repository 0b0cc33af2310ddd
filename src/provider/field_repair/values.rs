//! A refusal of a field's value, as opposed to the field: what it says of the values that are taken. Pure.

/// Words of a refusal that minds the value.
const OF_VALUE: [&str; 20] = [
    "one of",
    "invalid value",
    "unsupported value",
    "supported values",
    "supported formats",
    "supported voices",
    "valid values",
    "valid options",
    "valid voices",
    "allowed values",
    "available voices",
    "available values",
    "available options",
    "options are",
    "values are",
    "voices are",
    "input should be",
    "not a valid",
    "取值",
    "可选",
];

/// The longest list that a hint repeats.
const MOST: usize = 12;

/// What to say of a refused value: the values that the service lists, or that there are others. `None`
/// where the refusal is about the field itself. `sent` is the value that was refused.
pub(super) fn hint(words: &str, sent: Option<&str>) -> Option<String> {
    let lower = words.to_lowercase();
    let at = OF_VALUE.iter().filter_map(|word| Some(lower.rfind(word)? + word.len())).max()?;
    // Letters may have become longer or shorter with their case.
    let rest = words.get(at..).unwrap_or_default();
    let values = listed(rest, sent);
    Some(match values.len() {
        0 => "another value may be taken".to_owned(),
        length if length > MOST => {
            format!("the service takes {} and {} more", values[..MOST].join(", "), length - MOST)
        }
        _ => format!("the service takes {}", values.join(", ")),
    })
}

/// The values in a list: those in quotes, else those between commas up to the end of the sentence.
fn listed<'w>(words: &'w str, sent: Option<&str>) -> Vec<&'w str> {
    let mut values: Vec<&str> = Vec::new();
    let mut rest = words;
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let quote = &rest[at..=at];
        let Some(end) = rest[at + 1..].find(quote) else { break };
        values.push(&rest[at + 1..at + 1 + end]);
        rest = &rest[at + end + 2..];
    }
    if values.is_empty() {
        let list = words.trim_start_matches(|c: char| !c.is_alphanumeric());
        let list = list.split(['.', '。', '\n', ';', ')', ']']).next().unwrap_or_default();
        values = list
            .split([',', '、', '，'])
            .map(|value| {
                let value = value.trim();
                value.strip_prefix("and ").or(value.strip_prefix("or ")).unwrap_or(value)
            })
            .collect();
        if values.len() < 2 {
            return Vec::new();
        }
    }
    let is_value = |value: &&str| {
        !value.trim().is_empty()
            && value.len() <= 40
            && Some(*value) != sent
            && !value.contains(['\'', '"'])
    };
    values.retain(is_value);
    let mut seen = Vec::new();
    values.retain(|value| {
        let is_new = !seen.contains(value);
        seen.push(*value);
        is_new
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_that_a_service_lists_are_repeated() {
        for (words, expected) in [
            (
                "Invalid value: 'bob'. Supported values are: 'alloy', 'echo', and 'nova'.",
                "the service takes alloy, echo, nova",
            ),
            ("Input should be 'mp3', 'wav' or 'pcm'", "the service takes mp3, wav, pcm"),
            ("voice must be one of [alloy, echo, nova]", "the service takes alloy, echo, nova"),
            (
                "Supported formats: mp3, wav and more. Try again",
                "the service takes mp3, wav and more",
            ),
            ("bob is not a valid voice", "another value may be taken"),
        ] {
            assert_eq!(hint(words, Some("bob")).as_deref(), Some(expected), "{words}");
        }
        for words in ["Unknown field: speed", "speed is not supported by this model"] {
            assert_eq!(hint(words, None), None, "{words}");
        }
    }
}
