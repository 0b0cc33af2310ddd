//! What a service's refusal of a speech request teaches: the length of text that it takes, and that it
//! gives bare samples alone. Pure.

use super::split::TextLimit;
use crate::audio::format::SpeechFormat;

/// A smaller number in the words of a refusal is no limit of a text.
const SMALLEST_LIMIT: usize = 16;

/// Words of a text that is too long, and words of what is counted.
const TOO_LONG: [&str; 18] = [
    "too long",
    "too_long",
    "exceed",
    "maximum",
    "max ",
    "max_",
    "at most",
    "longer than",
    "less than",
    "limit",
    "up to",
    "over ",
    "超过",
    "过长",
    "超长",
    "上限",
    "最大",
    "最多",
];
const OF_TEXT: [&str; 10] =
    ["character", "char", "byte", "length", "input", "text", "字符", "字节", "字数", "长度"];

/// Whether a refusal says that the text is too long.
pub(crate) fn is_too_long(status: u16, words: &str) -> bool {
    let words = words.to_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    matches!(status, 400 | 413 | 422 | 500) && any(&TOO_LONG) && any(&OF_TEXT)
}

/// The limit that a refusal of this text as too long names. A number that the text has not as many
/// characters as, but more bytes than, counts bytes.
pub(crate) fn text_limit(words: &str, text: &str) -> Option<TextLimit> {
    let (characters, bytes) = (text.chars().count(), text.len());
    let numbers = numbers(words);
    let below = |most: usize| {
        numbers.iter().copied().filter(|number| (SMALLEST_LIMIT..most).contains(number)).max()
    };
    let counts_bytes = words.to_lowercase().contains("byte") || words.contains("字节");
    match below(characters).filter(|_| !counts_bytes) {
        Some(limit) => Some(TextLimit::Characters(limit)),
        None => below(bytes).map(TextLimit::Bytes),
    }
}

/// The whole numbers in a text: `4,096` is one, a long id is none.
fn numbers(words: &str) -> Vec<usize> {
    let plain: Vec<char> = words.chars().collect();
    let is_digit = |at: usize| plain.get(at).is_some_and(char::is_ascii_digit);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < plain.len() {
        if !is_digit(at) {
            at += 1;
            continue;
        }
        let begin = at;
        let mut digits = String::new();
        while is_digit(at)
            || (plain[at..].first() == Some(&',') && (1..4).all(|n| is_digit(at + n)))
        {
            digits.extend(plain.get(at).filter(|digit| digit.is_ascii_digit()));
            at += 1;
        }
        // A part of a name, such as `gpt-4o` or an id.
        let in_word =
            |other: Option<&char>| other.is_some_and(|c| c.is_ascii_alphabetic() || *c == '_');
        let is_apart = !in_word(begin.checked_sub(1).and_then(|before| plain.get(before)))
            && !in_word(plain.get(at));
        if digits.len() <= 7 && is_apart {
            found.extend(digits.parse::<usize>());
        }
    }
    found
}

/// Whether a refusal of this format says that samples without a head are all that there is.
pub(crate) fn wants_pcm(status: u16, words: &str, asked: Option<SpeechFormat>) -> bool {
    let words = words.to_lowercase();
    let has =
        |name: &str| words.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
    let others = ["mp3", "opus", "aac", "flac", "wav", "ogg"];
    let asked = asked.map_or("", SpeechFormat::name);
    matches!(status, 400 | 415 | 422 | 500)
        && asked != "pcm"
        && has("pcm")
        && words.contains("format")
        && !others.iter().any(|name| *name != asked && has(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_limit() {
        let (latin, chinese) = ("a".repeat(5000), "春".repeat(1366));
        let over = "input is too long (over 4096 characters) (request id: 2026112818540225190450)";
        for (words, text, limit) in [
            (over, &chinese, Some(TextLimit::Bytes(4096))),
            (over, &latin, Some(TextLimit::Characters(4096))),
            (
                "text length 5000 exceeds the maximum of 2,000",
                &latin,
                Some(TextLimit::Characters(2000)),
            ),
            ("at most 600 bytes of text", &chinese, Some(TextLimit::Bytes(600))),
            ("文本长度不能超过300字节", &chinese, Some(TextLimit::Bytes(300))),
            ("gpt-4o_900: input too long", &latin, None),
        ] {
            assert!(is_too_long(400, words), "{words}");
            assert_eq!(text_limit(words, text), limit, "{words}");
        }
        for words in ["voice not found", "speed must be at most 4", "rate limit"] {
            assert!(!is_too_long(400, words), "{words}");
        }
        assert!(!is_too_long(429, over));
    }

    #[test]
    fn a_service_of_bare_samples_is_told() {
        let wav = Some(SpeechFormat::Wav);
        for words in [
            "Only 'pcm' response_format is supported",
            "Unsupported response_format: wav. Supported formats: [\"pcm\"]",
        ] {
            assert!(wants_pcm(400, words, wav), "{words}");
        }
        assert!(!wants_pcm(400, "format must be one of mp3, pcm", wav));
        assert!(!wants_pcm(400, "format must be pcm", Some(SpeechFormat::Pcm)));
        assert!(!wants_pcm(429, "format must be pcm", wav));
    }
}
