//! The answer for a batch.

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
        let tokens = match &part {
            AnswerPart::Vectors(vectors) => vectors.tokens,
            AnswerPart::Reply(body) => reply::tokens_in(body),
            AnswerPart::Refused(_) => None,
        };
        let texts = Vec::from_iter(texts.iter().map(|text| &text.input));
        let unread = UnreadTexts::of(&texts, tokens);
        self.unread = self.unread.take().into_iter().chain(unread).reduce(UnreadTexts::and);
        self.tokens = self.tokens.into_iter().chain(tokens).reduce(|sum, more| sum + more);
        self.parts.push(part);
    }
}
