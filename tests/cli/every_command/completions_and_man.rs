//! `llm completions` and `llm man`: whole, for every shell and every command.

use serde_json::json;

use crate::support::{Llm, Outcome, Reply, Server, llm, program};

const SHELLS: [&str; 6] = ["bash", "elvish", "fish", "nushell", "powershell", "zsh"];

/// A user with profiles, prompts and tools, whose service has listed its models and will answer that often.
fn user(answers: usize) -> (Server, Llm) {
    let list = json!({"data": [{"id": "qwen3:8b"}, {"id": "qwen3:32b"}, {"id": "bge-m3"}, {"id": "a\nb"}]});
    let answers = (0..answers).map(|_| Reply::chat(&["好"]));
    let server = Server::start([Reply::json(200, list)].into_iter().chain(answers));
    let url = server.url();
    let llm = llm().watch(&server).config(&format!(
        "default = \"haus\"\n[providers.haus]\nbase_url = \"{url}\"\nmodel = \"own\"\n\
         [providers.\"公司\"]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n\
         [prompts.translate]\nprompt = \"{{{{input}}}}\"\n\
         [tools.weather]\ncommand = \"true\"\ndescription = \"the weather\"\n"
    ));
    llm.clone().arg("models").run().code(0);
    (server, llm)
}

/// What the last of these words can become.
fn completed(llm: &Llm, words: &[&str]) -> Vec<String> {
    let outcome = llm.clone().bare_args(["completions", "fish", "--", "llm"]).args(words).run();
    outcome.code(0).stderr_empty();
    let text = outcome.stdout_text();
    let values =
        text.lines().skip(1).map(|line| line.split('\t').next().unwrap_or(line).to_owned());
    values.collect()
}

#[test]
fn commands_and_flags_are_completed() {
    let llm = llm();
    assert_eq!(completed(&llm, &["cha"]), ["chat"]);
    assert_eq!(completed(&llm, &["chat", "--temp"]), ["--temperature"]);
    assert_eq!(completed(&llm, &["chat", "--reasoning", ""]), ["show", "hide"]);
    assert_eq!(completed(&llm, &["providers", "ch"]), ["check"]);
    assert_eq!(completed(&llm, &["completions", "pow"]), ["powershell"]);
    let all = completed(&llm, &[""]);
    assert!(
        all.contains(&"transcribe".to_owned()) && !all.iter().any(|word| word.starts_with('-'))
    );
    // What a command has no use for is not offered.
    assert!(completed(&llm, &["man", "--"]).contains(&"--all".to_owned()));
    assert!(!completed(&llm, &["man", "--"]).contains(&"--base-url".to_owned()));
}

