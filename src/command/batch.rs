//! `llm batch`: the same question for every row of a file.

use super::options::RunOptions;
use crate::cli::batch::{BatchAction, BatchArgs, BatchRunArgs};
use crate::error::Failure;
use crate::io::Io;

mod ask;
mod attach;
mod flow;
mod keep;
mod outcome;
mod preview;
mod record;
mod reply;
mod request;
mod run;
mod setup;
mod source;
mod survey;
mod tally;
mod template;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &BatchArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    match &args.action {
        None => Ok(run::run(&args.run, options, io)?),
        Some(_) if args.run != BatchRunArgs::default() => {
            let what = "the options of an action stand behind its name";
            Err(Failure::usage(what)
                .hint("`llm batch make -f rows.csv \"…\"`; a prompt that begins with such a name: llm batch run -f rows.csv \"…\"")
                .into())
        }
        Some(BatchAction::Run(args)) => Ok(run::run(args, options, io)?),
    }
}
