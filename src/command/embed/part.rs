//! One request for the vectors of some texts, and what is made of its reply.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::answer::AnswerPart;
use super::batch::{BatchText, SharedJournal};
use super::failing::{is_of_server, may_be_encoding, refuses_list, refuses_text, says_too_large};
use super::kept;
use super::memory::ReusedMemory;
use super::options::EmbedOptions;
use super::problem::{PartProblem, as_it_came, places, read_error};
use crate::api::embed::element::Element;
use crate::api::embed::reply::{self, DecimalVectors, VectorProblem, Vectors};
use crate::api::embed::request::{ENCODING, fields};
use crate::api::embed::vector::Vector;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Operation, ReadError, Reply, ReplyWords, ended_early};
use crate::journal::RowHash;
use crate::provider::{Composed, Job, Provider};

/// A reply that is larger makes the next batches smaller, in bytes: several are held at a time.
const LARGE_REPLY: usize = 24 << 20;

/// How many replies are decoded at a time: one while another waits for the network's thread to take it.
/// More would be as much more memory.
const CONCURRENT_DECODES: usize = 2;

/// The largest reply that is read.
const LARGEST_REPLY: usize = 512 << 20;

/// Whether vectors are asked for as base64, as far as the run knows by now.
const UNTRIED: u8 = 0;
const WORKS: u8 = 1;
const NUMBERS: u8 = 2;

/// In what form texts go: lists, a text alone where there is one in all, every text alone.
const LISTS: u8 = 0;
const ONE_TEXT: u8 = 1;
const EACH_ALONE: u8 = 2;

/// So often a run asks for numbers after a failure, to see whether they come: where nothing comes either
/// way, it is not about base64.
const MAX_TRIES: usize = 3;

/// What all requests of a run share.
pub(super) struct PartContext {
    /// The request's fields that flags set.
    flags: Map<String, Value>,
    json: bool,
    numbers: DecimalVectors,
    element: Element,
    /// The request's fields beside the texts.
    pub(super) fields: Vec<String>,
    /// The length that vectors were asked for in.
    dimensions: Option<usize>,
    /// The length of the vectors in a file that is brought up to date.
    earlier: Option<usize>,
    /// The length of the run's first vector; 0 before it came.
    first: AtomicUsize,
    most: AtomicUsize,
    encoding: AtomicU8,
    input_form: AtomicU8,
    /// How often numbers were asked for instead, see [`MAX_TRIES`].
    tries: AtomicUsize,
    /// Where vectors are kept as they come.
    journal: Option<SharedJournal>,
    /// What replies are read into.
    pub(super) replies: ReusedMemory,
    /// What their decimal numbers are turned into.
    pub(super) floats: ReusedMemory,
    /// Permits to decode, see [`CONCURRENT_DECODES`].
    turns: Semaphore,
}

/// The body of a request for this `input`.
pub(in crate::command) fn compose(
    provider: &Provider,
    input: Value,
    flags: &Map<String, Value>,
    base64: bool,
) -> Composed {
    let fields = fields(provider.model.as_deref(), input, flags.clone(), base64);
    provider.compose(Job::Embed, fields)
}

/// The texts of a request as its `input`: a list, or the only text of it.
pub(super) fn input<'t>(mut texts: impl Iterator<Item = &'t str>, is_text: bool) -> Value {
    match is_text {
        true => texts.next().unwrap_or_default().into(),
        false => texts.collect(),
    }
}

/// The length of vectors that is asked for, if it is.
pub(super) fn asked_dimensions(composed: &Composed, options: &EmbedOptions) -> Option<usize> {
    let asked = [options.flags.get("dimensions"), composed.body.get("dimensions")];
    let asked = asked.into_iter().flatten().find_map(Value::as_u64);
    asked.and_then(|number| usize::try_from(number).ok())
}

