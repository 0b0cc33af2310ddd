//! The command line that was meant by one that is wrong: a prompt without `chat`, flags before the command,
//! a command that is spelt nearly right.

use std::ffi::OsString;

use clap::builder::ValueRange;
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Words that other programs take as commands, and the flags that they stand for here.
const FLAG_WORDS: [(&str, &str); 2] = [("help", "--help"), ("version", "--version")];

/// The line that a user of other programs means by `llm help COMMAND` and `llm version`.
pub(crate) fn in_our_words(line: Vec<OsString>) -> Vec<OsString> {
    // Few lines have such a word, and a description of all commands takes time.
    let is_one = |word: &OsString| FLAG_WORDS.iter().any(|(name, _)| word == name);
    if !line.iter().skip(1).any(is_one) {
        return line;
    }
    let words: Option<Vec<&str>> = line.iter().skip(1).map(|word| word.to_str()).collect();
    let Some(words) = words.and_then(|words| with_flag(&words, &Cli::command())) else {
        return line;
    };
    [OsString::from("llm")].into_iter().chain(words.iter().map(OsString::from)).collect()
}

/// The words with a flag in the place of the word that stands for it.
fn with_flag<'a>(words: &[&'a str], root: &clap::Command) -> Option<Vec<&'a str>> {
    let at = first_bare(words, root)?;
    let (word, flag) = FLAG_WORDS.into_iter().find(|(word, _)| *word == words[at])?;
    let mut rest: Vec<&str> = words[at + 1..].to_vec();
    if let Some(next) = first_bare(&rest, root) {
        if word != "help" {
            return None;
        }
        // There is no more to say of these two.
        if FLAG_WORDS.iter().any(|(word, _)| *word == rest[next]) {
            rest.remove(next);
        } else if !can_be_commands(&rest[next..], root) {
            return None;
        }
    }
    Some(words[..at].iter().copied().chain(rest).chain([flag]).collect())
}

/// Whether words are a command and commands below it, as in `providers check`. Of a command that has such, any
/// other word is a mistake.
fn can_be_commands(words: &[&str], root: &clap::Command) -> bool {
    let mut command = root;
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => return command.get_name() != root.get_name() && command.has_subcommands(),
        }
    }
    true
}

/// What a wrong line (the program's name first) has in the place of a command, and the line that was meant,
/// as it is typed in a shell.
#[derive(Debug, PartialEq)]
pub(super) struct Meant {
    /// What stands where a command should; `None` where there are flags alone.
    pub(super) word: Option<String>,
    pub(super) line: String,
}

/// `None` if the line begins with a command, or if no line that is right comes near it.
pub(super) fn meant(line: &[OsString]) -> Option<Meant> {
    let words: Vec<&str> = line.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let root = Cli::command();
    let at = first_bare(&words, &root);
    let is_command = |word: &str| root.find_subcommand(word).is_some();
    let without = |at: usize| words[..at].iter().chain(&words[at + 1..]).copied().collect();
    let (command, rest): (&str, Vec<&str>) = match at {
        Some(0) if is_command(words[0]) => return None,
        // Flags of a command stand before it.
        Some(at) if is_command(words[at]) => (words[at], without(at)),
        Some(at)
            if words[at] == "help"
                && let Some(help) = help_of_near(&words[at + 1..], &root) =>
        {
            return Some(help);
        }
        Some(at) => match near(words[at], &root) {
            Some(name) => (name, without(at)),
            None => ("chat", words.clone()),
        },
        None if words.is_empty() => return None,
        None => ("chat", words.clone()),
    };
    let whole = ["llm", command].into_iter().chain(rest.iter().copied());
    Cli::try_parse_from(whole).ok()?;
    let word = at.map(|at| words[at]).filter(|word| !is_command(word)).map(str::to_owned);
    Some(Meant { word, line: typed(command, &rest, &root) })
}

