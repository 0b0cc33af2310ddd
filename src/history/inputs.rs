//! What was typed in conversations, for the line editor. Each input names its conversation, so that it goes
//! with it; those of version 0.1 are bare texts and name none.

use serde::{Deserialize, Serialize};

use super::name::ConversationKey;
use super::store::Store;

/// The file of all inputs.
pub(super) const INPUTS: &str = "inputs.jsonl";

/// An input as it is kept.
#[derive(Serialize)]
struct KeptInput<'a> {
    text: &'a str,
    conversation: &'a str,
}

/// An input as it is read.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReadInput {
    Bare(String),
    Named { text: String },
}

impl Store {
    /// Keeps what was typed in a conversation.
    ///
    /// # Errors
    /// A file that can't be written.
    pub(crate) fn add_input(&self, text: &str, key: &ConversationKey) -> std::io::Result<()> {
        self.append(&self.file(INPUTS), &KeptInput { text, conversation: key.as_str() })
    }

    /// The last inputs, oldest first, at most `count`.
    pub(crate) fn inputs(&self, count: usize) -> Vec<String> {
        let text = std::fs::read(self.file(INPUTS)).unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').rev();
        let inputs = lines.filter_map(|line| match serde_json::from_slice(line).ok()? {
            ReadInput::Bare(text) | ReadInput::Named { text } => Some(text),
        });
        let mut inputs: Vec<String> = inputs.take(count).collect();
        inputs.reverse();
        inputs
    }
}
