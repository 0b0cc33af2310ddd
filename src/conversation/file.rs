//! Files that are part of a conversation, as they are kept and as they go along.

use serde::{Deserialize, Serialize};

use crate::input::Attachment;

/// A file that went along with a question, or came with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TurnFile {
    /// What the user called it, or the file that it was written to.
    pub(crate) name: String,
    /// The name of its content in the data folder, unless it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
}

/// A picture, a recording or a document that came with the result of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultFile {
    /// As it is kept; the result speaks of it by its name.
    #[serde(flatten)]
    pub(crate) kept: TurnFile,
    /// As it goes along, if it is at hand.
    #[serde(skip)]
    pub(crate) attachment: Option<Attachment>,
}
