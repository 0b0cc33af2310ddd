//! Which texts are names: of headers, of environment variables, of pages; and how a name
//! stands in a profile file.

use serde_json::json;

/// Whether a header may have the name (RFC 9110, section 5.6.2: a token).
pub(crate) fn is_header(text: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(is_token)
}

/// Whether a shell can set a variable of that name (POSIX, section 8.1).
pub(crate) fn is_variable(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(is_part)
}

/// Whether a text is the address of a page.
pub(crate) fn is_page(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// The head of a profile's table: `[providers.NAME]`.
pub(crate) fn profile_table(profile: &str) -> String {
    format!("[providers.{}]", toml_key(profile))
}

/// A name as a key of TOML, quoted where it has to be.
pub(crate) fn toml_key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    // A JSON text is a TOML basic string too.
    if name.chars().all(is_bare) { name.to_owned() } else { json!(name).to_string() }
}
