//! A status that stands in the words, as a gateway writes it over another status.

/// How far in front of a status a gateway's own words may stand, in bytes.
const PREFIX: usize = 120;

/// With what the words behind `NNN ` begin if it is a status.
const PHRASES: &[(u16, &[&str])] = &[
    (400, &["bad request", "invalid", "unsupported"]),
    (
        401,
        &[
            "unauthorized",
            "incorrect api key",
            "invalid api key",
            "invalid auth",
            "missing auth",
            "authentication",
            "no auth",
            "invalid token",
            "incorrect",
        ],
    ),
    (402, &["payment required", "insufficient", "not enough"]),
    (403, &["forbidden", "permission", "access denied", "you do not have", "country"]),
    (
        404,
        &[
            "not found",
            "the model",
            "model",
            "page not found",
            "no such model",
            "no endpoints",
            "invalid url",
            "the requested model",
            "unknown model",
        ],
    ),
    (408, &["request timeout", "request timed out", "timeout"]),
    (409, &["conflict"]),
    (410, &["gone"]),
    (
        413,
        &[
            "payload too large",
            "content too large",
            "request entity too large",
            "request too large",
        ],
    ),
    (415, &["unsupported media type"]),
    (422, &["unprocessable"]),
    (
        429,
        &[
            "too many requests",
            "rate limit",
            "rate-limit",
            "ratelimit",
            "you exceeded",
            "quota",
            "throttl",
            "resource exhausted",
            "resource has been exhausted",
        ],
    ),
    (500, &["internal server error", "internal error", "the server had an error"]),
    (501, &["not implemented"]),
    (502, &["bad gateway"]),
    (503, &["service unavailable", "the engine", "overloaded", "service temporarily"]),
    (504, &["gateway timeout", "gateway time-out"]),
    (529, &["overloaded"]),
];

/// The status with which the words begin, behind a gateway's prefix: `Error code: 429 - …`, or
/// `429 Too Many Requests`.
pub(super) fn in_words(words: &str) -> Option<u16> {
    let lower = words.to_lowercase();
    let beginnings = || {
        let behind =
            |mark: &'static str| lower.match_indices(mark).map(move |(at, _)| at + mark.len());
        let all = std::iter::once(0).chain(behind(": ")).chain(behind(" - "));
        all.filter(|at| *at <= PREFIX)
    };
    let coded = beginnings().find_map(|at| {
        let rest = lower[at..].trim_start().strip_prefix("error code: ")?;
        number(rest).map(|(status, _)| status)
    });
    coded.or_else(|| {
        beginnings().find_map(|at| {
            let (status, rest) = number(lower[at..].trim_start())?;
            let (_, phrases) = PHRASES.iter().find(|(known, _)| *known == status)?;
            let rest = rest.trim_start_matches([' ', ':', '-']);
            phrases.iter().any(|phrase| rest.starts_with(phrase)).then_some(status)
        })
    })
}

/// A status of three digits and the text behind it.
fn number(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(3)?;
    let status = digits.parse().ok().filter(|status| (400..600).contains(status))?;
    let ends = rest.chars().next().is_none_or(|next| !next.is_alphanumeric());
    ends.then_some((status, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_stands_at_the_beginning_or_behind_a_prefix() {
        for (words, status) in [
            ("Error code: 429 - Rate limit reached", 429),
            ("openai error: Error code: 401 - {'error': {}}", 401),
            ("litellm.APIError: OpenAIException - Error code: 404 - no model", 404),
            ("429 Rate limit reached for x", 429),
            ("401 Incorrect API key provided", 401),
            ("upstream: 503 Service Unavailable", 503),
            ("404 model 'x' not found", 404),
        ] {
            assert_eq!(in_words(words), Some(status), "{words}");
        }
        for words in [
            "",
            "429",
            "40",
            "500 tokens are the limit",
            "400 characters at most",
            "503 files were read",
            "the code 429 Too Many Requests is known",
            "Error code: 42900",
            "error code: 200 - fine",
            "4290 too many requests",
            "四百",
        ] {
            assert_eq!(in_words(words), None, "{words}");
        }
    }
}
