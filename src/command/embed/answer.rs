//! The answer for a batch.

use std::borrow::Cow;

use serde_json::Value;

use super::batch::BatchText;
use super::cuts::UnreadTexts;
use crate::api::embed::reply::{self, Vectors};

/// The answer for a part of a batch; the parts follow each other.
#[derive(Debug)]
pub(in crate::command) enum AnswerPart {
    Vectors(Vectors),
    /// The provider's reply as it came.
    Reply(Vec<u8>),
    /// The one text of this part was refused, in these words.
    Refused(String),
}

impl AnswerPart {
    /// What the service counted.
    pub(super) fn usage(&self) -> Option<Cow<'_, Value>> {
        match self {
            AnswerPart::Vectors(vectors) => vectors.usage.as_ref().map(Cow::Borrowed),
            AnswerPart::Reply(body) => reply::usage_in(body).map(Cow::Owned),
            AnswerPart::Refused(_) => None,
        }
    }
}

/// The answer for a batch.
#[derive(Debug, Default)]
pub(in crate::command) struct BatchAnswer {
    pub(in crate::command) parts: Vec<AnswerPart>,
    pub(in crate::command) tokens: Option<u64>,
    pub(in crate::command) requests: u64,
    /// Texts that were not read whole.
    pub(super) unread: Option<UnreadTexts>,
}

impl BatchAnswer {
    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |part: &AnswerPart| match part {
            AnswerPart::Vectors(vectors) => vectors.bytes(),
            AnswerPart::Reply(body) => body.len(),
            AnswerPart::Refused(_) => 0,
        };
        self.parts.iter().map(bytes).sum()
    }

    /// Adds the next part, which is for these texts.
    pub(super) fn add(&mut self, part: AnswerPart, texts: &[&BatchText]) {
        let tokens = part.usage().as_deref().and_then(reply::tokens_of);
        let texts = Vec::from_iter(texts.iter().map(|text| &text.input));
        let unread = UnreadTexts::of(&texts, tokens);
        self.unread = self.unread.take().into_iter().chain(unread).reduce(UnreadTexts::and);
        self.tokens = self.tokens.into_iter().chain(tokens).reduce(|sum, more| sum + more);
        self.parts.push(part);
    }
}
