//! The class of an ending, out of a service's own word for it. Which field the word stands in is its
//! dialect's business.

use super::event::Finish;

/// Words that mean an answer came to its own end. Beyond the specification's `stop`, `tool_calls` and
/// `function_call`: those of Anthropic, Cohere, Together, text-generation-inference and Ollama.
const DONE: [&str; 27] = [
    "stop",
    "stopped",
    "stop_sequence",
    "stop_token",
    "stop_string",
    "stop_word",
    "end",
    "ended",
    "end_turn",
    "end_of_turn",
    "end_of_text",
    "end_of_sequence",
    "eos",
    "eos_token",
    "eot",
    "done",
    "complete",
    "completed",
    "finish",
    "finished",
    "normal",
    "success",
    "tool_call",
    "tool_calls",
    "tool_use",
    "function_call",
    "pause_turn",
];

/// What the words for other endings have in them. The first that fits decides: `ERROR_TOXIC` (Cohere)
/// is a filter's, `ERROR_LIMIT` a limit's. Services pass on the words of those behind them, with their
/// own in front: `content_filter: SAFETY`.
const PARTS: [(Finish, &[&str]); 3] = [
    (
        Finish::Filter,
        &[
            "filter",
            "safety",
            "sensitive",
            "prohibited",
            "blocklist",
            "blocked",
            "recitation",
            "spii",
            "toxic",
            "moderation",
            "guardrail",
            "model_armor",
            "policy",
            "refus",
            "language",
        ],
    ),
    (
        Finish::Length,
        &[
            "length",
            "max_token",
            "max_output",
            "max_completion",
            "max_new_token",
            "token_limit",
            "context_window",
            "error_limit",
        ],
    ),
    (
        Finish::Failed,
        &[
            "error",
            "abort",
            "cancel",
            "timeout",
            "time_out",
            "timed_out",
            "deadline",
            "malformed",
            "interrupt",
            "incomplete",
            "fail",
            "insufficient_system",
            "overload",
            "unavailable",
            "disconnect",
            "unexpected",
            "missing_thought",
            "too_many_tool",
            "rate_limit",
            "quota",
            "killed",
            "crash",
        ],
    ),
];

/// Gemini's word for a failure that it does not explain.
const OTHER: [&str; 2] = ["other", "image_other"];

impl Finish {
    /// The class of a service's word; [`Finish::Unknown`] where nobody knows it.
    pub(super) fn of(word: &str) -> Self {
        let plain: String = word
            .trim()
            .chars()
            .map(
                |letter| {
                    if matches!(letter, '-' | ' ') { '_' } else { letter.to_ascii_lowercase() }
                },
            )
            .collect();
        let plain = plain.strip_prefix("finish_reason_").unwrap_or(&plain);
        if DONE.contains(&plain) {
            return Finish::Done;
        }
        if OTHER.contains(&plain) {
            return Finish::Failed;
        }
        let fits = |(_, parts): &&(Finish, &[&str])| parts.iter().any(|part| plain.contains(part));
        PARTS.iter().find(fits).map_or(Finish::Unknown, |(finish, _)| *finish)
    }

    /// Whether the answer is known not to have come to its own end.
    pub(super) fn is_bad(self) -> bool {
        !matches!(self, Finish::Done | Finish::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_services_have_their_class() {
        let classes = [
            (Finish::Done, "stop STOP tool_calls function_call tool-calls eos end_turn COMPLETE"),
            (Finish::Done, "FINISH_REASON_STOP stop_sequence tool_use completed"),
            (Finish::Length, "length MAX_TOKENS max_output_tokens model_length ERROR_LIMIT"),
            (Finish::Length, "model_context_window_exceeded"),
            (Finish::Filter, "content_filter content_filtered sensitive SAFETY RECITATION SPII"),
            (Finish::Filter, "BLOCKLIST IMAGE_SAFETY PROHIBITED_CONTENT ERROR_TOXIC refusal"),
            (Finish::Failed, "error network_error abort aborted cancelled canceled timeout OTHER"),
            (Finish::Failed, "upstream_error server_error MALFORMED_FUNCTION_CALL USER_CANCEL"),
            (Finish::Failed, "UNEXPECTED_TOOL_CALL insufficient_system_resource"),
            (Finish::Unknown, "repetition another x 停 load_balanced"),
        ];
        for (class, words) in classes {
            for word in words.split(' ') {
                assert_eq!(Finish::of(word), class, "{word}");
            }
        }
        assert_eq!(Finish::of("content_filter: SAFETY"), Finish::Filter);
        assert_eq!(Finish::of("error: the upstream closed"), Finish::Failed);
    }
}
