//! What a service is known not to take as an attachment, or not to give. Knows no files.

use super::job::TIMED;
use super::{Job, Provider, host, rules};
use crate::config::Config;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::schema::{AttachmentKind, AudioData, PdfData, Word as _};

impl Provider {
    /// Whether the service, or this model of it, is known not to take an attachment that goes by
    /// any of these names (kind or format). What nobody knows is sent, and the service answers.
    ///
    /// The built-in list speaks of the service itself: it says nothing of what another base URL,
    /// given for this run, leads to.
    pub(crate) fn takes_no(&self, model: &str, names: &[&str]) -> bool {
        let is_named = |kinds: &[AttachmentKind], origin: &Origin| {
            kinds.iter().any(|kind| names.contains(&kind.word())) && self.counts(origin)
        };
        let of_profile = self.profile.takes_no.sourced();
        of_profile.is_some_and(|field| is_named(&field.value, &field.origin))
            || self.profile.rules.iter().any(|rule| {
                is_named(&rule.takes_no, &rule.origin) && rules::applies(rule, Job::Chat, model)
            })
    }

    /// Whether what this part of the profile says of the service holds at its present address.
    fn counts(&self, origin: &Origin) -> bool {
        let base = self.profile.base_url.origin();
        let is_elsewhere = matches!(base, Some(Origin::Flag(_) | Origin::Environment(_)))
            && !host::is_own(&self.profile);
        *origin != Origin::BuiltIn || !is_elsewhere
    }

    /// Whether the model is known to give no times with a transcript.
    pub(crate) fn gives_no_times(&self, model: &str) -> bool {
        let origin = self.profile.untimed.origin();
        origin.is_some_and(|origin| self.counts(origin)) && is_untimed(&self.profile, model)
    }

    /// Where times are wanted, and the model that the profile has for transcripts gives none: the one
    /// that it has for them, `models.timed`, takes its place. Tells what was done. A model that a
    /// flag or the environment names stays.
    pub(crate) fn take_timed_model(&mut self) -> Option<String> {
        let usual = self.model.clone().filter(|model| self.gives_no_times(model))?;
        let is_own = Job::Transcribe.model_of(&self.profile)?.value == usual;
        let timed = self.profile.models.get(TIMED).filter(|_| is_own)?.value.clone();
        let words = format!("{timed} is used, as {usual} gives no timestamps");
        self.model = Some(timed);
        Some(words)
    }

    /// The services of the built-in list whose own choice of a model gives times.
    pub(crate) fn with_times(config: &Config) -> Vec<&str> {
        let offers = |profile: &Profile| {
            let timed = profile.models.get(TIMED).or_else(|| Job::Transcribe.model_of(profile));
            let model = timed.map_or("", |field| field.value.as_str());
            profile.jobs.is_set()
                && profile.offers(Job::Transcribe)
                && !is_untimed(profile, model)
                && profile.key_url.is_set()
        };
        let names = config.names().into_iter();
        names.filter(|name| config.profile(name).is_some_and(|profile| offers(&profile))).collect()
    }

    /// Whether audio in a message travels as a data URL; the specification has plain base64.
    pub(crate) fn takes_audio_as_url(&self) -> bool {
        self.profile.audio_data.get() == Some(&AudioData::Url)
    }

    /// Whether a PDF in a message travels as a document's URL; the specification has a file.
    pub(crate) fn takes_pdf_as_url(&self) -> bool {
        self.profile.pdf_data.get() == Some(&PdfData::DocumentUrl)
    }
}

fn is_untimed(profile: &Profile, model: &str) -> bool {
    let patterns = profile.untimed.as_deref().unwrap_or_default();
    patterns.iter().any(|pattern| rules::glob(pattern, model))
}
