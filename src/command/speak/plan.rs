//! The requests for a text: one for each part that a service takes at once.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::fetch::TextPart;
use super::options::{SpeakOptions, named};
use crate::api::speech::request::fields;
use crate::api::speech::split;
use crate::audio::format::SpeechFormat;
use crate::command::steps::{check_model, warn_and_check};
use crate::error::Failure;
use crate::io::Io;
use crate::provider::user_fields::UserFields;
use crate::provider::{Job, Provider, RequestLimit};

/// The most characters that a service takes at once, unless its profile says otherwise
/// (specification, `input` of speech).
const LONGEST_INPUT: u64 = 4096;

/// What is to be sent, and what is wanted back.
#[derive(Debug)]
pub(super) struct Plan {
    /// The body of each request: one for each part of the text.
    pub(super) bodies: Vec<Map<String, Value>>,
    /// The user's part of them.
    own: UserFields,
    pub(super) characters: usize,
    /// The format that the user wants.
    pub(super) wish: Option<SpeechFormat>,
    /// The format that is asked for: the user's, or the profile's.
    pub(super) asked: Option<SpeechFormat>,
}

impl Plan {
    /// The requests for a text; `wish` is the format that is asked for because the user wants it.
    ///
    /// # Errors
    /// Exit 2: there is no model.
    pub(super) fn new(
        options: &SpeakOptions,
        text: &str,
        wish: Option<SpeechFormat>,
        provider: &Provider,
        io: &Io,
    ) -> Result<Self, Failure> {
        let limit = provider.limit(RequestLimit::SpeechCharacters).unwrap_or(LONGEST_INPUT);
        let parts = split::parts(text, usize::try_from(limit).unwrap_or(usize::MAX));
        let (mut bodies, mut own, mut characters) = (Vec::new(), UserFields::default(), 0);
        for part in &parts {
            let fields = fields(provider, part, options.flags(wish));
            let mut composed = provider.compose(Job::Speak, fields);
            // Sound in another format than the wanted one is told once it is there.
            composed.warnings.retain(|warning| !warning.starts_with("`response_format`"));
            match bodies.is_empty() {
                true => warn_and_check(&composed, "speech", provider, io)?,
                false => check_model(&composed, "speech", provider)?,
            }
            characters += part.chars().count();
            bodies.push(composed.body);
            own = composed.own;
        }
        let name = bodies.first().and_then(|body| body.get("response_format")?.as_str());
        let asked = name.and_then(SpeechFormat::of_ending);
        let wish = wish.or(named(options.output.as_deref()));
        Ok(Self { bodies, own, characters, wish, asked })
    }

    /// What is asked for, part by part.
    pub(super) fn into_parts(self) -> VecDeque<TextPart> {
        let (own, format) = (self.own, self.asked.or(self.wish));
        let part = |body| TextPart { body, own: own.clone(), format };
        self.bodies.into_iter().map(part).collect()
    }
}
