//! The run: texts are read, several batches are asked for at a time, and their answers are written
//! in the order of the texts. What is held in memory is bounded by what is in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use super::answer::BatchAnswer;
use super::ask::BatchAsker;
use super::batch::{Batch, Batches};
use super::cuts::UnreadTexts;
use super::writer::VectorWriter;
use crate::command::tally::Tally;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Exchange, ended_early};
use crate::input::stdin::SILENT_INPUT;
use crate::io::Io;
use crate::output::progress::Progress;

/// No further request begins while so many bytes of answers wait for one before them.
const MAX_HELD_BYTES: usize = 24 << 20;

/// No further request begins while so many bytes of answers may come for those that are out, except for a
/// few requests.
const MAX_COMING_BYTES: usize = 64 << 20;
const FEW: usize = 4;

/// A batch, its answer, and the exchange that is free again.
type Finished = Box<(Exchange, Batch, Result<BatchAnswer, Failure>)>;

/// What came of reading a batch.
type Read = (Box<Batches>, Result<Option<Batch>, Failure>);

/// A run on its way.
pub(super) struct EmbedFlow {
    asker: Arc<BatchAsker>,
    idle: Vec<Exchange>,
    running: JoinSet<Finished>,
    /// Answers that wait for one before them.
    done: BTreeMap<u64, (Batch, BatchAnswer)>,
    held: usize,
    /// The size of the largest answer so far, in bytes.
    largest: usize,
    /// The batch whose answer is written next.
    next: u64,
    writer: VectorWriter,
    progress: Progress,
    /// Texts that the service did not read whole.
    unread: Option<UnreadTexts>,
    tally: Tally,
}

/// Where the texts come from.
enum BatchSource {
    Idle(Box<Batches>),
    Reading(JoinHandle<Read>),
    Over,
}

enum FlowEvent {
    Read(Result<Read, tokio::task::JoinError>),
    Finished(Result<Finished, tokio::task::JoinError>),
    Silence,
}

impl EmbedFlow {
    pub(super) fn new(asker: BatchAsker, writer: VectorWriter, progress: Progress) -> Self {
        Self {
            asker: Arc::new(asker),
            idle: Vec::new(),
            running: JoinSet::new(),
            done: BTreeMap::new(),
            held: 0,
            largest: 0,
            next: 0,
            writer,
            progress,
            unread: None,
            tally: Tally::new(),
        }
    }

    /// Runs to the end of the texts. Gives the failure of the run if texts were refused and all others
    /// are written.
    ///
    /// # Errors
    /// Whatever ends the run; requests that are out are dropped.
    pub(super) async fn run(
        mut self,
        batches: Batches,
        shows_usage: bool,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<Option<Failure>, Failure> {
        let result = self.work(batches, exchange, io).await;
        self.progress.done();
        self.tell_unread(exchange, io);
        result?;
        let refused = self.writer.end(io)?;
        if shows_usage {
            io.say(&self.tally.line());
        }
        Ok(refused)
    }

    /// Warns of the texts that the service did not read whole.
    fn tell_unread(&self, exchange: &Exchange, io: &Io) {
        let Some(unread) = &self.unread else { return };
        let provider = &exchange.provider;
        io.warn(&unread.words(&provider.name));
        let hint = provider.profile.context_hint.as_deref();
        io.warning_hint(
            hint.unwrap_or("shorter texts are read whole: --lines takes each line as one"),
        );
    }

    async fn work(
        &mut self,
        batches: Batches,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let mut source = BatchSource::Idle(Box::new(batches));
        let mut ready: Option<Batch> = None;
        let mut has_begun = false;
        let mut is_patient = true;
        loop {
            if self.has_room(exchange.level())
                && let Some(batch) = ready.take()
            {
                self.start(batch, exchange, io)?;
                has_begun = true;
            }
            source = match source {
                BatchSource::Idle(batches) if ready.is_none() => self.read(batches),
                other => other,
            };
            if matches!(source, BatchSource::Over) && ready.is_none() && self.running.is_empty() {
                return Ok(());
            }
            let is_waiting = is_patient && self.running.is_empty();
            let event = exchange.wait(self.event(&mut source, is_waiting)).await?;
            match event {
                FlowEvent::Silence => {
                    is_patient = false;
                    io.note("waiting for standard input");
                }
                FlowEvent::Finished(finished) => {
                    let (exchange, batch, answer) = *finished.map_err(ended_early)?;
                    self.idle.push(exchange);
                    self.take(batch, answer?, io)?;
                }
                FlowEvent::Read(read) => {
                    let (batches, result) = read.map_err(ended_early)?;
                    ready = result.map_err(|failure| told_late(failure, has_begun))?;
                    source = if ready.is_some() {
                        BatchSource::Idle(batches)
                    } else {
                        BatchSource::Over
                    };
                }
            }
        }
    }

    /// Whether another request may begin where `level` may be out at a time. Replies that may come at the
    /// same time are bounded too.
    fn has_room(&self, level: usize) -> bool {
        let running = self.running.len();
        let fits = running < FEW || running * self.largest < MAX_COMING_BYTES;
        running < level && fits && self.held < MAX_HELD_BYTES
    }

    /// Reads the next batch where waiting for a file or a pipe holds nothing up.
    fn read(&self, mut batches: Box<Batches>) -> BatchSource {
        let most = self.asker.most();
        BatchSource::Reading(spawn_blocking(move || {
            let batch = batches.next(most);
            (batches, batch)
        }))
    }

    fn start(&mut self, batch: Batch, exchange: &Exchange, io: &Io) -> Result<(), Failure> {
        let mut exchange = match self.idle.pop() {
            Some(exchange) => exchange,
            None => exchange.fork(io)?,
        };
        let asker = Arc::clone(&self.asker);
        self.running.spawn(async move {
            let answer = asker.ask(&batch, &mut exchange).await;
            Box::new((exchange, batch, answer))
        });
        Ok(())
    }

    /// What happens next.
    async fn event(&mut self, source: &mut BatchSource, is_waiting: bool) -> FlowEvent {
        let read = async {
            match source {
                BatchSource::Reading(reading) => reading.await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            read = read => FlowEvent::Read(read),
            Some(finished) = self.running.join_next() => FlowEvent::Finished(finished),
            () = tokio::time::sleep(SILENT_INPUT), if is_waiting => FlowEvent::Silence,
        }
    }

    /// Writes an answer and all that have waited for it, or lets it wait.
    fn take(&mut self, batch: Batch, answer: BatchAnswer, io: &mut Io) -> Result<(), Failure> {
        self.tally.add(answer.tokens, answer.requests);
        self.held += answer.bytes();
        self.largest = self.largest.max(answer.bytes());
        self.done.insert(batch.number, (batch, answer));
        while let Some((batch, mut answer)) = self.done.remove(&self.next) {
            self.writer.write(&batch, &answer, &self.progress, io)?;
            self.held -= answer.bytes();
            let unread = answer.unread.take();
            self.unread = self.unread.take().into_iter().chain(unread).reduce(UnreadTexts::and);
            self.asker.reuse(answer);
            self.next += 1;
        }
        Ok(())
    }
}

/// Bad input is no wrong usage any more once something was sent.
fn told_late(mut failure: Failure, has_begun: bool) -> Failure {
    if has_begun && failure.kind == FailureKind::Usage {
        failure.kind = FailureKind::Other;
    }
    failure
}
