//! What a run needs to know once a question is on its way.

use std::sync::Arc;

use super::options::AnswerOptions;
use super::question::Question;
use super::schema::AnswerSchema;
use super::tools::Tools;
use crate::dialect::answers::Answers;
use crate::output::extract::BlockChoice;
use crate::provider::Provider;

/// What a run needs to know once a question is on its way.
#[derive(Debug)]
pub(super) struct ChatPlan {
    /// How many answers are wanted.
    pub(super) number: u32,
    /// The answers get numbers above them.
    is_numbered: bool,
    /// The user limited the answer's length.
    pub(super) is_limited: bool,
    pub(super) shows_usage: bool,
    /// Print the provider's JSON as it is.
    pub(super) json: bool,
    pub(super) extract: Option<BlockChoice>,
    pub(super) shows_thinking: bool,
    pub(super) shows_sources: bool,
    pub(super) schema: Option<AnswerSchema>,
    /// What the model may call.
    pub(super) tools: Option<Arc<Tools>>,
    /// The model's answers begin with thinking that no tag opens.
    thinks_untagged: bool,
    /// The service gives a reason why an answer ends, where it has a place for one.
    pub(super) gives_reason: bool,
}

impl ChatPlan {
    /// For a question of which `number` answers are wanted.
    pub(super) fn new(
        question: &Question,
        number: u32,
        options: &AnswerOptions,
        tools: Option<Arc<Tools>>,
        provider: &Provider,
    ) -> Self {
        let first = &question.first;
        Self {
            number,
            is_numbered: number > 1 && options.is_numbered,
            is_limited: first.is_limited,
            shows_usage: question.wants_usage(),
            json: options.is_json,
            extract: options.extract,
            shows_thinking: options.shows_thinking,
            shows_sources: options.shows_sources,
            schema: question.schema().cloned(),
            tools,
            thinks_untagged: provider.thinks_untagged(&first.model),
            gives_reason: provider.gives_finish_reason(),
        }
    }

    /// What takes the reply.
    pub(super) fn answers(&self) -> Answers {
        Answers::new(self.number).thinking_untagged(self.thinks_untagged).numbered(self.is_numbered)
    }
}
