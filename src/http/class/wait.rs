//! Times to wait that a service names outside of `Retry-After`: in its words, and in headers that tell
//! when a limit starts anew.

use std::time::Duration;

/// Words behind which a time to wait stands.
const BEFORE: &[&str] = &[
    "try again in ",
    "try again after ",
    "retry in ",
    "retry after ",
    "retrying in ",
    "retry your request after ",
    "wait for ",
    "wait ",
    "available in ",
    "reset in ",
    "resets in ",
    "请在",
    "请等待",
    "等待",
    "请于",
    "请",
];

/// Units, the longest word first, in seconds.
const UNITS: &[(&str, f64)] = &[
    ("milliseconds", 0.001),
    ("millisecond", 0.001),
    ("seconds", 1.0),
    ("second", 1.0),
    ("minutes", 60.0),
    ("minute", 60.0),
    ("hours", 3600.0),
    ("hour", 3600.0),
    ("days", 86_400.0),
    ("day", 86_400.0),
    ("mins", 60.0),
    ("min", 60.0),
    ("secs", 1.0),
    ("sec", 1.0),
    ("ms", 0.001),
    ("毫秒", 0.001),
    ("分钟", 60.0),
    ("小时", 3600.0),
    ("秒钟", 1.0),
    ("秒", 1.0),
    ("分", 60.0),
    ("d", 86_400.0),
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
];

/// The longest wait that a header for the start of a limit is believed.
const DAY: f64 = 86_400.0;

/// The time to wait that stands in words: `Please try again in 1m2.5s`, `请在 3 秒后重试`.
pub(super) fn in_words(words: &str) -> Option<Duration> {
    let lower = words.to_lowercase();
    BEFORE
        .iter()
        .find_map(|before| {
            lower.match_indices(before).find_map(|(at, _)| {
                let rest = lower[at + before.len()..].trim_start();
                let (seconds, rest) = duration(rest)?;
                // `请 3 …` alone is no wait: in Chinese what is to be done stands behind the time.
                let is_wait = before.is_ascii() || rest.trim_start().starts_with(['后', '之']);
                (is_wait && seconds > 0.0)
                    .then(|| Duration::try_from_secs_f64(seconds).ok())
                    .flatten()
            })
        })
        .or_else(|| chinese(&lower))
}

/// `30秒后重试`, wherever it stands.
fn chinese(text: &str) -> Option<Duration> {
    let end = ["后重试", "后再试", "后再次", "后再请求"].iter().find_map(|mark| text.find(mark))?;
    let head = text[..end].trim_end();
    let is_part = |letter: char| letter.is_ascii_digit() || ". 秒钟分小时毫".contains(letter);
    let start = head.char_indices().rev().take_while(|(_, letter)| is_part(*letter)).last()?.0;
    let (seconds, _) = duration(head[start..].trim_start())?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero())
}

/// A time with its units, in seconds, and the text behind it: `1m2.5s`, `20 seconds`, `5 分钟`.
fn duration(text: &str) -> Option<(f64, &str)> {
    let (mut rest, mut sum, mut any) = (text, 0.0, false);
    loop {
        let digits =
            rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let Ok(count) = rest[..digits].trim_end_matches('.').parse::<f64>() else { break };
        let behind = rest[digits..].trim_start();
        let unit = UNITS.iter().find(|(unit, _)| {
            behind.strip_prefix(unit).is_some_and(|next| {
                !unit.is_ascii() || !next.starts_with(|c: char| c.is_ascii_alphabetic())
            })
        });
        let Some((unit, seconds)) = unit else { break };
        (sum, any) = (sum + count * seconds, true);
        rest = behind[unit.len()..].trim_start_matches([' ', ',']);
    }
    any.then_some((sum, rest))
}

