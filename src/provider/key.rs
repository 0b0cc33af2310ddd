//! Finds a profile's key: in the file, a variable, a command's output or another file.

use std::fs::File;
use std::io::Read as _;
use std::process::{ChildStderr, Command, Stdio};

use crate::config::profile::Profile;
use crate::config::value::Texts;
use crate::error::{Failure, reason};
use crate::io::{Env, MOST_TEXT, read_text};
use crate::secret::{MASK, Secret, looks_like_a_key};

/// How much a failing key command may say, in bytes.
const LONGEST_WORDS: u64 = 4096;

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
    if let Some(command) = profile.api_key_cmd.get() {
        return key(&run(command)?, &format!("`api_key_cmd` of {}", profile.name));
    }
    if let Some(path) = profile.api_key_file.as_deref() {
        return key(&read(path, env)?, path);
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

/// A key that a header can carry: not empty, visible ASCII only (RFC 9110, section 5.5). What stands
/// around it in files and variables is no part of it: white space, a byte order mark, quotes.
fn checked(text: &str, origin: &str) -> Result<Secret, Failure> {
    let wrong = |what: &str| Err(Failure::usage(format!("the key from {origin} {what}")));
    let text = unwrapped(text);
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

fn unwrapped(text: &str) -> &str {
    let text = bare(text);
    let within = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).map_or(text, bare)
}

/// Without white space and byte order marks around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}')
}

fn read(path: &str, env: &Env) -> Result<String, Failure> {
    if looks_like_a_key(path) {
        return Err(Failure::usage("`api_key_file` must be the path of a file")
            .hint("a key itself stands in `api_key`"));
    }
    let failed = |what: &str| Failure::usage(format!("cannot read the key file {path}: {what}"));
    let bytes = File::open(env.expand_home(path)).and_then(read_text);
    match bytes.map_err(|error| failed(&reason(&error)))? {
        Some(bytes) => String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8")),
        None => Err(failed(&format!("it is larger than {} MiB", MOST_TEXT >> 20))),
    }
}

/// Runs a key command and gives the first line of its output. A text is a line for the shell, a list is
/// run without one.
fn run(command: &Texts) -> Result<String, Failure> {
    let (first, mut command) = match command {
        Texts::One(line) => {
            let mut shell = Command::new(if cfg!(windows) { "cmd" } else { "sh" });
            shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(line);
            (line.split_whitespace().next(), shell)
        }
        Texts::Several(words) => {
            let mut command = Command::new(words.first().map_or("", String::as_str));
            command.args(words.iter().skip(1));
            (words.first().map(String::as_str), command)
        }
    };
    let Some(program) = first.filter(|first| !first.is_empty()) else {
        return Err(Failure::usage("`api_key_cmd` is empty"));
    };
    if looks_like_a_key(program) {
        return Err(Failure::usage("`api_key_cmd` must be a command that prints the key")
            .hint("a key itself stands in `api_key`"));
    }
    let failed = |what: &str| Failure::usage(format!("the key command `{program}` failed: {what}"));
    // The prompt on standard input is not the command's to read.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        Failure::usage(format!("cannot run the key command `{program}`: {}", reason(&error)))
    })?;
    let errors = child.stderr.take();
    let errors = std::thread::spawn(move || errors.map(words_of).unwrap_or_default());
    let output = child.stdout.take().map_or(Ok(None), read_text);
    let Some(output) = output.map_err(|error| failed(&reason(&error)))? else {
        // It may have ended by itself, as nobody reads what it prints any more.
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(&format!("it prints more than {} MiB", MOST_TEXT >> 20)));
    };
    let status = child.wait().map_err(|error| failed(&reason(&error)))?;
    if !status.success() {
        let words = errors.join().unwrap_or_default();
        return Err(failed(if words.is_empty() { status.to_string() } else { words }.as_str()));
    }
    let output = String::from_utf8_lossy(&output);
    Ok(bare(&output).lines().next().unwrap_or_default().to_owned())
}

/// What a command says of its failure, in one line. What could be a key is not repeated.
fn words_of(mut errors: ChildStderr) -> String {
    let mut text = Vec::new();
    // The rest is read too, as the command would wait for somebody to do so. That nothing can be read
    // leaves its status to speak.
    let _ = errors.by_ref().take(LONGEST_WORDS).read_to_end(&mut text);
    let _ = std::io::copy(&mut errors, &mut std::io::sink());
    let text = String::from_utf8_lossy(&text);
    let shown = |word| if looks_like_a_key(str::trim_matches(word, ':')) { MASK } else { word };
    text.split_whitespace().map(shown).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_must_fit_into_a_header() {
        for text in [
            "sk-abc",
            " sk-abc\r\n",
            "\u{feff}sk-abc",
            " \u{feff} sk-abc\u{feff}\n",
            "\"sk-abc\"\n",
            "'sk-abc'",
            "\"\u{feff}sk-abc \"",
        ] {
            assert_eq!(checked(text, "X").expect("a key").expose(), "sk-abc", "{text:?}");
        }
        for text in ["", "\"\"", "sk\nabc", "密钥abc", "a b"] {
            let failure = checked(text, "X").expect_err(text);
            assert!(!failure.message.contains("abc"), "{}", failure.message);
        }
    }
}
