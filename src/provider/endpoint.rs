//! Where a job's endpoint is: behind the base URL, or at an address of its own. A key is meant for
//! the origin of its profile's base URL, and this is where that is held.

use super::Job;
use crate::config::field::Sourced;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::schema::{ChatApi, Word as _};
use crate::error::Failure;
use crate::http::request::Url;

/// What stands for the model in a profile's `paths`.
pub(super) const MODEL: &str = "{model}";

/// A job's endpoint.
#[derive(Debug, PartialEq)]
pub(super) enum Endpoint {
    /// A path behind the base URL; the specification's if the profile has none.
    Path(Option<String>),
    /// An address of its own.
    Elsewhere(Url),
}

/// The endpoint as the profile's `paths` have it. An address of its own holds at the origin of the
/// base URL, or where the built-in list gives both; behind another base URL it says nothing.
pub(super) fn of(profile: &Profile, job: Job, base_url: &Url) -> Endpoint {
    let field = match job {
        Job::Rerank => profile.rerank.get("path"),
        _ => profile.paths.get(job.name()),
    };
    at(profile, field, base_url)
}

/// The path of `/responses`, as the specification has it.
pub(super) const RESPONSES: &str = "/responses";

/// The same for chat over `/responses`: beside the profile's other endpoint of chat, if it has a path
/// of its own for that one alone.
pub(super) fn of_responses(profile: &Profile, base_url: &Url) -> Endpoint {
    let own = profile.paths.get(ChatApi::Responses.word());
    let beside = || {
        let path = &profile.paths.get(Job::Chat.name())?.value;
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        Some(format!("{}{RESPONSES}{query}", path.strip_suffix(Job::Chat.path())?))
    };
    match (own, beside()) {
        (None, Some(path)) if address(&path).is_none() => Endpoint::Path(Some(path)),
        _ => at(profile, own, base_url),
    }
}

fn at(profile: &Profile, field: Option<&Sourced<String>>, base_url: &Url) -> Endpoint {
    let Some(field) = field else { return Endpoint::Path(None) };
    match address(&field.value) {
        None => Endpoint::Path(Some(field.value.clone())),
        Some(url) if may_lead(profile, &field.origin, &url, base_url) => Endpoint::Elsewhere(url),
        Some(_) => Endpoint::Path(None),
    }
}

/// Refuses an address of the user's that would take the key to another origin.
///
/// # Errors
/// Such an address.
pub(super) fn check(profile: &Profile, base_url: &Url) -> Result<(), Failure> {
    let of_jobs = profile.paths.iter().map(|(job, field)| (format!("paths.{job}"), field));
    let of_reranker = profile.rerank.get("path").map(|field| ("rerank.path".to_owned(), field));
    for (name, field) in of_jobs.chain(of_reranker) {
        let origin = &field.origin;
        let leads_away = |url: Url| url.origin() != base_url.origin();
        if *origin != Origin::BuiltIn && address(&field.value).is_some_and(leads_away) {
            let what = format!("`{name}` leaves the base_url ({origin})");
            let hint = "a profile's key is for one host; give the other a profile of its own";
            return Err(Failure::usage(what).hint(hint));
        }
    }
    Ok(())
}

/// A path with the model in the place of [`MODEL`], percent-encoded as far as it would else end the
/// path. Gemini lists its models with the `models/` that stands before the place already.
pub(super) fn with_model(path: &str, model: &str) -> String {
    let plain = model.strip_prefix("models/").filter(|_| path.contains(&format!("models/{MODEL}")));
    let model = plain.unwrap_or(model).replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    path.replace(MODEL, &model)
}

fn address(path: &str) -> Option<Url> {
    let is_address = path.starts_with("http://") || path.starts_with("https://");
    Url::parse(path).ok().filter(|_| is_address)
}

fn may_lead(profile: &Profile, origin: &Origin, url: &Url, base_url: &Url) -> bool {
    url.origin() == base_url.origin()
        || (*origin == Origin::BuiltIn && profile.base_url.origin() == Some(&Origin::BuiltIn))
}
