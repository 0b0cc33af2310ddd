//! Regular expressions of JSON Schema (ECMA-262) in the words of fancy_regex.

const DIGITS: &str = "0-9";
const WORDS: &str = "A-Za-z0-9_";
const SPACES: &str = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const NO_LINE_END: &str = r"[^\n\r\x{2028}\x{2029}]";

/// The pattern so that it means to fancy_regex what it means in ECMA-262.
pub(super) fn translated(pattern: &str) -> String {
    let mut letters = pattern.chars().peekable();
    let (mut text, mut is_class, mut is_after_dash) = (String::new(), false, false);
    while let Some(letter) = letters.next() {
        let was_after_dash = std::mem::take(&mut is_after_dash);
        match letter {
            '\\' => escape(&mut letters, is_class, &mut text),
            '.' if !is_class => text.push_str(NO_LINE_END),
            '[' if !is_class => {
                is_class = true;
                text.push('[');
                text.extend(letters.next_if_eq(&'^'));
            }
            ']' => {
                is_class = false;
                text.push(']');
            }
            // What has a meaning in a class here, and none there.
            '[' | '&' | '~' if is_class => text.extend(['\\', letter]),
            '-' if was_after_dash => text.push_str("\\-"),
            letter => {
                is_after_dash = is_class && letter == '-';
                text.push(letter);
            }
        }
    }
    text
}

/// Translates what stands behind a backslash.
fn escape(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    is_class: bool,
    text: &mut String,
) {
    let Some(letter) = letters.next() else { return text.push('\\') };
    let class = match letter {
        'd' | 'D' => DIGITS,
        'w' | 'W' => WORDS,
        's' | 'S' => SPACES,
        'c' => match letters.next_if(char::is_ascii_alphabetic) {
            Some(control) => return text.push_str(&format!("\\x{:02x}", control as u32 % 32)),
            None => return text.push_str("\\c"),
        },
        letter => return text.extend(['\\', letter]),
    };
    match (letter.is_ascii_lowercase(), is_class) {
        (true, true) => text.push_str(class),
        (true, false) => text.extend(["[", class, "]"]),
        (false, _) => text.extend(["[^", class, "]"]),
    }
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn patterns_mean_what_they_mean_in_ecma_script() {
        let is_match = |pattern: &str, text: &str| {
            let regex = fancy_regex::Regex::new(&translated(pattern)).expect(pattern);
            regex.is_match(text).expect("is decided")
        };
        for (pattern, fits, misfits) in [
            (r"^\d{4}$", "2026", "١٢٣٤"),
            (r"^\w+$", "ab_9", "你"),
            (r"^\W$", "你", "a"),
            (r"^.$", "你", "\r"),
            (r"^\s$", "\u{feff}", "x"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[[]$", "[", "]"),
            (r"^[^[\]]+$", "ab", "a]"),
            (r"^[+--]$", ",", "x"),
            (r"^\cC$", "\u{3}", "C"),
        ] {
            assert!(is_match(pattern, fits) && !is_match(pattern, misfits), "{pattern}");
        }
    }
}
