//! From what was typed, set and written down to one [`Provider`]: the layers of the configuration,
//! flag over environment over the user's file over the built-in list.

use super::base_url::{self, parse};
use super::options::ServiceOptions;
use super::{Job, Provider, choose, endpoint, environment, host, key, usable};
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::value::Texts;
use crate::config::{Config, listed};
use crate::error::Failure;
use crate::http::request::{Url, is_this_machine, shown};
use crate::io::Io;

/// Resolves the provider of a command, with its key.
///
/// # Errors
/// Whatever is missing or wrong in the configuration; nothing has been sent.
pub(crate) fn resolve(
    options: &ServiceOptions,
    job: Job,
    config: &Config,
    io: &mut Io,
) -> Result<Provider, Failure> {
    let profile = profile_for(options, None, config, io)?;
    offered(&profile, job, config)?;
    let provider = provider_of(profile, options, job, io)?;
    Ok(Provider { is_noted: provider.is_noted && config.keeps_log(), ..provider })
}

/// A profile resolved for a job, with its key; whether it offers the job is not asked.
///
/// # Errors
/// A base URL that is missing or wrong, a key that can't be found.
pub(crate) fn provider_of(
    profile: Profile,
    options: &ServiceOptions,
    job: Job,
    io: &mut Io,
) -> Result<Provider, Failure> {
    let base_url = base_url::of(&profile)?;
    endpoint::check(&profile, &base_url)?;
    let key = match options.is_dry {
        true => key::unread(&profile, &io.env),
        false => key::find(&profile, &io.env)?,
    };
    if key.is_some() && base_url.scheme() == "http" && !is_this_machine(&base_url) {
        let host = base_url.host_str().unwrap_or_default();
        io.warn(&format!(
            "the key of {} is sent unencrypted to {host}; https:// would protect it",
            profile.name
        ));
    }
    Ok(Provider {
        name: profile.name.clone(),
        choice: match (&options.base_url, &options.provider) {
            (Some(_), None) => format!("--base-url {}", shown(&base_url)),
            _ => format!("-p {}", profile.name),
        },
        job,
        is_dry: options.is_dry,
        is_insecure: options.is_insecure,
        is_noted: !options.no_log && io.env.get("LLM_NO_LOG").is_none(),
        model: job.model_in(&profile),
        base_url,
        key,
        headers: options.headers.clone(),
        settings: options.settings.clone(),
        profile,
    })
}

/// The profile with flags and environment laid over it; every field says where it came from.
/// `name` is taken instead of the rules of choice.
///
/// # Errors
/// An unknown profile, or none that could be meant.
pub(crate) fn profile_for(
    options: &ServiceOptions,
    name: Option<&str>,
    config: &Config,
    io: &mut Io,
) -> Result<Profile, Failure> {
    let profile = profile_if_chosen(options, name, config, io)?;
    profile.ok_or_else(|| usable::none_chosen(config, &io.env))
}

/// [`profile_for`], and `None` where no service is chosen.
///
/// # Errors
/// As those of [`profile_for`].
pub(crate) fn profile_if_chosen(
    options: &ServiceOptions,
    name: Option<&str>,
    config: &Config,
    io: &mut Io,
) -> Result<Option<Profile>, Failure> {
    let name = name.or(options.provider.as_deref());
    let mut profile = match (&options.base_url, name) {
        (Some(url), None) => Profile::new(host_of(url)?),
        _ => match choose::choose(name, config, &io.env)? {
            Some(profile) => profile,
            None => return Ok(None),
        },
    };
    environment::lay_over(&mut profile, &io.env);
    if let Some(url) = &options.base_url {
        lay_base_url_over(&mut profile, url, options.api_key_env.is_some(), io)?;
    }
    if let Some(variable) = &options.api_key_env {
        profile.forget_keys();
        profile.api_key_env.set(Texts::One(variable.clone()), Origin::Flag("--api-key-env"));
    }
    if let Some(model) = &options.model {
        profile.model.set(model.clone(), Origin::Flag("--model"));
    }
    Ok(Some(profile))
}

/// `--base-url` over a profile: at another origin than the profile's own, its key and headers stay
/// behind, as they are meant for that origin alone.
fn lay_base_url_over(
    profile: &mut Profile,
    url: &str,
    has_own_key: bool,
    io: &mut Io,
) -> Result<(), Failure> {
    let new = parse(url, "--base-url")?;
    let old = profile.base_url.as_deref().and_then(|old| Url::parse(old).ok());
    if old.is_some_and(|old| old.origin() != new.origin()) {
        if profile.names_a_key() && !has_own_key {
            let (name, host) = (&profile.name, new.host_str().unwrap_or_default());
            io.warn(&format!(
                "the key of {name} is not sent to {host}; name one with --api-key-env"
            ));
        }
        profile.forget_keys();
        profile.forget_client_certificate();
        profile.headers.clear();
        profile.models_headers.clear();
    }
    profile.base_url.set(url.to_owned(), Origin::Flag("--base-url"));
    Ok(())
}

fn host_of(url: &str) -> Result<String, Failure> {
    let url = parse(url, "--base-url")?;
    let host = url.host_str().unwrap_or_default();
    Ok(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A job that the service is known not to offer is refused before anything is sent. The built-in
/// list speaks of the service's own address only; behind another one anything may answer.
///
/// # Errors
/// Exit 2, with the services that offer it.
pub(crate) fn offered(profile: &Profile, job: Job, config: &Config) -> Result<(), Failure> {
    let is_known = profile.jobs.origin() != Some(&Origin::BuiltIn) || host::is_own(profile);
    if profile.offers(job) || !is_known {
        return Ok(());
    }
    let names = config.names();
    let others: Vec<&str> = names
        .into_iter()
        .filter(|name| config.profile(name).is_some_and(|other| other.offers(job)))
        .collect();
    let what = format!("{} does not offer {}", profile.name, job.words());
    Err(Failure::usage(what).hint(format!("services that do: {}", listed(&others))))
}
