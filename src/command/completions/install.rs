//! `--install`: puts a script where its shell looks for it. A file of the user's is never changed: neither
//! one that stands in the script's place, nor what the shell reads at its start.

use std::path::{Path, PathBuf};

use directories::BaseDirs;

use super::script::MARK;
use crate::cli::generate::CompletionShell;
use crate::error::{Failure, FailureKind, reason};
use crate::io::{Env, Io};
use crate::output::file::OutputFile;
use crate::output::sink::to_stdout;

/// Where a script goes, and what the user has to do for it.
struct Place {
    path: PathBuf,
    /// A line for a file that the shell reads at its start: what to say of it, and the line.
    line: Option<(&'static str, String)>,
}

/// Writes a script, and prints its path and the line that is needed.
///
/// # Errors
/// Exit 2 without a home directory, exit 1 for a file that can't be written or is not ours.
pub(super) fn install(shell: CompletionShell, script: &str, io: &mut Io) -> Result<(), Failure> {
    let place = place(shell, &io.env).ok_or_else(|| {
        Failure::usage("there is no home directory to write completions to").hint("set HOME")
    })?;
    let path = &place.path;
    let shown = path.display().to_string();
    refuse_foreign(path)?;
    if let Some(folder) = path.parent() {
        let failed = |error| {
            let what = format!("cannot make the folder of {shown}: {}", reason(&error));
            Failure::new(FailureKind::Other, what)
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OutputFile::open(path)?;
    file.write(script.as_bytes())?;
    file.commit()?;
    let mut text = format!("{shown}\n");
    match &place.line {
        Some((what, line)) => {
            io.note(what);
            text.push_str(&format!("{line}\n"));
        }
        None => io.note("the completions are written; a new shell has them"),
    }
    to_stdout(text.as_bytes(), io)
}

/// Refuses a file that `--install` did not write, and a link, which may lead to one of the user's.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    let Ok(facts) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let head = || std::fs::read(path).unwrap_or_default();
    let is_ours = facts.is_file() && {
        let head = head();
        let head = String::from_utf8_lossy(&head[..head.len().min(400)]).into_owned();
        head.lines().take(3).any(|line| line.contains(MARK))
    };
    match is_ours {
        true => Ok(()),
        false => {
            let what =
                format!("{} is there already and was not written by --install", path.display());
            let hint = "it is left as it is; move it away and run this again";
            Err(Failure::new(FailureKind::Other, what).hint(hint))
        }
    }
}

/// `None` without a home directory.
fn place(shell: CompletionShell, env: &Env) -> Option<Place> {
    let base = BaseDirs::new()?;
    let folder = |variable: &str, usual: PathBuf| {
        let own = env.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        own.unwrap_or(usual)
    };
    // These shells look in the same places on every system but Windows.
    let data = folder("XDG_DATA_HOME", base.home_dir().join(".local/share"));
    let config = folder("XDG_CONFIG_HOME", base.home_dir().join(".config"));
    Some(match shell {
        CompletionShell::Bash => {
            let folder = folder("BASH_COMPLETION_USER_DIR", data.join("bash-completion"));
            let path = folder.join("completions/llm");
            let line = format!("source {}", quoted(&path));
            let what = "a new shell has the completions if the package bash-completion is installed; \
                        without it add the line to ~/.bashrc";
            Place { path, line: Some((what, line)) }
        }
        CompletionShell::Fish => {
            Place { path: config.join("fish/completions/llm.fish"), line: None }
        }
        CompletionShell::Zsh => {
            let folder = data.join("zsh/site-functions");
            let line = format!("fpath=({} $fpath)", quoted(&folder));
            let what = "add the line to ~/.zshrc, above `compinit` (without one add \
                        `autoload -Uz compinit && compinit` below it)";
            Place { path: folder.join("_llm"), line: Some((what, line)) }
        }
        CompletionShell::Nushell => {
            let folder = folder("XDG_DATA_HOME", base.data_dir().to_owned());
            Place { path: folder.join("nushell/vendor/autoload/llm.nu"), line: None }
        }
        CompletionShell::Elvish => {
            let config = if cfg!(windows) { base.data_dir().to_owned() } else { config };
            let path = config.join("elvish/lib/llm-completions.elv");
            let what = "add the line to rc.elv";
            Place { path, line: Some((what, "use llm-completions".to_owned())) }
        }
        CompletionShell::Powershell => {
            let documents = || directories::UserDirs::new()?.document_dir().map(Path::to_owned);
            let folder = match cfg!(windows) {
                true => documents()?.join("PowerShell"),
                false => config.join("powershell"),
            };
            let path = folder.join("llm-completions.ps1");
            let line = format!(". '{}'", path.display().to_string().replace('\'', "''"));
            Place { path, line: Some(("add the line to the file that $PROFILE names", line)) }
        }
    })
}

/// A path as a POSIX shell reads it back, without quotes where it needs none.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/-_.+".contains(letter);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