impl PartContext {
    /// For requests of `most` texts each. `is_alone`: there is one text in all.
    pub(super) fn new(
        provider: &Provider,
        options: &EmbedOptions,
        most: usize,
        is_alone: bool,
        journal: Option<SharedJournal>,
        earlier: Option<usize>,
    ) -> Self {
        let composed = compose(provider, Value::Array(Vec::new()), &options.flags, !options.json);
        let is_known = |name: &&String| *name != "input" && *name != ENCODING;
        let is_ours = composed.own.by(ENCODING).is_none()
            && composed.body.get(ENCODING).is_some_and(|value| value == "base64");
        Self {
            flags: options.flags.clone(),
            json: options.json,
            numbers: options.numbers(),
            element: Element::asked_by(&composed.body),
            fields: composed.body.keys().filter(is_known).cloned().collect(),
            dimensions: asked_dimensions(&composed, options),
            earlier,
            first: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            // What the user or a rule settles is not tried.
            encoding: AtomicU8::new(if is_ours { UNTRIED } else { WORKS }),
            input_form: AtomicU8::new(if is_alone { ONE_TEXT } else { LISTS }),
            tries: AtomicUsize::new(0),
            journal,
            replies: ReusedMemory::default(),
            floats: ReusedMemory::default(),
            turns: Semaphore::new(CONCURRENT_DECODES),
        }
    }

    /// The most texts of a request, as it is known by now.
    pub(super) fn most(&self) -> usize {
        self.most.load(Relaxed)
    }

    /// Every text is sent alone from now on, and not in a list. False if that was known already.
    pub(super) fn send_each_alone(&self) -> bool {
        self.learn(1);
        self.input_form.swap(EACH_ALONE, Relaxed) != EACH_ALONE
    }

    /// No more texts than these are sent in one request from now on.
    pub(super) fn learn(&self, most: usize) {
        self.most.fetch_min(most.max(1), Relaxed);
    }
}

/// The request for a part of a batch.
pub(super) struct AskPart<'a> {
    context: &'a Arc<PartContext>,
    texts: &'a [&'a BatchText],
    /// A text that makes the server fail is being looked for: no part is asked for twice.
    is_search: bool,
    asks_base64: bool,
    /// The text went alone, and not in a list.
    is_text: bool,
    /// The text was sent in both forms; what is told of that if the second one works.
    other_form: Option<&'static str>,
    /// Numbers are asked for after a failure, which is told if they come.
    instead: Option<String>,
    has_no_vectors: bool,
}

impl<'a> AskPart<'a> {
    pub(super) fn new(
        context: &'a Arc<PartContext>,
        texts: &'a [&'a BatchText],
        is_search: bool,
    ) -> Self {
        Self {
            context,
            texts,
            is_search,
            asks_base64: false,
            is_text: false,
            other_form: None,
            instead: None,
            has_no_vectors: false,
        }
    }

    /// Decodes a reply and keeps its vectors, beside the network and not between its chunks.
    async fn decoded(
        &self,
        body: Vec<u8>,
        reply: &mut Reply<'_>,
    ) -> Result<Result<AnswerPart, PartProblem>, Failure> {
        let exchange = reply.exchange();
        // It is never closed, which would be the only failure.
        let _turn = exchange.wait(self.context.turns.acquire()).await?;
        let context = Arc::clone(self.context);
        let rows = Vec::from_iter(self.texts.iter().map(|text| (text.row, text.hash)));
        let read = tokio::task::spawn_blocking(move || context.read(body, &rows));
        let read = exchange.wait(read).await?;
        read.map_err(ended_early)
    }

    /// Changes the form of a single text that was refused in this one.
    fn changes_form(&mut self, failure: &Failure) -> bool {
        let is_refused = if self.is_text { refuses_text(failure) } else { refuses_list(failure) };
        if self.texts.len() > 1 || self.other_form.is_some() || !is_refused {
            return false;
        }
        self.other_form = Some(match self.is_text {
            true => {
                self.context.input_form.store(LISTS, Relaxed);
                "takes only a list as `input`; sent again as a list of one"
            }
            false => {
                self.context.send_each_alone();
                "takes no list as `input`; sent again as a text, and so for the rest"
            }
        });
        true
    }

    /// What a good reply teaches about base64.
    fn learn_encoding(&self, reply: &mut Reply<'_>) {
        let encoding = &self.context.encoding;
        let learn = |what| encoding.compare_exchange(UNTRIED, what, Relaxed, Relaxed).is_ok();
        match &self.instead {
            Some(why) if learn(NUMBERS) => reply.exchange().warn(&format!(
                "{why}; asked for numbers instead of base64, which works, and so for the rest; a rule spares \
                 the first try: {{ jobs = [\"embed\"], drop = [\"{ENCODING}\"] }}"
            )),
            None if self.asks_base64 => {
                learn(WORKS);
            }
            _ => {}
        }
    }
}

