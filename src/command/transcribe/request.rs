//! The request that carries one part of a sound.

use serde_json::{Map, Value};

use super::options::TranscribeOptions;
use super::split::AudioPart as SoundPart;
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::request::{self, TranscriptRequestParts};
use crate::error::Failure;
use crate::http::form::{FormPart, PartContent};
use crate::http::request::Request;
use crate::http::splice::SplicedFile;
use crate::provider::shape::{BodyFile, FileRole};
use crate::provider::{Composed, Provider};

/// The request's fields when `wire` is asked for.
pub(super) fn compose(
    options: &TranscribeOptions,
    provider: &Provider,
    wire: TranscriptFormat,
) -> Composed {
    let speakers = provider.speakers().filter(|_| options.speakers);
    let compose = |with_times| {
        let ask = TranscriptRequestParts {
            model: provider.model.as_deref(),
            format: wire,
            is_chosen: options.is_chosen,
            with_words: options.words,
            speakers: speakers.as_ref(),
            with_times,
            flags: &options.flags,
        };
        provider.compose(options.job, request::fields(ask))
    };
    let composed = compose(false);
    if !wire.has_times() || composed.body.contains_key("response_format") {
        return composed;
    }
    compose(true)
}

/// The request: in the service's own shape, or as a form with its file last.
///
/// # Errors
/// A shape that has no place for a recording.
pub(super) fn request(
    options: &TranscribeOptions,
    provider: &Provider,
    body: &Map<String, Value>,
    part: SoundPart,
) -> Result<Request, Failure> {
    if provider.has_own_shape(options.job) {
        let audio = BodyFile {
            role: FileRole::Audio,
            media_type: part.kind.content_type.to_owned(),
            format: part.kind.format(),
            insert: SplicedFile::new(part.pieces),
        };
        return provider.shape(options.job, body, vec![audio]);
    }
    let mut parts = request::parts(body);
    let content = PartContent::File {
        filename: part.kind.filename,
        content_type: part.kind.content_type.to_owned(),
        pieces: part.pieces,
    };
    parts.push(FormPart { name: "file".to_owned(), content });
    Ok(provider.post_form(options.job, parts))
}
