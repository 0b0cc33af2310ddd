//! Help, version, and what happens when nobody reads them.

use std::path::Path;

use crate::support::{Outcome, llm, program};

/// What the help lists under `Commands:`, the names alone; nothing where a command has no actions.
fn listed(outcome: &Outcome) -> Vec<String> {
    let text = outcome.stdout_text();
    let list = text.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    // A line that is further in goes on with the description above it.
    let heads = lines.filter(|line| !line.starts_with("   "));
    heads.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Asserts what every help text has.
#[track_caller]
fn helps(outcome: &Outcome) {
    outcome.code(0).stderr_empty().stdout_has("Usage: llm").stdout_has("Examples:");
    let text = outcome.stdout_text();
    if let Some(line) = text.lines().find(|line| line.chars().count() > 100) {
        outcome.fail(&format!("this line is longer than 100 characters: {line}"));
    }
    if text.contains('\u{1b}') {
        outcome.fail("there is colour in a pipe");
    }
}

#[test]
fn every_command_and_action_has_its_help_on_standard_output() {
    for flag in ["-h", "--help"] {
        let top = llm().arg(flag).run();
        helps(&top);
        let commands = listed(&top);
        assert!(commands.len() > 10, "{commands:?}");
        for command in commands {
            let outcome = llm().args([&command, flag]).run();
            helps(&outcome);
            outcome.stdout_has(&format!("Usage: llm {command}"));
            for action in listed(&outcome) {
                let outcome = llm().args([&command, &action, flag]).run();
                outcome.code(0).stderr_empty();
                outcome.stdout_has(&format!("Usage: llm {command} {action}"));
            }
        }
    }
    llm().arg("--help").run().stdout_has("Exit codes").stdout_has("141");
}

/// A command has a folder of tests of its own, but for those whose tests are one file.
#[test]
fn every_command_has_its_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    for command in listed(&llm().arg("--help").run()) {
        let place = match command.as_str() {
            "completions" | "man" => "every_command/completions_and_man.rs",
            command => command,
        };
        assert!(tests.join(place).exists(), "tests/cli has nothing for `llm {command}`");
    }
}

#[test]
fn help_tells_of_the_options_that_the_interface_promises() {
    let outcome = llm().args(["chat", "--help"]).run();
    for option in [
        "-p, --provider",
        "--profile",
        "-m, --model",
        "--config",
        "--base-url",
        "--api-key-env",
        "-O, --option",
        "-H, --header",
        "--json",
        "--dry-run",
        "-u, --usage",
        "--timeout",
        "--retries",
        "--max-wait",
        "-q, --quiet",
        "-v, --verbose",
        "--color",
        "-c, --continue",
        "--session",
        "--tool",
        "--yes",
        "--max-turns",
        "--no-log",
        "--markdown",
        "--prompt",
        "--var",
        "-s, --system",
        "-t, --temperature",
        "--top-p",
        "--max-tokens",
        "--seed",
        "--stop",
        "--reasoning-effort",
        "-S, --no-stream",
        "--schema",
        "--schema-multi",
        "-x, --extract",
        "--extract-last",
        "-n",
        "--reasoning",
        "-f, --file",
        "-o, --output",
        "--no-stdin",
        "LLM_PROVIDER",
        "LLM_MODEL",
        "LLM_CONFIG",
    ] {
        outcome.stdout_has(option);
    }
}

#[test]
fn the_short_help_of_chat_fits_on_a_page() {
    let outcome = llm().args(["chat", "-h"]).run();
    helps(&outcome);
    let count = outcome.stdout_text().lines().count();
    assert!(count <= 60, "{count} lines: {outcome}");
}

