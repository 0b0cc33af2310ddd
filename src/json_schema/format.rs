//! The formats of texts that drafts 4 to 7 make a rule (JSON Schema Validation, section 7.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use fancy_regex::Regex;

use super::ecma;

/// Whether a text has a format; one that is not known here fits.
pub(super) fn is_of(text: &str, format: &str) -> bool {
    match format {
        "date" => is_date(text),
        "date-time" => {
            let is_parted = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
            is_parted
                && text.get(..10).is_some_and(is_date)
                && text.parse::<jiff::Timestamp>().is_ok()
        }
        "email" => text.rsplit_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
        }),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "regex" => Regex::new(&ecma::translated(text)).is_ok(),
        _ => true,
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn formats_are_told_from_what_only_looks_like_them() {
        for (format, fits, misfits) in [
            ("date", "2026-11-28", "2026-11-31"),
            ("date-time", "2026-11-28T12:00:00Z", "2026-11-28 12:00:00Z"),
            ("email", "a@例子.cn", "nope"),
            ("ipv4", "127.0.0.1", "127.0.0.256"),
            ("ipv6", "::1", "::g"),
            ("regex", "^[a-z]+$", "("),
        ] {
            assert!(is_of(fits, format) && !is_of(misfits, format), "{format}");
        }
        assert!(is_of("anything", "unknown"));
    }
}
