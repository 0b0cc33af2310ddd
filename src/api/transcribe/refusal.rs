//! What a service's refusal of a recording teaches: how long it may be, and that its format is not
//! taken. Pure.

/// Words of a recording that is too long, and words of a length.
const TOO_LONG: [&str; 17] = [
    "too long",
    "too_long",
    "longer than",
    "exceed",
    "maximum",
    "max ",
    "max_",
    "at most",
    "limit",
    "up to",
    "less than",
    "within",
    "不能超过",
    "超过",
    "过长",
    "最长",
    "最大",
];
const OF_LENGTH: [&str; 6] = ["duration", "audio", "length", "recording", "时长", "音频"];

/// Units of time with their seconds, as they stand behind a number.
const UNITS: [(&str, f64); 14] = [
    ("milliseconds", 0.001),
    ("ms", 0.001),
    ("seconds", 1.0),
    ("second", 1.0),
    ("secs", 1.0),
    ("sec", 1.0),
    ("s", 1.0),
    ("minutes", 60.0),
    ("minute", 60.0),
    ("mins", 60.0),
    ("min", 60.0),
    ("hours", 3600.0),
    ("秒", 1.0),
    ("分钟", 60.0),
];

/// The most seconds that a refusal says a recording may have; `None` if it says nothing of the kind.
pub(crate) fn longest_sound(status: u16, words: &str) -> Option<u64> {
    let words = words.to_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if !matches!(status, 400 | 413 | 422 | 500) || !any(&TOO_LONG) || !any(&OF_LENGTH) {
        return None;
    }
    // Where the recording's own length is named too, it is the longer one.
    let shortest = times(&words).into_iter().fold(f64::INFINITY, f64::min);
    (1.0..1e7).contains(&shortest).then_some(shortest as u64)
}

/// Numbers with a unit of time behind them, in seconds.
fn times(words: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let mut rest = words;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let is_in_word =
            rest[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        rest = &rest[at..];
        let end = rest.find(|c| !is_of_number(c)).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        rest = behind;
        let unit = behind.trim_start_matches([' ', '-', '_']);
        let unit = UNITS
            .iter()
            .find(|(unit, _)| {
                let is_over = |next: char| !next.is_ascii_alphanumeric();
                let next = unit_end(behind, unit).and_then(|rest| rest.chars().next());
                unit_end(behind, unit).is_some() && (!unit.is_ascii() || next.is_none_or(is_over))
            })
            .filter(|_| !unit.is_empty());
        let number = number.trim_end_matches(['.', ',']).replace(',', "");
        if let (Some((_, seconds)), Ok(number), false) = (unit, number.parse::<f64>(), is_in_word) {
            found.push(number * seconds);
        }
    }
    found
}

/// What follows a unit that stands at the beginning, blanks and a hyphen passed over.
fn unit_end<'a>(text: &'a str, unit: &str) -> Option<&'a str> {
    text.trim_start_matches([' ', '-', '_']).strip_prefix(unit)
}

/// Whether a refusal says that the file's own format is not taken.
pub(crate) fn refuses_file(status: u16, words: &str) -> bool {
    let words = words.to_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let is_of_answer = any(&["response_format", "response format", "srt", "vtt", "json"]);
    matches!(status, 400 | 415 | 422 | 500)
        && !is_of_answer
        && (any(&[
            "invalid file format",
            "unsupported file",
            "file format",
            "audio format",
            "unsupported format",
            "unsupported audio",
            "could not be decoded",
            "cannot decode",
            "failed to decode",
            "unsupported media",
            "unsupported mime",
            "not a supported",
            "format is not supported",
            "格式不支持",
            "不支持的音频",
            "不支持的文件",
            "音频格式",
            "文件格式",
        ]) || (any(&["supported"]) && any(&["mp3", "wav"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_longest_recording() {
        for (words, seconds) in [
            (
                "audio duration 2158.5 seconds is longer than 1400 seconds which is the maximum for this model",
                Some(1400),
            ),
            ("Audio too long: maximum is 30 minutes", Some(1800)),
            ("audio length 65.2s exceeds the 60s limit", Some(60)),
            ("音频时长不能超过30秒", Some(30)),
            ("音频时长 3600 秒，最长 10 分钟", Some(600)),
            ("audio is too long (max_duration: 1,500 s)", Some(1500)),
            ("The audio file is longer than the limit", None),
            ("gpt-4o-30s: audio too long", None),
            ("the prompt has 30 seconds", None),
            ("file exceeds 25 MB of audio", None),
        ] {
            assert_eq!(longest_sound(400, words), seconds, "{words}");
        }
        assert_eq!(longest_sound(429, "audio limit: 60 seconds"), None);
    }

    #[test]
    fn a_refusal_of_the_file_is_told_from_others() {
        for words in [
            "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'wav']",
            "Audio file might be corrupted or unsupported: unsupported file",
            "file must be one of the supported types: mp3, wav",
            "音频格式不支持",
        ] {
            assert!(refuses_file(400, words), "{words}");
        }
        for words in
            ["Only 'json' response_format is supported", "the model is not supported", "no"]
        {
            assert!(!refuses_file(400, words), "{words}");
        }
    }
}
