//! `llm batch`: the same question for every row of a file.

use super::options::RunOptions;
use crate::cli::batch::{BatchAction, BatchArgs, BatchRunArgs};
use crate::error::Failure;
use crate::io::{Env, Io};

mod ask;
mod attach;
mod collect;
mod columns;
mod earlier;
mod fetch;
mod flow;
mod handed;
mod keep;
mod kept;
mod kept_prompt;
mod lines;
mod make;
mod named;
mod open;
mod outcome;
mod part_states;
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

/// The ids of the batches that were handed over from here, the newest first, each with its service.
pub(crate) fn handed_over(env: &Env) -> Vec<(String, String)> {
    let batches = kept::BatchStore::find(env).map(|store| store.all()).unwrap_or_default();
    let service = |batch: &kept::KeptBatch| {
        let service = batch.service.provider.as_ref().or(batch.service.base_url.as_ref());
        service.cloned().unwrap_or_default()
    };
    batches.iter().rev().map(|batch| (batch.name().to_owned(), service(batch))).collect()
}

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
