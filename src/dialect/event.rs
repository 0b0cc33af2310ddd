//! What a chat answer is made of, whatever dialect it came in.

use serde_json::Value;

/// One thing that a piece of an answer says. `index` is the choice that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChatEvent<'a> {
    /// A piece of text. `is_thought`: the provider marked it as thinking although it stands where
    /// the answer does (Gemini).
    Text { index: u64, text: &'a str, is_thought: bool },
    /// A piece of thinking from a field of its own.
    Thinking { index: u64, text: &'a str },
    /// A piece of the words with which the model refuses.
    Refusal { index: u64, text: &'a str },
    /// A piece of a call of a tool, as the service sent it.
    ToolCall { index: u64, piece: &'a Value },
    /// The choice came to its end.
    Finish { index: u64, reason: &'a str },
    /// Token counts, as the provider gives them.
    Usage(&'a Value),
}

/// Why a choice ended, in the classes that make a difference to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// As it should, or for a reason that nobody knows.
    Done,
    /// By a limit of tokens.
    Length,
    /// By a content filter.
    Filter,
    /// By a failure of the service in mid-answer.
    Failed,
}

impl Finish {
    /// The class of a `finish_reason`. Beyond the specification's own: `max_tokens`, `model_length`
    /// (Mistral), `model_context_window_exceeded`, `sensitive`, `network_error` (Zhipu), `error`
    /// (OpenRouter), `abort` (SGLang), `insufficient_system_resource` (DeepSeek).
    pub(crate) fn of(reason: &str) -> Self {
        match reason.to_ascii_lowercase().as_str() {
            "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
                Finish::Length
            }
            "content_filter" | "sensitive" | "safety" | "prohibited_content" => Finish::Filter,
            "error" | "network_error" | "abort" | "insufficient_system_resource" => Finish::Failed,
            _ => Finish::Done,
        }
    }
}
