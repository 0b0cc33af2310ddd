//! One batch on its way to its vectors: asked, asked again where that helps, and halved where a part of
//! it is refused or makes the server fail. What one batch teaches holds for all that follow.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use super::answer::{AnswerPart, BatchAnswer};
use super::batch::{Batch, SharedJournal};
use super::failing::{is_about_text, is_of_server, refuses_list};
use super::options::EmbedOptions;
use super::part::{AskPart, PartContext};
use crate::command::spent;
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::provider::Provider;

/// So many refused texts in a run that has had no vector yet tell that it is not about the texts.
const MAX_REFUSED: usize = 8;

/// What all batches of a run share.
pub(in crate::command) struct BatchAsker {
    context: Arc<PartContext>,
    /// There is one text in all: its refusal is that of the run.
    is_alone: bool,
    has_vectors: AtomicBool,
    refused: AtomicUsize,
    /// Failures of the server since it last sent vectors.
    failed_in_row: AtomicUsize,
}

/// The parts of a batch that are still to be asked for.
struct Search {
    /// The next one on top.
    waiting: Vec<Range<usize>>,
    /// Refused parts, each within the one before, of which no text was found to be the cause.
    refused: Vec<Range<usize>>,
    /// A part made the server fail: smaller ones are asked for to find the text.
    is_after_failure: bool,
    /// The failure of a text that made the server fail.
    failed: Option<Failure>,
}

impl Search {
    fn halve(&mut self, part: Range<usize>) {
        let middle = part.start + part.len().div_ceil(2);
        self.waiting.extend([middle..part.end, part.start..middle]);
    }
}

impl BatchAsker {
    /// For requests of `most` texts each. `is_alone`: there is one text in all. `earlier` is the length of
    /// vectors that are there already.
    pub(in crate::command) fn new(
        provider: &Provider,
        options: &EmbedOptions,
        most: usize,
        is_alone: bool,
        journal: Option<SharedJournal>,
        earlier: Option<usize>,
    ) -> Self {
        Self {
            context: Arc::new(PartContext::new(
                provider, options, most, is_alone, journal, earlier,
            )),
            is_alone,
            has_vectors: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            failed_in_row: AtomicUsize::new(0),
        }
    }

    /// The most texts of a request, as it is known by now.
    pub(in crate::command) fn most(&self) -> usize {
        self.context.most()
    }

    /// Takes back the memory of an answer that was written.
    pub(super) fn reuse(&self, answer: BatchAnswer) {
        for part in answer.parts {
            match part {
                AnswerPart::Vectors(vectors) => {
                    let (reply, floats) = vectors.into_memory();
                    self.context.floats.give(floats);
                    self.context.replies.give(reply);
                }
                AnswerPart::Reply(body) => self.context.replies.give(body),
                AnswerPart::Refused(_) => {}
            }
        }
    }

    /// Asks for the vectors of a batch.
    ///
    /// # Errors
    /// Whatever is not the fault of a text: it ends the run.
    pub(in crate::command) async fn ask(
        &self,
        batch: &Batch,
        exchange: &mut Exchange,
    ) -> Result<BatchAnswer, Failure> {
        let texts = batch.sent();
        let mut answer = BatchAnswer::default();
        let mut search = Search {
            waiting: Vec::from_iter((!texts.is_empty()).then_some(0..texts.len())),
            refused: Vec::new(),
            is_after_failure: false,
            failed: None,
        };
        while let Some(part) = search.waiting.pop() {
            if part.len() > self.most() {
                let middle = part.start + self.most();
                search.waiting.extend([middle..part.end, part.start..middle]);
                continue;
            }
            answer.requests += 1;
            let asked = &texts[part.clone()];
            let mut operation = AskPart::new(&self.context, asked, search.is_after_failure);
            match exchange.ask(&mut operation).await {
                Ok(found) => {
                    exchange.spend(spent::of_usage(found.usage().as_deref()));
                    self.has_vectors.store(true, Relaxed);
                    self.failed_in_row.store(0, Relaxed);
                    answer.add(found, asked);
                    while let Some(whole) = search.refused.pop_if(|whole| whole.end == part.end) {
                        self.context.learn(whole.len().div_ceil(2));
                    }
                }
                Err(failure) if part.len() > 1 && refuses_list(&failure) => {
                    if self.context.send_each_alone() {
                        exchange.warn(&format!(
                            "{} takes no list as `input`; each text is sent alone",
                            exchange.provider.name
                        ));
                    }
                    search.waiting.push(part);
                }
                Err(failure) => {
                    let refused = self.look_for(failure, part, texts.len(), &mut search)?;
                    let refused = refused.map(AnswerPart::Refused);
                    refused.into_iter().for_each(|refused| answer.add(refused, &[]));
                }
            }
        }
        // Nothing in the run tells yet that the server works at all.
        match search.failed {
            Some(failure) if !self.has_vectors.load(Relaxed) => Err(failure),
            _ => Ok(answer),
        }
    }

    /// A part failed: if that may be the fault of one text, it is looked for in the halves. Gives the words
    /// for it once it is found.
    ///
    /// # Errors
    /// The failure, if it is not about a text.
    fn look_for(
        &self,
        failure: Failure,
        part: Range<usize>,
        all: usize,
        search: &mut Search,
    ) -> Result<Option<String>, Failure> {
        if is_about_text(&failure, &self.context.fields) {
            if part.len() == 1 {
                search.refused.clear();
                return self.refused(failure).map(Some);
            }
            search.halve(part.clone());
            search.refused.push(part);
            return Ok(None);
        }
        let in_row = self.failed_in_row.fetch_add(1, Relaxed) + 1;
        // One failing text makes as many parts in a row fail as the batch can be halved, and no more.
        let most = all.ilog2() as usize + 2;
        // A connection that breaks tells nothing of a text that was alone in its batch.
        let is_told = all > 1 || failure.refused.is_some();
        if self.is_alone || in_row > most || !is_told || !is_of_server(&failure) {
            return Err(failure);
        }
        search.is_after_failure = true;
        if part.len() > 1 {
            search.halve(part);
            return Ok(None);
        }
        let words = failure.message.clone();
        search.failed.get_or_insert(failure);
        Ok(Some(words))
    }

    /// The words for a refused text, unless they are those of the whole run.
    fn refused(&self, failure: Failure) -> Result<String, Failure> {
        let count = self.refused.fetch_add(1, Relaxed) + 1;
        let has_vectors = self.has_vectors.load(Relaxed);
        if self.is_alone || (!has_vectors && count > MAX_REFUSED) {
            return Err(failure);
        }
        Ok(failure.message)
    }
}
