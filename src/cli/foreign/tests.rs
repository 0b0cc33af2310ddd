use super::super::description::description;
use super::*;

fn told(line: &[&str]) -> String {
    let line: Vec<OsString> = ["llm"].iter().chain(line).map(OsString::from).collect();
    let error = description().try_get_matches_from(&line).expect_err("is refused");
    hint(&error, &line).unwrap_or_default()
}

#[test]
fn commands_of_other_programs_are_known() {
    for (line, expected) in [
        (&["keys", "set", "openai"][..], "api_key_env"),
        (&["keys"], "api_key_env"),
        (&["logs"], "llm history"),
        (&["logs", "-n", "3"], "llm history"),
        (&["logs", "off"], "log = false"),
        (&["history", "clear"], "llm history rm --all"),
        (&["history", "ls"], "`llm history`"),
        (&["config", "set", "default", "x"], "llm config edit"),
        (&["providers", "add", "x"], "[providers.NAME]"),
        (&["mcp", "add", "x"], "[mcp.NAME]"),
        (&["models", "default", "gpt-4o"], "default = "),
        (&["templates", "edit", "x"], "[prompts.NAME]"),
        (&["install", "llm-claude-3"], "no plugins"),
        (&["api", "chat.completions.create", "-m", "x"], "llm chat"),
        (&["chat:completions", "create", "--model", "x"], "llm chat"),
        (&["audio.transcriptions.create", "-f", "x"], "llm transcribe"),
        (&["images", "generate", "--prompt", "x"], "llm image"),
        (&["embeddings", "create"], "llm embed"),
    ] {
        assert!(told(line).contains(expected), "{line:?}: {}", told(line));
    }
    // Sentences are no commands.
    for line in [&["keys", "to", "success"][..], &["logs of a ship"], &["install", "docker"]] {
        assert_eq!(told(line), "", "{line:?}");
    }
}

#[test]
fn flags_of_other_programs_are_known() {
    for (line, expected) in [
        (&["chat", "-a", "x.png", "hi"][..], "`-f FILE`"),
        (&["-a", "x.png", "hi"], "`-f FILE`"),
        (&["chat", "--key", "sk-1", "hi"], "--api-key-env"),
        (&["chat", "--key=sk-1", "hi"], "--api-key-env"),
        (&["chat", "--xl", "hi"], "--extract-last"),
        (&["chat", "-d", "{}", "hi"], "-O KEY=VALUE"),
        (&["chat", "-X", "POST", "hi"], "--dry-run"),
        (&["embed", "-c", "hi"], "llm embed"),
        (&["embed", "-i", "a.txt"], "`-f FILE`"),
        (&["chat", "--frequency-penalty", "1"], "-O frequency_penalty=VALUE"),
        (&["chat", "--role", "pirate"], "--prompt NAME"),
        (&["chat", "--system-prompt", "x", "hi"], "`-s TEXT`"),
        (&["chat", "--think", "hi"], "--reasoning-effort"),
        (&["chat", "--interactive"], "without a prompt"),
        (&["image", "--prompt", "a cat"], "llm image"),
        (&["chat", "-t", "summary", "hi"], "--prompt NAME"),
        (&["chat", "-n", "hi"], "--no-log"),
        (&["--list-models"], "llm models"),
    ] {
        assert!(told(line).contains(expected), "{line:?}: {}", told(line));
        assert!(!told(line).contains("sk-1"));
    }
    for line in [&["chat", "-t", "7.x"][..], &["chat", "--nonsense"], &["chat", "-n", "-1"]] {
        assert_eq!(told(line), "", "{line:?}");
    }
}

/// A row that names a command or a flag which works here would never be shown.
#[test]
fn no_row_names_what_there_is() {
    let mut root = description();
    root.build();
    for (name, behind, _) in COMMANDS {
        let own = root.find_subcommand(name);
        assert!(own.is_none() || !behind.contains(['-', '*']), "{name}");
    }
    for (of, spellings, _) in FLAGS {
        let commands: Vec<&clap::Command> = match *of {
            "" => vec![root.find_subcommand("chat").expect("is there")],
            name => vec![root.find_subcommand(name).expect("is there")],
        };
        for spelling in spellings.split(' ') {
            let is_known = |arg: &clap::Arg| match spelling.strip_prefix("--") {
                Some(long) => arg.get_long() == Some(long),
                None => arg.get_short() == spelling.chars().nth(1),
            };
            let found = commands.iter().any(|command| command.get_arguments().any(is_known));
            assert!(!found, "{of} {spelling}");
        }
    }
}
