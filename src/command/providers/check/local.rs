//! Looks for servers on this machine at the addresses of the profiles, and says how to use them.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::ask::first_for_chat;
use super::report::LocalServer;
use crate::api::models::ids;
use crate::config::Config;
use crate::config::name::profile_table;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::exchange::{Exchange, ExchangeOptions, ended_early};
use crate::http::request::{Url, is_this_machine, shown};
use crate::io::Io;
use crate::provider::{Job, Provider};

/// A server on this machine answers within this time, or counts as absent.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(2);

/// An address on this machine, with the profiles that have it.
pub(super) struct Candidate {
    pub(super) provider: Provider,
    names: Vec<String>,
}

/// Whether the built-in list has a server on this machine under this name, and the profile is
/// still one.
pub(super) fn is_usual(profile: &Profile, config: &Config) -> bool {
    let is_local = |profile: &Profile| {
        let url = profile.base_url.as_deref().and_then(|url| Url::parse(url).ok());
        url.is_some_and(|url| url.scheme() != "demo" && is_this_machine(&url))
    };
    config.built_in(&profile.name).is_some_and(|own| is_local(&own))
        && is_local(profile)
        && profile.offers(Job::Models)
}

/// One candidate for each address; profiles with the same one share it.
pub(super) fn candidates(providers: Vec<Provider>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for provider in providers {
        let same = |other: &&mut Candidate| other.provider.base_url == provider.base_url;
        match found.iter_mut().find(same) {
            Some(other) => other.names.push(provider.name.clone()),
            None => {
                let names = vec![provider.name.clone()];
                found.push(Candidate { provider, names });
            }
        }
    }
    found
}

/// Asks all candidates at once; gives those that run, in the order of the candidates.
///
/// # Errors
/// An interruption.
pub(super) async fn look(
    candidates: Vec<Candidate>,
    options: ExchangeOptions,
    io: &Io,
) -> Result<Vec<LocalServer>, Failure> {
    let mut running = JoinSet::new();
    let mut found: Vec<Option<LocalServer>> = candidates.iter().map(|_| None).collect();
    let options =
        ExchangeOptions { max_time: Some(LOCAL_TIMEOUT), silence: Some(LOCAL_TIMEOUT), ..options };
    for (at, Candidate { provider, names }) in candidates.into_iter().enumerate() {
        let exchange = Exchange::open(provider, options, Duration::ZERO, io).await;
        let Ok(exchange) = exchange else { continue };
        running.spawn(async move { (at, ask(names, exchange).await) });
    }
    while let Some(done) = running.join_next().await {
        let (at, local) = done.map_err(ended_early)?;
        found[at] = local?;
    }
    Ok(found.into_iter().flatten().collect())
}

/// The server, if one runs there that has a list of models or wants a key for it.
async fn ask(
    mut names: Vec<String>,
    mut exchange: Exchange,
) -> Result<Option<LocalServer>, Failure> {
    let request = exchange.provider.get(Job::Models);
    let (status, body) = match exchange.probe(&request).await {
        Ok(reply) => reply,
        Err(failure) if failure.is_silent() => return Err(failure),
        Err(_) => return Ok(None),
    };
    let provider = &exchange.provider;
    let base_url = shown(&provider.base_url);
    if matches!(status, 401 | 403) {
        let table = profile_table(&provider.name);
        let usage = format!("it needs a key: set `api_key_env` in {table}");
        return Ok(Some(LocalServer { names, base_url, models: Vec::new(), usage }));
    }
    let value: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| status == 200);
    let Some((value, models)) = value.and_then(|value| ids(&value).map(|ids| (value, ids))) else {
        return Ok(None);
    };
    if let Some(at) = owner(&value, &names) {
        let name = names.remove(at);
        names.insert(0, name);
    }
    let jobs = provider.jobs();
    let set = provider.model.as_deref();
    let usage = usage(&names[0], &jobs, set, &models);
    Ok(Some(LocalServer { names, base_url, models, usage }))
}

/// Which of several names a server calls itself by, in `owned_by` (vLLM, llama.cpp, SGLang).
fn owner(list: &Value, names: &[String]) -> Option<usize> {
    let owner = list.pointer("/data/0/owned_by")?.as_str()?.to_lowercase();
    names.iter().position(|name| *name == owner)
}

/// A command that uses the server.
fn usage(name: &str, jobs: &[Job], set: Option<&str>, models: &[String]) -> String {
    if models.is_empty() {
        return "it has no models yet".to_owned();
    }
    let count = match models.len() {
        1 => String::new(),
        count => format!("   ({count} models: `llm models -p {name}`)"),
    };
    let set = set.filter(|set| models.iter().any(|id| id == set)).map(str::to_owned);
    let chat = set.or_else(|| first_for_chat(models)).filter(|_| jobs.contains(&Job::Chat));
    let command = match chat {
        Some(model) => format!("llm chat -p {name} -m {model} \"hello\""),
        None if jobs.contains(&Job::Speak) => format!("llm speak -p {name} \"hello\" -o hello.mp3"),
        None if jobs.contains(&Job::Embed) => {
            format!("llm embed -p {name} -m {} \"hello\"", models[0])
        }
        None => format!("llm models -p {name}"),
    };
    format!("{command}{count}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_is_used_by_what_it_can() {
        let models = ["nomic-embed-text".to_owned(), "qwen3:8b".to_owned()];
        let chat = usage("ollama", &[Job::Chat, Job::Embed], Some("qwen3"), &models);
        assert_eq!(
            chat,
            "llm chat -p ollama -m qwen3:8b \"hello\"   (2 models: `llm models -p ollama`)"
        );
        let vectors = usage("ollama", &[Job::Chat, Job::Embed], None, &models[..1]);
        assert_eq!(vectors, "llm embed -p ollama -m nomic-embed-text \"hello\"");
        assert!(usage("kokoro", &[Job::Speak], None, &models).starts_with("llm speak -p kokoro"));
        assert_eq!(usage("x", &[Job::Chat], None, &[]), "it has no models yet");
    }

    #[test]
    fn a_shared_address_goes_to_who_says_so() {
        let names = ["fastchat".to_owned(), "vllm".to_owned()];
        assert_eq!(owner(&json!({"data": [{"id": "m", "owned_by": "vllm"}]}), &names), Some(1));
        assert_eq!(owner(&json!({"data": [{"id": "m", "owned_by": "library"}]}), &names), None);
        assert_eq!(owner(&json!({"data": null}), &names), None);
    }
}
