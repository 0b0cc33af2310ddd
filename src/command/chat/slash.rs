//! The commands of a conversation: a line that begins with `/` and a word. Does nothing by itself.

/// What a line of a conversation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TypedLine<'a> {
    Nothing,
    /// For the model.
    Say(&'a str),
    Help,
    Model(&'a str),
    Provider(&'a str),
    System(&'a str),
    File(&'a str),
    Tools,
    Retry,
    Undo,
    Save(&'a str),
    Usage,
    Search,
    Clear,
    /// Write a message in an editor, beginning with this text.
    Edit(&'a str),
    Copy,
    /// A request field, as `KEY=VALUE`.
    Set(&'a str),
    Models(&'a str),
    Exit,
    /// No command; its name.
    Unknown(&'a str),
    /// A command without the word that it needs; how it is written.
    Lacking(&'static str),
}

/// How commands are written, and what they do.
pub(super) const HELP: &[(&str, &str)] = &[
    ("/model NAME", "ask another model; without NAME print the current one"),
    ("/provider NAME", "ask another service; without NAME print the current one"),
    ("/system TEXT", "set the instructions; without TEXT show them"),
    ("/file PATH", "put a file before the next message"),
    ("/edit TEXT", "write a message in your editor, which may begin with TEXT"),
    ("/set KEY=VALUE", "set a request field; /set KEY takes it back, /set shows them"),
    ("/models WORD", "the models of the service, or those that contain WORD"),
    ("/copy", "put the last answer into the clipboard"),
    ("/tools", "the tools that the model may call"),
    ("/retry", "ask the last question again and replace its answer"),
    ("/undo", "remove the last question and its answer"),
    ("/save FILE", "write the conversation to a file"),
    ("/usage", "tokens, time and cost so far; turns the line after each answer on or off"),
    ("/search", "turns the service's own web search on or off"),
    ("/clear", "begin a new conversation"),
    ("/help", "this list"),
    ("/exit", "leave, as Ctrl-D does"),
];

/// What leaves without a `/`, as in other programs.
const LEAVING: [&str; 6] = ["exit", "quit", ":q", ":wq", "exit()", "quit()"];

/// Reads a line. A `/` with anything but small letters behind it begins a path or a remark, not a
/// command; so does one behind a space. Full-width signs, as Chinese keyboards give them, count as the plain
/// ones where a command stands.
pub(super) fn read(line: &str) -> TypedLine<'_> {
    if line.trim().is_empty() {
        return TypedLine::Nothing;
    }
    if LEAVING.contains(&plain(line.trim()).as_str()) {
        return TypedLine::Exit;
    }
    let Some(rest) = line.strip_prefix(['/', '／']) else { return TypedLine::Say(line) };
    let (word, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let plain_word = plain(word);
    if word.is_empty() || !plain_word.chars().all(|letter| letter.is_ascii_lowercase()) {
        return TypedLine::Say(line);
    }
    command(&plain_word, text.trim()).unwrap_or(TypedLine::Unknown(word))
}

/// Full-width signs as plain ones.
fn plain(text: &str) -> String {
    let plain = |letter: char| match u32::from(letter) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(letter),
        _ => letter,
    };
    text.chars().map(plain).collect()
}

/// A command with the text behind it; `None` if there is none of the name.
fn command<'a>(word: &str, text: &'a str) -> Option<TypedLine<'a>> {
    Some(match word {
        "help" => TypedLine::Help,
        "model" => TypedLine::Model(text),
        "provider" => TypedLine::Provider(text),
        "system" => TypedLine::System(text),
        "file" if text.is_empty() => TypedLine::Lacking("/file PATH"),
        "file" => TypedLine::File(text),
        "tools" => TypedLine::Tools,
        "retry" => TypedLine::Retry,
        "undo" => TypedLine::Undo,
        "save" if text.is_empty() => TypedLine::Lacking("/save FILE"),
        "save" => TypedLine::Save(text),
        "usage" => TypedLine::Usage,
        "search" => TypedLine::Search,
        "clear" => TypedLine::Clear,
        "edit" => TypedLine::Edit(text),
        "copy" => TypedLine::Copy,
        "set" => TypedLine::Set(text),
        "models" => TypedLine::Models(text),
        "exit" | "quit" => TypedLine::Exit,
        _ => return None,
    })
}

/// Whether the input goes on in the next line: it ends with a `\` that no other one takes back.
pub(super) fn goes_on(input: &str) -> bool {
    let slashes = input.len() - input.trim_end_matches('\\').len();
    slashes % 2 == 1
}

/// Stands before and behind a message of several lines.
const QUOTES: &str = "\"\"\"";

/// Whether a message of several lines was begun with `"""` and not ended yet.
pub(super) fn is_quote_open(input: &str) -> bool {
    input.trim_start().starts_with(QUOTES) && input.matches(QUOTES).count() % 2 == 1
}

/// A message without the `"""` around it; any other text as it is.
pub(super) fn unquoted(input: &str) -> &str {
    let inner = input.trim().strip_prefix(QUOTES).and_then(|rest| rest.strip_suffix(QUOTES));
    match inner.filter(|inner| !inner.contains(QUOTES)) {
        Some(inner) => inner.trim_matches('\n'),
        None => input,
    }
}

/// What was typed, without the `\` by which it went on. `ends` are the inputs as they were when the
/// user did so: a `\` at the end of a pasted line is part of the text.
pub(super) fn joined(input: &str, ends: &[String]) -> String {
    let is_typed =
        |end: &&String| input.strip_prefix(end.as_str()).is_some_and(|rest| rest.starts_with('\n'));
    let mut text = String::with_capacity(input.len());
    let mut from = 0;
    for end in ends.iter().filter(is_typed) {
        let slash = end.len() - 1;
        if slash >= from {
            text.push_str(&input[from..slash]);
            from = end.len();
        }
    }
    text.push_str(&input[from..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_text() {
        assert_eq!(read("  \t"), TypedLine::Nothing);
        assert_eq!(read("你好"), TypedLine::Say("你好"));
        assert_eq!(read("/etc/passwd 是什么"), TypedLine::Say("/etc/passwd 是什么"));
        assert_eq!(read(" /help"), TypedLine::Say(" /help"));
        assert_eq!(read("/ 是什么"), TypedLine::Say("/ 是什么"));
        assert_eq!(read("/help"), TypedLine::Help);
        assert_eq!(read("/system  用 诗 "), TypedLine::System("用 诗"));
        assert_eq!(read("/model"), TypedLine::Model(""));
        assert_eq!(read("/file"), TypedLine::Lacking("/file PATH"));
        assert_eq!(read("/save 诗 集.md"), TypedLine::Save("诗 集.md"));
        for line in ["/quit", "exit", " quit ", ":q", "：q", "／exit", "ｅｘｉｔ"] {
            assert_eq!(read(line), TypedLine::Exit, "{line}");
        }
        assert_eq!(read("exit the loop?"), TypedLine::Say("exit the loop?"));
        assert_eq!(read("／model qwen3"), TypedLine::Model("qwen3"));
        assert_eq!(read("／ｍｏｄｅｌ　qwen3"), TypedLine::Model("qwen3"));
        assert_eq!(read("／是什么"), TypedLine::Say("／是什么"));
        assert_eq!(read("/set top_k=3"), TypedLine::Set("top_k=3"));
        assert_eq!(read("/models qwen"), TypedLine::Models("qwen"));
        assert_eq!(read("/search"), TypedLine::Search);
        assert_eq!((read("/edit"), read("/copy")), (TypedLine::Edit(""), TypedLine::Copy));
        assert_eq!(read("/modle x"), TypedLine::Unknown("modle"));
    }

    #[test]
    fn the_list_names_real_commands() {
        for (usage, _) in HELP {
            let line = usage.replace(char::is_uppercase, "x");
            assert!(!matches!(read(&line), TypedLine::Unknown(_) | TypedLine::Say(_)), "{usage}");
        }
    }

    #[test]
    fn three_quotes_hold_several_lines() {
        for open in ["\"\"\"", "\"\"\"一\n二", " \"\"\"一"] {
            assert!(is_quote_open(open), "{open}");
        }
        for closed in ["一 \"\"\"", "\"\"\"一\n\"\"\"", "\"\"", "\"\"\"\"\"\""] {
            assert!(!is_quote_open(closed), "{closed}");
        }
        assert_eq!(unquoted("\"\"\"\n一\n\n二\n\"\"\""), "一\n\n二");
        assert_eq!(unquoted("\"\"\"一\"\"\" 二"), "\"\"\"一\"\"\" 二");
        assert_eq!(unquoted("一 \"二\""), "一 \"二\"");
    }

    #[test]
    fn a_backslash_at_the_end_goes_on() {
        assert!(goes_on("一\\") && !goes_on("一\\\\") && !goes_on("一"));
        let ends = ["一\\".to_owned(), "一\\\n二\\".to_owned()];
        assert_eq!(joined("一\\\n二\\\n三", &ends), "一\n二\n三");
        assert_eq!(joined("一\\\n二\\\n三", &[]), "一\\\n二\\\n三");
        assert_eq!(joined("别的", &ends), "别的");
    }
}
