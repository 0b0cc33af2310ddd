//! One question on its way to its answer: tries, the stream, what is shown of it. Knows neither where
//! the question came from nor what is kept of the answer.

use super::checked::CheckedAnswer;
use super::cuts::{HeardReply, SilentCuts};
use super::display::AnswerDisplay;
use super::made::{MadeFile, MadeFiles};
use super::plan::ChatPlan;
use super::question::Question;
use super::rounds::Rounds;
use super::said::ChatResult;
use super::usage::{self, Timing};
use super::{lacks, outcome, whole};
use crate::command::spent;
use crate::conversation::{Addressee, ModelReply};
use crate::dialect::answers::{Answers, ReplyVerdict};
use crate::dialect::reader::{ChatReader, ReplyEnd};
use crate::dialect::usage::TokenCounts;
use crate::dialect::{self, ReplyMedia};
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply as HttpReply};
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::output::text::TextWriter;
use crate::provider::Provider;

/// How long after the answer's end the server may send the rest (usage, `[DONE]`).
const TRAILER_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// One question on its way to its answer.
pub(super) struct ChatTurn {
    pub(super) plan: ChatPlan,
    pub(super) answers: Answers,
    pub(super) display: AnswerDisplay,
    pub(super) rounds: Rounds,
    cuts: SilentCuts,
    /// Where pictures and sounds go, and those that came so far.
    pub(super) files: MadeFiles,
    pub(super) media: Vec<ReplyMedia>,
    pub(super) made: Vec<MadeFile>,
    /// The service that replies, once one was asked.
    service: Option<Addressee>,
}

impl ChatTurn {
    /// A question that is not asked yet; its answer goes to `writer`, pictures and sounds to `files`.
    pub(super) fn new(
        plan: ChatPlan,
        cuts: SilentCuts,
        writer: TextWriter,
        files: MadeFiles,
    ) -> Self {
        Self {
            answers: plan.answers(),
            display: AnswerDisplay::new(&plan, writer),
            rounds: Rounds::default(),
            cuts,
            files,
            media: Vec::new(),
            made: Vec::new(),
            service: None,
            plan,
        }
    }

    /// Asks, and shows the answer to its end.
    ///
    /// # Errors
    /// As the table of exit codes has them; what arrived is shown.
    pub(super) async fn run(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let result = self.ask_to_end(question, exchange, io).await;
        self.give_made(result, question, exchange, io).await
    }

    async fn ask_to_end(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.ask_with_tools(question, exchange, io).await?;
        self.ask_for_rest(question, exchange, io).await?;
        self.complete(io)?;
        if let Some((answer, why)) = self.misfit() {
            self.ask_anew(question, &answer, &why, exchange, io).await?;
        }
        self.end(&exchange.provider, io)
    }

    /// Gives the last of an answer to its schema.
    fn complete(&mut self, io: &mut Io) -> Result<(), Failure> {
        if self.display.checked.is_none() || self.plan.json {
            return Ok(());
        }
        self.answers.finish(&mut self.display.shown);
        self.display.show(io)
    }

    /// The failure of the service in the middle of its answer, if there was one.
    fn failed(&self) -> Result<(), ReadError> {
        let word = self.answers.failure().map(str::to_owned);
        word.map_or(Ok(()), |word| Err(BadReply::Failed(word).into()))
    }

    /// As if nothing had come of the current reply.
    pub(super) fn begin_again(&mut self) {
        if self.answers.has_earlier() {
            return self.answers.forget_reply();
        }
        self.answers = self.plan.answers();
        self.display.begin_again();
        if self.rounds.replies.is_empty() {
            self.display.timing = Timing::new();
        }
    }

    /// What came of it so far, for the caller that keeps it.
    pub(super) fn said(&mut self) -> ChatResult {
        let is_cut =
            self.answers.verdict() == ReplyVerdict::Length || !self.answers.is_kept_whole();
        let usage = self.rounds.usage(self.answers.usage());
        let cost = std::mem::take(&mut self.rounds.cost);
        let rounds = std::mem::take(&mut self.rounds.replies);
        let sent = self.cuts.first();
        let made = std::mem::take(&mut self.made);
        ChatResult { rounds, answers: self.take_replies(), made, is_cut, usage, cost, sent }
    }

    pub(super) fn take_replies(&mut self) -> Vec<ModelReply> {
        self.service.as_ref().map(|by| self.answers.take_replies(by)).unwrap_or_default()
    }