impl PartContext {
    fn read(&self, body: Vec<u8>, rows: &[(u64, RowHash)]) -> Result<AnswerPart, PartProblem> {
        if self.json {
            return as_it_came(body).map(AnswerPart::Reply).map_err(PartProblem::Vectors);
        }
        let read = reply::read(body, rows.len(), self.numbers, self.element, self.floats.take());
        let vectors = read.map_err(PartProblem::Vectors)?;
        self.check_lengths(&vectors)?;
        self.keep(&vectors, rows).map_err(PartProblem::Journal)?;
        Ok(AnswerPart::Vectors(vectors))
    }

    /// All vectors have the length that was asked for, and those in base64 that of the run's others: so
    /// is told what is base64 of something else than floats.
    fn check_lengths(&self, vectors: &Vectors) -> Result<(), PartProblem> {
        let lengths =
            || (0..vectors.len()).filter_map(|index| Some(vectors.get(index)?.dimensions()));
        let wanted = self.dimensions.or(self.earlier);
        let mut odd = lengths().filter(|length| wanted.is_some_and(|wanted| wanted != *length));
        let odd = odd.next();
        // A length that was read off decimal numbers is sure.
        let mut each = (0..vectors.len()).filter_map(|index| vectors.get(index));
        let sure = each.find(|vector| matches!(vector, Vector::Digits(_)));
        let first = match self.first.load(Relaxed) {
            0 => sure.map(|vector| vector.dimensions()).or(lengths().next()).unwrap_or(0),
            first => first,
        };
        let _ = self.first.compare_exchange(0, first, Relaxed, Relaxed);
        let bytes = match wanted {
            // As many bytes as numbers were asked for.
            Some(wanted) => vectors.odd_base64(wanted).filter(|(_, bytes)| *bytes == wanted),
            None => vectors.odd_base64(first),
        };
        match (bytes, odd) {
            (Some((index, bytes)), _) => {
                Err(PartProblem::Vectors(VectorProblem::NoFloats(index, bytes)))
            }
            // Eight bits in one number are fewer numbers than were asked for.
            (None, Some(length))
                if self.element == Element::Float || length * 8 != wanted.unwrap_or(0) =>
            {
                Err(PartProblem::Dimensions(length))
            }
            _ => Ok(()),
        }
    }

    fn keep(&self, vectors: &Vectors, rows: &[(u64, RowHash)]) -> Result<(), Failure> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let rows = rows
            .iter()
            .enumerate()
            .filter_map(|(index, (row, hash))| Some(kept::row(*row, *hash, vectors.get(index)?)));
        journal.lock().unwrap_or_else(PoisonError::into_inner).keep(rows).map(drop)
    }
}

