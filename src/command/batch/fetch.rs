//! `llm batch fetch`: what came of a batch, written as if every row had been asked here.

use super::collect;
use super::handed;
use super::keep::FinishedRow;
use super::named::HandedBatch;
use super::outcome::{RowError, RowErrorKind, RowOutcome};
use super::part_states;
use super::reply::{AnswerWish, ReadReply};
use super::results::{self, Results, RowNames};
use super::run::{Prepared, RowJob};
use super::service::{self, BatchService};
use super::source::NumberedRow;
use super::survey::RowIds;
use super::tally::grouped;
use crate::api::batch::result::{RowOutcome as KeptOutcome, RowResult};
use crate::cli::batch::{BatchFetchArgs, BatchRowArgs, BatchRunArgs};
use crate::command::options::RunOptions;
use crate::command::spent;
use crate::command::steps::refuse_own_input;
use crate::config::{self, Config};
use crate::dialect::AskedFor;
use crate::dialect::reader::ChatReader;
use crate::error::{Failure, FailureKind};
use crate::exchange::{self, KeptHead, ReadError};
use crate::http::request::Request;
use crate::io::Io;
use crate::ledger::{Ledger, Note, Spent};
use crate::provider::Provider;
use crate::provider::is_chosen;

/// So many rows are kept at once.
const ROWS_AT_ONCE: usize = 256;

/// The profile whose requests are meant where none is set up.
const VLLM: &str = "vllm";

/// Stands for a model that nothing names.
const NO_MODEL: &str = "unknown";

/// Writes the answers.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn run(args: &BatchFetchArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let config = config::load(run.config.as_deref(), io)?;
    match (&args.from, args.rows.prompt.split_first()) {
        (Some(path), _) => {
            let mut run = without_key(&args.rows, run, &config, io);
            refuse_own_input(args.answers.output.as_deref(), &results::files_of(path)?)?;
            let results = Results::open(path)?;
            let args = of_args(args, args.rows.clone());
            let mut prepared = match Prepared::new(&args, &run, &config, io) {
                // Nothing is asked, so no model has to be named.
                Err(failure) if run.service.model.is_none() => {
                    run.service.model = Some(results.model().unwrap_or(NO_MODEL).to_owned());
                    Prepared::new(&args, &run, &config, io).map_err(|_| failure)?
                }
                prepared => prepared?,
            };
            prepared.setup.is_past = true;
            let job = prepared.open(&args, run.usage)?;
            put(job, results, &path.display().to_string(), io).1
        }
        (None, Some((id, words))) => {
            let rows = BatchRowArgs { prompt: words.to_vec(), ..args.rows.clone() };
            of_service(id, rows, args, run, config, io)
        }
        (None, None) => Err(Failure::usage("no batch is named").hint(
            "`llm batch list` lists those that were handed over; --from reads a file of results",
        )),
    }
}

/// The options of a run that sends nothing, so that no key is looked for; for `vllm run-batch` where no
/// service is chosen.
pub(super) fn without_key(
    rows: &BatchRowArgs,
    run: &RunOptions,
    config: &Config,
    io: &Io,
) -> RunOptions {
    let mut run = run.clone();
    run.service.is_dry = true;
    if rows.template.is_none() && !is_chosen(&run.service, config, &io.env) {
        run.service.provider = Some(VLLM.to_owned());
    }
    run
}

fn of_args(args: &BatchFetchArgs, rows: BatchRowArgs) -> BatchRunArgs {
    BatchRunArgs { rows, answers: args.answers.clone(), ..BatchRunArgs::default() }
}

/// The answers out of the service.
fn of_service(
    id: &str,
    typed: BatchRowArgs,
    args: &BatchFetchArgs,
    run: &RunOptions,
    mut config: Config,
    io: &mut Io,
) -> Result<(), Failure> {
    let batch = HandedBatch::find(id, io)?;
    let (rows, names) = match &batch.kept {
        _ if !typed.file.is_empty() => (typed, None),
        Some(kept) if typed == BatchRowArgs::default() => {
            kept.prompt.iter().for_each(|prompt| config.set_prompt(prompt.clone().into()));
            (kept.args.clone(), Some(kept.names.clone()))
        }
        Some(_) => {
            let what =
                "what was asked for which rows is kept with the batch, and can't be changed now";
            return Err(
                Failure::usage(what).hint("-f names other rows, with what was asked for them")
            );
        }
        None => {
            let what = format!("{id} was not handed over from here, so its rows are not known");
            return Err(Failure::usage(what)
                .hint("-f ROWS and the prompt tell them, -p NAME the service; `llm batch list` lists what is known"));
        }
    };
    let run = batch.with_service(run);
    let provider = handed::provider_of(&run, io)?;
    let api = service::api_of(&provider)?;
    let waits = args.wait;
    let (files, states) = exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            let mut batch = batch;
            let mut service = BatchService { api, exchange };
            let ended = collect::ended(&mut batch, &mut service, waits, io).await?;
            let files = collect::downloaded(&ended, &mut service, io).await?;
            Ok((files, ended.states))
        })
    })?;
    let mut results = Results::none();
    for (_, file) in &files {
        let file = file.try_clone().map_err(|error| unreadable(&error))?;
        results.add(file, format!("the results of {id}"))?;
    }
    part_states::problems(&states).iter().for_each(|problem| io.note(problem));
    let args = of_args(args, rows);
    let mut prepared = Prepared::new(&args, &run, &config, io)?;
    prepared.setup.is_past = true;
    prepared.setup.files.rename(names.as_deref().unwrap_or_default());
    let provider = prepared.setup.provider.clone();
    let (spent, result) = put(prepared.open(&args, run.usage)?, results, id, io);
    note(id, &spent, &provider, &run, io)?;
    io.note(&format!("the service keeps requests and answers until `llm batch rm {id}`"));
    result
}

