//! The requests for a text: one for each part that a service takes at once.

use std::collections::VecDeque;

use super::convert::no_ffmpeg;
use super::options::{SpeakOptions, named};
use super::part::TextPart;
use crate::api::speech::request::fields;
use crate::api::speech::split::{self, TextLimit};
use crate::audio::format::SpeechFormat;
use crate::command::ffmpeg;
use crate::command::steps::{check_model, warn_and_check};
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::provider::{Job, Provider, RequestLimit};

/// The most characters that a service takes at once, unless its profile says otherwise
/// (specification, `input` of speech).
const LONGEST_INPUT: u64 = 4096;

/// What is to be sent, and what is wanted back.
#[derive(Debug)]
pub(super) struct Plan {
    /// The requests: one for each part of the text.
    pub(super) parts: VecDeque<TextPart>,
    /// How messages call the service.
    pub(super) service: String,
    pub(super) characters: usize,
    /// The format that the user wants.
    pub(super) wish: Option<SpeechFormat>,
    /// The format that is asked for: the user's, or the profile's.
    pub(super) asked: Option<SpeechFormat>,
    /// Samples a second of sound without a head, where the service does not state it.
    pub(super) pcm_rate: u32,
    /// The most that one request takes of the text.
    pub(super) limit: TextLimit,
}

impl Plan {
    /// The requests for a text; `wish` is the format that is asked for because the user wants it.
    ///
    /// # Errors
    /// Exit 2: there is no model; what the user wants takes ffmpeg, which is not there.
    pub(super) fn new(
        options: &SpeakOptions,
        text: &str,
        wish: Option<SpeechFormat>,
        provider: &Provider,
        io: &Io,
    ) -> Result<Self, Failure> {
        let limit = provider.limit(RequestLimit::SpeechCharacters).unwrap_or(LONGEST_INPUT);
        let limit = TextLimit::Characters(usize::try_from(limit).unwrap_or(usize::MAX));
        let (mut parts, mut characters) = (VecDeque::new(), 0);
        for text in split::parts(text, limit) {
            let fields = fields(provider, text, options.flags(wish));
            let mut composed = provider.compose(Job::Speak, fields);
            // Sound in another format than the wanted one is told once it is there.
            composed.warnings.retain(|warning| !warning.starts_with("`response_format`"));
            match parts.is_empty() {
                true => warn_and_check(&composed, "speech", provider, io)?,
                false => check_model(&composed, "speech", provider)?,
            }
            characters += text.chars().count();
            let (body, own) = (composed.body, composed.own);
            parts.push_back(TextPart { text: text.to_owned(), body, own, format: None });
        }
        let first = parts.front();
        let name = first.and_then(|part| part.body.get("response_format")?.as_str());
        let asked = name.and_then(SpeechFormat::of_ending);
        let wish = wish.or(named(options.output.as_deref()));
        let needs_ffmpeg = |format: &SpeechFormat| {
            !matches!(format, SpeechFormat::Wav | SpeechFormat::Pcm) && !ffmpeg::is_there(&io.env)
        };
        if asked == Some(SpeechFormat::Pcm)
            && let Some(format) = wish.filter(needs_ffmpeg)
        {
            return Err(no_ffmpeg(&provider.name, format, FailureKind::Usage));
        }
        parts.iter_mut().for_each(|part| part.format = asked.or(wish));
        let (service, pcm_rate) = (provider.name.clone(), provider.pcm_rate());
        Ok(Self { parts, service, characters, wish, asked, pcm_rate, limit })
    }
}
