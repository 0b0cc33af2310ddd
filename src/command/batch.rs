//! `llm batch`: the same question for every row of a file.

use super::options::RunOptions;
use crate::cli::batch::{BatchAction, BatchArgs, BatchRunArgs};
use crate::error::Failure;
use crate::io::Io;

mod ask;
mod attach;
mod earlier;
mod fetch;
mod flow;
mod handed;
mod keep;
mod kept;
mod lines;
mod make;
mod open;
mod outcome;
mod parts;
mod plan;
mod preview;
mod ready;
mod record;
mod reply;
mod request;
mod results;
mod run;
mod service;
mod setup;
mod source;
mod submit;
mod survey;
mod tally;
mod template;
mod whole;

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
        Some(BatchAction::Make(args)) => Ok(make::run(args, options, io)?),
        Some(BatchAction::Submit(args)) => Ok(submit::run(args, options, io)?),
        Some(BatchAction::Status(args)) => Ok(handed::status(args, options, io)?),
        Some(BatchAction::Fetch(args)) => Ok(fetch::run(args, options, io)?),
        Some(BatchAction::Cancel(args)) => Ok(handed::cancel(args, options, io)?),
        Some(BatchAction::List(args)) => Ok(handed::list(args, options, io)?),
        Some(BatchAction::Rm(args)) => Ok(handed::remove(args, options, io)?),
    }
}
