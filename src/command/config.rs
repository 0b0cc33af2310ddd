//! `llm config`: tells, writes and opens the user's profile file.

use std::io::Write as _;
use std::path::Path;

use super::editor;
use super::options::RunOptions;
use crate::cli::{ConfigAction, ConfigArgs};
use crate::config::{self, location};
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::private;
use crate::sanitize;

/// What a first profile file says.
const FIRST_PROFILE_FILE: &str = r#"# Profiles of llm. Known services work by name without any of this; `llm providers` lists them,
# `llm providers show NAME` shows one. What stands here overrides the built-in values, field by field.

# The profile that is used when none is named:
# default = "ollama"

# [providers.ollama]
# model = "qwen3"

# A key can stand in a variable, in a password store, or in a file of its own:
# [providers.openai]
# api_key_env = "OPENAI_API_KEY"
# api_key_cmd = "pass show openai"
# api_key_file = "~/.keys/openai"
# model = "gpt-6-luna"
# options = { temperature = 0.7 }

# A service of your own:
# [providers.mine]
# base_url = "http://localhost:8000/v1"
# model = "my-model"
"#;

/// Runs the command.
///
/// # Errors
/// A file that can't be written or opened, an editor that fails, a file that is wrong afterwards.
pub(crate) fn run(args: &ConfigArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    if options.json {
        return Err(Failure::usage("`llm config` prints no JSON")
            .hint(
                "`llm providers --json` prints the profiles, `llm providers show NAME --json` one",
            )
            .into());
    }
    let location = location(options.config.as_deref(), &io.env)?;
    let path = location.path;
    match &args.action {
        None | Some(ConfigAction::Path) => {
            print_path(&path, io)?;
        }
        Some(ConfigAction::Init) => {
            init(&path)?;
            print_path(&path, io)?;
            io.note("a first profile file is written; `llm config edit` opens it");
        }
        Some(ConfigAction::Edit) => {
            if location.named && !path.exists() {
                let what = format!("the profile file {} does not exist", path.display());
                return Err(Failure::usage(what)
                    .hint("`llm config init` writes a first one")
                    .into());
            }
            edit(&path, options, io)?;
        }
    }
    Ok(())
}

/// Writes the first file, never over an existing one.
fn init(path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(
            FailureKind::Other,
            format!("{} exists already; it is left as it is", path.display()),
        )
        .hint("`llm config edit` opens it"),
        _ => Failure::new(
            FailureKind::Other,
            format!("cannot write {}: {}", path.display(), reason(&error)),
        ),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // A file that may come to hold keys is the user's alone from the start.
    let opened = private::file().write(true).create_new(true).open(path);
    opened.and_then(|mut file| file.write_all(FIRST_PROFILE_FILE.as_bytes())).map_err(failed)
}

fn edit(path: &Path, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    if !path.exists() {
        init(path)?;
    }
    editor::open(path, &io.env)?;
    // A mistake is better said now than at the next question.
    config::load(options.config.as_deref(), io)?;
    Ok(())
}

/// Prints the path, on a terminal with nothing in it that could do harm.
fn print_path(path: &Path, io: &mut Io) -> Result<(), Failure> {
    let path = path.display().to_string();
    let path = if io.stdout_is_terminal { sanitize::one_line(&path) } else { path };
    to_stdout(format!("{path}\n").as_bytes(), io)
}
