//! `POST /chat/completions`: a conversation as its list of messages, and the answer out of a stream
//! or a whole reply.

mod content;
mod events;
mod media;
mod messages;
mod request;
mod sources;
mod template;
#[cfg(test)]
mod tests;
mod view;

use super::chat_dialect::{AskedFor, ChatDialect, ReadEvents};
use super::question::ChatQuestion;
use crate::provider::{Composed, Fields};

pub(crate) use messages::{exported, steps};
pub(super) use request::options;
pub(super) use sources::{annotation, found as sources};
pub(super) use template::{decode, end_of_string};

/// The dialect of `/chat/completions`.
#[derive(Debug)]
pub(crate) struct ChatCompletions;

impl ChatDialect for ChatCompletions {
    fn fields(&self, question: &ChatQuestion<'_>) -> Fields {
        request::fields(question)
    }

    fn complete(&self, composed: &mut Composed, question: &ChatQuestion<'_>) {
        request::complete(composed, question);
    }

    fn events(&self, _: AskedFor) -> Box<dyn ReadEvents> {
        Box::new(events::Events::default())
    }
}