/// The wait until a limit of which nothing is left starts anew, out of `X-Ratelimit-Remaining-KIND` and
/// `X-Ratelimit-Reset-KIND`; the longest where several are at their end. `now` is in seconds since 1970.
pub(in super::super) fn from_headers<'h>(
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    now: f64,
) -> Option<Duration> {
    let headers: Vec<(String, &str)> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    let is_at_end = |value: &str| value.parse::<f64>().is_ok_and(|left| left <= 0.0);
    let spent = headers.iter().filter_map(|(name, value)| {
        let kind = name.strip_prefix("x-ratelimit-remaining")?;
        is_at_end(value).then_some(kind)
    });
    let waits = spent.filter_map(|kind| {
        let name = format!("x-ratelimit-reset{kind}");
        let (_, value) = headers.iter().find(|(other, _)| *other == name)?;
        reset(value, now)
    });
    waits
        .filter(|wait| *wait > 0.0 && *wait <= DAY)
        .max_by(f64::total_cmp)
        .map(Duration::from_secs_f64)
}

/// When a limit starts anew, in seconds from now: a duration, seconds, or a time since 1970 in seconds
/// or milliseconds.
fn reset(value: &str, now: f64) -> Option<f64> {
    match value.parse::<f64>() {
        Ok(milliseconds) if milliseconds >= 1e11 => Some(milliseconds / 1000.0 - now),
        Ok(seconds) if seconds >= 1e9 => Some(seconds - now),
        Ok(seconds) => Some(seconds),
        Err(_) => duration(&value.to_ascii_lowercase())
            .filter(|(_, rest)| rest.is_empty())
            .map(|(seconds, _)| seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_in_words_are_read() {
        for (words, millis) in [
            ("Please try again in 2.5s.", 2_500),
            ("Rate limit reached. Please try again in 1m2.5s. Visit https://a.example", 62_500),
            ("please try again in 20ms", 20),
            ("Please retry in 34.074824224s", 34_074),
            ("Please retry after 26 seconds.", 26_000),
            ("try again after 1 seconds", 1_000),
            ("wait 5 minutes", 300_000),
            ("try again in 6h0m0s", 21_600_000),
            ("并发请求数已达上限 2，请在 3 秒后重试", 3_000),
            ("请求过多，请5分钟后再试", 300_000),
            ("限流，30秒后重试", 30_000),
        ] {
            let found = in_words(words).map(|wait| wait.as_millis());
            assert_eq!(found, Some(millis), "{words}");
        }
        for words in [
            "",
            "please try again later",
            "请稍后再试",
            "try again in a few minutes",
            "wait 0s",
            "try again in 5 meters",
            "retry after 2026",
            "请 3 秒",
            "try again in 99999999999999999999999999999999999 days",
        ] {
            assert_eq!(in_words(words), None, "{words}");
        }
    }

    #[test]
    fn the_limit_that_is_used_up_names_the_wait() {
        let now = 1_795_891_573.0;
        let wait = |headers: &[(&str, &str)]| {
            from_headers(headers.iter().copied(), now).map(|wait| wait.as_millis())
        };
        let spent = ("X-Ratelimit-Remaining-Requests", "0");
        for (value, millis) in [
            ("1m0s", 60_000),
            ("120ms", 120),
            ("6m0s", 360_000),
            ("38.8s", 38_800),
            ("7", 7_000),
            ("2.5", 2_500),
            ("1795891583", 10_000),
            ("1795891583000", 10_000),
        ] {
            assert_eq!(
                wait(&[spent, ("X-RateLimit-Reset-Requests", value)]),
                Some(millis),
                "{value}"
            );
        }
        for value in
            ["", "soon", "0", "-5", "2d", "90000", "1795891573", "1795900000000000", "1m x"]
        {
            assert_eq!(wait(&[spent, ("x-ratelimit-reset-requests", value)]), None, "{value}");
        }
        let reset = ("x-ratelimit-reset-tokens", "9s");
        assert_eq!(wait(&[("x-ratelimit-remaining-tokens", "12"), reset]), None);
        assert_eq!(wait(&[spent, reset]), None);
        assert_eq!(wait(&[reset]), None);
        let bare = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4")];
        assert_eq!(wait(&bare), Some(4_000));
        let both = [
            spent,
            ("x-ratelimit-reset-requests", "3s"),
            ("x-ratelimit-remaining-tokens", "0"),
            reset,
        ];
        assert_eq!(wait(&both), Some(9_000));
    }
}
