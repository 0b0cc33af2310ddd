//! The arguments of `llm completions` and `llm man`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A shell that completions can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Elvish,
    Fish,
    #[value(alias = "nu")]
    Nushell,
    #[value(alias = "pwsh")]
    Powershell,
    Zsh,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm completions bash --install      write the file that bash looks for
  llm completions zsh --install       the same for zsh; prints the line for ~/.zshrc
  llm completions fish | source       only in this shell

Commands and flags are completed, and values: profiles, models that `llm models` has listed,
prompts, sessions, tools, ids of the history, files. No service is asked for them.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: CompletionShell,

    /// Write the script into the shell's own folder, and print its path and the line that you may have to add
    #[arg(long)]
    pub(crate) install: bool,

    /// The words of a command line, the last one to be completed: how the scripts ask
    #[arg(last = true, hide = true, value_name = "WORD")]
    pub(crate) words: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm man | man -l -
  llm man chat > ~/.local/share/man/man1/llm-chat.1
  llm man --all ~/.local/share/man/man1     the pages of all commands")]
pub(crate) struct ManArgs {
    /// The command, as in `llm man chat` or `llm man providers check`; without it the page of llm itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,

    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) all: Option<PathBuf>,
}
