//! `llm models`: the models that a provider offers.

use serde_json::Value;

use super::online::{self, Online};
use super::was_dry_run;
use crate::api::models::ids;
use crate::cli::{Common, ModelsArgs};
use crate::config;
use crate::error::{Failure, Kind, Retry};
use crate::http::fault;
use crate::http::refusal;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Asked, Job, resolve};
use crate::sanitize;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ModelsArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(common.config.as_deref(), io)?;
    let mut provider = resolve(Asked { common, job: Job::Models }, &config, io)?;
    if common.dry_run {
        online::name_demo(&mut provider, io)?;
        was_dry_run(common, &provider.get(Job::Models), io)?;
        return Ok(());
    }
    let (word, json) = (args.word.clone(), common.json);
    online::run(provider, common, io, move |mut online| async move {
        let result = list(word.as_deref(), json, &mut online).await;
        (online.io, result.map_err(Into::into))
    })
}

async fn list(word: Option<&str>, json: bool, online: &mut Online) -> Result<(), Failure> {
    let request = online.provider.get(Job::Models);
    let mut retries = online.retries();
    let (body, found) = loop {
        match ask(&request, online).await {
            Ok(found) => break found,
            Err(failure) => {
                retries.again(failure, true, &mut online.client, &online.io.voice).await?
            }
        }
    };
    if json {
        return to_stdout(&body, &mut online.io);
    }
    if found.is_empty() {
        let name = &online.provider.name;
        online.io.note(&format!("{name} has no models"));
    }
    let word = word.map(str::to_lowercase).unwrap_or_default();
    let mut text = String::new();
    for id in found.iter().filter(|id| id.to_lowercase().contains(&word)) {
        // A line is an id: a name that brings its own line ends must not look like two.
        text.push_str(&if online.io.stdout_is_terminal {
            sanitize::one_line(id)
        } else {
            id.replace(['\n', '\r'], " ")
        });
        text.push('\n');
    }
    to_stdout(text.as_bytes(), &mut online.io)
}

/// The reply's bytes, and the ids in it.
async fn ask(request: &Request, online: &mut Online) -> Result<(Vec<u8>, Vec<String>), Failure> {
    let reply = online.client.send(request, &online.io.voice).await?;
    let id = reply.request_id().map(str::to_owned);
    let body = reply.whole(&mut online.client).await?;
    let service = &online.client.service;
    let value: Option<Value> = serde_json::from_slice(&body).ok();
    if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
        return Err(refusal::carried(&fault, id.as_deref(), &request.secrets(), service));
    }
    match value.as_ref().and_then(ids) {
        Some(found) => Ok((body, found)),
        None if fault::is_cut(&body) => {
            let message = format!("the answer of {} broke off before its end", service.name);
            Err(Failure::new(Kind::Network, message).retry(Retry::default()))
        }
        None => {
            let words = fault::read(&body).message;
            let message = format!("the reply of {} is no list of models: {words}", service.name);
            Err(Failure::new(Kind::Refused, message)
                .hint("is the base URL that of an API? `-v` shows the exchange"))
        }
    }
}
