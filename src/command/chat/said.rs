//! What a model said to a question: what the history keeps of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::made::MadeFile;
use super::turn::ChatTurn;
use crate::conversation::{ModelReply, SentRequest};
use crate::dialect::answers::ReplyVerdict;

/// What a model said, whole or not.
#[derive(Debug, Default)]
pub(super) struct ChatResult {
    /// The replies that called tools, before the answer.
    pub(super) rounds: Vec<ModelReply>,
    /// Several where the user asked for several.
    pub(super) answers: Vec<ModelReply>,
    /// The pictures and sounds that came with them.
    pub(super) made: Vec<MadeFile>,
    /// Cut by a limit of tokens, or too long to be kept whole.
    pub(super) is_cut: bool,
    pub(super) usage: Option<Value>,
    /// What all replies cost, by currency.
    pub(super) cost: BTreeMap<String, f64>,
    /// The first request, where its tokens were counted.
    pub(super) sent: Option<SentRequest>,
}

impl ChatTurn {
    /// What came of it so far, for the caller that keeps it.
    pub(super) fn said(&mut self) -> ChatResult {
        let is_cut =
            self.answers.verdict() == ReplyVerdict::Length || !self.answers.is_kept_whole();
        let usage = self.rounds.usage(self.answers.usage());
        let cost = std::mem::take(&mut self.rounds.cost);
        let rounds = std::mem::take(&mut self.rounds.replies);
        let sent = self.cuts.first();
        let made = std::mem::take(&mut self.made);
        ChatResult { rounds, answers: self.take_replies(), made, is_cut, usage, cost, sent }
    }
}
