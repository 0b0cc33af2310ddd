//! `llm embed`: vectors for texts.

use serde_json::Value;

use super::{exchange_options, settle_output, was_dry_run, with_model};
use crate::api::embed::reply::Numbers;
use crate::api::embed::request::MOST_INPUTS;
use crate::cli::Common;
use crate::cli::embed::{EmbedArgs, Format};
use crate::config;
use crate::error::Failure;
use crate::exchange;
use crate::input::texts::{InputTexts, TextSources};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::{Asked, Job, Provider, resolve};

mod ask;
mod batch;
mod flow;
mod memory;
mod writer;

use ask::{Asker, Wish, compose};
use batch::Batches;
use flow::Flow;
use writer::{Style, Writer};

/// Most requests at the same time, unless the user says otherwise: a service answers several about as
/// fast as one, and few limit so few.
const CONCURRENCY: u32 = 4;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &EmbedArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(common.config.as_deref(), io)?;
    let mut provider = resolve(Asked { common, job: Job::Embed }, &config, io)?;
    let style = style(args, common.json)?;
    warn_and_check(args, &provider, io)?;
    let wanted = TextSources { words: &args.texts, files: &args.file, lines: args.lines };
    let texts = InputTexts::find(&wanted, io)?;
    let count = texts.known.count;
    let strict = style.format.filter(|format| !style.skip_errors && !format.has_null());
    let batches = Batches::new(texts, strict.map(Format::name))?;
    let wish = Wish {
        dimensions: args.dimensions,
        most: most_inputs(args, &provider),
        json: common.json,
        numbers: match style.format {
            Some(Format::Npy) => Numbers::Floats,
            _ => Numbers::AsTheyCame,
        },
        is_alone: !args.lines && count == Some(1),
    };
    if common.dry_run {
        exchange::name_demo(&mut provider, io)?;
        return Ok(show(&provider, batches, wish, common, io)?);
    }
    let writer = Writer::open(args.output.as_deref(), style, io)?;
    let concurrency = args.concurrency.unwrap_or(CONCURRENCY) as usize;
    let shows_usage = common.usage;
    let options = exchange_options(common);
    Ok(exchange::run(provider, options, io, move |exchange, io| {
        Box::pin(async move {
            let progress = Progress::items("embedding", count, io);
            let asker = Asker::new(&exchange.provider, wish);
            let flow = Flow::new(asker, concurrency, writer, progress);
            flow.run(batches, shows_usage, exchange, io).await
        })
    })?)
}

/// The format: as asked for, by the ending of the file, or an array.
fn style(args: &EmbedArgs, json: bool) -> Result<Style, Failure> {
    let named = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let ending = named.and_then(Format::of_ending);
    let contradiction = |asked: &str, ending: Format| {
        let path = named.map(|path| path.display().to_string()).unwrap_or_default();
        Failure::usage(format!(
            "{asked} contradicts the ending of {path}, which is {}'s",
            ending.name()
        ))
    };
    let format = match (json, args.format, ending) {
        (true, _, Some(ending @ (Format::Csv | Format::Npy))) => {
            return Err(contradiction("--json", ending));
        }
        (true, ..) => None,
        (false, Some(format), Some(ending)) if format != ending => {
            return Err(contradiction(&format!("--format {}", format.name()), ending));
        }
        (false, format, ending) => Some(format.or(ending).unwrap_or(Format::Array)),
    };
    Ok(Style { format, skip_errors: args.skip_errors })
}

/// Says what a rule changes of the user's wishes, and misses no model.
fn warn_and_check(args: &EmbedArgs, provider: &Provider, io: &mut Io) -> Result<(), Failure> {
    let composed = compose(provider, Vec::new(), args.dimensions, true);
    for warning in &composed.warnings {
        io.warn(warning);
    }
    with_model(&composed, "embeddings", provider)
}

fn most_inputs(args: &EmbedArgs, provider: &Provider) -> usize {
    let of_service = || provider.limit("embed_inputs").and_then(|most| usize::try_from(most).ok());
    let asked = args.batch_size.and_then(|most| usize::try_from(most).ok());
    asked.or_else(of_service).unwrap_or(MOST_INPUTS).max(1)
}

/// `--dry-run`: the first request, and how many more there would be.
fn show(
    provider: &Provider,
    mut batches: Batches,
    wish: Wish,
    common: &Common,
    io: &mut Io,
) -> Result<(), Failure> {
    let (mut first, mut more) = (None, 0_u64);
    while let Some(batch) = batches.next(wish.most)? {
        let sent = batch.sent();
        if sent.is_empty() {
            continue;
        }
        if first.is_some() {
            more += 1;
            continue;
        }
        let inputs = sent.iter().map(|text| Value::String(text.text.clone())).collect();
        first = Some(compose(provider, inputs, wish.dimensions, !wish.json).body);
    }
    let Some(body) = first else {
        io.note("nothing would be sent: all lines are empty");
        return Ok(());
    };
    was_dry_run(common, &provider.post(Job::Embed, body), io)?;
    match more {
        0 => {}
        1 => io.note("1 more request would follow"),
        more => io.note(&format!("{more} more requests would follow")),
    }
    Ok(())
}
