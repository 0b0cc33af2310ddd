//! What is special about a service on this machine: it has the models that somebody fetched, and a
//! default model of the built-in list is no more than a wish there.

use super::field_repair::key;
use super::job::{SPEAKERS, TIMED};
use super::{Fields, Job, Provider, host};
use crate::config::field::Sourced;
use crate::config::origin::Origin;
use crate::error::Failure;
use crate::http::curl;
use crate::http::request::{Url, is_this_machine};

/// The most models that are named in one line.
const MAX_NAMED: usize = 10;

impl Provider {
    /// Whether the service is on this machine, or where its own programs would look for it.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        let url = self.profile.base_url.as_deref().and_then(|url| Url::parse(url).ok());
        let is_here = url.is_some_and(|url| url.scheme() != "demo" && is_this_machine(&url));
        is_here || host::is_of_host_env(&self.profile)
    }

    /// Whether the only model that a service on this machine has is to be looked up, as nothing says
    /// which one to ask. Never in a dry run, nor where requests for the job name no model.
    pub(crate) fn lacks_model(&self) -> bool {
        self.model.is_none()
            && !self.is_dry
            && !self.sets_model()
            && self.profile.offers(Job::Models)
            && self.is_on_this_machine()
            && self.compose(self.job, Fields::default()).takes_model
    }

    /// The failure for a request without a model; `what` is what it would have been for.
    pub(crate) fn no_model(&self, what: &str) -> Failure {
        let (name, choice) = (&self.name, &self.choice);
        Failure::usage(format!("no model is set for {what} at {name}"))
            .hint(format!("name one with -m MODEL; `llm models {choice}` lists them"))
    }

    /// Whether the model is the built-in default of a service on this machine, which another one may
    /// stand in for.
    pub(crate) fn is_model_a_wish(&self) -> bool {
        self.is_model_built_in() && self.is_on_this_machine()
    }

    /// Whether the model is a default of the built-in list.
    pub(crate) fn is_model_built_in(&self) -> bool {
        let is_it = |field: &Sourced<String>| {
            field.origin == Origin::BuiltIn && Some(&field.value) == self.model.as_ref()
        };
        let usual = self.job.model_field(&self.profile);
        // `models.timed` and `models.speakers` take the place of a job's usual model.
        let is_built_in = usual.is_some_and(|usual| {
            is_it(usual)
                || usual.origin == Origin::BuiltIn
                    && self.profile.models.iter().any(|(_, field)| is_it(field))
        });
        is_built_in && !self.sets_model()
    }

    /// What a user can do where a default of the built-in list is gone. `heir` is the newest model of
    /// its family, if it is known.
    pub(crate) fn dead_default_hint(&self, model: &str, heir: Option<&str>) -> String {
        let profile = key(&self.name);
        let other = serde_json::Value::from(heir.unwrap_or("…"));
        let line = match self.models_entry(model) {
            Some(entry) => format!("models = {{ {entry} = {other} }}"),
            None => format!("model = {other}"),
        };
        let list = match self.profile.offers(Job::Models) {
            true => format!("`llm models {}` lists what is; ", self.choice),
            false => String::new(),
        };
        format!(
            "the built-in default {model} is no longer served; {list}`{line}` in [providers.{profile}] asks another"
        )
    }

    /// The entry of the profile's `models` that this model of the job at hand comes from; `None` if it is
    /// the profile's `model`.
    fn models_entry(&self, model: &str) -> Option<&'static str> {
        let profile = &self.profile;
        let is_it = |field: &Sourced<String>| field.value == model;
        match self.job.model_field(profile).is_some_and(is_it) {
            true if self.job.takes_chat_model() && profile.model.is_set() => None,
            true => self.job.model_entry(profile),
            false => [TIMED, SPEAKERS]
                .into_iter()
                .find(|entry| profile.models.get(entry).is_some_and(is_it)),
        }
    }

    /// Whether `-O` or the profile's fields for the job set the model, over any other.
    fn sets_model(&self) -> bool {
        let fields = self.job.request_fields(&self.profile);
        self.settings.iter().any(|setting| setting.path == ["model"])
            || fields.is_some_and(|(_, fields)| fields.get("model").is_some())
    }

    /// The job that this provider was resolved for.
    pub(crate) fn job(&self) -> Job {
        self.job
    }

    /// What a user can do who asked for a model that the service does not have (or for none), where
    /// it has `there`: the command that gets a model, and those that can be asked at once.
    pub(crate) fn models_hint(&self, wanted: Option<&str>, there: &[String]) -> String {
        let pull = self.profile.pull.as_deref();
        let pull = pull.map(|pull| match wanted {
            Some(model) => format!("`{}` gets it", pull.replace("MODEL", &curl::word(model))),
            None => format!("`{pull}` gets one"),
        });
        let (first, rest) = match there {
            [] => {
                let start = self.profile.start.as_deref().filter(|start| start.contains("MODEL"));
                let start = start.map(|start| format!("`{start}` starts it with one"));
                return pull.or(start).unwrap_or_else(|| {
                    format!("name one with -m MODEL; `llm models {}` lists them", self.choice)
                });
            }
            [first, rest @ ..] => (first, rest),
        };
        let mut names = format!("-m {}", curl::word(first));
        for name in rest.iter().take(MAX_NAMED - 1) {
            names.push_str(&format!(", {name}"));
        }
        if let Some(more) = there.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
            names.push_str(&format!(" and {more} more (`llm models {}`)", self.choice));
        }
        match pull {
            Some(pull) => format!("{pull}; it has {names}"),
            None => format!("it has {names}"),
        }
    }
}
