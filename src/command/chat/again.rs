//! A question that is asked again: for the rest of several answers, and after an answer that does not fit its
//! schema.

use super::question::Question;
use super::turn::ChatTurn;
use crate::conversation::{Message, ModelReply};
use crate::dialect::answers::ReplyVerdict;
use crate::dialect::schema::correction;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::io::Io;

impl ChatTurn {
    /// Asks a service that gives fewer answers than the user wants for the rest of them, one answer a
    /// request.
    pub(super) async fn ask_for_rest(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let is_good = |verdict| matches!(verdict, ReplyVerdict::Done | ReplyVerdict::Length);
        while self.answers.count() < self.plan.number as usize
            && self.display.checked.is_none()
            && is_good(self.answers.verdict())
        {
            let count = self.answers.count();
            self.rounds.spent = self.rounds.usage(self.answers.usage());
            self.answers.expect_more();
            question.ask_one_more();
            self.ask(question, exchange, io).await?;
            self.answers.finish(&mut self.display.shown);
            self.display.show(io)?;
            if self.answers.count() == count {
                break;
            }
        }
        Ok(())
    }

    /// Asks once more, after an answer that does not fit its schema.
    pub(super) async fn ask_anew(
        &mut self,
        question: &mut Question,
        answer: &str,
        why: &str,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        // The answer that there is stays, whatever becomes of the next one.
        self.may_give_up = false;
        self.display.replace(io);
        let name = &exchange.provider.name;
        let what = format!("the answer from {name} does not fit the schema: {why}");
        io.warn(&format!("{what}; asking once more"));
        // Services refuse a message without any text.
        if !answer.trim().is_empty() {
            let reply = ModelReply { text: answer.to_owned(), ..ModelReply::default() };
            question.go_on(Message::Model { reply, provider: name.clone() });
        }
        question.go_on(Message::of_user(correction(why)));
        self.rounds.spent = self.rounds.usage(self.answers.usage());
        self.begin_again();
        let asked = self.ask_with_tools(question, exchange, io).await;
        if let Err(failure) = &asked
            && !self.display.has_printed_now()
            && failure.kind != FailureKind::ReaderGone
        {
            // The first answer is better than none.
            self.display.write_plain(answer, true, io)?;
        }
        asked
    }

    /// An answer that does not fit its schema and can be asked for again, as nothing of it was
    /// shown; with what is wrong.
    pub(super) fn misfit(&self) -> Option<(String, String)> {
        let checked = self.display.checked.as_ref()?;
        let why = checked.verdict().err()?;
        let is_whole = self.answers.verdict() == ReplyVerdict::Done;
        (is_whole && !self.display.has_printed()).then(|| (checked.text().to_owned(), why))
    }
}
