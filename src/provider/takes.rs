//! What a service is known not to take as an attachment, or not to give. Knows no files.

use serde_json::{Map, Value, json};

use super::job::{SPEAKERS, TIMED};
use super::{Job, Provider, host, rules};
use crate::config::Config;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::schema::{
    AttachmentKind, AudioData, PdfData, ResultFiles, ToolSchemaForm, Word as _,
};

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

    /// Whether the service, or this run's model of it, is known to refuse the system role.
    pub(crate) fn takes_no_system(&self) -> bool {
        let model = self.model.as_deref().unwrap_or_default();
        self.takes_no(model, &[AttachmentKind::System.word()])
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
        self.model.clone().filter(|model| self.gives_no_times(model))?;
        self.take_model_for(TIMED, "gives no timestamps")
    }

    /// Where the speakers are wanted: the model that the profile has for that, `models.speakers`, takes
    /// the place of its usual one. Tells what was done.
    pub(crate) fn take_speakers_model(&mut self) -> Option<String> {
        self.take_model_for(SPEAKERS, "does not say who speaks")
    }

    fn take_model_for(&mut self, name: &str, why: &str) -> Option<String> {
        let usual = self.model.clone()?;
        let is_own = Job::Transcribe.model_of(&self.profile)?.value == usual;
        let other = self.profile.models.get(name).filter(|_| is_own)?.value.clone();
        if other == usual {
            return None;
        }
        let words = format!("{other} is used, as {usual} {why}");
        self.model = Some(other);
        Some(words)
    }

    /// What is to be asked for to learn who speaks; `None` where the service is not known to tell. A
    /// model of OpenAI's may be behind any proxy: its name says what it does.
    pub(crate) fn speakers(&self) -> Option<Map<String, Value>> {
        let fields = self
            .profile
            .speakers
            .iter()
            .map(|(name, field)| (name.to_owned(), field.value.clone()));
        let fields: Map<String, Value> = fields.collect();
        let is_diarizing = self
            .model
            .as_deref()
            .is_some_and(|model| rules::is_model_of(&["*diarize*".to_owned()], model));
        if fields.is_empty() && is_diarizing {
            let of_openai =
                json!({"response_format": "diarized_json", "chunking_strategy": "auto"});
            return of_openai.as_object().cloned();
        }
        (!fields.is_empty()).then_some(fields)
    }

    /// The services of the built-in list that say who speaks.
    pub(crate) fn with_speakers(config: &Config) -> Vec<&str> {
        let offers = |profile: &Profile| profile.speakers.iter().next().is_some();
        let names = config.names().into_iter();
        names.filter(|name| config.profile(name).is_some_and(|profile| offers(&profile))).collect()
    }

    /// Whether the service is known to take the formats of sound that the specification lists, and no
    /// others: those on this machine convert by themselves, and other shapes have lists of their own.
    pub(crate) fn takes_listed_sound(&self, job: Job) -> bool {
        let key_url = self.profile.key_url.origin();
        key_url.is_some_and(|origin| self.counts(origin)) && !self.has_own_shape(job)
    }

    /// The most seconds of a recording that the model takes: by the user's `limits`, by a rule for the
    /// model, or by the service's `limits`.
    pub(crate) fn audio_seconds(&self, job: Job, model: &str) -> Option<u64> {
        let of_profile = self.profile.limits.get("audio_seconds");
        let own =
            of_profile.filter(|field| field.origin != Origin::BuiltIn).map(|field| field.value);
        let of_rule = self.profile.rules.iter().rev().find_map(|rule| {
            rule.audio_seconds
                .filter(|_| rules::applies(rule, job, model) && self.counts(&rule.origin))
        });
        let most = own.or(of_rule).or(of_profile.map(|field| field.value))?;
        u64::try_from(most).ok().filter(|most| *most > 0)
    }

    /// The services of the built-in list whose own choice of a model gives times.
    pub(crate) fn with_times(config: &Config) -> Vec<&str> {
        let offers = |profile: &Profile| {
            let timed = profile.models.get(TIMED).or_else(|| Job::Transcribe.model_of(profile));
            let model = timed.map_or("", |field| field.value.as_str());
            // Of a service that names neither a model nor those without times, nobody knows.
            (timed.is_some() || profile.untimed.is_set())
                && profile.jobs.is_set()
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

    /// Whether pictures and recordings of a tool's answer stand in the answer itself; the specification
    /// has them in a message of the user's alone.
    pub(crate) fn takes_files_in_results(&self) -> bool {
        self.profile.result_files.get() == Some(&ResultFiles::Tool)
    }

    /// How the service is told of a tool's arguments.
    pub(crate) fn tool_schema(&self) -> ToolSchemaForm {
        self.profile.tool_schema.get().copied().unwrap_or_default()
    }

    /// Whether a PDF in a message travels as a document's URL; the specification has a file.
    pub(crate) fn takes_pdf_as_url(&self) -> bool {
        self.profile.pdf_data.get() == Some(&PdfData::DocumentUrl)
    }
}

fn is_untimed(profile: &Profile, model: &str) -> bool {
    rules::is_model_of(profile.untimed.as_deref().unwrap_or_default(), model)
}
