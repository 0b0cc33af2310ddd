//! `llm batch submit`: the requests are handed over to the service's Batch API.

use std::time::{Duration, Instant};

use super::handed::{part_words, wait_doubling};
use super::kept::{BatchStore, KeptBatch, KeptPart};
use super::parts::RequestFile;
use super::plan::{Plan, Prepared};
use super::service::BatchService;
use super::tally::grouped;
use crate::api::batch::job::NewBatch;
use crate::api::batch::state::{BatchPhase, BatchState};
use crate::cli::batch::BatchSubmitArgs;
use crate::command::options::RunOptions;
use crate::error::{Failure, FailureKind};
use crate::exchange;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::batch_api::BatchApi;

/// When a batch is looked at for an early refusal, in seconds since it was made.
const LOOKS: [u64; 4] = [1, 2, 5, 10];

/// With `--wait`, how long a part waits for room at first, and at most.
const ROOM_WAIT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(900));

/// The code of a batch for which too much waits already.
const NO_ROOM: &str = "token_limit_exceeded";

/// Hands the requests over, and prints the id of the batch.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn run(args: &BatchSubmitArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let plan = Plan::new(args, run, io)?;
    let store = BatchStore::find(&io.env)?;
    let folder = store.folder_of(&format!("new-{}", std::process::id()))?;
    let result = plan.write(&folder, io).and_then(|files| match run.dry_run {
        _ if files.files.is_empty() => {
            io.note("nothing is left to be handed over: every row has its answer");
            Ok(None)
        }
        true => plan.show(&files, io).map(|()| None),
        false => plan.prepared(files, &store).map(Some),
    });
    let _ = std::fs::remove_dir_all(&folder);
    let Some(Prepared { batch, files }) = result? else { return Ok(()) };
    let api = BatchApi { url: batch.url.clone(), ..plan.api };
    let (provider, waits, fresh) = (plan.setup.provider, args.wait, args.fresh);
    exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            let service = BatchService { api, exchange };
            let (may_be_lost, has_sent, is_refused) = (false, false, false);
            let mut handover =
                Handover { service, store, batch, waits, fresh, may_be_lost, has_sent, is_refused };
            handover.run(files, io).await
        })
    })
}

/// A batch on its way to the service.
struct Handover<'e> {
    service: BatchService<'e>,
    store: BatchStore,
    batch: KeptBatch,
    /// A part for which there is no room waits until there is.
    waits: bool,
    /// What was handed over before does not count.
    fresh: bool,
    /// An earlier run may have made a batch and not have learnt its id.
    may_be_lost: bool,
    has_sent: bool,
    /// The last part that was tried was refused, and nothing of it stays at the service.
    is_refused: bool,
}

