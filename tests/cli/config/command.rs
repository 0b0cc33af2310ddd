//! `llm config`: where the profile file is, a first one, and the editor.

use crate::support::{Llm, llm};

fn config(args: &[&str]) -> Llm {
    llm().arg("config").args(args)
}

#[test]
fn the_path_is_told_whether_the_file_exists_or_not() {
    for args in [&[][..], &["path"]] {
        let run = config(args);
        let path = format!("{}\n", run.config_file().display());
        run.run().code(0).stdout(&path).stderr_empty();
        let existing = run.config("default = 3 # wrong, but not looked at");
        existing.run().code(0).stdout(&path).stderr_empty();
        let env = existing.clone().env("LLM_CONFIG", "ordner/umgebung.toml");
        env.run().code(0).stdout("ordner/umgebung.toml\n").stderr_empty();
        let flag = env.args(["--config", "schalter.toml"]);
        flag.run().code(0).stdout("schalter.toml\n").stderr_empty();
        existing.env("LLM_CONFIG", "").run().code(0).stdout(&path).stderr_empty();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_the_variable_the_home_folder_is_looked_in() {
    let run = config(&["path"]).env("XDG_CONFIG_HOME", "");
    let path = run.folder("home").join(".config/llm/providers.toml");
    run.run().code(0).stdout(&format!("{}\n", path.display())).stderr_empty();
}

#[test]
fn init_writes_a_file_that_works_and_is_private() {
    let run = config(&["init"]);
    let outcome = run.run();
    let path = run.config_file();
    outcome.code(0).stdout(&format!("{}\n", path.display()));
    assert!(outcome.stderr_lines().iter().all(|line| line.starts_with("llm: ")), "{outcome}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(&path).expect("the file is text");
    let file = path.display().to_string();
    llm().args(["providers", "--config", &file]).run().code(0).stderr_empty();
    // What is commented out works once the sign is taken away.
    let words = text.lines().filter_map(|line| line.strip_prefix("# "));
    let lines = words.filter(|line| line.contains(" = ") || line.starts_with('['));
    let whole = lines.collect::<Vec<_>>().join("\n");
    assert!(whole.contains("[providers.openai]"), "{text}");
    llm().config(&whole).args(["providers", "show"]).run().code(0).stderr_empty();
}

#[test]
fn init_never_writes_over_a_file() {
    let text = "[providers.mein]\nbase_url = \"http://h.example\" # 注意\n";
    let run = config(&["init"]).config(text);
    let outcome = run.run();
    outcome.code(1).stdout_empty().stderr_has("exists already").stderr_has("hint: ");
    assert_eq!(std::fs::read_to_string(run.config_file()).expect("still there"), text);
    let run = config(&["init", "--config", "neu/tief/p.toml"]);
    run.run().code(0).stdout("neu/tief/p.toml\n");
    assert!(run.dir().join("neu/tief/p.toml").exists());
    let run = config(&["init"]).env("LLM_CONFIG", "q.toml");
    run.run().code(0).stdout("q.toml\n");
    assert!(run.dir().join("q.toml").exists());
    let run = config(&["init", "--config", "datei/p.toml"]).file("datei", "x");
    run.run().code(1).stdout_empty().stderr_has("datei/p.toml").stderr_lacks("os error");
}

#[cfg(unix)]
mod edit {
    use super::config;
    use crate::support::Llm;

    /// A run with an editor that is a shell script.
    fn edited(variable: &str, script: &str) -> Llm {
        use std::os::unix::fs::PermissionsExt as _;
        let run = config(&["edit"]).file("editor", format!("#!/bin/sh\n{script}\n"));
        let editor = run.dir().join("editor");
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&editor, mode).expect("the file is ours");
        run.env(variable, format!("{} --wait", editor.display()))
    }

    const ADD: &str = "test \"$1\" = --wait && echo '[providers.neu]' >> \"$2\"";

    #[test]
    fn the_editor_is_given_the_file() {
        let run = edited("EDITOR", ADD).config("# 我的\n");
        run.run().code(0).stdout_empty().stderr_empty();
        let text = std::fs::read_to_string(run.config_file()).expect("the file is there");
        assert_eq!(text, "# 我的\n[providers.neu]\n");
        edited("VISUAL", ADD).env("EDITOR", "false").config("").run().code(0).stderr_empty();
        edited("EDITOR", ADD).env("VISUAL", "").config("").run().code(0).stderr_empty();
    }

    #[test]
    fn a_first_file_is_written_where_there_is_none() {
        let run = edited("EDITOR", ADD);
        run.run().code(0).stdout_empty();
        let text = std::fs::read_to_string(run.config_file()).expect("the file is there");
        assert!(text.starts_with('#') && text.ends_with("[providers.neu]\n"), "{text}");
        // A file that was named and is not there is a mistake, as everywhere.
        for run in [
            edited("EDITOR", ADD).args(["--config", "fehlt.toml"]),
            edited("EDITOR", ADD).env("LLM_CONFIG", "fehlt.toml"),
        ] {
            let outcome = run.run();
            outcome.code(2).stdout_empty().stderr_has("fehlt.toml").stderr_has("config init");
            assert!(!outcome.dir().join("fehlt.toml").exists(), "{outcome}");
        }
    }

    #[test]
    fn mistakes_are_said_afterwards() {
        let run = edited("EDITOR", "echo 'modle = 1' >> \"$2\"").config("[providers.x]\n");
        let place = format!("{}:2: ", run.config_file().display());
        run.run().code(2).stdout_empty().stderr_has(&place).stderr_has("`model`");
        let failing = edited("EDITOR", "exit 3").config("");
        failing.run().code(1).stdout_empty().stderr_has("llm: ").stderr_has("editor");
        let missing = config(&["edit"]).env("EDITOR", "kein-solcher-editor").config("");
        missing.run().code(1).stdout_empty().stderr_has("kein-solcher-editor").stderr_has("hint: ");
    }
}
