//! One batch on its way to its vectors: asked, asked again where that helps, and halved where a part
//! of it is refused. What one batch teaches holds for all that follow.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::batch::Batch;
use super::cuts::UnreadTexts;
use super::memory::ReusedMemory;
use super::options::EmbedOptions;
use crate::api::embed::reply::{self, DecimalVectors, VectorProblem, Vectors};
use crate::api::embed::request::{ENCODING, fields};
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords, ended_early};
use crate::http::bad_reply::BadReply;
use crate::input::texts::InputText;
use crate::provider::{Composed, Job, Provider};

/// So many refused texts in a run that has had no vector yet tell that it is not about the texts.
const MAX_REFUSED: usize = 8;

/// A reply that is larger makes the next batches smaller, in bytes: several are held at a time.
const LARGE_REPLY: usize = 24 << 20;

/// How many replies are decoded at a time: one while another waits for the network's thread to take it.
/// More would be as much more memory.
const CONCURRENT_DECODES: usize = 2;

/// The largest reply that is read.
const LARGEST_REPLY: usize = 512 << 20;

/// So many characters of a reply without vectors are shown.
const MAX_WORDS: usize = 200;

/// What all batches of a run share.
pub(super) struct BatchAsker {
    /// The request's fields that flags set.
    flags: Map<String, Value>,
    json: bool,
    numbers: DecimalVectors,
    /// There is one text in all: its refusal is that of the run.
    is_alone: bool,
    /// The request's fields beside the texts: a refusal that names one is not about a text.
    fields: Vec<String>,
    most: AtomicUsize,
    has_vectors: AtomicBool,
    refused: AtomicUsize,
    /// What replies are read into.
    replies: ReusedMemory,
    /// What their decimal numbers are turned into.
    floats: ReusedMemory,
    /// Permits to decode, see [`CONCURRENT_DECODES`].
    turns: Semaphore,
}

/// The answer for a part of a batch; the parts follow each other.
#[derive(Debug)]
pub(super) enum AnswerPart {
    Vectors(Vectors),
    /// The provider's reply as it came.
    Reply(Vec<u8>),
    /// The one text of this part was refused, in these words.
    Refused(String),
}

/// The answer for a batch.
#[derive(Debug, Default)]
pub(super) struct BatchAnswer {
    pub(super) parts: Vec<AnswerPart>,
    pub(super) tokens: Option<u64>,
    pub(super) requests: u64,
    /// Texts that were not read whole.
    pub(super) unread: Option<UnreadTexts>,
}

impl BatchAnswer {
    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |part: &AnswerPart| match part {
            AnswerPart::Vectors(vectors) => vectors.bytes(),
            AnswerPart::Reply(body) => body.len(),
            AnswerPart::Refused(_) => 0,
        };
        self.parts.iter().map(bytes).sum()
    }

    fn add(&mut self, part: AnswerPart, texts: &[&InputText]) {
        let tokens = match &part {
            AnswerPart::Vectors(vectors) => vectors.tokens,
            AnswerPart::Reply(body) => reply::tokens_in(body),
            AnswerPart::Refused(_) => None,
        };
        let unread = UnreadTexts::of(texts, tokens);
        self.unread = self.unread.take().into_iter().chain(unread).reduce(UnreadTexts::and);
        self.tokens = self.tokens.into_iter().chain(tokens).reduce(|sum, more| sum + more);
        self.parts.push(part);
    }
}

/// The body of a request for these texts.
pub(super) fn compose(
    provider: &Provider,
    inputs: Vec<Value>,
    flags: &Map<String, Value>,
    base64: bool,
) -> Composed {
    let fields = fields(provider.model.as_deref(), inputs, flags.clone(), base64);
    provider.compose(Job::Embed, fields)
}

impl BatchAsker {
    /// For requests of `most` texts each. `is_alone`: there is one text in all.
    pub(super) fn new(
        provider: &Provider,
        options: &EmbedOptions,
        most: usize,
        is_alone: bool,
    ) -> Self {
        let composed = compose(provider, Vec::new(), &options.flags, !options.json);
        let is_known = |name: &&String| *name != "input" && *name != ENCODING;
        Self {
            flags: options.flags.clone(),
            json: options.json,
            numbers: options.numbers(),
            is_alone,
            fields: composed.body.keys().filter(is_known).cloned().collect(),
            most: AtomicUsize::new(most),
            has_vectors: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            replies: ReusedMemory::default(),
            floats: ReusedMemory::default(),
            turns: Semaphore::new(CONCURRENT_DECODES),
        }
    }

