//! The newest model of a family, told from names alone: what is left of a name without its versions and
//! dates is its family.

use std::cmp::Reverse;

/// Words in a name that say how final a model is, and not what it is.
const STAGES: [&str; 5] = ["preview", "latest", "beta", "exp", "experimental"];

/// A number from here on is a year or a whole date, and no version.
const LEAST_YEAR: u64 = 500;

/// The newest of `listed` in the family of `model`, if there is one.
pub(crate) fn newest<'l>(model: &str, listed: &'l [String]) -> Option<&'l str> {
    let (own, _) = parts(model);
    let others = listed.iter().map(String::as_str).filter(|other| *other != model);
    let of_family =
        others.map(|name| (parts(name), name)).filter(|((family, _), _)| *family == own);
    // Of two names of the same version the shorter one has no date, and moves with the service.
    let newest =
        of_family.max_by_key(|((_, version), name)| (version.clone(), Reverse(name.len())));
    newest.map(|(_, name)| name).filter(|_| !own.is_empty())
}

/// The family of a name and the version in it: its words without figures, and its figures up to the
/// first that belongs to a date. `gpt-6.1-terra` and `openai/gpt-5-terra-2026-01-01` are `gpt terra`.
fn parts(name: &str) -> (Vec<String>, Vec<u64>) {
    let name = name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let (mut family, mut version) = (Vec::new(), Vec::new());
    let mut is_dated = false;
    for word in name.split(|letter: char| !letter.is_alphanumeric()) {
        if is_size(word) {
            family.push(word.to_owned());
            continue;
        }
        let letters: String = word.chars().filter(|letter| !letter.is_numeric()).collect();
        // A letter alone belongs to a version: v4, k3, 4o.
        if letters.chars().count() > 1 && !STAGES.contains(&letters.as_str()) {
            family.push(letters);
        }
        let figures = word.split(|letter: char| !letter.is_ascii_digit());
        for figure in figures.filter(|text| !text.is_empty()) {
            let number = figure.parse().unwrap_or(u64::MAX);
            is_dated |= number >= LEAST_YEAR;
            version.extend(Some(number).filter(|_| !is_dated));
        }
    }
    (family, version)
}

/// `120b`, `a22b`: how large a model is, not how new.
fn is_size(word: &str) -> bool {
    let figures = word.strip_prefix('a').unwrap_or(word).strip_suffix('b').unwrap_or_default();
    !figures.is_empty() && figures.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_family_is_found_by_its_name() {
        for (model, listed, expected) in [
            ("gpt-5.6-luna", &["gpt-6-luna", "gpt-6-sol", "gpt-5.9-luna"][..], Some("gpt-6-luna")),
            ("gpt-6-luna", &["gpt-6-luna", "gpt-6-luna-2026-09-22"], Some("gpt-6-luna-2026-09-22")),
            ("gpt-5-luna", &["gpt-6-luna-2026-09-22", "gpt-6-luna"], Some("gpt-6-luna")),
            (
                "claude-sonnet-4-6",
                &["claude-opus-5-5", "claude-sonnet-5", "claude-sonnet-5-5"],
                Some("claude-sonnet-5-5"),
            ),
            (
                "gemini-2.5-flash-preview-tts",
                &["gemini-3.8-flash", "gemini-3.8-flash-tts"],
                Some("gemini-3.8-flash-tts"),
            ),
            ("deepseek-v4-flash", &["deepseek-flash", "deepseek-v4-pro"], Some("deepseek-flash")),
            ("kimi-k3", &["kimi-k2.6", "kimi-k3.1"], Some("kimi-k3.1")),
            (
                "qwen3.6-plus",
                &["qwen3.10-plus", "qwen3.7-plus", "qwen4-max"],
                Some("qwen3.10-plus"),
            ),
            ("openai/gpt-oss-20b", &["openai/gpt-oss-120b"], None),
            ("whisper-1", &["gpt-transcribe"], None),
            ("模型-3", &["模型-4"], Some("模型-4")),
            ("3", &["4"], None),
            ("gpt-6-luna", &["gpt-6-luna"], None),
            ("gpt-6-luna", &[], None),
        ] {
            let listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(newest(model, &listed), expected, "{model} {listed:?}");
        }
    }
}
