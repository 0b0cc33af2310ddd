//! The base URL of a profile: whether it can be one, and the right form where people write another.

use super::Job;
use crate::config::name::profile_table;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::http::request::{Url, shown, shown_address};
use crate::secret::looks_like_a_key;

/// Endpoints that are no job of ours, but which people copy with their base URL.
const OTHER_ENDPOINTS: [&str; 4] = ["/completions", "/responses", "/images/variations", "/chat"];

/// What a profile's base URL is, fit to be asked.
///
/// # Errors
/// Exit 2: none, one that is no address, has a part to fill in, or leads to one endpoint alone. The
/// hint has the right form.
pub(super) fn of(profile: &Profile) -> Result<Url, Failure> {
    let name = &profile.name;
    let set_it =
        || format!("set `base_url` in {}; `llm config edit` opens the file", profile_table(name));
    let Some(field) = profile.base_url.sourced() else {
        return Err(Failure::usage(format!("the profile `{name}` has no base_url")).hint(set_it()));
    };
    let (text, origin) = (field.value.as_str(), field.origin.to_string());
    let is_profiles = matches!(field.origin, Origin::BuiltIn | Origin::File { .. });
    let url = parse(text, &origin).map_err(|failure| match failure.hint {
        None if is_profiles => failure.hint(set_it()),
        _ => failure,
    })?;
    // Paths of the profile's own say how the endpoints go on.
    if profile.paths.iter().next().is_none()
        && let Some(right) = without_endpoint(&url)
    {
        let what = format!("the base URL {} leads to one endpoint ({origin})", shown(&url));
        return Err(Failure::usage(what).hint(format!("write it as {right}")));
    }
    Ok(url)
}

