//! What was said, in our own terms: no wire format. The history keeps turns of it; a dialect makes
//! requests of it and gets replies into it. Pure data.

mod reply;
mod turn;

pub(crate) use reply::{Reply, Sealed, Source, ToolCall};
#[cfg(test)]
pub(crate) use turn::tests::turn;
pub(crate) use turn::{End, File, Service, Turn};

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
    /// A model's reply, with the results of its calls. `is_foreign`: another service made it, so the
    /// ids of its calls may have a form that this one refuses.
    Model { reply: Reply, is_foreign: bool },
}

/// The service that a conversation is told to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addressee<'a> {
    /// The profile's name.
    pub(crate) provider: &'a str,
    pub(crate) base_url: &'a str,
}

impl Message {
    /// Words of the user's and nothing else.
    pub(crate) fn of_user(text: impl Into<String>) -> Self {
        Self::User { text: text.into(), attachments: Vec::new() }
    }
}

impl Conversation {
    /// The conversation of earlier turns, oldest first, with `instructions`, else those of the last
    /// turn. `question` gives the text of a turn's question and what goes along with it. What another
    /// service than `to` sealed or wrote into its calls for itself is not in it.
    ///
    /// A turn without an answer is left out: its question would stand before the next one.
    pub(crate) fn of_turns(
        turns: &[Turn],
        instructions: Option<&str>,
        to: Option<Addressee<'_>>,
        mut question: impl FnMut(&Turn) -> (String, Vec<Attachment>),
    ) -> Self {
        let mut messages = Vec::new();
        for turn in turns.iter().filter(|turn| !turn.answer.text.is_empty()) {
            let (text, attachments) = question(turn);
            messages.push(Message::User { text, attachments });
            for reply in turn.rounds.iter().chain([&turn.answer]) {
                messages.push(told(reply.clone(), &turn.service, to));
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

    /// What was said since the question at hand was asked: replies with calls, and what the user was
    /// made to say to them.
    pub(crate) fn since(&self) -> &[Message] {
        &self.messages[self.asked..]
    }
}

/// A reply as it is told to a service, or to nobody in particular.
fn told(mut reply: Reply, by: &Service, to: Option<Addressee<'_>>) -> Message {
    let is_foreign = to.is_some_and(|to| to.provider != by.provider);
    if is_foreign {
        reply.calls.iter_mut().for_each(|call| call.extra.clear());
    }
    let is_theirs = |sealed: &Sealed| to.is_some_and(|to| sealed.is_of(to.provider, to.base_url));
    reply.sealed = reply.sealed.filter(is_theirs);
    Message::Model { reply, is_foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_without_an_answer_are_left_out() {
        let mut turns = vec![turn("1", "一", "甲"), turn("2", "二", ""), turn("3", "三", "丙")];
        turns[2].system = Some("简短".to_owned());
        let bare = |turn: &Turn| (turn.user.clone(), Vec::new());
        let conversation = Conversation::of_turns(&turns, None, None, bare);
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
        let other = Conversation::of_turns(&turns, Some("新"), None, bare);
        assert_eq!(other.instructions.as_deref(), Some("新"));
    }

    #[test]
    fn the_question_can_change_until_it_is_answered() {
        let mut conversation = Conversation::of_turns(&[], None, None, |_| Default::default());
        conversation.ask_instead("无".to_owned(), Vec::new());
        conversation.ask("一".to_owned(), Vec::new());
        assert_eq!(conversation.since(), []);
        conversation.messages.push(Message::of_user("再"));
        conversation.ask_instead("二".to_owned(), Vec::new());
        assert_eq!(conversation.messages[0], Message::of_user("二"));
        assert_eq!(conversation.since(), [Message::of_user("再")]);
    }
}