    /// The most texts of a request, as it is known by now.
    pub(super) fn most(&self) -> usize {
        self.most.load(Relaxed)
    }

    /// Takes back the memory of an answer that was written.
    pub(super) fn reuse(&self, answer: BatchAnswer) {
        for part in answer.parts {
            match part {
                AnswerPart::Vectors(vectors) => {
                    let (reply, floats) = vectors.into_memory();
                    self.floats.give(floats);
                    self.replies.give(reply);
                }
                AnswerPart::Reply(body) => self.replies.give(body),
                AnswerPart::Refused(_) => {}
            }
        }
    }

    /// Asks for the vectors of a batch.
    ///
    /// # Errors
    /// Whatever is not the fault of a text: it ends the run.
    pub(super) async fn ask(
        &self,
        batch: &Batch,
        exchange: &mut Exchange,
    ) -> Result<BatchAnswer, Failure> {
        let texts = batch.sent();
        let mut answer = BatchAnswer::default();
        // The next part on top.
        let mut waiting = Vec::from_iter((!texts.is_empty()).then_some(0..texts.len()));
        // Refused parts, each within the one before, of which no text was found to be the cause.
        let mut refused: Vec<Range<usize>> = Vec::new();
        while let Some(part) = waiting.pop() {
            if part.len() > self.most() {
                let middle = part.start + self.most();
                waiting.extend([middle..part.end, part.start..middle]);
                continue;
            }
            answer.requests += 1;
            let mut operation = AskPart { asker: self, texts: &texts[part.clone()] };
            match exchange.ask(&mut operation).await {
                Ok(found) => {
                    self.has_vectors.store(true, Relaxed);
                    answer.add(found, &texts[part.clone()]);
                    while let Some(whole) = refused.pop_if(|whole| whole.end == part.end) {
                        self.learn(whole.len().div_ceil(2));
                    }
                }
                Err(failure) if !self.is_about_text(&failure) => return Err(failure),
                Err(failure) if part.len() == 1 => {
                    answer.add(AnswerPart::Refused(self.refused(failure)?), &[]);
                    refused.clear();
                }
                Err(_) => {
                    let middle = part.start + part.len().div_ceil(2);
                    waiting.extend([middle..part.end, part.start..middle]);
                    refused.push(part);
                }
            }
        }
        Ok(answer)
    }

    /// The halves of a refused batch were taken: it was too large, and others need not be.
    fn learn(&self, most: usize) {
        self.most.fetch_min(most.max(1), Relaxed);
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

    /// Whether a refusal may be the fault of a single text: then others can still get vectors.
    fn is_about_text(&self, failure: &Failure) -> bool {
        let names_another = failure.field.as_ref().is_some_and(|field| self.fields.contains(field));
        let names_encoding = failure.message.contains(ENCODING);
        match status(failure) {
            Some(400 | 413 | 422) => {
                failure.kind == FailureKind::Refused && !names_another && !names_encoding
            }
            _ => says_too_large(failure),
        }
    }

    /// Decodes a reply, beside the network and not between its chunks.
    async fn decoded(
        &self,
        body: Vec<u8>,
        asked: usize,
        reply: &mut Reply<'_>,
    ) -> Result<Result<AnswerPart, VectorProblem>, Failure> {
        let exchange = reply.exchange();
        // It is never closed, which would be the only failure.
        let _turn = exchange.wait(self.turns.acquire()).await?;
        let (json, numbers, floats) = (self.json, self.numbers, self.floats.take());
        let read = tokio::task::spawn_blocking(move || match json {
            true => as_it_came(body).map(AnswerPart::Reply),
            false => reply::read(body, asked, numbers, floats).map(AnswerPart::Vectors),
        });
        let read = exchange.wait(read).await?;
        read.map_err(ended_early)
    }
}

/// The request for a part of a batch.
struct AskPart<'a> {
    asker: &'a BatchAsker,
    texts: &'a [&'a InputText],
}