/// Notes what a batch took, once. Its price is the service's own and not known.
fn note(
    id: &str,
    spent: &Spent,
    provider: &Provider,
    run: &RunOptions,
    io: &Io,
) -> Result<(), Failure> {
    let HandedBatch { store, kept, .. } = HandedBatch::find(id, io)?;
    let Some(mut kept) = kept.filter(|kept| !kept.is_noted && provider.is_noted) else {
        return Ok(());
    };
    let note = Note::new(run.exchange.command, &provider.name, &kept.model, spent.clone());
    Ledger::add_all(&[note], &io.env, Some(&io.stderr));
    kept.is_noted = true;
    store.put(&kept)
}

/// Puts results to the rows that they belong to, and writes these.
fn put(
    mut job: RowJob,
    mut results: Results,
    place: &str,
    io: &mut Io,
) -> (Spent, Result<(), Failure>) {
    let provider = job.setup.provider.clone();
    let wish = job.wish();
    let request = job.requests.made().fill(&Default::default()).into_request();
    let reader = ResultReader { provider: &provider, wish: &wish, request: &request, place };
    let joined = join(&job, &mut results);
    let taken = joined
        .and_then(|()| take(&mut job, io, &mut |names| Ok(reader.outcome(results.of(names)?))));
    told_of(&results, place, io);
    (job.tally.spent().clone(), job.end(taken, io))
}

/// Settles which result belongs to which row; those that are done have theirs as well.
fn join(job: &RowJob, results: &mut Results) -> Result<(), Failure> {
    let mut rows = job.setup.files.rows();
    results.join(&mut || Ok(rows.next()?.map(|row| names(&job.ids, &row))))
}

/// What a row may go by.
fn names(ids: &RowIds, row: &NumberedRow) -> RowNames {
    let own = match ids.id(row) {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    };
    RowNames { row: row.number, custom_id: ids.custom_id(row), own }
}

/// Takes the result of every row that is not done.
fn take(
    job: &mut RowJob,
    io: &mut Io,
    find: &mut dyn FnMut(&RowNames) -> Result<RowOutcome, Failure>,
) -> Result<(), Failure> {
    job.begin(io)?;
    let RowJob { setup, keeper, tally, ids, .. } = job;
    let (mut rows, mut finished) = (setup.files.rows(), Vec::new());
    while let Some(row) = rows.next()? {
        if keeper.is_done(row.number) {
            continue;
        }
        let question = setup.template.fill(&row)?;
        let outcome = find(&names(ids, &row))?.of_limited(question.limits_length());
        let hash = setup.hash(&row, &question)?;
        tally.add(&outcome);
        finished.push(FinishedRow { row, hash, outcome });
        if finished.len() == ROWS_AT_ONCE {
            keeper.take(std::mem::take(&mut finished), io)?;
        }
    }
    keeper.take(finished, io)
}

/// What the user should know of results that were of no use.
fn told_of(results: &Results, place: &str, io: &Io) {
    for (count, one, several) in [
        (results.unreadable, "is no JSON object", "are no JSON objects"),
        (results.nameless, "has no custom_id", "have no custom_id"),
        (results.twice, "answers a row a second time", "answer rows a second time"),
        (results.left(), "belongs to no row", "belong to no row"),
    ] {
        match count {
            0 => {}
            1 => io.warn(&format!("{place}: 1 line {one}")),
            count => io.warn(&format!("{place}: {} lines {several}", grouped(count))),
        }
    }
}

/// Reads results as a run reads replies.
struct ResultReader<'a> {
    provider: &'a Provider,
    wish: &'a AnswerWish,
    /// What was asked for some row, for the words of failures.
    request: &'a Request,
    place: &'a str,
}

impl ResultReader<'_> {
    fn outcome(&self, result: Option<RowResult>) -> RowOutcome {
        let lost =
            |message: String| RowOutcome::failed(RowError::new(RowErrorKind::NotAsked, message));
        let Some(RowResult { outcome, .. }) = result else {
            return lost(format!("{} has no line for this row", self.place));
        };
        match outcome {
            KeptOutcome::Lost { code, message } => lost(match code {
                Some(code) if message.is_empty() => code,
                _ => message,
            }),
            KeptOutcome::Reply { status, request_id, body } => {
                let head = KeptHead { status, request_id: request_id.as_deref() };
                let body = match body {
                    // Of a gateway, say.
                    serde_json::Value::String(text) => text.into_bytes(),
                    body => body.to_string().into_bytes(),
                };
                self.read(head, &body)
            }
        }
    }

    fn read(&self, head: KeptHead<'_>, body: &[u8]) -> RowOutcome {
        let (wish, name) = (self.wish, &self.provider.name);
        let service = self.provider.service();
        let failure = if head.is_good() {
            let reader = ChatReader::new(AskedFor::default(), "");
            match ReadReply::read(body, reader, wish, self.provider) {
                Ok(mut reply) => {
                    reply.spent = spent::of_usage(reply.usage.as_ref());
                    if wish.keeps_replies {
                        reply.keep(head.status, head.request_id, body);
                    }
                    let outcome = reply.outcome(wish, name);
                    return outcome.unwrap_or_else(|misfit| reply.unfit(&misfit, name));
                }
                Err(ReadError::NoAnswer(bad)) => head.no_answer(&bad, self.request, &service),
                Err(ReadError::Failed(failure)) => failure,
            }
        } else {
            head.refusal(body, self.request, &service)
        };
        RowOutcome::failed(RowError::of(&failure))
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    let why = crate::error::reason(error);
    Failure::new(FailureKind::Other, format!("cannot read the results: {why}"))
}
