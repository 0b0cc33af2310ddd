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
    Clear,
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
    ("/tools", "the tools that the model may call"),
    ("/retry", "ask the last question again and replace its answer"),
    ("/undo", "remove the last question and its answer"),
    ("/save FILE", "write the conversation to a file"),
    ("/usage", "tokens, time and cost so far; turns the line after each answer on or off"),
    ("/clear", "begin a new conversation"),
    ("/help", "this list"),
    ("/exit", "leave, as Ctrl-D does"),
];

/// Reads a line. A `/` with anything but small letters behind it begins a path or a remark, not a
/// command; so does one behind a space.
pub(super) fn read(line: &str) -> TypedLine<'_> {
    if line.trim().is_empty() {
        return TypedLine::Nothing;
    }
    let Some(rest) = line.strip_prefix('/') else { return TypedLine::Say(line) };
    let (word, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if word.is_empty() || !word.chars().all(|letter| letter.is_ascii_lowercase()) {
        return TypedLine::Say(line);
    }
    let text = text.trim();
    match word {
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
        "clear" => TypedLine::Clear,
        "exit" | "quit" => TypedLine::Exit,
        _ => TypedLine::Unknown(word),
    }
}

/// Whether the input goes on in the next line: it ends with a `\` that no other one takes back.
pub(super) fn goes_on(input: &str) -> bool {
    let slashes = input.len() - input.trim_end_matches('\\').len();
    slashes % 2 == 1
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
        assert_eq!(read("/quit"), TypedLine::Exit);
        assert_eq!(read("/modle x"), TypedLine::Unknown("modle"));
    }

    #[test]
    fn the_list_names_real_commands() {
        for (usage, _) in HELP {
            let line = usage.replace("NAME", "x").replace("PATH", "x").replace("FILE", "x");
            assert!(!matches!(read(&line), TypedLine::Unknown(_) | TypedLine::Say(_)), "{usage}");
        }
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
