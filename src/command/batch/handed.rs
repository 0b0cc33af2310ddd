//! Batches that were handed over: where they are, how far they are, and what is done with them beside
//! fetching their answers.

use std::time::Duration;

use super::kept::{BatchStore, KeptPart};
use super::named::HandedBatch;
use super::part_states::{PartStates, problems, progress, states};
use super::service::{self, BatchService};
use super::tally::grouped;
use crate::api::batch::state::BatchState;
use crate::cli::batch::{BatchIdArgs, BatchListArgs};
use crate::command::options::RunOptions;
use crate::config;
use crate::error::{Failure, FailureKind};
use crate::exchange::{self, Exchange};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Job, Provider, resolve};
use crate::sanitize;

/// The service that has a batch, ready to be asked.
///
/// # Errors
/// Exit 2: it has no Batch API; and those of choosing a service.
pub(super) fn provider_of(run: &RunOptions, io: &mut Io) -> Result<Provider, Failure> {
    let config = config::load(run.config.as_deref(), io)?;
    resolve(&run.service, Job::Chat, &config, io)
}

/// ` in 3 parts`, where there are several.
pub(super) fn part_words(parts: usize) -> String {
    if parts == 1 { String::new() } else { format!(" in {parts} parts") }
}

/// Waits; gives the time to wait next.
///
/// # Errors
/// What ends the run meanwhile.
pub(super) async fn wait_doubling(
    exchange: &mut Exchange,
    pause: Duration,
    most: Duration,
) -> Result<Duration, Failure> {
    exchange.wait(tokio::time::sleep(pause)).await?;
    Ok((pause * 2).min(most))
}

/// `llm batch status`.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn status(args: &BatchIdArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let is_json = run.json;
    with_batch(args, run, io, move |mut batch, mut service, io| {
        Box::pin(async move {
            let parts = states(&mut batch, &mut service).await?;
            parts.warn(io);
            let PartStates { states, replies, .. } = parts;
            let mut text = String::new();
            if is_json {
                replies.iter().for_each(|reply| text.push_str(&format!("{reply}\n")));
            } else {
                let rows = batch.kept.as_ref().map(|kept| kept.rows);
                text = format!("{}\n", progress(&states, rows));
                problems(&states).iter().for_each(|problem| io.note(problem));
            }
            to_stdout(text.as_bytes(), io)
        })
    })
}

/// `llm batch cancel`.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn cancel(args: &BatchIdArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    with_batch(args, run, io, |mut batch, mut service, io| {
        Box::pin(async move {
            service.cancel_path(&batch.id)?;
            let before = states(&mut batch, &mut service).await?;
            before.warn(io);
            let is_open = |state: &&BatchState| !state.phase.is_over();
            let open: Vec<&BatchState> = before.states.iter().filter(is_open).collect();
            let mut refused = None;
            for state in &open {
                match service.cancel(&state.id).await {
                    Err(failure) if failure.kind == FailureKind::Refused => {
                        refused = refused.or(Some((&state.id, failure)));
                    }
                    result => result?,
                }
            }
            let after = states(&mut batch, &mut service).await?.states;
            // One may have come to its end meanwhile.
            let is_at_work = |id: &String| after.iter().filter(is_open).any(|it| it.id == *id);
            if let Some((_, failure)) = refused.filter(|(id, _)| is_at_work(id)) {
                return Err(failure);
            }
            let id = &batch.id;
            match open.is_empty() {
                true => io.note(&format!("{id} was over: {}", progress(&after, None))),
                false => {
                    io.note(&format!("{id}: {}", progress(&after, None)));
                    io.note(&format!("what is done is paid for: `llm batch fetch {id}` gets it"));
                }
            }
            Ok(())
        })
    })
}

/// `llm batch rm`.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn remove(args: &BatchIdArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    with_batch(args, run, io, |batch, mut service, io| {
        Box::pin(async move {
            let (mut files, mut open) = (Vec::new(), None);
            for id in batch.parts() {
                match service.state(&id).await {
                    Ok((state, _)) => {
                        open = open.or((!state.phase.is_over()).then(|| state.word.clone()));
                        files.extend(state.input_file);
                        files.extend(state.output_file);
                        files.extend(state.error_file);
                    }
                    // The service has forgotten it; its files may be there still.
                    Err(failure) if failure.kind == FailureKind::Refused => {}
                    Err(failure) => return Err(failure),
                }
            }
            let id = &batch.id;
            if let Some(word) = open {
                let what = format!("the batch {id} is not over: {word}");
                let hint = match service.cancel_path(id) {
                    Ok(_) => format!("`llm batch cancel {id}` stops it"),
                    Err(none) => format!("{}: it can be removed once it is over", none.message),
                };
                return Err(Failure::new(FailureKind::Other, what).hint(hint));
            }
            let kept = batch.kept.iter().flat_map(|kept| &kept.parts);
            files.extend(kept.filter_map(|part: &KeptPart| part.input.clone()));
            files.sort();
            files.dedup();
            let mut removed = 0_u64;
            for file in &files {
                removed += u64::from(service.remove_file(file).await?);
            }
            if let Some(kept) = &batch.kept {
                batch.store.remove(kept);
            }
            let name = &service.exchange.provider.name;
            let were = if removed == 1 { "file was" } else { "files were" };
            io.note(&format!(
                "{removed} {were} removed from {name}, and what was kept of {id} here; {name} still lists the batch \
                 itself, without its texts"
            ));
            Ok(())
        })
    })
}

/// `llm batch list`.
///
/// # Errors
/// Exit 1: there is no data folder; and those of printing.
pub(super) fn list(_: &BatchListArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let store = BatchStore::find(&io.env)?;
    let mut text = String::new();
    for batch in store.all().iter().rev() {
        if run.json {
            // A struct of texts and numbers always serialises.
            text.push_str(&serde_json::to_string(batch).unwrap_or_default());
            text.push('\n');
            continue;
        }
        let service = batch.service.provider.as_ref().or(batch.service.base_url.as_ref());
        let mut states: Vec<&str> = batch.parts.iter().map(|part| &*part.state).collect();
        states.dedup();
        if batch.id.is_empty() {
            states = vec!["not handed over"];
        }
        let columns = [
            batch.name().to_owned(),
            service.cloned().unwrap_or_default(),
            batch.model.clone(),
            format!("{} rows{}", grouped(batch.rows), part_words(batch.parts.len())),
            states.join("/"),
            local_time(batch.created),
        ];
        let columns: Vec<String> =
            columns.iter().map(|column| sanitize::one_line(column)).collect();
        text.push_str(&columns.join("\t"));
        text.push('\n');
    }
    if text.is_empty() {
        io.note("no batch was handed over from here");
    }
    to_stdout(text.as_bytes(), io)
}

fn local_time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|it| jiff::Timestamp::from_second(it).ok());
    let time = time.map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    time.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// Work on a batch that the user names.
type Work<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

fn with_batch<W>(args: &BatchIdArgs, run: &RunOptions, io: &mut Io, work: W) -> Result<(), Failure>
where
    W: for<'a> FnOnce(HandedBatch, BatchService<'a>, &'a mut Io) -> Work<'a> + Send + 'static,
{
    let batch = HandedBatch::find(&args.id, io)?;
    let run = batch.with_service(run);
    let provider = provider_of(&run, io)?;
    let api = service::api_of(&provider)?;
    exchange::run(provider, run.exchange, io, move |exchange, io| {
        work(batch, BatchService { api, exchange }, io)
    })
}