#[test]
fn the_help_of_a_command_shows_only_what_it_takes() {
    for (words, shown, hidden) in [
        (&["config"][..], &["--config"][..], &["--model", "--retries", "--json", "--dry-run"][..]),
        (&["man"], &["--all"], &["--provider", "--timeout", "--json", "--config"]),
        (&["completions"], &["--install"], &["--provider", "--timeout", "--json", "--config"]),
        (&["history"], &["--json"], &["--model", "--retries", "--option"]),
        (&["history", "rm"], &["--before"], &["--model", "--retries", "--option"]),
        (&["providers"], &["--config", "--json"], &["--retries", "--dry-run"]),
        (&["providers", "check"], &["--model", "--timeout", "--insecure"], &["--usage"]),
        (
            &["usage"],
            &["--provider", "--model", "--json"],
            &["--retries", "--base-url", "--dry-run"],
        ),
        (&["mcp"], &["--config", "--json"], &["--provider", "--model", "--retries", "--base-url"]),
        (
            &["mcp", "check"],
            &["--max-time", "--insecure"],
            &["--provider", "--retries", "--option"],
        ),
        (&["mcp", "call"], &["--timeout", "--dry-run"], &["--provider", "--retries", "--option"]),
    ] {
        let outcome = llm().args(words).arg("--help").run();
        for flag in shown {
            outcome.code(0).stdout_has(flag);
        }
        let text = outcome.stdout_text();
        let found = hidden.iter().find(|flag| {
            text.contains(&format!("{flag} <")) || text.contains(&format!("{flag}\n"))
        });
        assert_eq!(found, None, "{words:?}: {text}");
    }
}

#[test]
fn an_option_that_a_command_can_not_carry_out_is_refused_behind_its_name() {
    for (words, flag) in [
        (
            &["history", "rm", "--all", "--yes", "--dry-run"][..],
            "`llm history rm` takes no --dry-run",
        ),
        (&["history", "list", "-m", "gpt-4o"], "`llm history list` takes no --model"),
        (&["history", "-p", "demo"], "`llm history` takes no --provider"),
        (&["config", "init", "--dry-run"], "`llm config init` takes no --dry-run"),
        (&["completions", "zsh", "--install", "--dry-run"], "`llm completions` takes no --dry-run"),
        (&["man", "chat", "--json"], "`llm man` takes no --json"),
        (&["usage", "--base-url", "http://x/v1"], "`llm usage` takes no --base-url"),
        (&["mcp", "check", "--dry-run"], "`llm mcp check` takes no --dry-run"),
        (&["providers", "-p", "demo"], "`llm providers` takes no --provider"),
    ] {
        let llm = llm().args(words);
        llm.run().code(2).stdout_empty().stderr_has(flag).stderr_has("hint: see `llm ");
        assert!(!llm.config_file().exists(), "{words:?}");
    }
    // Before it they may stand in an alias for all commands.
    llm().args(["-p", "demo", "-m", "x", "history"]).run().code(0);
    llm().args(["history", "list", "-v", "-q", "--no-log", "--color", "never"]).run().code(0);
}

#[test]
fn the_version_is_one_line() {
    let line = format!("llm {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["-V", "--version"] {
        llm().arg(flag).run().code(0).stdout(&line).stderr_empty();
    }
}

#[test]
fn nothing_at_all_is_a_mistake() {
    let outcome = llm().run();
    outcome.code(2).stdout_empty().stderr_has("llm: no command").stderr_has("hint: ");
    assert_eq!(outcome.stderr_lines().len(), 2, "{outcome}");
}

