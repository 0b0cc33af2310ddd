//! `llm speak`: a text as sound, in a file, a pipe or the loudspeakers.

use super::options::RunOptions;
use super::steps::{print_request, settle_output};
use crate::api::speech::plain;
use crate::cli::speak::SpeakArgs;
use crate::config;
use crate::exchange;
use crate::input::{self, InputSources};
use crate::io::Io;
use crate::output::kept::KeptParts;
use crate::provider::{Job, resolve};

mod ahead;
mod convert;
mod fetch;
mod json;
mod live;
mod options;
mod part;
mod plan;
mod player;
mod speech;
mod target;
mod too_long;
mod track;

use live::TextSource;
use options::SpeakOptions;
use plan::Plan;
use player::Player;
use target::Temporary;
use track::SpeechWriter;

/// Stands for a text that is not there yet.
const STAND_IN: &str = "\u{fffc}";

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &SpeakArgs, run: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(run.config.as_deref(), io)?;
    let mut provider = resolve(&run.service, Job::Speak, &config, io)?;
    let options = SpeakOptions::new(args, run)?;
    let player = match options.plays && !run.dry_run {
        true => Some(target::player(&options, io)?),
        false => None,
    };
    let wish = options.wish.or(player.as_ref().and_then(Player::only_format));
    let (words, files) = (&options.words, &options.files);
    let sources = InputSources { words, files, no_stdin: options.no_stdin };
    if options.is_live()
        && let Some(player) = player
    {
        let (before, behind, reads_stdin) = input::read_speech_around_stdin(&sources, io)?;
        let stdin = if reads_stdin { io.stdin.take() } else { None };
        let source = TextSource { before, stdin, behind };
        let plan = Plan::new(&options, STAND_IN, wish, &provider, io)?;
        return Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
            Box::pin(async move { live::play(&options, &player, plan, source, exchange, io).await })
        })?);
    }
    let text = input::read_speech_text(&sources, io)?;
    let text = if options.is_plain { plain::of(&text) } else { text };
    if text.is_empty() {
        return Err(live::no_text().into());
    }
    let plan = Plan::new(&options, &text, wish, &provider, io)?;
    if run.dry_run {
        let first = plan.parts.front().map(|part| part.body.clone()).unwrap_or_default();
        print_request(&mut provider, io, |provider| {
            provider.shape(Job::Speak, &first, Vec::new())
        })?;
        // One request is shown; this says that there are more.
        if plan.parts.len() > 1 {
            let number = plan.parts.len();
            io.note(&format!("the text is sent in {number} parts; this is the first request"));
        }
        return Ok(());
    }
    let output = target::open(&options, player, plan.asked, io)?;
    Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            if options.json {
                return json::json(plan, output.sink, exchange, io).await;
            }
            let track = SpeechWriter::new(output.sink, &plan, output.player.is_some());
            let kept = KeptParts::beside(options.output.as_deref(), options.is_fresh);
            speech::speak(plan, track, kept, options.shows_usage, exchange, io).await?;
            let temporary = output.temporary.as_ref().map(Temporary::path);
            match (&output.player, temporary.or(options.output.as_deref())) {
                (Some(player), Some(file)) => player.play(file, exchange.interrupt()).await,
                _ => Ok(()),
            }
        })
    })?)
}
