//! What a service is known not to take as an attachment, or not to give. Knows no files.

use super::{Job, Provider, rules};
use crate::config::Config;
use crate::config::profile::{Origin, Profile};

impl Provider {
    /// Whether the service, or this model of it, is known not to take an attachment that goes by
    /// any of these names (kind or format). What nobody knows is sent, and the service answers.
    ///
    /// The built-in list speaks of the service itself: it says nothing of what another base URL,
    /// given for this run, leads to.
    pub(crate) fn takes_no(&self, model: &str, names: &[&str]) -> bool {
        let counts = |origin: &Origin| self.counts(origin);
        let of_profile = self.profile.field("", "takes_no").is_some_and(|field| {
            let listed = field.value.as_array().into_iter().flatten();
            let is_named =
                listed.filter_map(|name| name.as_str()).any(|name| names.contains(&name));
            is_named && counts(&field.origin)
        });
        let is_named = |rule: &crate::config::profile::Rule| {
            rule.takes_no.iter().any(|name| names.contains(&name.as_str()))
        };
        of_profile
            || self.profile.rules.iter().any(|rule| {
                is_named(rule)
                    && counts(&rule.origin)
                    && rules::applies(rule, Job::Chat.name(), model)
            })
    }

    /// Whether what this part of the profile says of the service holds at its present address.
    fn counts(&self, origin: &Origin) -> bool {
        let base = self.profile.field("", "base_url").map(|field| &field.origin);
        let is_elsewhere = matches!(base, Some(Origin::Flag(_) | Origin::Environment(_)));
        *origin != Origin::BuiltIn || !is_elsewhere
    }

    /// Whether the model is known to give no times with a transcript.
    pub(crate) fn gives_no_times(&self, model: &str) -> bool {
        let field = self.profile.field("", "untimed");
        field.is_some_and(|field| self.counts(&field.origin)) && is_untimed(&self.profile, model)
    }

    /// The services of the built-in list whose own choice of a model gives times.
    pub(crate) fn with_times(config: &Config) -> Vec<&str> {
        let offers = |profile: &Profile| {
            let jobs = profile.texts("jobs").unwrap_or_default();
            let model =
                profile.field("models", "transcribe").and_then(|field| field.value.as_str());
            jobs.contains(&Job::Transcribe.name())
                && !is_untimed(profile, model.unwrap_or_default())
                && profile.field("", "key_url").is_some()
        };
        let names = config.names().into_iter();
        names.filter(|name| config.profile(name).is_some_and(|profile| offers(&profile))).collect()
    }

    /// Whether audio in a message travels as a data URL; the specification has plain base64.
    pub(crate) fn takes_audio_as_url(&self) -> bool {
        self.profile.text("audio_data") == Some("url")
    }
}

fn is_untimed(profile: &Profile, model: &str) -> bool {
    let patterns = profile.texts("untimed").unwrap_or_default();
    patterns.iter().any(|pattern| rules::glob(pattern, model))
}