impl Operation for AskPart<'_> {
    type Output = AnswerPart;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        let inputs = self.texts.iter().map(|text| Value::String(text.text.clone())).collect();
        // Who reads the reply itself is better served with numbers.
        let composed = compose(provider, inputs, &self.asker.flags, !self.asker.json);
        let request = provider.post(Job::Embed, composed.body);
        Ok(Draft::repairable(request, Job::Embed, composed.own).with_eases(&[ENCODING]))
    }

    fn words(&self) -> ReplyWords {
        let about = format!(" for {}", places(self.texts));
        ReplyWords { answer: "answer", lack: "has no list of vectors", about }
    }

    /// A text that is too long is not sent again as it is.
    fn reword(&self, failure: Failure) -> Failure {
        match says_too_large(&failure) {
            true => Failure { retry: None, ..failure },
            false => failure,
        }
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<AnswerPart, ReadError> {
        let (asker, asked) = (self.asker, self.texts.len());
        let mut body = asker.replies.take();
        if !reply.read_into(&mut body, LARGEST_REPLY).await? {
            let failure = reply.too_large(LARGEST_REPLY);
            return Err(failure.hint("--batch-size N asks for less").into());
        }
        let size = body.len();
        let mut result = asker.decoded(body, asked, reply).await?;
        if let Ok(AnswerPart::Vectors(vectors)) = &mut result {
            // The next reply comes into it while these vectors wait for their turn.
            vectors.spare_text().into_iter().for_each(|reply| asker.replies.give(reply));
        }
        if size > LARGE_REPLY {
            asker.learn(asked * (LARGE_REPLY / 1024) / (size / 1024));
        }
        let name = &reply.exchange().provider.name;
        result.map_err(|problem| read_error(problem, self.texts, name))
    }
}

/// The reply itself, once it is known to be JSON without an error.
fn as_it_came(body: Vec<u8>) -> Result<Vec<u8>, VectorProblem> {
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return Err(BadReply::of_body(&body).into());
    }
    reply::fault_in(&body).map_or(Ok(body), |fault| Err(BadReply::from(fault).into()))
}

/// Where the texts of a request stand.
fn places(texts: &[&InputText]) -> String {
    match texts {
        [one] => one.place.to_string(),
        [first, .., last] => format!("{} to {}", first.place, last.place),
        [] => String::new(),
    }
}

/// What is wrong with a reply, with the texts that it is for.
fn read_error(problem: VectorProblem, texts: &[&InputText], service: &str) -> ReadError {
    let which = places(texts);
    let refused = |message: String| Failure::new(FailureKind::Refused, message);
    let failure = match problem {
        VectorProblem::Reply(BadReply::NotAnAnswer(words)) => {
            return BadReply::NotAnAnswer(words.chars().take(MAX_WORDS).collect()).into();
        }
        VectorProblem::Reply(bad) => return bad.into(),
        VectorProblem::Nested => {
            let message = format!(
                "{service} sent a vector for every token of a text, not one for the text ({which})"
            );
            refused(message).hint(
                "the server has to pool them, as llama-server does with `--pooling mean`; --json prints them",
            )
        }
        VectorProblem::Count(count) => {
            let plural = if count == 1 { "" } else { "s" };
            let asked = texts.len();
            refused(format!(
                "{service} sent {count} vector{plural}, {asked} were asked for ({which})"
            ))
        }
        VectorProblem::Index(words) => refused(format!(
            "the vectors from {service} for {which} can't be put in order: {words}"
        )),
        VectorProblem::Vector(index, words) => {
            let place = texts.get(index).map(|text| text.place.to_string()).unwrap_or(which);
            refused(format!("the vector from {service} for {place} can't be read: {words}"))
        }
    };
    failure.into()
}

/// The HTTP status of a failure that the service itself told.
fn status(failure: &Failure) -> Option<u16> {
    failure.refused.as_ref()?.status
}

/// llama.cpp answers 500, not 400, to a text that is longer than its batch of tokens.
fn says_too_large(failure: &Failure) -> bool {
    let message = failure.message.to_lowercase();
    status(failure) == Some(500)
        && message.contains("tokens")
        && ["too large", "too long", "not fit", "exceed"]
            .iter()
            .any(|words| message.contains(words))
}
