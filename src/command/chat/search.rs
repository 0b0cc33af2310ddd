//! `--search`: the service's own web search, over the endpoint that its profile has it for.

use super::api::{ChosenApi, ChosenBy};
use super::options::QuestionOptions;
use crate::config;
use crate::error::Failure;
use crate::provider::{ChatApi, Provider};

/// The endpoint for a question that wants a search: where nobody chose one, the one that has it.
pub(super) fn chosen(chosen: ChosenApi, provider: &Provider) -> ChosenApi {
    let other = chosen.api.other();
    let is_there = provider.search(chosen.api).is_none() && provider.search(other).is_some();
    match chosen.by == ChosenBy::Default && is_there {
        true => ChosenApi { api: other, by: ChosenBy::Search },
        false => chosen,
    }
}

/// Refuses to ask without a search where one is wanted.
///
/// # Errors
/// Exit 2: the service has none, or none over this endpoint.
pub(super) fn check(
    options: &QuestionOptions,
    spoken: ChosenApi,
    provider: &Provider,
) -> Result<(), Failure> {
    if !options.wants_search || provider.search(spoken.api).is_some() {
        return Ok(());
    }
    let (name, other) = (&provider.name, spoken.api.other());
    if provider.search(other).is_none() {
        return check_service(options, provider);
    }
    let by = match spoken.by {
        ChosenBy::Flag => "--api asks",
        ChosenBy::Profile => "the profile's `api` asks",
        ChosenBy::Rule => "a rule asks",
        ChosenBy::Refusal | ChosenBy::Search | ChosenBy::Default => "the question goes to",
    };
    let what = format!(
        "{name} searches the web over {} alone, and {by} {}",
        other.path(),
        spoken.api.path()
    );
    Err(Failure::usage(what).hint(format!("`--api {}` asks it there", word(other))))
}

/// Refuses a service whose profile has no search where one is wanted.
///
/// # Errors
/// Exit 2, with the services that have one.
pub(super) fn check_service(options: &QuestionOptions, provider: &Provider) -> Result<(), Failure> {
    let has = |api| provider.search(api).is_some();
    if !options.wants_search || has(ChatApi::Completions) || has(ChatApi::Responses) {
        return Ok(());
    }
    let what = format!(
        "the profile of {} has no `search`: it does not say how the service searches the web",
        provider.name
    );
    let built_in = config::built_in();
    let searching = built_in.iter().flat_map(|list| {
        let names = list.names().into_iter();
        names
            .filter(|name| list.profile(name).is_some_and(|one| one.search.iter().next().is_some()))
    });
    let names: Vec<&str> = searching.collect();
    Err(Failure::usage(what).hint(format!("these have one: {}", names.join(", "))))
}

fn word(api: ChatApi) -> &'static str {
    match api {
        ChatApi::Completions => "completions",
        ChatApi::Responses => "responses",
    }
}
