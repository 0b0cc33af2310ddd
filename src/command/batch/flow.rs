//! The run: rows are read, several are asked for at a time, and what comes of them is kept. What is held in
//! memory is bounded by what is in flight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::ask::{RowAsker, RowTask};
use super::attach;
use super::keep::{AnswerKeeper, FinishedRow};
use super::outcome::{RowError, RowOutcome};
use super::source::{NumberedRow, RowReader};
use super::tally::{CountedRow, RunTally};
use super::template::RowTemplate;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Exchange, ended_early};
use crate::io::Io;
use crate::journal::RowHash;
use crate::output::progress::Progress;

/// A run without `--max-failures` ends when so many rows have failed and none was answered.
const FIRST_FAILURES: u64 = 10;

/// After the failure that ends a run, requests that are out may take so long to come to an answer, which is
/// paid for.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// So many rows are looked at before requests that are out are looked at again.
const ROWS_AT_ONCE: usize = 512;

/// How often the line of progress is written anew on a terminal, and without one.
const LINE_EVERY: Duration = Duration::from_millis(250);
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A row that was asked for.
struct AskedRow {
    exchange: Exchange,
    row: NumberedRow,
    hash: RowHash,
    began: Instant,
    result: Result<RowOutcome, Failure>,
}

/// What a run goes by.
pub(super) struct FlowOptions {
    pub(super) template: RowTemplate,
    pub(super) max_failures: Option<u64>,
}

/// A run on its way.
pub(super) struct RowFlow {
    asker: Arc<RowAsker>,
    options: FlowOptions,
    idle: Vec<Exchange>,
    running: JoinSet<Box<AskedRow>>,
    keeper: AnswerKeeper,
    tally: RunTally,
    last_good: Option<Instant>,
    /// Kinds of failures that were told.
    told: Vec<super::outcome::RowErrorKind>,
    /// Why no further row is asked for.
    ending: Option<(Failure, Instant)>,
    progress: Progress,
    next_line: Instant,
}

impl RowFlow {
    pub(super) fn new(
        asker: RowAsker,
        options: FlowOptions,
        keeper: AnswerKeeper,
        tally: RunTally,
        io: &Io,
    ) -> Self {
        let progress = Progress::line(io);
        let first = if progress.is_shown() { LINE_EVERY } else { NOTE_EVERY };
        Self {
            asker: Arc::new(asker),
            options,
            idle: Vec::new(),
            running: JoinSet::new(),
            keeper,
            tally,
            last_good: None,
            told: Vec::new(),
            ending: None,
            progress,
            next_line: Instant::now() + first,
        }
    }

    /// Asks for all rows that are not done.
    ///
    /// # Errors
    /// What ends the run early. What came is kept.
    pub(super) async fn run(
        &mut self,
        mut rows: RowReader<'_>,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let result = self.work(&mut rows, exchange, io).await;
        self.progress.done();
        self.running.abort_all();
        result?;
        self.ending.take().map_or(Ok(()), |(failure, _)| Err(failure))
    }

    /// What is left at the end: what came, in numbers too, and what was asked.
    pub(super) fn into_parts(self) -> (AnswerKeeper, RunTally, RowTemplate) {
        (self.keeper, self.tally, self.options.template)
    }

    async fn work(
        &mut self,
        rows: &mut RowReader<'_>,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let mut is_over = false;
        loop {
            let mut looked_at = 0;
            while !is_over && self.ending.is_none() && self.has_room(exchange) {
                match rows.next() {
                    Ok(Some(row)) if self.keeper.is_done(row.number) => {}
                    Ok(Some(row)) => self.start(row, exchange, io)?,
                    Ok(None) => is_over = true,
                    Err(failure) => self.end(changed(failure)),
                }
                looked_at += 1;
                if looked_at == ROWS_AT_ONCE {
                    break;
                }
            }
            if self.running.is_empty() && (is_over || self.ending.is_some()) {
                return Ok(());
            }
            let wait = self.next_line.saturating_duration_since(Instant::now());
            let wait = self.ending.as_ref().map_or(wait, |(_, at)| {
                wait.min((*at + LAST_WAIT).saturating_duration_since(Instant::now()))
            });
            let is_full = looked_at < ROWS_AT_ONCE;
            let event = exchange.wait(next_event(&mut self.running, wait, is_full)).await?;
            if let Some(asked) = event {
                self.take(asked, io)?;
            }
            self.show(exchange, io);
            if self.ending.as_ref().is_some_and(|(_, at)| at.elapsed() >= LAST_WAIT) {
                return Ok(());
            }
        }
    }

    fn has_room(&self, exchange: &Exchange) -> bool {
        self.running.len() < exchange.level() && self.keeper.has_room()
    }

