//! Why the reply to a request for vectors can't be used, in words.

use serde::de::IgnoredAny;

use super::batch::BatchText;
use crate::api::embed::reply::{self, VectorProblem};
use crate::api::embed::request::ENCODING;
use crate::error::{Failure, FailureKind};
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;

/// So many characters of a reply without vectors are shown.
const MAX_WORDS: usize = 200;

/// Why a reply can't be used.
pub(super) enum PartProblem {
    Vectors(VectorProblem),
    /// Vectors of another length than was asked for.
    Dimensions(usize),
    /// They can't be kept.
    Journal(Failure),
}

/// The reply itself, once it is known to be JSON without an error.
pub(super) fn as_it_came(body: Vec<u8>) -> Result<Vec<u8>, VectorProblem> {
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return Err(BadReply::of_body(&body).into());
    }
    reply::fault_in(&body).map_or(Ok(body), |fault| Err(BadReply::from(fault).into()))
}

/// Where the texts of a request stand.
pub(super) fn places(texts: &[&BatchText]) -> String {
    match texts {
        [one] => one.place().to_string(),
        [first, .., last] => format!("{} to {}", first.place(), last.place()),
        [] => String::new(),
    }
}

/// What is wrong with a reply, with the texts that it is for.
pub(super) fn read_error(problem: VectorProblem, texts: &[&BatchText], service: &str) -> ReadError {
    let which = places(texts);
    let refused = |message: String| Failure::new(FailureKind::Refused, message);
    let failure = match problem {
        VectorProblem::Reply(BadReply::NotAnAnswer(words))
        | VectorProblem::Nothing(BadReply::NotAnAnswer(words)) => {
            return BadReply::NotAnAnswer(words.chars().take(MAX_WORDS).collect()).into();
        }
        VectorProblem::Reply(bad) | VectorProblem::Nothing(bad) => return bad.into(),
        VectorProblem::Nested => {
            let message = format!(
                "{service} sent a vector for every token of a text, not one for the text ({which})"
            );
            refused(message).hint(
                "the server has to pool them, as llama-server does with `--pooling mean`; --json prints them",
            )
        }
        VectorProblem::Count(count) => {
            let plural = if count == 1 { "" } else { "s" };
            let asked = texts.len();
            refused(format!(
                "{service} sent {count} vector{plural}, {asked} were asked for ({which})"
            ))
        }
        VectorProblem::Index(words) => refused(format!(
            "the vectors from {service} for {which} can't be put in order: {words}"
        )),
        VectorProblem::Empty(index) | VectorProblem::Vector(index, _) => {
            let place = texts.get(index).map(|text| text.place().to_string()).unwrap_or(which);
            let words = match problem {
                VectorProblem::Vector(_, words) => words,
                _ => "it is empty".to_owned(),
            };
            refused(format!("the vector from {service} for {place} can't be read: {words}"))
        }
        VectorProblem::NoFloats(index, bytes) => {
            let place = texts.get(index).map(|text| text.place().to_string()).unwrap_or(which);
            let whole = if bytes.is_multiple_of(4) { "" } else { "whole " };
            let message = format!(
                "the vector from {service} for {place} can't be read: {bytes} bytes are not {whole}32-bit \
                 floats; likely each is a number of its own (int8)"
            );
            refused(message).hint(format!(
                "`-O {ENCODING}=base64_int8` asks for bytes and reads them, where the service has that; --json \
                 prints the reply as it came"
            ))
        }
    };
    failure.into()
}
