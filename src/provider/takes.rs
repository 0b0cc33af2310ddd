//! What a service is known not to take as an attachment. Knows no files.

use super::{Job, Provider, rules};
use crate::config::profile::Origin;

impl Provider {
    /// Whether the service, or this model of it, is known not to take an attachment that goes by
    /// any of these names (kind or format). What nobody knows is sent, and the service answers.
    ///
    /// The built-in list speaks of the service itself: it says nothing of what another base URL,
    /// given for this run, leads to.
    pub(crate) fn takes_no(&self, model: &str, names: &[&str]) -> bool {
        let base = self.profile.field("", "base_url").map(|field| &field.origin);
        let is_elsewhere = matches!(base, Some(Origin::Flag(_) | Origin::Environment(_)));
        let counts = |origin: &Origin| *origin != Origin::BuiltIn || !is_elsewhere;
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

    /// Whether audio in a message travels as a data URL; the specification has plain base64.
    pub(crate) fn takes_audio_as_url(&self) -> bool {
        self.profile.text("audio_data") == Some("url")
    }
}
