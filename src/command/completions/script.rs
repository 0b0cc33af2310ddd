//! The completion scripts. Each asks the program that is typed what the last word can become.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::generate::CompletionShell;

/// Stands in a script for the program that made it.
const PROGRAM: &str = "@PROGRAM@";

/// What the first lines of every script say, and by which one is known as ours.
pub(super) const MARK: &str = "Made by `llm completions";

/// A shell's script. A program that was typed with its folder stands in it, for shells that don't find it
/// by its name alone.
pub(super) fn of(shell: CompletionShell, program: &OsStr) -> String {
    let path = Path::new(program);
    let path = match path.components().count() {
        0 | 1 => Path::new("llm").to_owned(),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    let path = path.to_string_lossy();
    let (text, quoted) = match shell {
        CompletionShell::Bash => (include_str!("scripts/llm.bash"), posix(&path)),
        CompletionShell::Elvish => (include_str!("scripts/llm.elv"), doubled(&path)),
        CompletionShell::Fish => (include_str!("scripts/llm.fish"), fish(&path)),
        CompletionShell::Nushell => (include_str!("scripts/llm.nu"), nushell(&path)),
        CompletionShell::Powershell => (include_str!("scripts/llm.ps1"), doubled(&path)),
        CompletionShell::Zsh => (include_str!("scripts/llm.zsh"), posix(&path)),
    };
    text.replace(PROGRAM, &quoted)
}

fn posix(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// As PowerShell and Elvish have it: a quote is written twice.
fn doubled(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn nushell(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn a_script_names_the_program_that_made_it() {
        for shell in CompletionShell::value_variants() {
            let script = of(*shell, OsStr::new("/opt/it's mine/llm"));
            assert!(script.contains(MARK), "{shell:?}");
            assert!(script.contains("/opt/it"), "{shell:?}");
            assert!(!script.contains(PROGRAM), "{shell:?}");
            assert!(!of(*shell, OsStr::new("llm")).contains("/llm'"), "{shell:?}");
        }
        assert!(of(CompletionShell::Bash, OsStr::new("/a b's/llm")).contains(r"'/a b'\''s/llm'"));
    }
}
