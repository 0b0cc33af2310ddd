//! What was said, in our own terms: no wire format. The history keeps turns of it; a dialect makes
//! requests of it and gets replies into it. Pure data.

mod file;
mod reply;
mod sent;
mod turn;

pub(crate) use file::{ResultFile, TurnFile};
pub(crate) use reply::{Answerer, CallFlaw, Citation, ModelReply, SealedThinking, ToolCall};
pub(crate) use sent::{PromptTokens, SentRequest};
#[cfg(test)]
pub(crate) use turn::tests::turn;
pub(crate) use turn::{AnswerEnd, Turn, TurnService};

use std::borrow::Cow;

use crate::input::Attachment;

/// A conversation as the next request tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Conversation {
    /// What the model is told before anything else: the system message.
    pub(crate) instructions: Option<String>,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
    /// How many messages there are up to the question at hand; the others came since it was asked.
    asked: usize,
}

/// What one side said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// The user's words, and what goes along with them.
    User { text: String, attachments: Vec<Attachment> },
    /// A model's reply, with the results of its calls. `provider` is the profile that it came from.
    Model { reply: ModelReply, provider: String },
}

/// The service that a conversation is told to, and that replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addressee {
    /// The profile's name.
    pub(crate) provider: String,
    /// Without what may be secret in it.
    pub(crate) base_url: String,
}

impl Addressee {
    /// Whether a reply came from another service: then the ids of its calls may have a form that this
    /// one refuses.
    pub(crate) fn is_other(&self, provider: &str) -> bool {
        self.provider != provider
    }

    /// A reply that came from `provider` as this service may be told it: without what another one, or
    /// this one at another place, wrote into it for itself.
    pub(crate) fn told<'a>(&self, reply: &'a ModelReply, provider: &str) -> Cow<'a, ModelReply> {
        let is_other = self.is_other(provider);
        let has_extra = is_other && reply.calls.iter().any(|call| !call.extra.is_empty());
        let is_sealed = reply.sealed.as_ref().is_some_and(|sealed| !self.has_sealed(sealed));
        if !has_extra && !is_sealed {
            return Cow::Borrowed(reply);
        }
        let mut told = reply.clone();
        if has_extra {
            told.calls.iter_mut().for_each(|call| call.extra.clear());
        }
        told.sealed = told.sealed.filter(|_| !is_sealed);
        Cow::Owned(told)
    }

    fn has_sealed(&self, sealed: &SealedThinking) -> bool {
        !self.is_other(&sealed.provider) && self.base_url == sealed.base_url
    }
}

impl Message {
    /// Words of the user's and nothing else.
    pub(crate) fn of_user(text: impl Into<String>) -> Self {
        Self::User { text: text.into(), attachments: Vec::new() }
    }
}

impl Conversation {
    /// The conversation of earlier turns, oldest first, with `instructions`, else those of the last
    /// turn. `question` gives the text of a turn's question and what goes along with it.
    ///
    /// A turn without an answer is left out: its question would stand before the next one.
    pub(crate) fn of_turns(
        turns: &[Turn],
        instructions: Option<&str>,
        mut question: impl FnMut(&Turn) -> (String, Vec<Attachment>),
    ) -> Self {
        let mut messages = Vec::new();
        for turn in turns.iter().filter(|turn| turn.is_answered()) {
            let (text, attachments) = question(turn);
            messages.push(Message::User { text, attachments });
            for reply in turn.rounds.iter().cloned().chain([turn.told_answer()]) {
                let provider = turn.answerer(&reply).provider;
                messages.push(Message::Model { reply, provider });
            }
        }
        let instructions = instructions.or_else(|| Turn::system_of(turns)).map(str::to_owned);
        Self { instructions, asked: messages.len(), messages }
    }

    /// Puts the question at hand to the end.
    pub(crate) fn ask(&mut self, text: String, attachments: Vec<Attachment>) {
        self.messages.push(Message::User { text, attachments });
        self.asked = self.messages.len();
    }

    /// Changes the question at hand, once it is known better.
    pub(crate) fn ask_instead(&mut self, text: String, attachments: Vec<Attachment>) {
        if let Some(question) = self.messages[..self.asked].last_mut() {
            *question = Message::User { text, attachments };
        }
    }

    /// Takes the text of the question at hand.
    pub(crate) fn take_question(&mut self) -> Option<String> {
        match self.messages[..self.asked].last_mut() {
            Some(Message::User { text, .. }) => Some(std::mem::take(text)),
            _ => None,
        }
    }

    /// What was said since the question at hand was asked: replies with calls, and what the user was
    /// made to say to them.
    pub(crate) fn since(&self) -> &[Message] {
        &self.messages[self.asked..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_without_an_answer_are_left_out() {
        let mut turns = vec![turn("1", "一", "甲"), turn("2", "二", ""), turn("3", "三", "丙")];
        turns[2].system = Some("简短".to_owned());
        let bare = |turn: &Turn| (turn.user.clone(), Vec::new());
        let conversation = Conversation::of_turns(&turns, None, bare);
        assert_eq!(conversation.instructions.as_deref(), Some("简短"));
        let texts: Vec<&str> = conversation
            .messages
            .iter()
            .map(|message| match message {
                Message::User { text, .. } => text.as_str(),
                Message::Model { reply, .. } => reply.text.as_str(),
            })
            .collect();
        assert_eq!(texts, ["一", "甲", "三", "丙"]);
        let other = Conversation::of_turns(&turns, Some("新"), bare);
        assert_eq!(other.instructions.as_deref(), Some("新"));
    }

    #[test]
    fn what_a_service_wrote_for_itself_is_told_to_it_alone() {
        let place = |provider: &str, base_url: &str| Addressee {
            provider: provider.to_owned(),
            base_url: base_url.to_owned(),
        };
        let (provider, base_url) = ("azure".to_owned(), "https://a.example/v1".to_owned());
        let sealed = SealedThinking { provider, base_url, items: Vec::new() };
        let extra = [("signature".to_owned(), 1.into())].into_iter().collect();
        let call = ToolCall { extra, ..ToolCall::default() };
        let reply = ModelReply { calls: vec![call], sealed: Some(sealed), ..ModelReply::default() };
        for (provider, base_url, is_sealed, has_extra) in [
            ("azure", "https://a.example/v1", true, true),
            ("azure", "https://b.example/v1", false, true),
            ("openai", "https://a.example/v1", false, false),
        ] {
            let told = place(provider, base_url).told(&reply, "azure").into_owned();
            assert_eq!(
                (told.sealed.is_some(), !told.calls[0].extra.is_empty()),
                (is_sealed, has_extra)
            );
        }
    }

    #[test]
    fn the_question_can_change_until_it_is_answered() {
        let mut conversation = Conversation::of_turns(&[], None, |_| Default::default());
        conversation.ask_instead("无".to_owned(), Vec::new());
        conversation.ask("一".to_owned(), Vec::new());
        assert_eq!(conversation.since(), []);
        conversation.messages.push(Message::of_user("再"));
        conversation.ask_instead("二".to_owned(), Vec::new());
        assert_eq!(conversation.messages[0], Message::of_user("二"));
        assert_eq!(conversation.since(), [Message::of_user("再")]);
    }
}
