//! `llm image`: pictures from a prompt, or an edit of pictures, into files that are whole.

use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value};

use super::{exchange_options, settle_output, was_dry_run, with_model};
use crate::api::image::reply;
use crate::api::image::request::{Ask, fields};
use crate::cli::Common;
use crate::cli::image::{Format, ImageArgs};
use crate::config;
use crate::error::Failure;
use crate::exchange::{self, Exchange};
use crate::input;
use crate::io::Io;
use crate::output::sink::Sink;
use crate::provider::{Asked, Composed, Job, Provider, resolve};

mod deliver;
mod fetch;
mod places;
mod receive;
mod show;
mod sources;
mod work;

use places::Places;
use receive::{AskBytes, AskPictures};
use sources::Sources;
use work::Work;

/// The most bytes of a downloaded picture, unless `--max-bytes` says otherwise: 100 MiB.
const MOST: u64 = 100 * 1024 * 1024;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ImageArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(common.config.as_deref(), io)?;
    let ending = ending(args, common)?;
    let job = if args.file.is_empty() { Job::Image } else { Job::ImageEdit };
    let mut provider = resolve(Asked { common, job }, &config, io)?;
    let sources = Sources::read(&args.file, args.mask.as_deref(), io)?;
    let prompt = prompt(args, sources.took_stdin, io)?;
    let ask = Ask { model: provider.model.as_deref(), prompt: prompt.clone(), ending };
    let Composed { body, own, .. } = compose(args, job, ask, &provider, io)?;
    let mut work = Work {
        number: 1,
        own,
        job,
        body,
        sources,
        most: args.max_bytes.unwrap_or(MOST),
        verbose: common.verbose,
        usage: common.usage,
    };
    if common.dry_run {
        exchange::name_demo(&mut provider, io)?;
        was_dry_run(common, &work.request(&provider)?, io)?;
        return Ok(());
    }
    work.number = number(&work, &provider)?;
    let options = exchange_options(common);
    if common.json {
        let sink = Sink::open(args.output.as_deref())?;
        return Ok(exchange::run(provider, options, io, move |exchange, io| {
            Box::pin(print(work, sink, exchange, io))
        })?);
    }
    let places = Places::open(args.output.as_deref(), &prompt, work.number, io)?;
    let canvas = if args.show { show::canvas(places.is_stdout(), io) } else { None };
    Ok(exchange::run(provider, options, io, move |exchange, io| {
        Box::pin(draw(work, places, canvas, exchange, io))
    })?)
}

/// The format that the output file's ending stands for.
fn ending(args: &ImageArgs, common: &Common) -> Result<Option<Format>, Failure> {
    let Some(output) = &args.output else { return Ok(None) };
    let name = output.display();
    let ending = output.extension().and_then(|ending| ending.to_str());
    let format = ending.and_then(Format::of_ending);
    if common.json && format.is_some() {
        let failure =
            Failure::usage(format!("--json writes no picture, but {name} is named as one"));
        return Err(failure.hint("name the file .json, or leave --json away"));
    }
    match (format, args.format) {
        (Some(of_name), Some(asked)) if of_name != asked => {
            let asked = asked.name();
            Err(Failure::usage(format!("--format {asked} contradicts the ending of {name}")))
        }
        _ => Ok(format),
    }
}

fn prompt(args: &ImageArgs, took_stdin: bool, io: &mut Io) -> Result<String, Failure> {
    let sources = input::InputSources {
        words: &args.prompt,
        files: &[],
        no_stdin: args.no_stdin || took_stdin,
    };
    let prompt = input::read_prompt(&sources, io).map_err(|failure| match failure.hint {
        Some(hint) => Failure {
            hint: Some(hint.replace("llm chat \"hello\"", "llm image \"a red kite\"")),
            ..failure
        },
        None => failure,
    })?;
    // The line end of a pipe is no part of what to draw.
    Ok(prompt.text().trim_end_matches(['\r', '\n']).to_owned())
}

fn compose(
    args: &ImageArgs,
    job: Job,
    ask: Ask<'_>,
    provider: &Provider,
    io: &Io,
) -> Result<Composed, Failure> {
    let composed = provider.compose(job, fields(args, ask));
    for warning in &composed.warnings {
        io.warn(warning);
    }
    with_model(&composed, "pictures", provider)?;
    Ok(composed)
}

/// How many pictures the request asks for: at its top, or among the parameters of a shape that keeps
/// them apart.
///
/// # Errors
/// Those of [`Work::request`].
fn number(work: &Work, provider: &Provider) -> Result<usize, Failure> {
    let request = work.request(provider)?;
    let fields = request.body.fields().unwrap_or(&work.body);
    let inner = fields.values().filter_map(Value::as_object);
    // `batch_size` is SiliconFlow's name, to which its rules change the specification's.
    let of = |fields: &Map<String, Value>| {
        ["n", "batch_size"].iter().find_map(|name| fields.get(*name)?.as_u64())
    };
    let number = std::iter::once(fields).chain(inner).find_map(of);
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).max(1))
}

/// Asks for pictures and gives them out.
async fn draw(
    work: Work,
    mut places: Places,
    canvas: Option<show::Canvas>,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let asked = Instant::now();
    let mut operation = AskPictures { work: &work, places: &mut places, io };
    let received = exchange.ask(&mut operation).await?;
    let usage = reply::usage(&received.reply);
    let delivery = deliver::Delivery { asked: work.number, most: work.most, places, canvas };
    let result = delivery.run(received, exchange, io).await;
    if work.usage {
        let tokens = usage.unwrap_or_else(|| "no token counts given".to_owned());
        let seconds = asked.elapsed().as_secs_f64();
        io.say(&format!("usage: {tokens}, {seconds:.2} s in all"));
    }
    result
}

/// `--json`: the reply's bytes as they are, once they are known to be no error.
async fn print(
    work: Work,
    mut sink: Sink,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let body = exchange.ask(&mut AskBytes { work: &work, io }).await?;
    sink.write(&body, io)?;
    if matches!(sink, Sink::Stdout) && io.stdout_is_terminal && !body.ends_with(b"\n") {
        sink.write(b"\n", io)?;
    }
    sink.commit()
}

/// The picture's name in messages.
fn what(index: usize, count: usize) -> String {
    if count > 1 { format!("picture {} of {count}", index + 1) } else { "the picture".to_owned() }
}

/// The ending of a path, if it has one that is text.
fn ending_of(path: &Path) -> Option<&str> {
    path.extension().and_then(|ending| ending.to_str())
}
