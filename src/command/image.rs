//! `llm image`: pictures from a prompt, or an edit of pictures, into files that are whole.

use std::time::Instant;

use super::options::RunOptions;
use super::steps::{print_request, settle_output, warn_and_check};
use crate::api::image::reply;
use crate::api::image::request::{ImageRequestParts, fields};
use crate::cli::image::ImageArgs;
use crate::config;
use crate::error::Failure;
use crate::exchange::{self, Exchange};
use crate::input;
use crate::io::Io;
use crate::output::sink::Sink;
use crate::provider::{Job, resolve};

mod deliver;
mod fetch;
mod options;
mod places;
mod receive;
mod show;
mod sources;
mod work;

use options::ImageOptions;
use places::PictureTargets;
use receive::{AskBytes, AskPictures};
use sources::SourcePictures;
use work::ImageWork;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ImageArgs, run: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(run.config.as_deref(), io)?;
    let options = ImageOptions::new(args, run)?;
    let job = if options.files.is_empty() { Job::Image } else { Job::ImageEdit };
    let mut provider = resolve(&run.service, job, &config, io)?;
    let sources = SourcePictures::read(&options.files, options.mask.as_deref(), io)?;
    let prompt = prompt(&options, sources.took_stdin, io)?;
    let (model, ending) = (provider.model.as_deref(), options.ending);
    let ask =
        ImageRequestParts { model, prompt: prompt.clone(), ending, flags: options.flags.clone() };
    let composed = provider.compose(job, fields(ask));
    warn_and_check(&composed, "pictures", &provider, io)?;
    let work = ImageWork { job, body: composed.body, user_fields: composed.own, sources, options };
    if run.dry_run {
        return Ok(print_request(&mut provider, io, |provider| work.request(provider))?);
    }
    let number = work.number(&provider)?;
    let output = work.options.output.clone();
    if run.json {
        let sink = Sink::open(output.as_deref())?;
        return Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
            Box::pin(print(work, sink, exchange, io))
        })?);
    }
    let places = PictureTargets::open(output.as_deref(), &prompt, number, io)?;
    let canvas = if work.options.shows { show::canvas(places.is_stdout(), io) } else { None };
    Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(draw(work, number, places, canvas, exchange, io))
    })?)
}

fn prompt(options: &ImageOptions, took_stdin: bool, io: &mut Io) -> Result<String, Failure> {
    let no_stdin = options.no_stdin || took_stdin;
    let prompt = input::read_optional_prompt(
        &input::InputSources { words: &options.words, files: &[], no_stdin },
        io,
    )?;
    if prompt.items.is_empty() {
        return Err(Failure::usage("there is no prompt and no input")
            .hint("give it as an argument or through a pipe: llm image \"a red kite\""));
    }
    // The line end of a pipe is no part of what to draw.
    Ok(prompt.text().trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for `number` pictures and gives them out.
async fn draw(
    work: ImageWork,
    number: usize,
    mut places: PictureTargets,
    canvas: Option<show::Canvas>,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let asked = Instant::now();
    let mut operation = AskPictures { work: &work, places: &mut places, canvas, io };
    let received = exchange.ask(&mut operation).await?;
    let usage = reply::usage(&received.reply);
    let most = work.options.max_bytes;
    let delivery = deliver::Delivery { asked: number, most, places, canvas };
    let result = delivery.run(received, exchange, io).await;
    if work.options.shows_usage {
        let tokens = usage.unwrap_or_else(|| "no token counts given".to_owned());
        let seconds = asked.elapsed().as_secs_f64();
        io.say(&format!("usage: {tokens}, {seconds:.2} s in all"));
    }
    result
}

/// `--json`: the reply's bytes as they are, once they are known to be no error.
async fn print(
    work: ImageWork,
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
