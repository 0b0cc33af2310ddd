//! Batches that were handed over: where they are, how far they are, and what is done with them beside
//! fetching their answers.

use std::time::Duration;

use serde_json::Value;

use super::kept::{BatchStore, KeptBatch, KeptPart};
use super::service::{self, BatchService};
use super::tally::grouped;
use crate::api::batch::state::{BatchPhase, BatchState};
use crate::cli::batch::{BatchIdArgs, BatchListArgs};
use crate::command::options::RunOptions;
use crate::config;
use crate::error::{Failure, FailureKind};
use crate::exchange::{self, Exchange};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Job, Provider, Setting, resolve};
use crate::sanitize;

/// A batch that the user names.
pub(super) struct HandedBatch {
    pub(super) store: BatchStore,
    /// What is kept of it, where it was handed over from here.
    pub(super) kept: Option<KeptBatch>,
    pub(super) id: String,
}

impl HandedBatch {
    /// Looks for a batch of this id.
    ///
    /// # Errors
    /// Exit 1: there is no data folder.
    pub(super) fn find(id: &str, io: &Io) -> Result<Self, Failure> {
        let store = BatchStore::find(&io.env)?;
        let kept = store.get(id);
        Ok(Self { store, kept, id: id.to_owned() })
    }

    /// The options with the service that has the batch, where the user names none.
    pub(super) fn with_service(&self, run: &RunOptions) -> RunOptions {
        let mut run = run.clone();
        let service = &mut run.service;
        if let Some(kept) = &self.kept
            && service.provider.is_none()
            && service.base_url.is_none()
        {
            service.provider.clone_from(&kept.service.provider);
            service.base_url.clone_from(&kept.service.base_url);
            service.api_key_env =
                service.api_key_env.take().or_else(|| kept.service.api_key_env.clone());
            let settings = kept.service.settings.iter();
            let mut settings: Vec<Setting> =
                settings.filter_map(|text| Setting::parse(text).ok()).collect();
            settings.append(&mut service.settings);
            service.settings = settings;
            let model = || Some(kept.model.clone()).filter(|model| !model.is_empty());
            service.model = service.model.take().or_else(model);
        }
        run
    }

    /// The service's ids of its parts.
    pub(super) fn parts(&self) -> Vec<String> {
        match &self.kept {
            None => vec![self.id.clone()],
            Some(kept) => kept.parts.iter().filter_map(|part| part.batch.clone()).collect(),
        }
    }

    /// Takes note of what the service says of the parts.
    pub(super) fn note(&mut self, states: &[BatchState]) {
        let Some(kept) = &mut self.kept else { return };
        for part in &mut kept.parts {
            let state = states.iter().find(|state| part.batch.as_ref() == Some(&state.id));
            part.state = state.map_or(std::mem::take(&mut part.state), |state| state.word.clone());
        }
        // It is only for `list`.
        let _ = self.store.put(kept);
    }
}

/// The service that has a batch, ready to be asked.
///
/// # Errors
/// Exit 2: it has no Batch API; and those of choosing a service.
pub(super) fn provider_of(run: &RunOptions, io: &mut Io) -> Result<Provider, Failure> {
    let config = config::load(run.config.as_deref(), io)?;
    resolve(&run.service, Job::Chat, &config, io)
}

/// What the service says of all parts, as it came, too.
///
/// # Errors
/// Those of the exchange.
pub(super) async fn states(
    parts: &[String],
    service: &mut BatchService<'_>,
) -> Result<(Vec<BatchState>, Vec<Value>), Failure> {
    let (mut states, mut replies) = (Vec::new(), Vec::new());
    for id in parts {
        let (state, reply) = service.state(id).await?;
        states.push(state);
        replies.push(reply);
    }
    Ok((states, replies))
}

/// How far all parts are: `in_progress, 1,200 of 5,000, 12 failed`. `rows` is how many they are known to have.
pub(super) fn progress(states: &[BatchState], rows: Option<u64>) -> String {
    let mut words: Vec<&str> = Vec::new();
    for state in states {
        if !words.contains(&&*state.word) {
            words.push(&state.word);
        }
    }
    let sum = |count: fn(&BatchState) -> Option<u64>| {
        states.iter().try_fold(0, |sum, state| Some(sum + count(state)?))
    };
    let mut parts = vec![sanitize::one_line(&words.join("/"))];
    let total = rows.or_else(|| sum(|state| state.total));
    match (sum(|state| state.done), total) {
        (Some(done), Some(total)) => parts.push(format!("{} of {}", grouped(done), grouped(total))),
        (None, Some(total)) => parts.push(format!("{} rows", grouped(total))),
        (Some(done), None) if done > 0 => parts.push(format!("{} done", grouped(done))),
        _ => {}
    }
    if let Some(failed @ 1..) = sum(|state| state.failed) {
        parts.push(format!("{} failed", grouped(failed)));
    }
    if let [BatchState { percent: Some(percent), done: None, .. }] = states {
        parts.push(format!("{percent} %"));
    }
    parts.join(", ")
}

/// The words of services for why a batch failed.
pub(super) fn problems(states: &[BatchState]) -> Vec<String> {
    let all = states.iter().flat_map(|state| &state.problems);
    all.map(|problem| sanitize::one_line(&problem.words())).collect()
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
            let (states, replies) = states(&batch.parts(), &mut service).await?;
            batch.note(&states);
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
            let (before, _) = states(&batch.parts(), &mut service).await?;
            let open: Vec<&BatchState> =
                before.iter().filter(|state| !state.phase.is_over()).collect();
            for state in &open {
                service.cancel(&state.id).await?;
            }
            let (after, _) = states(&batch.parts(), &mut service).await?;
            batch.note(&after);
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
                let hint = format!("`llm batch cancel {id}` stops it");
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
        let id = if batch.id.is_empty() { "(not handed over)" } else { &batch.id };
        let columns = [
            id.to_owned(),
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

/// Whether no part of a batch has anything to fetch.
pub(super) fn is_refused(states: &[BatchState]) -> bool {
    states.iter().all(|state| {
        let has_file = state.output_file.is_some() || state.error_file.is_some();
        state.phase == BatchPhase::Failed && !has_file
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::batch::state;
    use serde_json::json;

    #[test]
    fn how_far_a_batch_is_fits_in_a_line() {
        let of = |values: &[Value], rows| {
            let states: Vec<BatchState> =
                values.iter().map(|value| state::read(value).expect("a batch")).collect();
            progress(&states, rows)
        };
        let part = |word: &str, done: u64, failed: u64| {
            json!({"id": "b", "status": word,
                "request_counts": {"total": 2500, "completed": done, "failed": failed}})
        };
        let two = [part("in_progress", 1000, 2), part("completed", 2490, 10)];
        assert_eq!(of(&two, None), "in_progress/completed, 3,502 of 5,000, 12 failed");
        assert_eq!(of(&[part("validating", 0, 0)], Some(7)), "validating, 0 of 7");
        let together = json!({"id": "b", "status": "IN_PROGRESS", "progress": 75});
        assert_eq!(of(std::slice::from_ref(&together), Some(9)), "in_progress, 9 rows, 75 %");
        assert_eq!(of(&[together], None), "in_progress, 75 %");
    }
}
