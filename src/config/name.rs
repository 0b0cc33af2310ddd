//! Which texts are names: of headers, of environment variables, of pages.

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