#[test]
fn colour_comes_only_when_asked_for() {
    let forced = llm().args(["--help"]).env("CLICOLOR_FORCE", "1").run();
    forced.code(0).stderr_empty().stdout_has("\u{1b}[");
    for args in [&["--color", "never", "--help"][..], &["chat", "-h", "--color=never"]] {
        let never = llm().args(args).env("CLICOLOR_FORCE", "1").run();
        assert!(!never.code(0).stdout_text().contains('\u{1b}'), "{never}");
    }
    let always = llm().args(["--color", "always", "--help"]).run();
    assert!(always.code(0).stdout_text().contains('\u{1b}'), "{always}");
    let never = llm().args(["--help"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").run();
    never.code(0).stderr_empty();
    assert!(!never.stdout_text().contains('\u{1b}'), "{never}");
}

/// Whether the reader is gone before or after the text is written is chance: both ends are right,
/// and both are silent.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    for words in
        ["--help", "chat --help", "completions zsh", "man chat", "providers", "config", "--version"]
    {
        let script = format!("{{ sleep 0.05; \"$PROGRAM\" {words}; echo $? >&2; }} | true");
        let run =
            program("sh").args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_llm")).run();
        run.code(0).stdout_empty();
        assert!(["141\n", "0\n"].contains(&run.stderr_text().as_str()), "{words}: {run}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    for words in [
        "--help",
        "--version",
        "completions zsh",
        "man",
        "providers",
        "config path",
        "models -p demo",
    ] {
        let script = format!("exec \"$PROGRAM\" {words} > /dev/full");
        let run =
            program("sh").args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_llm")).run();
        run.code(1)
            .stdout_empty()
            .stderr_has("llm: cannot write to standard output: no space left");
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
    }
}

#[test]
fn a_line_without_a_command_is_told_as_it_was_meant() {
    for (words, meant) in [
        (&["hi"][..], r#"llm chat "hi""#),
        (&["-m", "x", "hi"], r#"llm chat -m x "hi""#),
        (&["what's the time?", "-t", "0"], r#"llm chat "what's the time?" -t 0"#),
        (&["-s", "be brief", "it costs $5"], r#"llm chat -s "be brief" 'it costs $5'"#),
        (&["-t", "0.5", "chat", "hi"], r#"llm chat -t 0.5 "hi""#),
        (&["chta", "hi"], r#"llm chat "hi""#),
        (&["help", "me"], r#"llm chat "help" "me""#),
        (&["help", "chatt"], "llm help chat"),
    ] {
        let run = llm().args(words).run();
        run.code(2).stdout_empty().stderr_has(&format!("did you mean `{meant}`?"));
        assert_eq!(run.stderr_lines().len(), 2, "{run}");
    }
    let run = llm().args(["-H", "Authorization: Bearer sk-secret", "hi"]).run();
    run.code(2).stderr_lacks("sk-secret");
    // A word that is far from all commands is none of them.
    llm().args(["hello"]).run().code(2).stderr_lacks("models").stderr_lacks("similar");
    llm().args(["chat", "--role", "x", "hi"]).run().code(2).stderr_lacks("similar");
}

#[test]
fn words_of_other_programs_are_met_with_ours() {
    for (words, hint) in [
        (&["keys", "set", "openai"][..], "`api_key_env`"),
        (&["logs", "-n", "1"], "`llm history`"),
        (&["models", "default", "gpt-4o"], "`default = "),
        (&["chat", "-a", "cat.jpg", "what is it?"], "`-f FILE`"),
        (&["-a", "cat.jpg", "what is it?"], "`-f FILE`"),
        (&["api", "chat.completions.create", "-m", "x", "-g", "user", "hi"], "`llm chat"),
        (&["chat", "-d", "{\"model\":\"x\"}"], "`-O KEY=VALUE`"),
        (&["chat", "--api-key", "sk-secret", "hi"], "`--api-key-env VAR`"),
    ] {
        let run = llm().args(words).run();
        run.code(2).stdout_empty().stderr_has("hint: ").stderr_has(hint).stderr_lacks("sk-secret");
        assert_eq!(run.stderr_lines().len(), 2, "{run}");
    }
    // Only where the line failed: these are questions.
    llm().args(["chat", "-p", "demo", "logs"]).run().code(0).stderr_lacks("hint: ");
    llm().args(["keys to success"]).run().code(2).stderr_has("llm chat \"keys to success\"");
}

#[test]
fn help_and_version_are_words_too() {
    let text = |args: &[&str]| llm().args(args).run().code(0).stderr_empty().stdout_text();
    assert_eq!(text(&["help"]), text(&["--help"]));
    assert_eq!(text(&["help", "chat"]), text(&["chat", "--help"]));
    assert_eq!(text(&["help", "providers", "check"]), text(&["providers", "check", "--help"]));
    assert_eq!(text(&["version"]), text(&["--version"]));
    // Options stand before and behind them, as they do with commands.
    assert_eq!(text(&["-q", "help"]), text(&["--help"]));
    assert_eq!(text(&["-p", "demo", "help", "chat"]), text(&["chat", "--help"]));
    assert_eq!(text(&["help", "chat", "-q"]), text(&["chat", "--help"]));
    assert_eq!(text(&["help", "--color", "never"]), text(&["--help"]));
    assert_eq!(text(&["help", "help"]), text(&["--help"]));
    assert_eq!(text(&["help", "-h"]), text(&["-h"]));
    assert_eq!(text(&["-q", "version"]), text(&["--version"]));
    assert_eq!(text(&["version", "--help"]), text(&["--help"]));
    let run = llm().args(["help", "config", "nope"]).run();
    run.code(2).stdout_empty().stderr_has("unrecognized subcommand 'nope'");
    run.stderr_has("hint: see `llm config --help`");
}
