//! Parts of a recording that are asked for beside each other: as many as the service bears. Their transcripts
//! wait for their turn; the parts themselves are read from the disk while they are sent.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::form::{HeardPart, PartForm};
use super::split::AudioPart;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords, ended_early};
use crate::io::Io;
use crate::output::kept::KeptParts;
use crate::output::progress::Progress;
use crate::provider::Provider;

/// The parts behind the first.
pub(super) struct PartsAhead<'a> {
    form: Arc<PartForm>,
    parts: &'a [AudioPart],
    /// Their names among the kept ones; none where nothing is kept.
    keys: &'a [Option<String>],
    kept: Option<&'a KeptParts>,
    /// The one that is looked at next.
    next: usize,
    waiting: VecDeque<WaitingPart>,
}

/// A part before its turn.
enum WaitingPart {
    /// An earlier run brought it.
    Kept(HeardPart),
    Asked(RunningRequest),
}

/// A request that runs; dropped, it is given up.
struct RunningRequest(JoinHandle<Result<HeardPart, Failure>>);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> PartsAhead<'a> {
    /// Those of `parts` behind the first one; none is asked for yet.
    pub(super) fn new(
        form: PartForm,
        parts: &'a [AudioPart],
        keys: &'a [Option<String>],
        kept: Option<&'a KeptParts>,
    ) -> Self {
        Self { form: Arc::new(form), parts, keys, kept, next: 1, waiting: VecDeque::new() }
    }

    /// The next part's transcript.
    ///
    /// # Errors
    /// Those of its request, or an interruption.
    pub(super) async fn next(
        &mut self,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<HeardPart, Failure> {
        self.start(exchange);
        let number = self.next - self.waiting.len() + 1;
        match self.waiting.pop_front() {
            Some(WaitingPart::Kept(heard)) => Ok(heard),
            Some(WaitingPart::Asked(mut request)) => {
                let what = format!("part {number} of {}", self.parts.len());
                let progress = Progress::waiting(&what, io);
                let done = exchange.wait(&mut request.0).await;
                progress.done();
                done?.map_err(ended_early)?
            }
            None => Err(Failure::new(FailureKind::Other, "a part was not asked for")),
        }
    }

    /// Waits for the requests that run, as they may have been paid for, and their transcripts are kept.
    pub(super) async fn settle(&mut self, exchange: &mut Exchange) {
        if self.kept.is_none() {
            return;
        }
        while let Some(part) = self.waiting.pop_front() {
            if let WaitingPart::Asked(mut request) = part
                && exchange.wait(&mut request.0).await.is_err()
            {
                return;
            }
        }
    }

    /// Sends as many requests as may run.
    fn start(&mut self, exchange: &Exchange) {
        while self.waiting.len() < exchange.level()
            && let Some(part) = self.parts.get(self.next)
        {
            let keeping = self.kept.zip(self.keys.get(self.next).and_then(Option::as_deref));
            self.next += 1;
            if let Some(heard) = keeping.and_then(|(kept, key)| self.form.kept(kept, key)) {
                self.waiting.push_back(WaitingPart::Kept(heard));
                continue;
            }
            let keeping = keeping.map(|(kept, key)| (kept.clone(), key.to_owned()));
            let mut asked = AskBeside { form: Arc::clone(&self.form), part: part.clone() };
            let mut beside = exchange.branch();
            let work = async move {
                let heard = beside.ask(&mut asked).await?;
                if let Some((kept, key)) = keeping {
                    heard.keep(&kept, &key);
                }
                Ok(heard)
            };
            self.waiting.push_back(WaitingPart::Asked(RunningRequest(tokio::spawn(work))));
        }
    }
}

/// The request for a part of which nothing is shown while it comes.
struct AskBeside {
    form: Arc<PartForm>,
    part: AudioPart,
}

impl Operation for AskBeside {
    type Output = HeardPart;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.form.draft(self.part.clone(), provider)
    }

    fn words(&self) -> ReplyWords {
        PartForm::words()
    }

    fn reword(&self, failure: Failure, _: &Provider) -> Failure {
        self.form.with_hint(failure)
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<HeardPart, ReadError> {
        self.form.whole(reply).await
    }
}