#[test]
fn values_are_completed_and_no_service_is_asked() {
    let (server, llm) = user(2);
    assert_eq!(completed(&llm, &["chat", "-p", "ha"]), ["haus"]);
    assert_eq!(completed(&llm, &["chat", "-p", "公"]), ["公司"]);
    assert_eq!(completed(&llm, &["chat", "--fallback", "ha"]), ["haus"]);
    assert_eq!(completed(&llm, &["chat", "--provider=deepse"]), ["--provider=deepseek"]);
    assert_eq!(completed(&llm, &["chat", "-m", "qwen3:"]), ["qwen3:8b", "qwen3:32b"]);
    assert_eq!(
        completed(&llm, &["-p", "haus", "chat", "-m", ""]),
        ["own", "qwen3:8b", "qwen3:32b", "bge-m3"]
    );
    // Another service has other models.
    assert_eq!(completed(&llm, &["chat", "-p", "公司", "-m", ""]), ["m"]);
    assert_eq!(completed(&llm, &["chat", "--prompt", "tr"]), ["translate"]);
    assert_eq!(completed(&llm, &["chat", "--tool", "wea"]), ["weather"]);
    assert_eq!(completed(&llm, &["providers", "show", "公"]), ["公司"]);
    assert_eq!(completed(&llm, &["man", "tran"]), ["transcribe"]);
    assert_eq!(server.requests().len(), 1);
    for session in ["周报", "my week"] {
        llm.clone().bare_args(["chat", "--session", session, "写"]).run().code(0);
    }
    assert_eq!(completed(&llm, &["chat", "--session", "周"]), ["周报"]);
    let mut ids = completed(&llm, &["history", "show", ""]);
    ids.sort();
    assert_eq!(ids, ["my week", "周报"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn models_are_only_those_of_the_address_that_listed_them() {
    let (_server, llm) = user(0);
    let moved = "[providers.haus]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"own\"\n";
    let llm = llm.config(moved);
    assert_eq!(completed(&llm, &["chat", "-m", ""]), ["own"]);
    // A wrong profile file leaves the built-in profiles.
    let llm = llm.config("[providers.haus]\nnonsense = 1\n");
    assert_eq!(completed(&llm, &["chat", "-p", "deepse"]), ["deepseek"]);
}

#[test]
fn nothing_is_listed_for_later_where_nothing_shall_be_kept() {
    let list = || Reply::json(200, json!({"data": [{"id": "geheim"}]}));
    let server = Server::start([list(), list()]);
    let llm = llm().profile(&server);
    llm.clone().arg("models").env("LLM_NO_LOG", "1").run().code(0);
    let url = server.url();
    let llm = llm.config(&format!("log = false\n[providers.test]\nbase_url = \"{url}\"\n"));
    llm.clone().arg("models").run().code(0);
    assert_eq!(std::fs::read_dir(llm.folder("data")).expect("readable").count(), 0);
}

#[test]
fn files_are_left_to_the_shell() {
    for words in [["transcribe", ""], ["embed", "-o"], ["chat", "--schema"]] {
        let run = llm().args(["completions", "zsh", "--", "llm"]).args(words).arg("").run();
        run.code(0).stdout("files\n");
    }
    let run = llm().args(["completions", "zsh", "--", "llm", "chat", "--file=报"]).run();
    run.code(0).stdout("files\n");
    llm()
        .args(["completions", "zsh", "--", "llm", "chat", "-s", ""])
        .run()
        .code(0)
        .stdout("words\n");
}

#[test]
fn a_script_is_printed_for_every_shell() {
    for shell in SHELLS {
        let outcome = llm().args(["completions", shell]).run();
        outcome
            .code(0)
            .stderr_empty()
            .stdout_has("completions")
            .stdout_has(env!("CARGO_BIN_EXE_llm"));
    }
    llm().args(["completions", "pwsh"]).run().code(0);
    llm().args(["completions", "csh"]).run().code(2).stdout_empty().stderr_has("csh");
}

/// Runs a line in a shell that has read the script; `None` if there is no such shell.
fn in_shell(shell: &str, args: &[&str], line: &str, llm: &Llm) -> Option<Outcome> {
    if program("sh").args(["-c", &format!("command -v {shell}")]).run().code != Some(0) {
        return None;
    }
    let script = llm.clone().bare_args(["completions", shell]).run();
    let run = llm.in_place(shell).file("script", &script.stdout).args(args).arg(line).run();
    run.code(0).stderr_empty();
    Some(run)
}

#[cfg(unix)]
#[test]
fn the_bash_script_completes() {
    let (_server, llm) = user(0);
    for (words, expected) in [
        ("llm cha", "chat"),
        ("llm chat -p 公", "公司"),
        ("llm chat -m qwen3:8", "qwen3:8b"),
        // As bash splits it; what stands before the cut is on the line already.
        ("llm chat -m qwen3 : 8", "8b"),
        ("llm chat -m qwen3 :", "8b 32b"),
        ("llm chat --provider = hau", "haus"),
    ] {
        let line = format!(
            "source ./script; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _llm; echo \"${{COMPREPLY[@]}}\""
        );
        let Some(run) = in_shell("bash", &["--norc", "-c"], &line, &llm) else { return };
        run.stdout(&format!("{expected}\n"));
    }
}

#[cfg(unix)]
#[test]
fn the_fish_script_completes() {
    let (_server, llm) = user(0);
    for (typed, expected) in
        [("llm cha", "chat\t"), ("llm chat -m qwen3:8", "qwen3:8b"), ("llm chat -p 公", "公司")]
    {
        let line = format!("source ./script; complete --do-complete '{typed}'");
        let Some(run) = in_shell("fish", &["--no-config", "-c"], &line, &llm) else { return };
        let text = run.stdout_text();
        assert!(text.starts_with(expected) && text.lines().count() == 1, "{typed}: {run}");
    }
}

#[test]
fn install_writes_one_file_and_says_what_is_to_be_done() {
    for (shell, file, line) in [
        ("bash", "bash-completion/completions/llm", "source "),
        ("zsh", "zsh/site-functions/_llm", "fpath=("),
        ("nushell", "nushell/vendor/autoload/llm.nu", ""),
    ] {
        let llm = llm().args(["completions", shell, "--install"]);
        let path = llm.folder("data").join(file);
        for _ in 0..2 {
            let run = llm.clone().run();
            run.code(0).stderr_has("llm: ");
            let lines: Vec<String> = run.stdout_text().lines().map(str::to_owned).collect();
            assert_eq!(lines[0], path.display().to_string());
            assert!(lines.get(1).map_or("", String::as_str).starts_with(line), "{run}");
        }
        let script = llm.clone().bare_args(["completions", shell]).run().stdout;
        assert_eq!(std::fs::read(&path).expect("is written"), script);
        // What somebody else wrote stays.
        std::fs::write(&path, "# mine\n").expect("can be written");
        llm.clone()
            .run()
            .code(1)
            .stdout_empty()
            .stderr_has("was not written by --install")
            .stderr_has("hint: ");
        assert_eq!(std::fs::read(&path).expect("is there"), b"# mine\n");
    }
    let llm = llm().args(["completions", "fish", "--install"]);
    llm.clone().run().code(0);
    assert!(llm.folder("config").join("fish/completions/llm.fish").is_file());
}

const COMMANDS: [&str; 6] = ["chat", "models", "providers", "config", "completions", "man"];

#[test]
fn there_is_a_manual_page_for_every_command() {
    let page = llm().arg("man").run();
    page.code(0).stderr_empty().stdout_has(".TH llm 1").stdout_has(".SH SYNOPSIS");
    for command in COMMANDS {
        page.stdout_has(command);
        let page = llm().args(["man", command]).run();
        page.code(0).stderr_empty().stdout_has(&format!(".TH llm-{command} 1"));
        for section in
            ["NAME", "SYNOPSIS", "OPTIONS", "ENVIRONMENT", "FILES", "\"EXIT STATUS\"", "EXAMPLES"]
        {
            page.stdout_has(&format!("\n.SH {section}\n"));
        }
        page.stdout_has(&format!("\\fBllm {command}\\fR"));
        assert!(!page.stdout_text().contains("SH EXTRA"), "{page}");
    }
    llm().args(["man", "providers", "check"]).run().code(0).stdout_has(".TH llm-providers-check 1");
    // A page has only what its command takes.
    let page = llm().args(["man", "config"]).run().stdout_text();
    assert!(
        !page.contains("base") && !page.contains("LLM_MODEL") && page.contains("VISUAL"),
        "{page}"
    );
    let outcome = llm().args(["man", "cht"]).run();
    outcome.code(2).stdout_empty().stderr_has("`cht`").stderr_has("did you mean `chat`?");
    let outcome = llm().args(["man", "zzzz"]).run();
    outcome.code(2).stdout_empty().stderr_has("`zzzz`").stderr_has("chat, batch, embed");
    outcome.stderr_lacks("did you mean");
    llm().args(["man", "providers", "chekc"]).run().code(2).stderr_has("did you mean `check`?");
}

#[test]
fn all_pages_are_written_into_a_folder() {
    let run = llm().args(["man", "--all", "pages/man1"]).run();
    run.code(0).stdout_empty().stderr_has("manual pages are written");
    for name in ["llm", "llm-chat", "llm-providers-check", "llm-history-rm"] {
        let page = String::from_utf8(run.read(&format!("pages/man1/{name}.1"))).expect("is UTF-8");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
    llm().file("taken", "").args(["man", "--all", "taken"]).run().code(1).stderr_has("cannot make");
}

#[cfg(unix)]
#[test]
fn the_pages_are_roff_that_man_reads() {
    if program("sh").args(["-c", "command -v groff"]).run().code != Some(0) {
        return;
    }
    for page in [vec!["man"], vec!["man", "chat"], vec!["man", "config"]] {
        let roff = llm().args(page).run();
        let run = program("groff")
            .args(["-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbu"])
            .stdin(&roff.stdout);
        run.run().code(0).stderr_empty().stdout_has("SYNOPSIS").stdout_has("EXIT STATUS");
    }
}