impl Operation for AskPart<'_> {
    type Output = AnswerPart;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        let context = self.context;
        self.is_text = self.texts.len() == 1 && context.input_form.load(Relaxed) != LISTS;
        let input = input(self.texts.iter().map(|text| text.text()), self.is_text);
        // Who reads the reply itself is better served with numbers.
        self.asks_base64 =
            !context.json && self.instead.is_none() && context.encoding.load(Relaxed) != NUMBERS;
        let composed = compose(provider, input, &context.flags, self.asks_base64);
        let request = provider.post(Job::Embed, composed.body);
        Ok(Draft::repairable(request, Job::Embed, composed.own).with_eases(&[ENCODING]))
    }

    fn words(&self) -> ReplyWords {
        let about = format!(" for {}", places(self.texts));
        ReplyWords { answer: "answer", lack: "has no list of vectors", about }
    }

    /// A service that fails in whatever way when it is asked for base64 first is asked for numbers once.
    fn changes_request(&mut self, failure: &Failure, _: &Provider) -> bool {
        if self.changes_form(failure) {
            return true;
        }
        if !self.is_text && refuses_list(failure) {
            return false;
        }
        let may_be = self.has_no_vectors || may_be_encoding(failure, &self.context.fields);
        if !self.asks_base64 || !may_be || self.context.encoding.load(Relaxed) == WORKS {
            return false;
        }
        if self.context.tries.fetch_add(1, Relaxed) >= MAX_TRIES {
            return self.context.encoding.load(Relaxed) == NUMBERS;
        }
        self.instead = Some(failure.message.clone());
        true
    }

    /// A text that is too long is not sent again as it is.
    fn reword(&self, failure: Failure, _: &Provider) -> Failure {
        let is_search = self.is_search && self.texts.len() > 1;
        let is_list = self.texts.len() > 1 && refuses_list(&failure);
        let is_final = is_list || says_too_large(&failure) || (is_search && is_of_server(&failure));
        if is_final { Failure { retry: None, ..failure } } else { failure }
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<AnswerPart, ReadError> {
        let (context, asked) = (self.context, self.texts.len());
        let mut body = context.replies.take();
        if !reply.read_into(&mut body, LARGEST_REPLY).await? {
            let failure = reply.too_large(LARGEST_REPLY);
            return Err(failure.hint("--batch-size N asks for less").into());
        }
        let size = body.len();
        let mut result = self.decoded(body, reply).await?;
        if size > LARGE_REPLY {
            context.learn(asked * (LARGE_REPLY / 1024) / (size / 1024));
        }
        match &mut result {
            Ok(part) => {
                self.learn_encoding(reply);
                if let Some(form) = self.other_form.take() {
                    let exchange = reply.exchange();
                    exchange.warn(&format!("{} {form}", exchange.provider.name));
                }
                if let AnswerPart::Vectors(vectors) = part {
                    // The next reply comes into it while these vectors wait for their turn.
                    vectors.spare_text().into_iter().for_each(|text| context.replies.give(text));
                }
            }
            Err(PartProblem::Vectors(problem)) => self.has_no_vectors = problem.is_empty(),
            Err(_) => {}
        }
        let name = &reply.exchange().provider.name;
        result.map_err(|problem| match problem {
            PartProblem::Vectors(problem) => read_error(problem, self.texts, name),
            PartProblem::Dimensions(length) if context.dimensions.is_none() => {
                let there = context.earlier.unwrap_or_default();
                let what = format!(
                    "the file has vectors of {there} numbers, those from {name} have {length}: they are of \
                     another model"
                );
                Failure::usage(what).hint("-o makes a file anew").into()
            }
            PartProblem::Dimensions(length) => {
                let asked = context.dimensions.unwrap_or_default();
                let what = format!(
                    "{name} sent vectors of {length} numbers, {asked} were asked for"
                );
                let hint = "without --dimensions any length is taken; or choose a model that gives this one";
                Failure::new(FailureKind::Refused, what).hint(hint).into()
            }
            PartProblem::Journal(failure) => failure.into(),
        })
    }

    fn begin_again(&mut self) {
        self.has_no_vectors = false;
    }
}
