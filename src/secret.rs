//! What is a secret, and a text that does not print itself.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// A shorter text is not searched for in the words of a service: it would match everywhere.
const SHORTEST_ECHO: usize = 8;

/// Words of a name that make it a secret's.
const SECRET_WORDS: [&str; 17] = [
    "auth",
    "authorization",
    "key",
    "apikey",
    "token",
    "authtoken",
    "accesstoken",
    "accesskey",
    "secret",
    "session",
    "pass",
    "passwd",
    "password",
    "credential",
    "signature",
    "cookie",
    "jwt",
];

/// How values begin that are secrets, in lower case.
const SECRET_BEGINNINGS: [&str; 9] =
    ["bearer ", "basic ", "token ", "sk-", "gsk_", "hf_", "xai-", "aiza", "eyj"];

/// Schemes that stand before the secret in a header's value.
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "apikey", "api-key"];

/// Fields of a request whose names hold a secret's word, but which count or mark tokens.
const NO_SECRET_FIELDS: [&str; 2] = ["bos_token", "eos_token"];
const NO_SECRET_ENDINGS: [&str; 3] = ["_cache_key", "_token_id", "_token_ids"];

/// A key. `Debug` shows nothing of it, and it has no `Display` and no serialisation: the only way to the
/// text is [`Secret::expose`], which is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a text that must not be shown.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is long enough to be searched for in a service's words.
    pub(crate) fn is_searchable(&self) -> bool {
        self.0.chars().nth(SHORTEST_ECHO - 1).is_some()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// `text` with all secrets replaced by `***`, for text of a server, which may echo what it received.
pub(crate) fn mask(secrets: &[Secret], text: &str) -> String {
    let mut secrets: Vec<&Secret> = secrets.iter().filter(|one| one.is_searchable()).collect();
    // One secret may begin another: nothing of the longer one may stay.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
    secrets.iter().fold(text.to_owned(), |text, secret| match text.contains(&secret.0) {
        true => text.replace(&secret.0, MASK),
        false => text,
    })
}

/// Whether a name is that of a secret: by a whole word of it.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("x-ratelimit-") {
        return false;
    }
    lower.starts_with("cf-access-")
        || lower == "x-portkey-config"
        || words(name).any(|word| SECRET_WORDS.contains(&&*word.to_ascii_lowercase()))
}

/// The words of a name. They end at `-`, `_`, `.` and where small letters turn to capitals.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_', '.', ' ']).flat_map(|part| {
        let bytes = part.as_bytes();
        let turns = (1..bytes.len())
            .filter(|at| bytes[at - 1].is_ascii_lowercase() && bytes[*at].is_ascii_uppercase());
        let mut ends: Vec<usize> = turns.collect();
        ends.push(bytes.len());
        ends.into_iter().scan(0, move |start, end| part.get(std::mem::replace(start, end)..end))
    })
}

/// Whether a value is a secret, whatever its name: by how it begins, or as JSON with a secret's name.
pub(crate) fn is_secret_value(value: &str) -> bool {
    let value = value.trim_start();
    let begins = |beginning: &&str| {
        value.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    SECRET_BEGINNINGS.iter().any(begins) || has_secret_member(value)
}

/// Whether a text holds `"name":` with the name of a secret.
fn has_secret_member(text: &str) -> bool {
    let mut quoted = text.split('"').skip(1).peekable();
    while let Some(name) = quoted.next() {
        let is_member = quoted.peek().is_some_and(|behind| behind.trim_start().starts_with(':'));
        // Within a JSON text the quotes of another one have backslashes.
        if is_member && is_secret_name(name.trim_end_matches('\\')) {
            return true;
        }
    }
    false
}

/// Whether a header, or a value of a URL's query, must not be shown.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) || is_secret_value(value)
}

