//! What a model said to a question: what the history keeps of it.

use serde_json::Value;

use crate::conversation::Reply;

/// What a model said, whole or not.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The replies that called tools, before the answer.
    pub(super) rounds: Vec<Reply>,
    /// Several where the user asked for several.
    pub(super) answers: Vec<Reply>,
    /// Cut by a limit of tokens, or too long to be kept whole.
    pub(super) is_cut: bool,
    pub(super) usage: Option<Value>,
}
