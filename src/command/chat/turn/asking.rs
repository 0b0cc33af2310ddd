//! One request of a chat on its way to its reply.

use super::ChatTurn;
use crate::command::chat::question::Question;
use crate::command::chat::{lacks, outcome, whole};
use crate::command::spent;
use crate::dialect;
use crate::dialect::reader::ReplyEnd;
use crate::error::Failure;
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply as HttpReply};
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::provider::Provider;

impl ChatTurn {
    /// Asks until an answer came or no further try makes sense.
    pub(in crate::command::chat) async fn ask(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let asked = exchange.ask(&mut Asking { chat: self, question, io }).await;
        let spent = exchange.spend(spent::of_usage(self.answers.usage()));
        self.rounds.pay(&spent.cost);
        if let Err(failure) = &asked {
            self.has_given_up = self.may_give_up && self.is_without_answer(failure);
            match self.has_given_up {
                true => self.display.waiting = None,
                false => {
                    self.break_off(failure.kind, io)?;
                    if !failure.is_silent() {
                        self.tell_sources(io);
                    }
                }
            }
        }
        asked
    }
}

/// One request of a chat on its way to its reply.
struct Asking<'a> {
    chat: &'a mut ChatTurn,
    question: &'a mut Question,
    io: &'a mut Io,
}

impl Operation for Asking<'_> {
    type Output = ();

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.chat.service = Some(dialect::addressee(provider));
        let draft = self.question.draft(provider, &mut self.chat.cuts);
        self.question.take_untold().iter().for_each(|warning| self.io.warn(warning));
        Ok(draft)
    }

    fn has_shown(&self) -> bool {
        // Answers behind others are shown when they are whole.
        !self.chat.answers.has_earlier() && self.chat.display.has_shown()
    }

    fn begin_again(&mut self) {
        self.chat.begin_again();
    }

    fn changes_request(&mut self, failure: &Failure, provider: &Provider) -> bool {
        let Some(way) = self.question.take_way_out(failure, provider) else { return false };
        self.io.warn(&way.warning(&self.question.first.model, provider));
        true
    }

    fn reword(&self, failure: Failure, provider: &Provider) -> Failure {
        let failure = lacks::named(failure, self.question, provider);
        match &self.chat.plan.tools {
            Some(tools) => tools.named_in(failure),
            None => failure,
        }
    }

    async fn read(&mut self, reply: &mut HttpReply<'_>) -> Result<(), ReadError> {
        let (chat, io) = (&mut *self.chat, &mut *self.io);
        if chat.plan.json {
            let body = reply.whole().await?;
            let gives_reason = chat.plan.gives_reason;
            let checked = chat.display.checked.as_mut();
            let reader = self.question.reader("");
            let replied = whole::read(&body, reader, gives_reason, &mut chat.answers, checked)?;
            let failed = chat.failed();
            if failed.is_err() && chat.answers.count() == 0 {
                return failed;
            }
            chat.hear(replied.as_deref(), self.question, &reply.exchange().provider);
            // The reply's bytes unchanged. A newline is added where there is none on a terminal, and
            // between replies.
            let (wanted, count) = (chat.plan.number as usize, chat.answers.count());
            let is_one_of_several = chat.answers.has_earlier() || (1..wanted).contains(&count);
            let text = String::from_utf8_lossy(&body);
            let ends_line = io.stdout_is_terminal || is_one_of_several;
            chat.display.write_plain(&text, ends_line, io)?;
            return failed;
        }
        let mut reader = self.question.reader(reply.content_type());
        let broke = chat.read(&mut reader, reply, io).await.err();
        if let Some(failure) = broke.as_ref().filter(|failure| failure.is_silent()) {
            return Err(failure.clone().into());
        }
        let (answers, shown) = (&mut chat.answers, &mut chat.display.shown);
        let end = reader.finish(&mut |event| answers.take(event, shown));
        if !matches!(end, ReplyEnd::Stream { .. }) {
            chat.display.hold();
        }
        chat.display.show(io)?;
        if let Some(fault) = reader.fault() {
            return Err(BadReply::from(fault.clone()).into());
        }
        let is_done = matches!(end, ReplyEnd::Stream { done: true });
        let owes_reason = reader.owes_reason() && chat.plan.gives_reason;
        let whole = outcome::of_end(end, broke, &chat.answers, owes_reason);
        if whole.is_err() && is_done && !chat.display.has_printed_now() {
            // Thinking is nothing that keeps the question from being asked again.
            chat.display.replace(io);
        }
        whole.and_then(|()| chat.failed())?;
        chat.hear(reader.replied(), self.question, &reply.exchange().provider);
        Ok(())
    }
}
