//! `llm speak`: a text as sound, in a file, a pipe or the loudspeaker.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{exchange_options, settle_output, was_dry_run, with_model};
use crate::api::speech::request::fields;
use crate::api::speech::split;
use crate::audio::format::SpeechFormat;
use crate::cli::Common;
use crate::cli::speak::SpeakArgs;
use crate::config;
use crate::error::Failure;
use crate::exchange;
use crate::input::{self, InputSources};
use crate::io::Io;
use crate::output::sink::Sink;
use crate::provider::user_fields::UserFields;
use crate::provider::{Asked, Job, Provider, resolve};
use fetch::TextPart;
use player::Player;
use target::Temporary;
use track::Track;

mod fetch;
mod player;
mod speech;
mod target;
mod track;

/// The most characters that a service takes at once, unless its profile says otherwise
/// (specification, `input` of speech).
const LONGEST_INPUT: u64 = 4096;

/// What is to be sent, and what is wanted back.
#[derive(Debug)]
struct Plan {
    /// The body of each request: one for each part of the text.
    bodies: Vec<Map<String, Value>>,
    /// The user's part of them.
    own: UserFields,
    characters: usize,
    /// The format that the user wants.
    wish: Option<SpeechFormat>,
    /// The format that is asked for: the user's, or the profile's.
    asked: Option<SpeechFormat>,
}

/// Where the sound goes.
#[derive(Debug)]
struct Output {
    sink: Sink,
    player: Option<Player>,
    /// The file to play, if it is not the user's own.
    temporary: Option<Temporary>,
}

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &SpeakArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(common.config.as_deref(), io)?;
    let mut provider = resolve(Asked { common, job: Job::Speak }, &config, io)?;
    let mut wish = target::wish(args, common)?;
    let named = target::named(args.output.as_deref());
    let player = match args.play && !common.dry_run {
        true => Some(target::player(args, common, wish, io)?),
        false => None,
    };
    wish = wish.or(player.as_ref().and_then(Player::only_format));
    let sources = InputSources { words: &args.text, files: &args.file, no_stdin: args.no_stdin };
    let text = input::read_speech_text(&sources, io)?;
    let mut plan = plan(args, &text, wish, &provider, io)?;
    plan.wish = wish.or(named);
    if common.dry_run {
        exchange::name_demo(&mut provider, io)?;
        say_parts(&plan, io);
        let first = plan.bodies.into_iter().next().unwrap_or_default();
        was_dry_run(common, &provider.shape(Job::Speak, &first, Vec::new())?, io)?;
        return Ok(());
    }
    let output = target::open(args, common, player, &plan, io)?;
    let (json, shows_usage) = (common.json, common.usage);
    let path = args.output.clone();
    Ok(exchange::run(provider, exchange_options(common), io, move |exchange, io| {
        Box::pin(async move {
            if json {
                return speech::json(plan, output.sink, exchange, io).await;
            }
            let track = Track::new(output.sink, &plan, output.player.is_some());
            speech::speak(plan, track, shows_usage, exchange, io).await?;
            let file = output.temporary.as_ref().map(Temporary::path).or(path.as_deref());
            match (&output.player, file) {
                (Some(player), Some(file)) => player.play(file, exchange.interrupt()).await,
                _ => Ok(()),
            }
        })
    })?)
}

impl Plan {
    /// What is asked for, part by part.
    fn into_parts(self) -> VecDeque<TextPart> {
        let (own, format) = (self.own, self.asked.or(self.wish));
        let part = |body| TextPart { body, own: own.clone(), format };
        self.bodies.into_iter().map(part).collect()
    }
}

/// The requests for a text.
fn plan(
    args: &SpeakArgs,
    text: &str,
    wish: Option<SpeechFormat>,
    provider: &Provider,
    io: &Io,
) -> Result<Plan, Failure> {
    let limit = provider.limit("speech_characters").unwrap_or(LONGEST_INPUT);
    let parts = split::parts(text, usize::try_from(limit).unwrap_or(usize::MAX));
    let mut plan =
        Plan { bodies: Vec::new(), own: UserFields::default(), characters: 0, wish, asked: None };
    for part in &parts {
        let fields = fields(args, provider, part, wish);
        let composed = provider.compose(Job::Speak, fields);
        if plan.bodies.is_empty() {
            // Sound in another format than the wanted one is told once it is there.
            let told = composed.warnings.iter().filter(|warning| !is_of_format(warning));
            told.for_each(|warning| io.warn(warning));
        }
        with_model(&composed, "speech", provider)?;
        plan.characters += part.chars().count();
        plan.bodies.push(composed.body);
        plan.own = composed.own;
    }
    let name = plan.bodies.first().and_then(|body| body.get("response_format")?.as_str());
    plan.asked = name.and_then(SpeechFormat::of_ending);
    Ok(plan)
}

/// Whether a warning is of a service that takes no format.
fn is_of_format(warning: &str) -> bool {
    warning.starts_with("`response_format`")
}

/// A dry run shows one request; this says that there are more.
fn say_parts(plan: &Plan, io: &Io) {
    let number = plan.bodies.len();
    if number > 1 {
        io.note(&format!("the text is sent in {number} parts; this is the first request"));
    }
}