/// The help of a command whose name is misspelt.
fn help_of_near(rest: &[&str], root: &clap::Command) -> Option<Meant> {
    let [word] = rest else { return None };
    let line = format!("llm help {}", near(word, root)?);
    Some(Meant { word: Some((*word).to_owned()), line })
}

/// The command whose name differs in a letter or two.
fn near<'a>(word: &str, root: &'a clap::Command) -> Option<&'a str> {
    let names = root.get_subcommands().map(clap::Command::get_name);
    let distance = |name: &str| strsim::damerau_levenshtein(word, name);
    names.filter(|name| is_near(word, name)).min_by_key(|name| distance(name))
}

/// Whether two names differ so little that one may be the other, misspelt.
pub(super) fn is_near(typed: &str, name: &str) -> bool {
    let most = if name.chars().count() < 6 { 1 } else { 2 };
    strsim::damerau_levenshtein(typed, name) <= most
}

/// The index of the first word that is neither a flag nor a flag's value.
fn first_bare(words: &[&str], root: &clap::Command) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match *word {
            "--" => return (at + 1 < words.len()).then_some(at + 1),
            flag if flag.len() > 1 && flag.starts_with('-') => {
                at += if takes_next(flag, root) { 2 } else { 1 };
            }
            _ => return Some(at),
        }
    }
    None
}

/// Whether the word behind a flag is its value.
fn takes_next(flag: &str, root: &clap::Command) -> bool {
    let Some(arg) = argument(flag, root) else { return false };
    let is_whole = match flag.strip_prefix("--") {
        Some(long) => !long.contains('='),
        None => flag.chars().count() == 2,
    };
    let takes_value = arg.get_action().takes_values();
    // A value that may be left out stands behind a `=`.
    is_whole
        && takes_value
        && arg.get_num_args().is_none_or(|range| range != ValueRange::from(0..=1))
}

/// What a flag is described as: that of all commands, that of `chat`, or that of some command.
fn argument<'a>(flag: &str, root: &'a clap::Command) -> Option<&'a clap::Arg> {
    let is_meant = |arg: &&clap::Arg| match flag.strip_prefix("--") {
        Some(long) => {
            let long = long.split('=').next().unwrap_or_default();
            arg.get_long() == Some(long)
                || arg.get_all_aliases().is_some_and(|names| names.contains(&long))
        }
        None => arg.get_short() == flag.chars().nth(1),
    };
    let commands = [Some(root), root.find_subcommand("chat")].into_iter().flatten();
    commands.chain(root.get_subcommands()).find_map(|one| one.get_arguments().find(is_meant))
}

/// A line as it is typed in a shell. What a header or a field of the request holds may be secret and is left out.
fn typed(command: &str, words: &[&str], root: &clap::Command) -> String {
    let mut line = format!("llm {command}");
    let (mut takes, mut is_secret) = (false, false);
    for word in words {
        let is_flag = !takes && word.starts_with('-') && word.len() > 1;
        line.push(' ');
        line.push_str(&match (is_flag, takes, is_secret) {
            (_, true, true) => abridged(word),
            (true, ..) | (_, true, _) => bare(word),
            _ => quoted(word),
        });
        takes = is_flag && takes_next(word, root);
        is_secret = matches!(*word, "-H" | "--header" | "-O" | "--option");
    }
    line
}

/// A header or a field without its value.
fn abridged(word: &str) -> String {
    let end = word.find([':', '=']).unwrap_or(0);
    format!("'{}…'", &word[..end + usize::from(end > 0)])
}

/// A word as a shell reads it back, without quotes where it needs none.
fn bare(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=,@%+".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => quoted(word),
    }
}