    /// Asks until an answer came or no further try makes sense.
    pub(super) async fn ask(
        &mut self,
        question: &mut Question,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let asked = exchange.ask(&mut Asking { chat: self, question, io }).await;
        let spent = exchange.spend(spent::of_usage(self.answers.usage()));
        self.rounds.pay(&spent.cost);
        if let Err(failure) = &asked {
            if !self.plan.json {
                self.answers.break_off(&mut self.display.shown);
            }
            self.give_all(failure.kind, io)?;
        }
        asked
    }

    /// Reads the reply to its end, showing its text at each read from the network.
    async fn read(
        &mut self,
        reader: &mut ChatReader,
        reply: &mut HttpReply<'_>,
        io: &mut Io,
    ) -> Result<(), Failure> {
        loop {
            let mut next = reply.chunk().await;
            let (mut is_over, mut taken) = (false, 0);
            // All that the network has given goes out in one write.
            loop {
                match next {
                    Ok(Some(bytes)) => {
                        taken += bytes.len();
                        let (answers, shown) = (&mut self.answers, &mut self.display.shown);
                        reader.push(&bytes, &mut |event| answers.take(event, shown));
                    }
                    Ok(None) => is_over = true,
                    Err(failure) => {
                        self.display.show(io)?;
                        return Err(failure);
                    }
                }
                is_over |= reader.is_done() || self.is_overfull();
                // A flood without text must not keep a signal or the limit of time from being seen.
                if is_over || self.display.shown.text.len() > WRITE_SIZE || taken > READ_SIZE {
                    break;
                }
                match reply.ready_chunk().await {
                    Some(more) => next = more,
                    None => break,
                }
            }
            self.display.show(io)?;
            if is_over {
                return Ok(());
            }
            if reader.fault().is_some() || self.answers.is_finished() {
                reply.shorten_silence(TRAILER_GRACE);
            }
        }
    }

    /// Looks for what the service cut in silence, now that a reply came whole.
    fn hear(&mut self, replied: Option<&str>, question: &Question, provider: &Provider) {
        let (answers, conversation) = (&self.answers, question.conversation());
        let schema = question.schema().map(|schema| &schema.sent);
        self.cuts.hear(&HeardReply { answers, replied, conversation, schema, provider });
    }

    /// Whether more is kept for the end than any answer has.
    fn is_overfull(&self) -> bool {
        self.answers.is_overfull() || self.display.is_overfull()
    }

    /// Gives out everything that was held back, and ends the line. After a failure too: what
    /// arrived is printed. Not when nobody reads any more.
    fn give_all(&mut self, kind: FailureKind, io: &mut Io) -> Result<(), Failure> {
        // With `--json` the reply is all there is, to the byte.
        if self.plan.json {
            self.display.close_thinking(io);
            return Ok(());
        }
        self.answers.finish(&mut self.display.shown);
        self.display.end(kind, io)
    }

    /// The reply came to its end: the last text, usage, and what became of it.
    fn end(&mut self, provider: &Provider, io: &mut Io) -> Result<(), Failure> {
        self.complete(io)?;
        let checked = self.display.checked.as_ref().map_or(Ok(()), CheckedAnswer::verdict);
        self.give_all(FailureKind::Other, io)?;
        self.cuts.found.tell(provider, io);
        if self.plan.shows_usage {
            // Of several replies the tokens are counted, but the time is not that of writing alone.
            let timing = Timing {
                is_one: self.rounds.replies.is_empty() && self.rounds.spent.is_none(),
                ..self.display.timing
            };
            let counted = self.rounds.usage(self.answers.usage());
            let counts = counted.as_ref().map(TokenCounts::of).unwrap_or_default();
            let ends = self.answers.ends();
            io.say(&usage::words(counts, timing, &ends, &self.rounds.cost));
        }
        let verdict = self.answers.verdict();
        if matches!(verdict, ReplyVerdict::Done | ReplyVerdict::Length) {
            let is_cut = verdict == ReplyVerdict::Length;
            checked.map_err(|why| outcome::of_misfit(&why, is_cut, provider))?;
        }
        outcome::warn(&self.answers, provider, io);
        let result = outcome::of_verdict(verdict, &self.plan, provider, io);
        let (count, number) = (self.answers.count() as u32, self.plan.number);
        if result.is_ok() && count < number && !self.plan.json {
            io.warn(&format!("{} gave {count} of {number} answers", provider.name));
        }
        match &result {
            Err(failure) if failure.kind != FailureKind::Cut => result,
            _ => self.display.commit().and(result),
        }
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

/// Text is written when so much of it has come, even if more could be had at once: 64 KiB is what
/// a pipe takes.
const WRITE_SIZE: usize = 64 * 1024;

/// How much is read at once, even if more could be had.
const READ_SIZE: usize = 256 * 1024;
