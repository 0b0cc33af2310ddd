//! Finds a profile's key: in the file, a variable, a command's output or another file.

use std::process::{Command, Stdio};

use crate::config::profile::Profile;
use crate::config::words::split;
use crate::error::{Failure, reason};
use crate::io::Env;
use crate::secret::Secret;

/// The variable that stands for a key which comes from nowhere else.
const UNKNOWN_VARIABLE: &str = "LLM_API_KEY";

/// A key, and the variable that stands for it where a request is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiKey {
    /// Absent only in a dry run.
    pub(crate) secret: Option<Secret>,
    pub(crate) variable: String,
}

/// Looks for the key in the documented order: `api_key`, `api_key_env`, `api_key_cmd`,
/// `api_key_file`. `None` when the profile names no key at all.
///
/// # Errors
/// A key that is named but can't be found, or that no header could carry.
pub(super) fn find(profile: &Profile, env: &Env) -> Result<Option<ApiKey>, Failure> {
    let variables = profile.key_variables();
    let key = |text: &str, origin: &str| -> Result<Option<ApiKey>, Failure> {
        let secret = checked(text, origin)?;
        Ok(Some(ApiKey { secret: Some(secret), variable: variable(profile) }))
    };
    if let Some(text) = profile.api_key.as_deref() {
        return key(text, &format!("`api_key` of {}", profile.name));
    }
    for name in variables {
        if let Some(text) = env.get(name) {
            let secret = checked(&text, name)?;
            return Ok(Some(ApiKey { secret: Some(secret), variable: name.clone() }));
        }
    }
    if let Some(words) = profile.api_key_cmd.as_deref() {
        return key(run(words)?.trim(), &format!("`api_key_cmd` of {}", profile.name));
    }
    if let Some(path) = profile.api_key_file.as_deref() {
        return key(read(path, env)?.trim(), path);
    }
    if variables.is_empty() { Ok(None) } else { Err(missing(profile, variables)) }
}

/// The key as a dry run shows it: only the variable, the one that is set if one is. No command is
/// run and no file is read.
pub(super) fn unread(profile: &Profile, env: &Env) -> Option<ApiKey> {
    let set = profile.key_variables().iter().find(|name| env.get(name).is_some());
    let variable = set.map_or_else(|| variable(profile), Clone::clone);
    profile.names_a_key().then_some(ApiKey { secret: None, variable })
}

fn variable(profile: &Profile) -> String {
    profile.key_variables().first().map_or(UNKNOWN_VARIABLE, |name| name).to_owned()
}

fn missing(profile: &Profile, variables: &[String]) -> Failure {
    let name = variables.first().map_or(UNKNOWN_VARIABLE, |name| name);
    let failure = Failure::usage(format!(
        "there is no key for {}: {} is not set",
        profile.name,
        variables.join(" or ")
    ));
    let page = profile.key_url.as_deref();
    let page = page.map(|page| format!("create a key at {page}, then ")).unwrap_or_default();
    failure.hint(format!("{page}`export {name}=…`"))
}

/// A key that a header can carry: not empty, visible ASCII only (RFC 9110, section 5.5).
fn checked(text: &str, origin: &str) -> Result<Secret, Failure> {
    let wrong = |what: &str| Err(Failure::usage(format!("the key from {origin} {what}")));
    if text.is_empty() {
        return wrong("is empty");
    }
    if text.contains(['\n', '\r']) {
        return wrong("contains a line break; a key is one line");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("contains a space or another character that no key has");
    }
    Ok(Secret::new(text))
}

fn read(path: &str, env: &Env) -> Result<String, Failure> {
    std::fs::read_to_string(env.expand_home(path)).map_err(|error| {
        Failure::usage(format!("cannot read the key file {path}: {}", reason(&error)))
    })
}

/// Runs a key command without a shell and gives its output. One text is split into words as a shell
/// would; `["sh", "-c", "…"]` asks for a shell.
fn run(words: &[String]) -> Result<String, Failure> {
    let words = match words {
        [line] => {
            split(line).ok_or_else(|| Failure::usage("a quote in `api_key_cmd` is not closed"))?
        }
        words => words.to_vec(),
    };
    let [program, arguments @ ..] = &words[..] else {
        return Err(Failure::usage("`api_key_cmd` is empty"));
    };
    // The prompt on standard input is not the command's to read.
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        Failure::usage(format!("cannot run the key command `{program}`: {}", reason(&error)))
    })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = if words.is_empty() { output.status.to_string() } else { words };
        return Err(Failure::usage(format!("the key command `{program}` failed: {words}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_must_fit_into_a_header() {
        assert!(checked("sk-abc", "X").is_ok());
        for text in ["", "sk\nabc", "sk-abc\n", "密钥", "a b"] {
            let failure = checked(text, "X").expect_err(text);
            assert!(!failure.message.contains("abc"), "{}", failure.message);
        }
    }
}
