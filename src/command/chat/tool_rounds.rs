//! Replies that call tools, each followed by a request with the results, until one is the answer.

use super::question::Question;
use super::turn::ChatTurn;
use crate::conversation::{Message, ModelReply};
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::io::Io;

impl ChatTurn {
    /// Asks, and carries out the calls of the replies until one has none.
    pub(super) async fn ask_with_tools(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        loop {
            if let Some(tools) = &self.plan.tools
                && tools.renew(exchange, io).await?
            {
                question.offer(tools.definitions());
            }
            self.ask(question, exchange, io).await?;
            let Some(reply) = self.carry_out(question, exchange, io).await? else { return Ok(()) };
            question.go_on(Message::Model { reply, provider: exchange.provider.name.clone() });
        }
    }

    /// Carries out the calls of the reply that just ended; gives it with their results. `None` if
    /// there is nothing to do: the reply is the answer.
    async fn carry_out(
        &mut self,
        question: &Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<Option<ModelReply>, Failure> {
        let Some(tools) = self.plan.tools.clone().filter(|_| !self.plan.json) else {
            return Ok(None);
        };
        let calls = self.answers.calls();
        if calls.is_empty() {
            return Ok(None);
        }
        if let more @ 1.. = self.answers.excess_calls() {
            let (name, all) = (&exchange.provider.name, calls.len() + more);
            let only = format!("only the first {} are carried out", calls.len());
            io.warn(&format!("the model of {name} asks for {all} tool calls at once; {only}"));
        }
        self.answers.finish(&mut self.display.shown);
        self.display.settle(io)?;
        let (done, passes) = (self.rounds.replies.len(), question.passes(&exchange.provider));
        let calls = tools.carry_out(calls, done, passes, exchange, io).await?;
        self.media.append(&mut self.answers.take_media());
        let reply = self.take_replies().into_iter().next().unwrap_or_default();
        let reply = ModelReply { calls, ..reply };
        self.rounds.spent = self.rounds.usage(self.answers.usage());
        self.rounds.replies.push(reply.clone());
        self.answers = self.plan.answers();
        Ok(Some(reply))
    }
}
