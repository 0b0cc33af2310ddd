//! One question with its answer, as it is kept: a line of JSON. Reads and writes no files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::TurnFile;
use super::reply::{Answerer, Citation, ModelReply};
use super::sent::SentRequest;

/// How an answer came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnswerEnd {
    #[default]
    Done,
    /// Cut by a limit of tokens.
    Cut,
    /// The user, or a reader that went away, ended it.
    Interrupted,
    /// Anything else; `why` says what.
    Failed,
}

impl AnswerEnd {
    /// What a reader is told of an answer that is not whole.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            AnswerEnd::Done => None,
            AnswerEnd::Cut => Some("cut by a token limit"),
            AnswerEnd::Interrupted => Some("interrupted"),
            AnswerEnd::Failed => Some("failed"),
        }
    }
}

/// Which service and model were asked first, in the words that choose them again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct TurnService {
    pub(crate) provider: String,
    pub(crate) model: String,
    /// `--base-url` and `--api-key-env`, where a one-off server was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_env: Option<String>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// Its own id, so that it can be taken back.
    pub(crate) turn: String,
    /// When the answer ended (RFC 3339, UTC).
    pub(crate) time: String,
    /// The conversation's name, if the user gave it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(flatten)]
    pub(crate) service: TurnService,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    /// The user's words.
    pub(crate) user: String,
    /// The files that went along; `user` ends with their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<TurnFile>,
    /// The replies between both: each with calls of tools and their results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rounds: Vec<ModelReply>,
    pub(crate) answer: ModelReply,
    /// The pictures and sounds that came with the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) made: Vec<TurnFile>,
    /// Further answers, where several were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<String>,
    /// What the further answers cite, if any of them does: a list for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_sources: Vec<Vec<Citation>>,
    #[serde(default)]
    pub(crate) end: AnswerEnd,
    /// The message of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Token counts as the service gave them, those of all replies added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Value>,
    /// What that cost, each amount under the name of its currency, where that was known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cost: BTreeMap<String, f64>,
    /// The first request, where its tokens were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<SentRequest>,
}

impl Turn {
    /// Whether there is an answer to go on from: a reply of nothing but thinking is none.
    pub(crate) fn is_answered(&self) -> bool {
        !self.answer.text.is_empty() || !self.made.is_empty()
    }

    /// The service and the model that gave a reply of this turn.
    pub(crate) fn answerer(&self, reply: &ModelReply) -> Answerer {
        let asked = || Answerer {
            provider: self.service.provider.clone(),
            model: self.service.model.clone(),
        };
        reply.by.clone().unwrap_or_else(asked)
    }

    /// Whether files went along with the question, or came with an answer or with the result of a call.
    pub(crate) fn has_files(&self) -> bool {
        let of_calls = self.rounds.iter().flat_map(|reply| &reply.calls);
        let have = of_calls.map(|call| &call.files).any(|files| !files.is_empty());
        have || !self.files.is_empty() || !self.made.is_empty()
    }

    /// The answer as it is told to a service. One without words is told by the names of what came, as
    /// services refuse a message without any text.
    pub(crate) fn told_answer(&self) -> ModelReply {
        let mut answer = self.answer.clone();
        if answer.text.is_empty() && !self.made.is_empty() {
            let names: Vec<&str> = self.made.iter().map(|file| file.name.as_str()).collect();
            answer.text = format!("[attached: {}]", names.join(", "));
        }
        answer
    }

    /// The system message that a conversation of these turns has now: that of its last one.
    pub(crate) fn system_of(turns: &[Turn]) -> Option<&str> {
        turns.last().and_then(|turn| turn.system.as_deref())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn turn(id: &str, user: &str, answer: &str) -> Turn {
        Turn {
            turn: id.to_owned(),
            time: "2026-11-22T12:00:00Z".to_owned(),
            session: None,
            service: TurnService {
                provider: "demo".into(),
                model: "demo".into(),
                ..TurnService::default()
            },
            system: None,
            user: user.into(),
            files: Vec::new(),
            rounds: Vec::new(),
            answer: ModelReply { text: answer.to_owned(), ..ModelReply::default() },
            made: Vec::new(),
            others: Vec::new(),
            other_sources: Vec::new(),
            end: AnswerEnd::Done,
            why: None,
            usage: None,
            cost: BTreeMap::new(),
            sent: None,
        }
    }
}
