//! The services that are asked in the place of the first one, where that gives no answer: which they are, and
//! how each is found. Sends nothing.

use super::options::ChatOptions;
use crate::config::Config;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::io::Io;
use crate::provider::{Job, Provider, ServiceOptions, offered, profile_for, provider_of};

/// A service that may be asked in the place of the first one.
#[derive(Debug, Clone)]
pub(super) struct Fallback {
    options: ServiceOptions,
    profile: Profile,
    /// With its key, if that was looked for already.
    found: Option<Provider>,
    is_noted: bool,
}

/// The services that are asked where `first` gives no answer: those that were typed, else those of its
/// profile. A key is looked for at once where the service was typed; else when it is needed, as it may
/// never be.
///
/// # Errors
/// Exit 2: an unknown profile, one without chat; a typed one that can't be asked.
pub(super) fn fallbacks(
    options: &ChatOptions,
    first: &Provider,
    config: &Config,
    io: &mut Io,
) -> Result<Vec<Fallback>, Failure> {
    let typed = &options.fallbacks;
    let (names, place) = match first.profile.fallback.sourced() {
        Some(field) if typed.is_empty() => {
            (&field.value[..], Some(format!("`fallback` of {}, {}", first.name, field.origin)))
        }
        _ => (&typed[..], None),
    };
    let told = |failure: Failure, name: &str| {
        let place = place.as_deref().map_or_else(|| format!("--fallback {name}"), str::to_owned);
        let message = format!("{} ({place})", failure.message);
        Failure { message, ..failure }
    };
    let mut found = Vec::new();
    for name in names {
        let fallback = Fallback::named(name, &options.service, first, config, io);
        let mut fallback = fallback.map_err(|failure| told(failure, name))?;
        if fallback.is(first) {
            continue;
        }
        if place.is_none() {
            let provider = fallback.provider(io).map_err(|failure| told(failure, name))?;
            fallback.found = Some(provider);
        }
        found.push(fallback);
    }
    Ok(found)
}

impl Fallback {
    /// `PROVIDER[:MODEL]`, asked as the first service is, but for what is that one's alone: model, headers,
    /// address, key.
    fn named(
        name: &str,
        first: &ServiceOptions,
        asked: &Provider,
        config: &Config,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let (provider, model) = match name.split_once(':') {
            Some((provider, model)) => (provider, Some(model)),
            None => (name, None),
        };
        let is_model = |path: &[String]| path.len() == 1 && path[0] == "model";
        let settings = first.settings.iter().filter(|setting| !is_model(&setting.path));
        let options = ServiceOptions {
            provider: Some(provider.to_owned()),
            model: model.filter(|model| !model.is_empty()).map(str::to_owned),
            settings: settings.cloned().collect(),
            is_dry: first.is_dry,
            is_insecure: first.is_insecure,
            no_log: first.no_log,
            ..ServiceOptions::default()
        };
        let profile = profile_for(&options, None, config, io)?;
        offered(&profile, Job::Chat, config)?;
        Ok(Self { options, profile, found: None, is_noted: asked.is_noted })
    }

    /// Whether it is the service that is asked first, with the same model.
    fn is(&self, first: &Provider) -> bool {
        let is_at_home = first.profile.base_url.get() == self.profile.base_url.get();
        is_at_home && first.name == self.profile.name && first.model == self.model()
    }

    /// The service with its key.
    ///
    /// # Errors
    /// Exit 2: there is no key, or the profile has no address that can be used.
    pub(super) fn provider(&self, io: &mut Io) -> Result<Provider, Failure> {
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        let mut provider = provider_of(self.profile.clone(), &self.options, Job::Chat, io)?;
        provider.is_noted = self.is_noted;
        Ok(provider)
    }

    /// The name of its profile.
    pub(super) fn name(&self) -> &str {
        &self.profile.name
    }

    fn model(&self) -> Option<String> {
        Job::Chat.model_in(&self.profile)
    }
}