/// A word in quotes, as a POSIX shell reads it back, in one line.
fn quoted(word: &str) -> String {
    if word.chars().any(char::is_control) {
        let escaped = word.chars().map(|letter| match letter {
            '\\' | '\'' => format!("\\{letter}"),
            '\n' => "\\n".to_owned(),
            control if control.is_control() => format!("\\u{:04x}", u32::from(control)),
            letter => letter.to_string(),
        });
        return format!("$'{}'", escaped.collect::<String>());
    }
    match word.contains(['"', '$', '`', '\\', '!']) {
        true => format!("'{}'", word.replace('\'', r"'\''")),
        false => format!("\"{word}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Vec<OsString> {
        ["llm"].iter().chain(words).map(OsString::from).collect()
    }

    fn told(words: &[&str]) -> Option<String> {
        meant(&line(words)).map(|meant| meant.line)
    }

    #[test]
    fn a_prompt_alone_is_for_chat() {
        for (words, expected) in [
            (&["hi"][..], r#"llm chat "hi""#),
            (&["你好", "世界"], r#"llm chat "你好" "世界""#),
            (&["-m", "x", "hi"], r#"llm chat -m x "hi""#),
            (&["what's up?", "-m", "a b"], r#"llm chat "what's up?" -m "a b""#),
            (&["costs $5"], r"llm chat 'costs $5'"),
            (&["it's `x`!"], r"llm chat 'it'\''s `x`!'"),
            (&["a\nb's"], r"llm chat $'a\nb\'s'"),
            (&["-t", "0.5", "-s", "be brief", "hi"], r#"llm chat -t 0.5 -s "be brief" "hi""#),
            (&["-c"], "llm chat -c"),
            (&["help", "me"], r#"llm chat "help" "me""#),
            (&["-H", "Authorization: Bearer sk-1", "hi"], r#"llm chat -H 'Authorization:…' "hi""#),
        ] {
            assert_eq!(told(words).as_deref(), Some(expected), "{words:?}");
        }
    }

    #[test]
    fn flags_before_their_command_are_put_behind_it() {
        assert_eq!(told(&["-t", "1", "chat", "hi"]).as_deref(), Some(r#"llm chat -t 1 "hi""#));
        assert_eq!(
            told(&["--voice", "x", "speak", "a"]).as_deref(),
            Some(r#"llm speak --voice x "a""#)
        );
        assert_eq!(told(&["-s", "chat", "hi"]).as_deref(), Some(r#"llm chat -s chat "hi""#));
    }

    #[test]
    fn only_a_near_spelling_is_another_command() {
        assert_eq!(told(&["chta", "hi"]).as_deref(), Some(r#"llm chat "hi""#));
        assert_eq!(told(&["-p", "x", "modles"]).as_deref(), Some("llm models -p x"));
        assert_eq!(told(&["hello"]).as_deref(), Some(r#"llm chat "hello""#));
        assert_eq!(told(&["chat", "--nonsense"]), None);
        assert_eq!(told(&["--nonsense", "hi"]), None);
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn help_and_version_are_flags() {
        let plain = |words: &[&str]| in_our_words(line(words));
        assert_eq!(plain(&["help"]), line(&["--help"]));
        assert_eq!(plain(&["help", "providers", "check"]), line(&["providers", "check", "--help"]));
        assert_eq!(plain(&["version"]), line(&["--version"]));
        assert_eq!(plain(&["-q", "help", "chat"]), line(&["-q", "chat", "--help"]));
        assert_eq!(plain(&["-p", "x", "help"]), line(&["-p", "x", "--help"]));
        assert_eq!(plain(&["help", "-h"]), line(&["-h", "--help"]));
        assert_eq!(plain(&["help", "help"]), line(&["--help"]));
        assert_eq!(plain(&["help", "config", "nope"]), line(&["config", "nope", "--help"]));
        assert_eq!(plain(&["version", "-q"]), line(&["-q", "--version"]));
        for words in [
            &["help", "me"][..],
            &["version", "2"],
            &["chat", "help"],
            &["help", "chat", "me"],
            &["-p", "help", "chat", "x"],
        ] {
            assert_eq!(plain(words), line(words));
        }
    }
}