    fn start(&mut self, row: NumberedRow, exchange: &Exchange, io: &Io) -> Result<(), Failure> {
        let question = self.options.template.fill(&row).map_err(changed)?;
        let hash = attach::row_hash(&row, &question).map_err(changed)?;
        let items = attach::items(&row, &question, io).map_err(changed)?;
        let mut exchange = self.idle.pop().unwrap_or_else(|| exchange.branch());
        let asker = Arc::clone(&self.asker);
        self.running.spawn(async move {
            let began = Instant::now();
            let task = RowTask { question, items };
            // On the heap, where starting the task does not copy it.
            let result = Box::pin(asker.ask(&task, &mut exchange)).await;
            Box::new(AskedRow { exchange, row, hash, began, result })
        });
        Ok(())
    }

    /// Takes a row that is over, and all others that are by now.
    fn take(
        &mut self,
        first: Result<Box<AskedRow>, JoinError>,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let (mut finished, mut ends) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(asked) = next {
            let AskedRow { exchange, row, hash, began, result } = *asked.map_err(ended_early)?;
            self.idle.push(exchange);
            match result.or_else(|failure| self.failed(failure, began)) {
                Ok(outcome) => {
                    if outcome.error.is_none() {
                        self.last_good = Some(Instant::now());
                    }
                    self.tally.spend(&outcome);
                    ends.push(CountedRow::of(&outcome));
                    self.tell(&row, &outcome, io);
                    finished.push(FinishedRow { row, hash, outcome });
                }
                Err(failure) => self.end(failure),
            }
            next = self.running.try_join_next();
        }
        self.keeper.take(finished, io)?;
        // A row that could not be kept is asked again by the next run.
        ends.into_iter().for_each(|end| self.tally.add_kept(end));
        self.end_of_patience();
        Ok(())
    }

    /// What a failure is to the run: a row without an answer, or the end.
    fn failed(&self, failure: Failure, began: Instant) -> Result<RowOutcome, Failure> {
        let nothing_came = self.last_good.is_none_or(|good| good < began);
        match failure.kind {
            FailureKind::Refused => {}
            FailureKind::Network if !(nothing_came && is_unreachable(&failure)) => {}
            _ => return Err(failure),
        }
        Ok(RowOutcome::failed(RowError::of(&failure)))
    }

    /// Ends the run where too many rows have failed.
    fn end_of_patience(&mut self) {
        let (failed, answered) = (self.tally.failed_now(), self.tally.answered_now);
        let is_over = match self.options.max_failures {
            Some(most) => failed >= most,
            None => answered == 0 && failed >= FIRST_FAILURES,
        };
        if is_over && let Some(words) = self.tally.failures() {
            let what = match self.options.max_failures {
                Some(_) => {
                    format!("ended after as many failures as --max-failures allows: {words}")
                }
                None => format!("ended, as none of the first rows was answered: {words}"),
            };
            self.end(Failure::new(FailureKind::Refused, what));
        }
    }

    /// Asks for no further row. The first reason counts, unless a later one is a signal.
    fn end(&mut self, failure: Failure) {
        if self.ending.is_none() {
            self.ending = Some((failure, Instant::now()));
        }
    }

    /// Tells of the first failure of each kind.
    fn tell(&mut self, row: &NumberedRow, outcome: &RowOutcome, io: &Io) {
        let Some(error) = outcome.error.as_ref().filter(|error| !self.told.contains(&error.kind))
        else {
            return;
        };
        self.told.push(error.kind);
        io.note(&format!("{}: {}", row.place(), error.message));
    }

    fn show(&mut self, exchange: &Exchange, io: &Io) {
        let now = Instant::now();
        if now < self.next_line {
            return;
        }
        let line = self.tally.line(exchange.level(), exchange.pause());
        match self.progress.is_shown() {
            true => {
                self.progress.say(&format!("llm: {line}"));
                self.next_line = now + LINE_EVERY;
            }
            false => {
                io.note(&line);
                self.next_line = now + NOTE_EVERY;
            }
        }
    }
}

/// The next row that is over; `None` when it is time to look at other things.
async fn next_event(
    running: &mut JoinSet<Box<AskedRow>>,
    wait: Duration,
    is_full: bool,
) -> Option<Result<Box<AskedRow>, JoinError>> {
    if !is_full {
        tokio::task::yield_now().await;
        return running.try_join_next();
    }
    tokio::select! {
        Some(asked) = running.join_next() => Some(asked),
        () = tokio::time::sleep(wait) => None,
    }
}

/// Whether no connection came about, or was of no use.
fn is_unreachable(failure: &Failure) -> bool {
    failure.refused.is_none()
        && failure
            .retry
            .as_deref()
            .is_none_or(|retry| retry.status.is_none() && !retry.may_have_run && !retry.is_time_out)
}

/// A row that could be read and asked before can't any more.
fn changed(failure: Failure) -> Failure {
    Failure { kind: FailureKind::Other, ..failure }
}
