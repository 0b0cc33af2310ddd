//! `POST /responses`: a conversation as its list of items, and the answer out of a stream of typed
//! events or a whole reply.

mod ending;
mod events;
mod items;
mod open;
mod output;
mod piece;
mod request;
mod sealed;
mod template;
mod translate;
mod weighed;

use super::chat_dialect::{AskedFor, ChatDialect, ReadEvents};
use super::question::ChatQuestion;
use crate::provider::{Composed, Fields};

/// The dialect of `/responses`.
#[derive(Debug)]
pub(crate) struct Responses;

impl ChatDialect for Responses {
    fn fields(&self, question: &ChatQuestion<'_>) -> Fields {
        request::fields(question)
    }

    fn complete(&self, composed: &mut Composed, question: &ChatQuestion<'_>) {
        request::complete(composed, question);
    }

    fn events(&self, asked: AskedFor) -> Box<dyn ReadEvents> {
        Box::new(events::Events::new(asked))
    }
}
