//! `llm completions`: prints or installs the script by which a shell completes command lines of llm, and
//! answers such a script. Asks no service.

mod install;
mod known;
mod script;
mod words;

use std::ffi::OsStr;

use crate::cli::generate::CompletionsArgs;
use crate::io::Io;
use crate::output::sink::to_stdout;

/// Runs the command. `program` is what the user typed to start this program.
///
/// # Errors
/// A file that can't be written, or that is the user's own. Standard output that takes no more.
pub(crate) fn run(args: &CompletionsArgs, program: &OsStr, io: &mut Io) -> anyhow::Result<()> {
    if !args.words.is_empty() {
        let answer = words::answer(args.shell, &args.words, io);
        return Ok(to_stdout(answer.as_bytes(), io)?);
    }
    let script = script::of(args.shell, program);
    match args.install {
        true => install::install(args.shell, &script, io)?,
        false => to_stdout(script.as_bytes(), io)?,
    }
    Ok(())
}