impl Handover<'_> {
    async fn run(&mut self, files: Vec<RequestFile>, io: &mut Io) -> Result<(), Failure> {
        let earlier = self.store.of_fingerprint(&self.batch.fingerprint).filter(|_| !self.fresh);
        self.may_be_lost = earlier.is_some();
        for (index, file) in files.iter().enumerate() {
            let known = earlier.as_ref().and_then(|batch| batch.parts.get(index)?.batch.clone());
            let part = match self.handed_before(index, known).await? {
                Some(part) => part,
                None => self.hand_over(index, file, io).await?,
            };
            self.batch.parts[index] = part;
            self.keep()?;
        }
        for file in &files {
            // The service has them; the rows are kept.
            let _ = std::fs::remove_file(&file.path);
        }
        let (batch, name) = (&self.batch, &self.service.exchange.provider.name);
        let rows = if batch.rows == 1 {
            "1 row".to_owned()
        } else {
            format!("{} rows", grouped(batch.rows))
        };
        let parts = part_words(batch.parts.len());
        io.note(&match self.has_sent {
            true => format!(
                "{name} has {rows}{parts}, and keeps them until `llm batch rm {}`",
                batch.id
            ),
            false => {
                format!("{name} had these {rows}{parts} before; --fresh hands them over again")
            }
        });
        to_stdout(format!("{}\n", batch.id).as_bytes(), io)
    }

    fn keep(&mut self) -> Result<(), Failure> {
        if self.batch.id.is_empty()
            && let Some(id) = self.batch.parts.first().and_then(|part| part.batch.clone())
        {
            self.batch.id = id;
        }
        self.store.put(&self.batch)
    }

    /// What the service keeps with a part.
    fn mark(&self, index: usize) -> String {
        let fingerprint = &self.batch.fingerprint;
        match self.batch.parts.len() {
            1 => fingerprint.clone(),
            _ => format!("{fingerprint}-{}", index + 1),
        }
    }

    /// The part as the service has it already: it is known here, or stands in the service's list, as after a
    /// run that was killed between the two.
    async fn handed_before(
        &mut self,
        index: usize,
        known: Option<String>,
    ) -> Result<Option<KeptPart>, Failure> {
        if self.fresh {
            return Ok(None);
        }
        let state = match known {
            Some(id) => match self.service.state(&id).await {
                Ok((state, _)) => Some(state),
                Err(failure) if failure.kind == FailureKind::Refused => None,
                Err(failure) => return Err(failure),
            },
            None => match self.service.find(&self.mark(index)).await {
                // A list that fails matters only where a batch may be lost.
                Err(failure) if failure.refused.is_some() && !self.may_be_lost => {
                    match failure.kind {
                        FailureKind::Network => None,
                        _ => return Err(failure),
                    }
                }
                found => found?,
            },
        };
        let Some(state) = state.filter(is_of_use) else { return Ok(None) };
        let results = state.output_file.as_ref().or(state.error_file.as_ref());
        if let Some(file) = results
            && !self.service.has_file(file).await?
        {
            // `rm` leaves it in the service's list.
            return Ok(None);
        }
        Ok(Some(self.part(index, state, None)))
    }

    fn part(&self, index: usize, state: BatchState, input: Option<String>) -> KeptPart {
        let KeptPart { first, rows, .. } = self.batch.parts[index];
        let input = input.or(state.input_file);
        KeptPart { batch: Some(state.id), input, first, rows, state: state.word }
    }

    async fn hand_over(
        &mut self,
        index: usize,
        file: &RequestFile,
        io: &mut Io,
    ) -> Result<KeptPart, Failure> {
        let mut pause = ROOM_WAIT.0;
        loop {
            match self.try_part(index, file, io).await {
                Err(failure)
                    if self.waits
                        && failure.kind == FailureKind::Quota
                        && is_for_room(&failure) =>
                {
                    io.note(&format!("{}; waits {} s for room", failure.message, pause.as_secs()));
                    pause = wait_doubling(self.service.exchange, pause, ROOM_WAIT.1).await?;
                }
                result => {
                    if result.is_err() && self.is_refused && self.batch.has_none() {
                        // Nothing of it is at the service.
                        self.store.remove(&self.batch);
                    }
                    return result;
                }
            }
        }
    }

    async fn try_part(
        &mut self,
        index: usize,
        file: &RequestFile,
        io: &Io,
    ) -> Result<KeptPart, Failure> {
        (self.has_sent, self.is_refused) = (true, false);
        let mark = self.mark(index);
        let window = self.service.api.window.clone();
        let uploads = self.service.api.uploads();
        let input = if uploads { Some(self.service.upload(&file.path, io).await?) } else { None };
        if let Some(input) = &input {
            // Should this run end here, the file can still be removed.
            self.batch.parts[index].input = Some(input.clone());
            self.store.put(&self.batch)?;
        }
        let requests = if uploads { Vec::new() } else { file.requests()? };
        let model = Some(&*self.batch.model).filter(|model| !model.is_empty());
        let new = NewBatch {
            file: input.as_deref().unwrap_or_default(),
            model,
            window: window.as_deref(),
            mark: &mark,
        };
        let made = match self.service.create(&new, requests).await {
            Ok(made) => made,
            Err(failure) => return Err(self.not_made(index, failure, input.as_deref()).await),
        };
        let began = Instant::now();
        self.batch.parts[index] = self.part(index, made.clone(), input.clone());
        self.keep()?;
        let state = self.watched(made, began).await?;
        if state.phase == BatchPhase::Failed {
            return Err(self.refused(index, &state, input.as_deref()).await);
        }
        Ok(self.part(index, state, input))
    }

    /// The state of a batch once its file was looked at, as far as that is told soon. What the service says
    /// when it makes the batch does not tell that yet, whatever the word.
    async fn watched(&mut self, made: BatchState, began: Instant) -> Result<BatchState, Failure> {
        let mut state = made;
        for look in LOOKS {
            if state.phase.is_over() {
                break;
            }
            let at = began + Duration::from_secs(look);
            self.service.exchange.wait(tokio::time::sleep_until(at.into())).await?;
            match self.service.state(&state.id).await {
                Ok((found, _)) if found.phase == BatchPhase::Running => return Ok(found),
                Ok((found, _)) => state = found,
                // The batch is made all the same; it may not stand everywhere yet.
                Err(failure)
                    if matches!(failure.kind, FailureKind::Refused | FailureKind::Network) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(state)
    }

    /// The failure for a batch that the service did not make, as far as is known.
    async fn not_made(&mut self, index: usize, failure: Failure, input: Option<&str>) -> Failure {
        let retry = failure.retry.as_deref();
        let may_have_run = retry
            .is_some_and(|retry| retry.may_have_run || matches!(retry.status, Some(504 | 524)));
        if may_have_run {
            return failure.hint("the batch may have been made: the same command finds it then");
        }
        if failure.refused.is_some() && failure.kind != FailureKind::Network {
            self.take_back(index, input).await;
        }
        failure
    }

    /// Removes the file of a part that the service refused.
    async fn take_back(&mut self, index: usize, input: Option<&str>) {
        if let Some(input) = input {
            // What matters is the refusal.
            let _ = self.service.remove_file(input).await;
        }
        let old = self.batch.clone();
        let part = &mut self.batch.parts[index];
        (part.batch, part.input) = (None, None);
        if self.batch.has_none() {
            self.batch.id.clear();
        }
        self.is_refused = true;
        if self.store.put(&self.batch).is_ok() && old.id != self.batch.id {
            self.store.forget(&old);
        }
    }

    /// The failure for a file that the service does not take. It does not stay there.
    async fn refused(&mut self, index: usize, state: &BatchState, input: Option<&str>) -> Failure {
        self.take_back(index, input).await;
        let problems: Vec<String> =
            state.problems.iter().take(3).map(|problem| problem.words()).collect();
        let name = &self.service.exchange.provider.name;
        let why =
            if problems.is_empty() { String::new() } else { format!(": {}", problems.join("; ")) };
        let what = format!("{name} refused the batch{why}");
        let has_no_room =
            state.problems.iter().any(|problem| problem.code.as_deref() == Some(NO_ROOM));
        match has_no_room {
            true => Failure::new(FailureKind::Quota, what).hint(
                "all batches of the account share this room: the same command goes on when earlier ones have \
                 ended, and with --wait it waits for that",
            ),
            false => Failure::new(FailureKind::Refused, what),
        }
    }
}

/// Whether a batch need not be made again.
fn is_of_use(state: &BatchState) -> bool {
    !matches!(state.phase, BatchPhase::Failed | BatchPhase::Expired | BatchPhase::Cancelled)
}

fn is_for_room(failure: &Failure) -> bool {
    failure.message.contains(NO_ROOM)
}
