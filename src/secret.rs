//! A text that does not print itself.

use std::fmt;

/// A key. `Debug` shows nothing of it, and it has no `Display` and no serialisation: the only way to the
/// text is [`Secret::expose`], which is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a text that must not be shown.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one header that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with the secret replaced by `***`, for text of a server, which may echo what it received.
    pub(crate) fn mask(&self, text: &str) -> String {
        // A very short key (`x` as a dummy for local servers) would match everywhere.
        if self.0.len() < 6 { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Whether the value of a header with this name must be masked.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "key", "token", "secret", "password", "credential", "signature"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing() {
        let key = Secret::new("sk-绝密-123456");
        assert_eq!(format!("{key:?}"), "Secret(***)");
        assert_eq!(key.mask("bad key sk-绝密-123456!"), "bad key ***!");
        assert_eq!(Secret::new("x").mask("next"), "next");
    }

    #[test]
    fn secret_headers_are_known_by_name() {
        for name in ["Authorization", "api-key", "X-Api-Key", "Proxy-Authorization", "Cookie"] {
            assert!(is_secret_name(name), "{name}");
        }
        assert!(!is_secret_name("Content-Type"));
        assert!(!is_secret_name("OpenAI-Organization"));
    }
}