/// Parses a base URL. `origin` tells where it is written.
///
/// # Errors
/// Exit 2: an address that can't be a base URL.
pub(super) fn parse(text: &str, origin: &str) -> Result<Url, Failure> {
    const EXAMPLES: &str =
        "a base URL looks like http://localhost:8000/v1 or https://host.example/v1";
    let text = text.trim();
    if looks_like_a_key(text) {
        let what = format!("the base URL looks like a key ({origin})");
        return Err(Failure::usage(what).hint(EXAMPLES));
    }
    let wrong = |what: &str| {
        Failure::usage(format!("the base URL `{}` {what} ({origin})", shown_address(text)))
            .hint(EXAMPLES)
    };
    if let Some(part) = part_to_fill_in(text) {
        let what = format!("has a part to fill in, `{part}`");
        return Err(Failure { hint: None, ..wrong(&what) });
    }
    if let Some(rest) = text.strip_prefix("demo:") {
        return Url::parse(&format!("demo:{rest}")).map_err(|error| wrong(&error.to_string()));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let failure = wrong("has no scheme");
        return Err(match with_scheme(text) {
            Some(right) => failure.hint(format!("write it as {right}")),
            None => failure,
        });
    };
    if !["http", "https"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(wrong(&format!("has the scheme `{scheme}`, but http or https is needed")));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    // The parser would take the first part of the path for a host.
    if host.is_empty() || host.starts_with(':') {
        return Err(wrong("has no host"));
    }
    Url::parse(text).map_err(|error| wrong(&format!("is not valid: {error}")))
}

/// An address with the scheme that it lacks, if it looks like one.
fn with_scheme(text: &str) -> Option<String> {
    let text = text.trim_start_matches('/');
    let host = text.split(['/', '?']).next()?;
    let name = host.split(':').next()?;
    let is_local = name == "localhost" || name.split('.').all(|part| part.parse::<u8>().is_ok());
    let is_host = is_local || name.contains('.') && !name.contains(char::is_whitespace);
    let scheme = if is_local { "http" } else { "https" };
    (is_host && !name.is_empty()).then(|| shown_address(&format!("{scheme}://{text}")))
}

/// The part of an address that somebody was to replace, as documentation writes it.
fn part_to_fill_in(text: &str) -> Option<&str> {
    for (open, close) in [("${", "}"), ("{", "}"), ("<", ">"), ("%7B", "%7D")] {
        if let Some(start) = text.find(open)
            && let Some(length) = text[start..].find(close)
        {
            return text.get(start..start + length + close.len());
        }
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_$".contains(letter);
    let address = text.split('?').next().unwrap_or_default();
    let address = address.rsplit('@').next().unwrap_or_default();
    let is_open = |part: &&str| {
        let lower = part.to_ascii_lowercase();
        lower.starts_with("your-")
            || lower.starts_with("your_")
            || part.starts_with('$')
            || part.len() >= 3 && lower.bytes().all(|byte| byte == b'x')
    };
    let mut parts = address.split(|letter| !is_part(letter));
    let dots = || ["...", "…"].into_iter().find(|dots| address.contains(dots));
    parts.find(is_open).or_else(dots)
}

/// The base URL that was meant by the address of an endpoint.
fn without_endpoint(url: &Url) -> Option<String> {
    let path = url.path().trim_end_matches('/');
    let of_jobs = Job::ALL.iter().map(|job| job.path());
    let base = of_jobs.chain(OTHER_ENDPOINTS).find_map(|endpoint| {
        let base = path.strip_suffix(endpoint)?;
        // Behind `/models` itself some services have all their endpoints.
        let last = base.rsplit('/').next().unwrap_or_default();
        let is_version =
            last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit());
        (endpoint != Job::Models.path() || is_version).then_some(base)
    })?;
    let mut right = url.clone();
    right.set_path(base);
    Some(shown(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(text: &str) -> Option<String> {
        without_endpoint(&parse(text, "x").expect("a URL"))
    }

    #[test]
    fn an_endpoint_is_no_base_url() {
        for (text, base) in [
            ("https://h.example/v1/chat/completions", "https://h.example/v1"),
            ("https://h.example/v1/chat/completions/", "https://h.example/v1"),
            ("https://h.example/chat/completions?a=b", "https://h.example/?a=b"),
            ("https://h.example/v1/completions", "https://h.example/v1"),
            ("https://h.example/v1/embeddings", "https://h.example/v1"),
            ("https://h.example/v1/audio/speech", "https://h.example/v1"),
            ("https://h.example/v1/images/generations", "https://h.example/v1"),
            ("https://h.example/v1/responses", "https://h.example/v1"),
            ("https://h.example/v1/models", "https://h.example/v1"),
            ("https://h.example/v1beta/chat", "https://h.example/v1beta"),
        ] {
            assert_eq!(right(text).as_deref(), Some(base), "{text}");
        }
        for text in ["https://h.example/models", "https://h.example/v1", "https://chat.example"] {
            assert_eq!(right(text), None, "{text}");
        }
    }

    #[test]
    fn parts_to_fill_in_are_seen() {
        for (text, part) in [
            ("https://{resource}.openai.azure.com/openai/v1", "{resource}"),
            ("https://h.example/${ACCOUNT}/v1", "${ACCOUNT}"),
            ("https://$HOST/v1", "$HOST"),
            ("https://<your-resource>.example/v1", "<your-resource>"),
            ("https://your-resource.example/v1", "your-resource"),
            ("https://h.example/accounts/YOUR_ACCOUNT_ID/ai/v1", "YOUR_ACCOUNT_ID"),
            ("https://xxx.example/v1", "xxx"),
            ("https://....example/v1", "..."),
        ] {
            assert_eq!(part_to_fill_in(text), Some(part), "{text}");
        }
        for text in [
            "http://localhost:8000/v1",
            "https://youre.example/v1",
            "http://[::1]:80/v1",
            "http://u:$a@h/v1",
        ] {
            assert_eq!(part_to_fill_in(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_the_right_form() {
        for (text, words, form) in [
            ("http://", "has no host", ""),
            ("https:///v1", "has no host", ""),
            ("http://:8080/v1", "has no host", ""),
            ("http://?a=b", "has no host", ""),
            ("localhost:8000/v1", "has no scheme", "write it as http://localhost:8000/v1"),
            ("127.0.0.1:8000", "has no scheme", "write it as http://127.0.0.1:8000"),
            ("api.example.com/v1", "has no scheme", "write it as https://api.example.com/v1"),
            ("ftp://h.example", "scheme `ftp`", ""),
        ] {
            let failure = parse(text, "x").expect_err(text);
            assert!(failure.message.contains(words), "{}", failure.message);
            assert!(failure.hint.unwrap_or_default().contains(form), "{text}");
        }
        let failure = parse("sk-geheim-0123", "x").expect_err("a key");
        assert!(!failure.message.contains("geheim"), "{}", failure.message);
    }
}
