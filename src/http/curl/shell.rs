//! Words of a POSIX shell, in which variables stand for secrets.

use std::fmt;

/// The name that stands for the first secret that no variable of the profile's holds.
const FIRST: &str = "LLM_API_KEY";

/// Variables that a shell or its programs live by, or that stand for something else: none of them may be set to a
/// secret of the service's.
const TAKEN: [&str; 13] = [
    "PATH",
    "HOME",
    "IFS",
    "ENV",
    "PWD",
    "SHELL",
    "USER",
    "UID",
    "TERM",
    "LANG",
    "PS1",
    "OPTIND",
    PROXY_CREDENTIALS,
];

/// The variable for `USER:PASSWORD` of a proxy, which is no secret of the service's.
pub(super) const PROXY_CREDENTIALS: &str = "PROXY_CREDENTIALS";

/// Around the index of a variable in a text that is to become a word. Private characters of Unicode,
/// which no JSON text is likely to hold on both sides of a number.
const MARKS: [char; 2] = ['\u{f8f0}', '\u{f8f1}'];

/// The variables of a command: each secret has its own.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The name and the secret; the key's is not known in a dry run.
    named: Vec<(String, Option<String>)>,
    has_marks: bool,
}

impl Variables {
    /// The variables that the profile names for its key.
    pub(super) fn new<'v>(of_keys: impl Iterator<Item = &'v str>) -> Self {
        Self { named: of_keys.map(|name| (name.to_owned(), None)).collect(), has_marks: false }
    }

    /// The variable for a secret that is called `name` where it stands.
    pub(super) fn named(&mut self, name: &str, secret: &str) -> String {
        let index = self.index(name, secret);
        self.named[index].0.clone()
    }

    /// A mark for a secret, in whose place [`Variables::word`] puts its variable.
    pub(super) fn mark(&mut self, name: &str, secret: &str) -> String {
        let [open, close] = MARKS;
        self.has_marks = true;
        format!("{open}{}{close}", self.index(name, secret))
    }

    fn index(&mut self, name: &str, secret: &str) -> usize {
        let is_it = |(_, known): &(String, Option<String>)| known.as_deref() == Some(secret);
        if let Some(index) = self.named.iter().position(is_it) {
            return index;
        }
        let name = if self.named.is_empty() { FIRST.to_owned() } else { self.free(name) };
        self.named.push((name, Some(secret.to_owned())));
        self.named.len() - 1
    }

    /// A name of a shell's variable after `name` that is not in use.
    fn free(&self, name: &str) -> String {
        let fitting = |letter: char| match letter.is_ascii_alphanumeric() {
            true => letter.to_ascii_uppercase(),
            false => '_',
        };
        let mut plain: String = name.trim_end_matches('=').chars().map(fitting).collect();
        if TAKEN.contains(&&*plain) || !plain.starts_with(|first: char| first.is_ascii_uppercase())
        {
            plain.insert_str(0, "LLM_");
        }
        let is_used = |name: &str| self.named.iter().any(|(used, _)| used == name);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        names.find(|name| !is_used(name)).unwrap_or(plain)
    }

    /// A text with marks as a word.
    pub(super) fn word(&self, text: &str) -> Word {
        let [open, close] = MARKS;
        let mut word = Word::default();
        if !self.has_marks {
            return word.plain(text);
        }
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(open) {
            let named = behind.split_once(close).and_then(|(index, behind)| {
                Some((self.named.get(index.parse::<usize>().ok()?)?.0.clone(), behind))
            });
            match named {
                Some((name, behind)) => {
                    word = word.plain(before).variable(name);
                    rest = behind;
                }
                None => {
                    word = word.plain(&rest[..before.len() + open.len_utf8()]);
                    rest = behind;
                }
            }
        }
        word.plain(rest)
    }
}

/// A word in pieces; it is written in the quotes that fit.
#[derive(Debug, Default)]
pub(super) struct Word {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Plain(String),
    Variable(String),
}

impl Word {
    /// With a text behind it that the shell leaves as it is.
    pub(super) fn plain(mut self, text: &str) -> Self {
        match self.pieces.last_mut() {
            Some(Piece::Plain(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Plain(text.to_owned())),
        }
        self
    }

    /// With a variable behind it.
    pub(super) fn variable(mut self, name: String) -> Self {
        self.pieces.push(Piece::Variable(name));
        self
    }

    /// Whether there is no variable in it.
    pub(super) fn is_plain(&self) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Variable(_)))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An interactive shell looks for `!` within double quotes too.
        let is_special = |letter: char| matches!(letter, '"' | '\\' | '$' | '`' | '!');
        let is_simple = |piece: &Piece| match piece {
            Piece::Plain(text) => !text.contains(is_special),
            Piece::Variable(_) => true,
        };
        let has_one_quote = !self.is_plain() && self.pieces.iter().all(is_simple);
        if self.pieces.is_empty() {
            return f.write_str("''");
        }
        if has_one_quote {
            f.write_str("\"")?;
        }
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match (piece, has_one_quote) {
                (Piece::Plain(text), true) => f.write_str(text)?,
                (Piece::Plain(text), false) => f.write_str(&quoted(text))?,
                (Piece::Variable(name), true) => {
                    let goes_on = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                    match pieces.peek() {
                        Some(Piece::Plain(text)) if text.starts_with(goes_on) => {
                            write!(f, "${{{name}}}")?;
                        }
                        _ => write!(f, "${name}")?,
                    }
                }
                (Piece::Variable(name), false) => write!(f, "\"${name}\"")?,
            }
        }
        if has_one_quote { f.write_str("\"") } else { Ok(()) }
    }
}

/// A text in single quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_has_a_variable_of_its_own() {
        let mut variables = Variables::default();
        assert_eq!(variables.named("Authorization", "a"), "LLM_API_KEY");
        assert_eq!(variables.named("Helicone-Auth", "b"), "HELICONE_AUTH");
        assert_eq!(variables.named("helicone_auth", "c"), "HELICONE_AUTH_2");
        assert_eq!(variables.named("X-Other", "b"), "HELICONE_AUTH", "the same secret");
        assert_eq!(variables.named("Path", "d"), "LLM_PATH");
        assert_eq!(variables.named("9$(id)", "e"), "LLM_9__ID_");
        let mut keyed = Variables::new(["OPENAI_API_KEY"].into_iter());
        assert_eq!(keyed.named("OpenAI-API-Key", "a"), "OPENAI_API_KEY_2");
    }

    #[test]
    fn a_word_has_the_quotes_that_fit() {
        let word = |before, behind| {
            Word::default().plain(before).variable("V".to_owned()).plain(behind).to_string()
        };
        assert_eq!(word("Name: Bearer ", ""), "\"Name: Bearer $V\"");
        assert_eq!(word("a=", "b"), "\"a=${V}b\"");
        assert_eq!(word("$(id)`!it's", "b"), "'$(id)`!it'\\''s'\"$V\"'b'");
        assert_eq!(Word::default().to_string(), "''");
        let mut variables = Variables::default();
        let text = format!("{{\"k\":\"{}\"}}", variables.mark("k", "x"));
        assert_eq!(variables.word(&text).to_string(), "'{\"k\":\"'\"$LLM_API_KEY\"'\"}'");
        assert_eq!(variables.word("\u{f8f0}7\u{f8f1}").to_string(), "'\u{f8f0}7\u{f8f1}'");
    }
}