/// Whether a text of a request's body that the user set must not be shown.
pub(crate) fn is_secret_field(name: &str, value: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_none = NO_SECRET_FIELDS.contains(&&*last)
        || NO_SECRET_ENDINGS.iter().any(|ending| last.ends_with(ending));
    !is_none && is_secret(name, value)
}

/// Whether a text that stands where a name, a path or an address is wanted could be a key. It is not
/// repeated then.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    let text = text.trim();
    let has = |is: fn(&char) -> bool| text.chars().filter(is).count();
    // `HF_TOKEN` is a variable: a key has more than capitals.
    let is_mixed = has(|letter| letter.is_ascii_lowercase()) > 0;
    let is_one_word = !text.contains(['/', '\\', ' ', ':']);
    is_one_word
        && is_mixed
        && (is_secret_value(text) || text.len() >= 20 && has(char::is_ascii_digit) > 1)
}

/// A text in backquotes, or words in its place if it could be a key.
pub(crate) fn named(text: &str) -> String {
    let mut words = text.split(|letter: char| letter.is_whitespace() || letter == '.');
    match looks_like_a_key(text) || words.any(looks_like_a_key) {
        true => "a text that looks like a key".to_owned(),
        false => format!("`{text}`"),
    }
}

/// Whether a word is a scheme, behind which a secret comes.
pub(crate) fn is_scheme(word: &str) -> bool {
    SCHEMES.contains(&&*word.to_ascii_lowercase())
}

/// The scheme of a header's value with the space behind it (`Bearer `), and what follows.
pub(crate) fn scheme_and_rest(value: &str) -> (&str, &str) {
    match value.split_once(' ') {
        Some((scheme, rest)) if is_scheme(scheme) => (&value[..scheme.len() + 1], rest),
        _ => ("", value),
    }
}

/// Everything in a secret header's value that a server may echo: the whole, what is behind a scheme, the
/// values of cookies, the texts of JSON, the password of Basic.
pub(crate) fn parts_of(name: &str, value: &str) -> Vec<Secret> {
    let (scheme, rest) = scheme_and_rest(value);
    let mut parts = vec![value.to_owned(), rest.trim().to_owned()];
    if scheme.eq_ignore_ascii_case("basic ")
        && let Ok(pair) = STANDARD.decode(rest.trim())
        && let Some((_, password)) = String::from_utf8_lossy(&pair).split_once(':')
    {
        parts.push(password.to_owned());
    }
    if name.to_ascii_lowercase().contains("cookie") {
        let values = value.split(';').filter_map(|pair| pair.split_once('='));
        parts.extend(values.map(|(_, value)| value.trim().trim_matches('"').to_owned()));
    }
    if let Ok(json) = serde_json::from_str(value) {
        secret_members(&json, &mut parts);
    }
    parts.retain(|part| !part.is_empty());
    parts.dedup();
    parts.into_iter().map(Secret::new).collect()
}

/// The texts in a JSON value that are secrets.
fn secret_members(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if is_secret(name, text) => found.push(text.clone()),
                    value => secret_members(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secret_members(item, found)),
        Value::String(text) if is_secret_value(text) => found.push(text.clone()),
        _ => {}
    }
}

