//! `llm models`: the models that a provider offers.

use serde_json::Value;

use super::listed;
use super::options::RunOptions;
use super::steps::print_request;
use crate::api::models::{for_job, ids};
use crate::api::shutdown::{self, Shutdown};
use crate::cli::ModelsArgs;
use crate::config;
use crate::error::{Failure, FailureKind};
use crate::exchange::{
    self, Draft, Exchange, ExchangeOptions, Operation, ReadError, Reply, ReplyWords,
};
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::http::odd_json;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Job, Provider, resolve};
use crate::sanitize;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ModelsArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(options.config.as_deref(), io)?;
    let mut provider = resolve(&options.service, Job::Models, &config, io)?;
    if options.dry_run {
        let list = |provider: &Provider| Ok(provider.get(Job::Models));
        return Ok(print_request(&mut provider, io, list)?);
    }
    Ok(show(provider, args.word.as_deref(), options.json, options.exchange, io)?)
}

/// Lists the models of a service, or those that contain a word, and keeps what it has for completions.
///
/// # Errors
/// As [`run`].
pub(super) fn show(
    provider: Provider,
    word: Option<&str>,
    json: bool,
    options: ExchangeOptions,
    io: &mut Io,
) -> Result<(), Failure> {
    let asked = provider.clone();
    let wanted = word.map(str::to_owned);
    let found = exchange::run(provider, options, io, move |exchange, io| {
        Box::pin(async move { list(wanted.as_deref(), json, exchange, io).await })
    })?;
    listed::keep(&asked, &found, io);
    match word.filter(|_| !json).filter(|word| !found.iter().any(|id| has(id, word))) {
        Some(word) => Err(no_match(word, &asked.name, found.len())),
        None => Ok(()),
    }
}

fn no_match(word: &str, name: &str, count: usize) -> Failure {
    let what = format!("{name} has no model whose id contains `{word}`");
    let failure = Failure::new(FailureKind::Other, what);
    match count {
        0 => failure,
        count => failure.hint(format!("`llm models -p {name}` lists all {count}")),
    }
}

/// Whether an id contains a word; letter case does not matter.
fn has(id: &str, word: &str) -> bool {
    id.to_lowercase().contains(&word.to_lowercase())
}

async fn list(
    word: Option<&str>,
    json: bool,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<Vec<String>, Failure> {
    let ModelList { body, ids: found, shutdowns, .. } = exchange.ask(&mut ListModels).await?;
    if json {
        match io.stdout_is_terminal {
            true => {
                let text = String::from_utf8_lossy(&body);
                to_stdout(sanitize::json_for_terminal(&text).as_bytes(), io)
            }
            false => to_stdout(&body, io),
        }?;
        return Ok(found);
    }
    if found.is_empty() {
        let name = &exchange.provider.name;
        io.note(&format!("{name} has no models"));
        if let Some(pull) = exchange.provider.profile.pull.get() {
            io.warning_hint(&format!("`{pull}` gets one"));
        }
    }
    let mut text = String::new();
    for id in found.iter().filter(|id| word.is_none_or(|word| has(id, word))) {
        // A line is an id: a name that brings its own line ends must not look like two.
        text.push_str(&if io.stdout_is_terminal {
            sanitize::one_line(id)
        } else {
            id.replace(['\n', '\r'], " ")
        });
        text.push('\n');
    }
    to_stdout(text.as_bytes(), io)?;
    let today = shutdown::today();
    for shutdown in shutdowns.iter().filter(|one| word.is_none_or(|word| has(&one.model, word))) {
        io.note(&sanitize::one_line(&shutdown.words(today)));
    }
    Ok(found)
}

/// A list of models.
pub(super) struct ModelList {
    /// The reply as it came.
    body: Vec<u8>,
    pub(super) ids: Vec<String>,
    /// What it says of models that end.
    pub(super) shutdowns: Vec<Shutdown>,
    /// The first that chat takes.
    pub(super) chat: Option<String>,
}

/// Asks for the list of models.
pub(super) struct ListModels;

impl Operation for ListModels {
    type Output = ModelList;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        Ok(provider.get(Job::Models).into())
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new("answer", "is not a list of models")
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Self::Output, ReadError> {
        let body = reply.whole().await?;
        let value: Option<Value> = odd_json::value(&body).ok();
        if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
            return Err(BadReply::from(fault).into());
        }
        let list = value.as_ref().and_then(|value| Some((ids(value)?, value)));
        let Some((ids, value)) = list else { return Err(BadReply::of_body(&body).into()) };
        let chat = for_job(value, Job::Chat).and_then(|chat| chat.into_iter().next());
        Ok(ModelList { ids, chat, shutdowns: shutdown::shutdowns(value), body })
    }
}
