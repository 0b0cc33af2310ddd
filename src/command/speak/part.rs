//! One part of the text as it is asked for.

use serde_json::{Map, Value};

use crate::api::speech::split::{self, TextLimit};
use crate::audio::format::SpeechFormat;
use crate::command::spent;
use crate::error::Failure;
use crate::exchange::{Draft, ReplyWords};
use crate::ledger::Spent;
use crate::output::kept;
use crate::provider::user_fields::UserFields;
use crate::provider::{Job, Provider};

/// One part of the text as it is asked for.
#[derive(Debug, Clone)]
pub(super) struct TextPart {
    pub(super) text: String,
    /// The request's body, which has the text in it.
    pub(super) body: Map<String, Value>,
    /// The user's part of it.
    pub(super) own: UserFields,
    /// The format that is asked for, if it is known.
    pub(super) format: Option<SpeechFormat>,
}

impl TextPart {
    /// # Errors
    /// None that is known: there is no file that the service could have no place for.
    pub(super) fn draft(&self, provider: &Provider) -> Result<Draft, Failure> {
        let request = provider.shape(Job::Speak, &self.body, Vec::new())?;
        Ok(Draft::repairable(request, Job::Speak, self.own.clone()))
    }

    /// The name under which its sound is kept: another text, voice, model or service has another.
    pub(super) fn key(&self, provider: &Provider) -> String {
        let request = provider.shape(Job::Speak, &self.body, Vec::new());
        let (url, body) =
            request.map_or_else(|_| Default::default(), |it| (it.url.to_string(), it.body.bytes()));
        kept::key(&[url.as_bytes(), &body])
    }

    /// What it took, with what the service says of it.
    pub(super) fn spent(&self, usage: Option<&Value>) -> Spent {
        let spent = spent::of_usage(usage);
        let characters = spent.characters.unwrap_or(self.text.chars().count() as u64);
        Spent { characters: Some(characters), ..spent }
    }

    /// How messages speak of its reply.
    pub(super) fn words() -> ReplyWords {
        ReplyWords::new("audio", "is not audio")
    }

    /// The part in smaller ones.
    pub(super) fn split(&self, limit: TextLimit) -> Vec<Self> {
        split::parts(&self.text, limit).into_iter().map(|text| self.with_text(text)).collect()
    }

    /// The same for another text.
    pub(super) fn with_text(&self, text: &str) -> Self {
        let mut part = Self { text: text.to_owned(), ..self.clone() };
        let whole = Value::from(self.text.as_str());
        for value in part.body.values_mut().filter(|value| **value == whole) {
            *value = text.into();
        }
        part
    }

    /// The part in another format.
    pub(super) fn set_format(&mut self, format: SpeechFormat) {
        self.format = Some(format);
        self.body.insert("response_format".to_owned(), format.name().into());
    }
}