/// A JSON value with `***` in the place of texts that are secrets, by their names or by themselves.
pub(crate) fn masked_json(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let is_secret = value.as_str().is_some_and(|text| is_secret_field(name, text));
                (name.clone(), if is_secret { MASK.into() } else { masked_json(value) })
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => items.iter().map(masked_json).collect(),
        Value::String(text) if is_secret_value(text) => MASK.into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_shows_nothing() {
        let key = Secret::new("sk-绝密-123456");
        assert_eq!(format!("{key:?}"), "Secret(***)");
        assert_eq!(mask(&[key], "bad key sk-绝密-123456!"), "bad key ***!");
        assert_eq!(mask(&[Secret::new("server1")], "server1 had"), "server1 had", "7 characters");
        let both = [Secret::new("abcdefgh"), Secret::new("abcdefgh-ij")];
        assert_eq!(mask(&both, "abcdefgh-ij abcdefgh"), "*** ***");
    }

    #[test]
    fn a_name_is_a_secrets_by_a_whole_word() {
        for name in [
            "Authorization",
            "api-key",
            "X-Api-Key",
            "Proxy-Authorization",
            "Cookie",
            "set-cookie",
            "Helicone-Auth",
            "x-portkey-api-key",
            "x-portkey-virtual-key",
            "X-Portkey-Config",
            "CF-Access-Client-Id",
            "cf-access-client-secret",
            "accessToken",
            "apiKEY",
            "APIKey",
            "OPENAI_API_KEY",
            "X-Amz-Signature",
            "X-JWT",
            "session",
            "private_key.id",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "Content-Type",
            "OpenAI-Organization",
            "x-portkey-provider",
            "X-Monkey",
            "portkey",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-limit-token",
            "max_tokens",
            "MONKEY",
            "authority",
            "keys",
            "passage",
            "compass",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_value_is_a_secret_by_its_beginning_or_its_members() {
        for value in [
            "Bearer x",
            "bearer x",
            "BASIC YTpi",
            "Token abc",
            "sk-a",
            "SK-A",
            "gsk_a",
            "hf_a",
            "xai-a",
            "AIzaSy",
            "eyJhbGciOi",
            r#"{"provider":"openai","api_key":"x"}"#,
            r#"[{"a": {"Virtual-Key" : "x"}}]"#,
            r#""{\"token\":\"x\"}""#,
        ] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in ["", "Bearer", "desk-a", "a sk-b", r#"{"tokens":1}"#, r#"say "key" to me"#] {
            assert!(!is_secret_value(value), "{value}");
        }
    }

    #[test]
    fn fields_that_only_speak_of_tokens_are_shown() {
        for name in ["prompt_cache_key", "pad_token_id", "stop_token_ids", "bos_token", "eos_token"]
        {
            assert!(!is_secret_field(name, "abc"), "{name}");
        }
        assert!(is_secret_field("api_key", "abc"));
        assert!(is_secret_field("extra.token", "abc"));
        assert!(is_secret_field("user", "sk-abc"));
    }

    #[test]
    fn what_could_be_a_key_is_not_repeated() {
        for text in [
            "sk-abc",
            "gsk_abc",
            "hf_Abc1",
            "a1b2c3d4e5f6a7b8c9d0e1f2",
            "0a1b2c3d4e5f.0123456789ab",
        ] {
            assert!(looks_like_a_key(text), "{text}");
        }
        for text in [
            "HF_TOKEN",
            "OPENAI_API_KEY",
            "~/.keys/openai",
            "pass show openai",
            "my_key",
            "",
            "密钥",
        ] {
            assert!(!looks_like_a_key(text), "{text}");
        }
    }

    #[test]
    fn all_that_may_be_echoed_is_known() {
        let parts = |name, value| {
            let exposed = |secret: Secret| secret.expose().to_owned();
            parts_of(name, value).into_iter().map(exposed).collect::<Vec<_>>()
        };
        assert_eq!(parts("Authorization", "Bearer abc"), ["Bearer abc", "abc"]);
        assert_eq!(parts("Cookie", "a=bcd; e=\"f=g\""), ["a=bcd; e=\"f=g\"", "bcd", "f=g"]);
        assert_eq!(parts("authorization", "Basic bGk6Z2VoZWlt")[2], "geheim");
        assert_eq!(parts("x-portkey-config", r#"{"a":{"api_key":"x1"}}"#)[1], "x1");
    }

    #[test]
    fn json_is_masked_at_its_texts() {
        let value = json!({"a": {"token": "x", "n": 1}, "b": ["sk-1", "c"], "eos_token": "</s>"});
        let masked = json!({"a": {"token": "***", "n": 1}, "b": ["***", "c"], "eos_token": "</s>"});
        assert_eq!(masked_json(&value), masked);
    }
}
