//! Variables of the user's in the values of a server's table. Knows no server.

use crate::io::{Env, Io};
use crate::secret::{self, Secret};

/// A text with the values of variables in the place of `${NAME}`, `${NAME:-default}` and `${env:NAME}`, and of
/// `$NAME` where `takes_bare`; `$$` is a dollar there.
///
/// # Errors
/// A variable that is not set, in words.
pub(super) fn expanded(text: &str, takes_bare: bool, env: &Env) -> Result<String, String> {
    replaced(text, takes_bare, &mut |name| env.get(name))
}

/// An address with the values of variables in it. Those behind its host are masked from now on: many a
/// service takes its key there.
///
/// # Errors
/// As [`expanded`].
pub(super) fn expanded_address(text: &str, takes_bare: bool, io: &Io) -> Result<String, String> {
    let mut values = Vec::new();
    let address = replaced(text, takes_bare, &mut |name| {
        values.extend(io.env.get(name));
        io.env.get(name)
    })?;
    let from_host = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    let behind = &from_host[from_host.find(['/', '?', '#']).unwrap_or(from_host.len())..];
    values.retain(|value| behind.contains(value));
    io.stderr.conceal(values.into_iter().map(Secret::new).collect());
    Ok(address)
}

/// A text with what `value` gives for each variable.
fn replaced(
    text: &str,
    takes_bare: bool,
    value: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        if let Some((inner, after)) = behind.strip_prefix('{').and_then(|text| text.split_once('}'))
        {
            expanded.push_str(&braced(inner, value)?);
            rest = after;
            continue;
        }
        if let Some(after) = behind.strip_prefix('$').filter(|_| takes_bare) {
            expanded.push('$');
            rest = after;
            continue;
        }
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let name = &behind[..behind.find(|letter| !is_name(letter)).unwrap_or(behind.len())];
        if !takes_bare || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit())
        {
            expanded.push('$');
            rest = behind;
            continue;
        }
        expanded.push_str(&value(name).ok_or_else(|| unset(name))?);
        rest = &behind[name.len()..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// What stands for the inner part of `${…}`.
fn braced(inner: &str, value: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, String> {
    if inner.starts_with("input:") {
        return Err(format!("`${{{inner}}}` is an input that only another program asks for"));
    }
    let inner = inner.strip_prefix("env:").unwrap_or(inner);
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    value(name).or_else(|| default.map(str::to_owned)).ok_or_else(|| unset(name))
}

fn unset(name: &str) -> String {
    format!("the variable {name} is not set")
}

/// Masks a value from now on, if it is a secret.
pub(super) fn conceal(name: &str, value: &str, io: &Io) {
    if secret::is_secret(name, value) {
        io.stderr.conceal(secret::parts_of(name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced() {
        let table = [("A", "甲"), ("B_1", "乙")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let env = Env::Table(table.into_iter().collect());
        for (text, bare, braced) in [
            ("Bearer $A", Ok("Bearer 甲"), Ok("Bearer $A")),
            ("${A}x${env:B_1}", Ok("甲x乙"), Ok("甲x乙")),
            ("${C:-d}${A:-d}", Ok("d甲"), Ok("d甲")),
            ("$A$B_1$", Ok("甲乙$"), Ok("$A$B_1$")),
            ("$$A $5 ${A", Ok("$A $5 ${A"), Ok("$$A $5 ${A")),
            ("$C", Err("the variable C is not set"), Ok("$C")),
            ("${C}", Err("the variable C is not set"), Err("the variable C is not set")),
        ] {
            for (takes_bare, expected) in [(true, bare), (false, braced)] {
                let found = expanded(text, takes_bare, &env);
                assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
            }
        }
        assert!(expanded("${input:key}", false, &env).is_err_and(|why| why.contains("input")));
    }
}
