//! `llm embed`: vectors for texts.

use serde_json::Value;

use super::options::RunOptions;
use super::steps::{print_request, settle_output, warn_and_check};
use crate::api::embed::request::MAX_INPUTS;
use crate::cli::embed::EmbedArgs;
use crate::config;
use crate::error::Failure;
use crate::exchange::{self, MinuteLimits};
use crate::input::texts::InputTexts;
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::{Composed, Job, Provider, RequestLimit, resolve};

mod answer;
mod ask;
mod batch;
mod cuts;
mod earlier;
mod failing;
mod flow;
mod journal;
mod kept;
mod memory;
mod options;
mod part;
mod problem;
mod sidecar;
mod writer;

pub(super) use answer::AnswerPart;
pub(super) use ask::BatchAsker;
pub(super) use batch::{Batch, Batches};
use earlier::EarlierVectors;
use flow::EmbedFlow;
pub(super) use options::EmbedOptions;
pub(super) use part::compose;
pub(super) use sidecar::path_beside;
use writer::VectorWriter;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &EmbedArgs, run: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.update.as_deref().or(args.output.as_deref()), io);
    let config = config::load(run.config.as_deref(), io)?;
    let mut provider = resolve(&run.service, Job::Embed, &config, io)?;
    let options = EmbedOptions::new(args, run)?;
    let mut composed = compose(&provider, Value::Array(Vec::new()), &options.flags, true);
    warn_and_check(&composed, "embeddings", &provider, io)?;
    let texts = InputTexts::find(&options.sources(), io)?;
    let count = texts.known.count;
    let most = most_inputs(&options, &provider);
    let is_alone = count == Some(1) && !options.lines && options.columns.is_none();
    if run.dry_run {
        let earlier = earlier_vectors(&composed, &options, io)?;
        let batches = Batches::new(texts, options.strict_format(), None, earlier)?;
        return Ok(show(provider, batches, most, is_alone, &options, io)?);
    }
    // The vectors are kept under the name of their model.
    if exchange::look_up_model(&mut provider, run.exchange, io)? {
        composed = compose(&provider, Value::Array(Vec::new()), &options.flags, true);
    }
    let earlier = earlier_vectors(&composed, &options, io)?;
    let length = earlier.as_ref().and_then(|earlier| earlier.dimensions);
    let origin = options.origin(model_of(&composed).map(str::to_owned), provider.name.clone());
    let writer = VectorWriter::open(options.output.as_deref(), options.style, origin, io)?;
    let journal = match options.output.as_deref().filter(|_| writer.is_kept()) {
        Some(target) => Some(journal::open(target, &composed, &provider, options.fresh)?),
        None => None,
    };
    // An empty text without a place is told before anything is sent, and leaves no file.
    let batches = match Batches::new(texts, options.strict_format(), journal.clone(), earlier) {
        Ok(batches) => batches,
        Err(failure) => return Ok(journal::settle(Err(failure), journal.as_ref(), count, io)?),
    };
    Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            exchange.for_many(options.concurrency, MinuteLimits::default());
            let progress = Progress::items("embedding", count, io);
            let kept = journal.clone();
            let asker = BatchAsker::new(&exchange.provider, &options, most, is_alone, kept, length);
            let flow = EmbedFlow::new(asker, writer, progress);
            let result = flow.run(batches, options.shows_usage, exchange, io).await;
            journal::settle(result, journal.as_ref(), count, io)
        })
    })?)
}

/// The model that a request names.
fn model_of(composed: &Composed) -> Option<&str> {
    composed.body.get("model").and_then(Value::as_str)
}

/// The vectors of the file that is brought up to date; `None` where none is.
fn earlier_vectors(
    composed: &Composed,
    options: &EmbedOptions,
    io: &Io,
) -> Result<Option<EarlierVectors>, Failure> {
    let Some(path) = options.output.as_deref().filter(|_| options.is_update) else {
        return Ok(None);
    };
    let dimensions = part::asked_dimensions(composed, options);
    EarlierVectors::read(path, model_of(composed), dimensions, io).map(Some)
}

/// Most texts of a request.
pub(super) fn most_inputs(options: &EmbedOptions, provider: &Provider) -> usize {
    let of_service =
        || provider.limit(RequestLimit::EmbedInputs).and_then(|most| usize::try_from(most).ok());
    options.batch_size.or_else(of_service).unwrap_or(MAX_INPUTS).max(1)
}

/// `--dry-run`: the first request, and how many more there would be.
fn show(
    mut provider: Provider,
    mut batches: Batches,
    most: usize,
    is_alone: bool,
    options: &EmbedOptions,
    io: &mut Io,
) -> Result<(), Failure> {
    let (mut first, mut more, mut is_known) = (None, 0_u64, false);
    while let Some(batch) = batches.next(most)? {
        is_known |= batch.has_kept();
        let sent = batch.sent();
        if sent.is_empty() {
            continue;
        }
        if first.is_some() {
            more += 1;
            continue;
        }
        let input = part::input(sent.iter().map(|text| text.text()), is_alone);
        first = Some(compose(&provider, input, &options.flags, !options.json).body);
    }
    let Some(body) = first else {
        exchange::name_demo(&mut provider, io)?;
        match options.output.as_deref().filter(|_| is_known) {
            Some(path) => {
                io.note(&format!("nothing would be sent: {} has all texts", path.display()));
            }
            None => io.note("nothing would be sent: all lines are empty"),
        }
        return Ok(());
    };
    print_request(&mut provider, io, |provider| Ok(provider.post(Job::Embed, body)))?;
    match more {
        0 => {}
        1 => io.note("1 more request would follow"),
        more => io.note(&format!("{more} more requests would follow")),
    }
    Ok(())
}
