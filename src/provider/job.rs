//! What a job is on the wire: its endpoint, and what a profile has for it.

use serde_json::Value;

use crate::config::field::{FieldMap, Sourced};
use crate::config::origin::Origin;
use crate::config::profile::Profile;

pub(crate) use crate::config::job::Job;

pub(super) use crate::config::profile::{SPEAKERS, TIMED};

impl Job {
    /// The name in a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Job::Chat => "chat",
            Job::Embed => "embeddings",
            Job::Image => "pictures",
            Job::ImageEdit => "picture editing",
            Job::Transcribe => "transcription",
            Job::Translate => "speech translation",
            Job::Speak => "speech",
            Job::Rerank => "reranking",
            Job::Models => "a list of its models",
        }
    }

    /// The endpoint's path behind the base URL, as the specification has it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Job::Chat => "/chat/completions",
            Job::Embed => "/embeddings",
            Job::Image => "/images/generations",
            Job::ImageEdit => "/images/edits",
            Job::Transcribe => "/audio/transcriptions",
            Job::Translate => "/audio/translations",
            Job::Speak => "/audio/speech",
            Job::Rerank => "/rerank",
            Job::Models => "/models",
        }
    }

    /// The table of a profile that holds request fields for the job, with its name.
    pub(super) fn request_fields(
        self,
        profile: &Profile,
    ) -> Option<(&'static str, &FieldMap<Value>)> {
        Some(match self {
            Job::Chat => ("options", &profile.options),
            Job::Embed => ("embed", &profile.embed),
            Job::Image | Job::ImageEdit => ("image", &profile.image),
            Job::Transcribe | Job::Translate => ("transcribe", &profile.transcribe),
            Job::Speak => ("speak", &profile.speak),
            Job::Rerank | Job::Models => return None,
        })
    }

    /// The model for the job: a flag or the environment names it for any job, a profile for each. In a
    /// profile of the user's own `model` is meant for every job that `models` does not name.
    pub(crate) fn model_in(self, profile: &Profile) -> Option<String> {
        let model = self.model_field(profile).map(|field| field.value.clone());
        model.filter(|model| !model.trim().is_empty())
    }

    /// The same with its origin.
    pub(super) fn model_field(self, profile: &Profile) -> Option<&Sourced<String>> {
        let origin = profile.model.origin();
        let is_asked = matches!(origin, Some(Origin::Flag(_) | Origin::Environment(_)));
        let general = profile.model.sourced().filter(|_| is_asked || self.takes_chat_model());
        let is_for_all = profile.is_users_own && origin != Some(&Origin::BuiltIn);
        let last = || profile.model.sourced().filter(|_| is_for_all);
        general.or_else(|| self.model_of(profile)).or_else(last)
    }

    /// The entry of a profile's `models` for the job: its own, or that of the job that it is akin to.
    pub(super) fn model_of(self, profile: &Profile) -> Option<&Sourced<String>> {
        profile.models.get(self.model_entry(profile)?)
    }

    /// The name of that entry.
    pub(super) fn model_entry(self, profile: &Profile) -> Option<&'static str> {
        let akin = match self {
            Job::ImageEdit => Some(Job::Image),
            Job::Translate => Some(Job::Transcribe),
            _ => None,
        };
        let mut jobs = [Some(self), akin].into_iter().flatten();
        let is_set = |job: &Job| *job != Job::Models && profile.models.get(job.name()).is_some();
        jobs.find(is_set).map(Job::name)
    }

    /// Whether a profile's `model` is meant for the job.
    pub(super) fn takes_chat_model(self) -> bool {
        matches!(self, Job::Chat | Job::Models)
    }
}
