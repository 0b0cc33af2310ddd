//! One question on its way to its answer: tries, the stream, what is shown of it. Knows neither where
//! the question came from nor what is kept of the answer.

use super::checked::CheckedAnswer;
use super::cuts::{HeardReply, SilentCuts};
use super::display::AnswerDisplay;
use super::made::{MadeFile, MadeFiles};
use super::outcome;
use super::plan::ChatPlan;
use super::question::Question;
use super::rounds::Rounds;
use super::usage::{self, Timing};
use crate::conversation::{Addressee, Answerer, ModelReply};
use crate::dialect::ReplyMedia;
use crate::dialect::answers::{Answers, ReplyVerdict};
use crate::dialect::reader::ChatReader;
use crate::dialect::usage::TokenCounts;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Exchange, ReadError, Reply as HttpReply};
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::output::text::TextWriter;
use crate::provider::Provider;

mod asking;

/// How long after the answer's end the server may send the rest (usage, `[DONE]`).
const TRAILER_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// One question on its way to its answer.
pub(super) struct ChatTurn {
    pub(super) plan: ChatPlan,
    pub(super) answers: Answers,
    pub(super) display: AnswerDisplay,
    pub(super) rounds: Rounds,
    pub(super) cuts: SilentCuts,
    /// Where pictures and sounds go, and those that came so far.
    pub(super) files: MadeFiles,
    pub(super) media: Vec<ReplyMedia>,
    pub(super) made: Vec<MadeFile>,
    /// The service that replies, once one was asked.
    service: Option<Addressee>,
    /// The service that is asked in the place of the first one, once that gave no answer.
    instead: Option<Answerer>,
    /// Another service can be asked if this one gives no answer.
    pub(super) may_give_up: bool,
    has_given_up: bool,
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
            instead: None,
            may_give_up: false,
            has_given_up: false,
            plan,
        }
    }

    /// The same question for another service, as the one before gave no answer.
    pub(super) fn ask_instead(&mut self, plan: ChatPlan, service: Answerer) {
        self.plan = plan;
        self.begin_again();
        (self.instead, self.has_given_up) = (Some(service), false);
    }

    /// The model that is asked there in the end.
    pub(super) fn name_model(&mut self, model: &str) {
        if let Some(service) = &mut self.instead {
            model.clone_into(&mut service.model);
        }
    }

    /// Whether the service gave no answer, and another one can be asked: nothing was shown.
    pub(super) fn has_given_up(&self) -> bool {
        self.has_given_up
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
        if self.has_given_up {
            return result;
        }
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

    pub(super) fn take_replies(&mut self) -> Vec<ModelReply> {
        let replies = self.service.as_ref().map(|by| self.answers.take_replies(by));
        let mut replies = replies.unwrap_or_default();
        replies.iter_mut().for_each(|reply| reply.by.clone_from(&self.instead));
        replies
    }

    /// Whether a failure is the service's alone, before the user has seen anything.
    fn is_without_answer(&mut self, failure: &Failure) -> bool {
        self.media.append(&mut self.answers.take_media());
        let has_shown = self.display.has_shown() || self.display.has_printed();
        matches!(failure.kind, FailureKind::Quota | FailureKind::Network)
            && !has_shown
            && !self.answers.has_earlier()
            && self.media.is_empty()
    }

    /// Gives out what came of an answer that broke off.
    pub(super) fn break_off(&mut self, kind: FailureKind, io: &mut Io) -> Result<(), Failure> {
        if !self.plan.json {
            self.answers.break_off(&mut self.display.shown);
        }
        self.give_all(kind, io)
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
        self.tell_sources(io);
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

/// Text is written when so much of it has come, even if more could be had at once: 64 KiB is what
/// a pipe takes.
const WRITE_SIZE: usize = 64 * 1024;

/// How much is read at once, even if more could be had.
const READ_SIZE: usize = 256 * 1024;
