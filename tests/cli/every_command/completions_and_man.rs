//! `llm completions` and `llm man`: whole, for every shell and every command.

use crate::support::{llm, program};

const COMMANDS: [&str; 6] = ["chat", "models", "providers", "config", "completions", "man"];

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let outcome = llm().args(["completions", shell]).run();
        outcome.code(0).stderr_empty();
        for word in COMMANDS.iter().copied().chain(["temperature", "base-url", "dry-run"]) {
            outcome.stdout_has(word);
        }
    }
}

#[cfg(unix)]
#[test]
fn the_bash_script_completes() {
    if program("sh").args(["-c", "command -v bash"]).run().code != Some(0) {
        return;
    }
    let script = llm().args(["completions", "bash"]).run();
    let test = "source ./script; COMP_WORDS=(llm cha); COMP_CWORD=1; _llm llm cha llm; echo \"${COMPREPLY[@]}\"";
    let run = program("bash").args(["--norc", "-c", test]).file("script", &script.stdout);
    run.run().code(0).stdout("chat\n").stderr_empty();
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let page = llm().arg("man").run();
    page.code(0).stderr_empty().stdout_has(".TH llm 1").stdout_has(".SH SYNOPSIS");
    for command in COMMANDS {
        page.stdout_has(command);
        let page = llm().args(["man", command]).run();
        page.code(0).stderr_empty().stdout_has(&format!(".TH llm-{command} 1"));
        page.stdout_has(".SH NAME").stdout_has(".SH SYNOPSIS").stdout_has(".SH OPTIONS");
        page.stdout_has(&format!("\\fBllm {command}\\fR"));
        page.stdout_has("Examples:");
    }
    let outcome = llm().args(["man", "cht"]).run();
    outcome.code(2).stdout_empty().stderr_has("`cht`").stderr_has("did you mean `chat`?");
    let outcome = llm().args(["man", "zzzz"]).run();
    outcome.code(2).stdout_empty().stderr_has("`zzzz`").stderr_has("chat, embed");
    outcome.stderr_lacks("did you mean");
}

#[cfg(unix)]
#[test]
fn the_pages_are_roff_that_man_reads() {
    if program("sh").args(["-c", "command -v groff"]).run().code != Some(0) {
        return;
    }
    for page in [vec!["man"], vec!["man", "chat"]] {
        let roff = llm().args(page).run();
        let run = program("groff")
            .args(["-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbu"])
            .stdin(&roff.stdout);
        run.run().code(0).stderr_empty().stdout_has("SYNOPSIS");
    }
}
