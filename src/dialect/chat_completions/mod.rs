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

use serde_json::{Map, Value};

use super::chat_dialect::{ChatDialect, ReadEvents};
use super::question::ChatQuestion;
use crate::provider::{Fields, Job};

pub(crate) use messages::{exported, steps};

/// The dialect of `/chat/completions`.
#[derive(Debug)]
pub(crate) struct ChatCompletions;

impl ChatDialect for ChatCompletions {
    fn job(&self) -> Job {
        Job::Chat
    }

    fn fields(&self, question: &ChatQuestion<'_>) -> Fields {
        request::fields(question)
    }

    fn complete(&self, body: &mut Map<String, Value>, question: &ChatQuestion<'_>) {
        request::complete(body, question);
    }

    fn events(&self) -> Box<dyn ReadEvents> {
        Box::new(events::Events::default())
    }
}
