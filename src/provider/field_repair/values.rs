//! A refusal that is about the value of a field and not about the field. Pure.

/// Words that stand before the values that would do.
const BEFORE_LIST: [&str; 11] = [
    "values are",
    "values:",
    "values include",
    "one of",
    "must be",
    "should be",
    "choose from",
    "expected",
    "allowed",
    "options are",
    "取值",
];

/// So many values are named; a service may list hundreds.
const MOST: usize = 12;

/// What to do about a value that is refused; `None` if the words are about no value.
pub(super) fn advice(words: &str) -> Option<String> {
    // Lower case keeps no offsets in every script: the list is looked for in the lower words themselves.
    let lower = words.to_lowercase();
    let list =
        BEFORE_LIST.iter().filter_map(|mark| lower.find(mark).map(|at| at + mark.len())).min();
    let rest = list.and_then(|at| words.get(at..).filter(|_| words.len() == lower.len()));
    let values = rest.map(quoted).unwrap_or_default();
    match values.len() {
        0 if says_value(&lower) => Some("another value may be accepted".to_owned()),
        0 => None,
        1 => Some(format!("{} would be accepted", values[0])),
        _ => Some(format!("it takes {}", values.join(", "))),
    }
}

fn says_value(lower: &str) -> bool {
    ["invalid value", "unsupported value", "not a valid value", "out of range", "取值", "值无效"]
        .iter()
        .any(|words| lower.contains(words))
}

/// The words in quotes, each without them.
fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let quote = &rest[start..=start];
        let inside = &rest[start + 1..];
        let Some(end) = inside.find(quote) else { break };
        let value = &inside[..end];
        if !value.is_empty() && value.len() <= 40 && found.len() < MOST && !found.contains(&value) {
            found.push(value);
        }
        rest = &inside[end + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_that_the_service_lists_are_named() {
        for (words, expected) in [
            (
                "Invalid value: 'hd'. Supported values are: 'low', 'medium', 'high', and 'auto'.",
                Some("it takes low, medium, high, auto"),
            ),
            ("Input should be 'a' or 'b'", Some("it takes a, b")),
            ("Invalid value: '5x5'", Some("another value may be accepted")),
            ("n must be 1", None),
            ("Unknown parameter: 'quality'", None),
            ("size 取值: \"1K\", \"2K\"", Some("it takes 1K, 2K")),
        ] {
            assert_eq!(advice(words).as_deref(), expected, "{words}");
        }
    }
}
