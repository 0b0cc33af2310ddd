//! One question on its way to its answer: tries, the stream, what is shown of it. Knows neither where
//! the question came from nor what is kept of the answer.

use std::time::Instant;

use super::checked::Checked;
use super::outcome::{self, Said};
use super::tools::{self, Rounds};
use super::usage::{self, Timing};
use super::{Plan, whole};
use crate::api::chat::answers::{Answers, Shown, Verdict};
use crate::api::chat::reader::Reader;
use crate::api::chat::schema::ask_again;
use crate::api::chat::usage::Counts;
use crate::error::{Failure, Kind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply};
use crate::history::Answer;
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::io::Io;
use crate::output::extract::CodeBlockExtractor;
use crate::output::text::TextWriter;
use crate::output::thinking::ThinkingWriter;
use crate::provider::field_repair::FieldRepair;
use crate::provider::{Job, Provider};

/// After the answer's end the server has so long to say what else it has to say (usage, `[DONE]`).
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// One question on its way to its answer.
pub(super) struct Chat {
    pub(super) plan: Plan,
    pub(super) answers: Answers,
    shown: Shown,
    pub(super) writer: TextWriter,
    thinking: ThinkingWriter,
    extractor: Option<CodeBlockExtractor>,
    /// The answer on its way through its schema, where it must fit one.
    pub(super) checked: Option<Checked>,
    timing: Timing,
    pub(super) rounds: Rounds,
}

impl Chat {
    /// A question that is not asked yet; its answer goes to `writer`.
    pub(super) fn new(plan: Plan, writer: TextWriter) -> Self {
        Self {
            answers: plan.answers(),
            shown: Shown::default(),
            writer,
            thinking: ThinkingWriter::new(plan.shows_thinking),
            extractor: plan.extract.map(CodeBlockExtractor::new),
            checked: plan.schema.clone().map(Checked::new),
            timing: Timing::new(),
            rounds: Rounds::default(),
            plan,
        }
    }

    /// Asks, and shows the answer to its end.
    ///
    /// # Errors
    /// As the table of exit codes has them; what arrived is shown.
    pub(super) async fn run(
        &mut self,
        mut request: Request,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.ask_with_tools(&mut request, exchange, io).await?;
        self.complete(io)?;
        if let Some((answer, why)) = self.misfit() {
            self.ask_anew(&mut request, &answer, &why, exchange, io).await?;
        }
        self.end(&exchange.provider, io)
    }

    /// Asks, and carries out the calls of the replies until one has none.
    async fn ask_with_tools(
        &mut self,
        request: &mut Request,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.ask(request, exchange, io).await?;
        while tools::carry_out(self, request, exchange, io).await? {
            self.ask(request, exchange, io).await?;
        }
        Ok(())
    }

    /// Asks once more, after an answer that does not fit its schema.
    async fn ask_anew(
        &mut self,
        request: &mut Request,
        answer: &str,
        why: &str,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.thinking.close(io);
        // What is shown of the next answer tells whether that one may be tried again.
        self.thinking = ThinkingWriter::new(self.plan.shows_thinking);
        let name = &exchange.provider.name;
        let what = format!("the answer of {name} does not fit the schema: {why}");
        io.warn(&format!("{what}; asking once more"));
        if let Some(body) = request.body.fields_mut() {
            ask_again(body, answer, why);
        }
        self.rounds.spent = self.rounds.usage(self.answers.usage());
        self.begin_again();
        let asked = self.ask_with_tools(request, exchange, io).await;
        if let Err(failure) = &asked
            && !self.writer.is_touched()
            && failure.kind != Kind::ReaderGone
        {
            // The first answer is better than none.
            self.writer.write(answer, io)?;
            self.writer.end_line(io)?;
        }
        asked
    }

    /// Gives the last of an answer to its schema.
    fn complete(&mut self, io: &mut Io) -> Result<(), Failure> {
        if self.checked.is_none() || self.plan.json {
            return Ok(());
        }
        self.answers.finish(&mut self.shown);
        self.show(io)
    }

    /// An answer that does not fit its schema and can be asked for again, as nothing of it was
    /// shown; with what is wrong.
    fn misfit(&self) -> Option<(String, String)> {
        let checked = self.checked.as_ref()?;
        let why = checked.verdict().err()?;
        let is_whole = self.answers.verdict() == Verdict::Done;
        let is_touched = self.writer.is_touched() || self.rounds.is_touched;
        (is_whole && !is_touched).then(|| (checked.text().to_owned(), why))
    }

    /// As if nothing had come.
    fn begin_again(&mut self) {
        self.answers = self.plan.answers();
        self.shown = Shown::default();
        self.extract_anew();
        self.checked = self.checked.take().map(Checked::again);
        if self.rounds.done == 0 {
            self.timing = Timing::new();
        }
    }

    /// What came of it so far, for who keeps it.
    pub(super) fn said(&mut self) -> Said {
        let is_cut = self.answers.verdict() == Verdict::Length || !self.answers.is_kept_whole();
        let usage = self.rounds.usage(self.answers.usage());
        let answer = |(content, reasoning)| Answer { content, reasoning };
        let steps = std::mem::take(&mut self.rounds.steps);
        Said { steps, answers: self.answers.take_kept().map(answer).collect(), is_cut, usage }
    }

    /// A reply that is not the last one came to its end: shows what was held back. Where an answer
    /// is checked or cut to a code block, only the last one counts.
    pub(super) fn settle(&mut self, io: &mut Io) -> Result<(), Failure> {
        self.answers.finish(&mut self.shown);
        self.show(io)?;
        self.thinking.close(io);
        self.checked = self.checked.take().map(Checked::again);
        self.rounds.is_touched |= self.writer.is_touched();
        self.extract_anew();
        self.writer.begin_anew(io)
    }

    /// Looks for a code block from the beginning, unless one was printed.
    fn extract_anew(&mut self) {
        if !self.rounds.is_touched {
            self.extractor = self.plan.extract.map(CodeBlockExtractor::new);
        }
    }

    /// Makes ready for another reply.
    pub(super) fn renew(&mut self) {
        self.answers = self.plan.answers();
        self.shown = Shown::default();
        self.thinking = ThinkingWriter::new(self.plan.shows_thinking);
    }

    /// Asks until an answer came or no further try makes sense.
    async fn ask(
        &mut self,
        request: &Request,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let asked = exchange.ask(&mut Asking { chat: self, request, io }).await;
        if let Err(failure) = &asked {
            self.give_all(failure.kind, io)?;
        }
        asked
    }

    /// Reads the reply to its end, showing its text at each read from the network.
    async fn read(
        &mut self,
        reader: &mut Reader,
        reply: &mut Reply<'_>,
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
                        let (answers, shown) = (&mut self.answers, &mut self.shown);
                        reader.push(&bytes, &mut |event| answers.take(event, shown));
                    }
                    Ok(None) => is_over = true,
                    Err(failure) => {
                        self.show(io)?;
                        return Err(failure);
                    }
                }
                is_over |= reader.is_done() || self.is_overfull();
                // A flood without text must not keep a signal or the limit of time from being seen.
                if is_over || self.shown.text.len() > WRITE || taken > READ {
                    break;
                }
                match reply.ready_chunk().await {
                    Some(more) => next = more,
                    None => break,
                }
            }
            self.show(io)?;
            if is_over {
                return Ok(());
            }
            if reader.fault().is_some() || self.answers.is_finished() {
                reply.shorten_silence(GRACE);
            }
        }
    }

    /// Whether more is kept for the end than any answer has.
    fn is_overfull(&self) -> bool {
        let checked = self.checked.as_ref().map_or(0, Checked::kept);
        let block = self.extractor.as_ref().map_or(0, CodeBlockExtractor::kept);
        self.answers.is_overfull() || checked + block > MOST_COLLECTED
    }

    /// Shows what can be shown now.
    fn show(&mut self, io: &mut Io) -> Result<(), Failure> {
        if !self.shown.thinking.is_empty() {
            self.timing.first.get_or_insert_with(Instant::now);
            self.thinking.write(&self.shown.thinking, io);
            self.shown.thinking.clear();
        }
        if self.shown.text.is_empty() {
            return Ok(());
        }
        self.timing.first.get_or_insert_with(Instant::now);
        let text = std::mem::take(&mut self.shown.text);
        let result = self.write(&text, io);
        // The buffer is used again.
        self.shown.text = text;
        self.shown.text.clear();
        result
    }

    /// Sends answer text on its way: checked, cut to a code block, or as it is.
    fn write(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        if let Some(checked) = &mut self.checked {
            let items = checked.push(text);
            if !items.is_empty() {
                self.thinking.close(io);
            }
            return self.writer.write(&items, io);
        }
        let Some(extractor) = &mut self.extractor else {
            self.thinking.close(io);
            return self.writer.write(text, io);
        };
        let mut block = String::new();
        extractor.push(text, &mut block);
        self.thinking.close(io);
        self.writer.write(&block, io)
    }

    /// Gives out everything that was held back, and ends the line. After a failure too: what
    /// arrived is printed. Not when nobody reads any more.
    fn give_all(&mut self, kind: Kind, io: &mut Io) -> Result<(), Failure> {
        self.thinking.close(io);
        // With `--json` the reply is all there is, to the byte.
        if kind == Kind::ReaderGone || self.plan.json {
            return Ok(());
        }
        self.answers.finish(&mut self.shown);
        self.show(io)?;
        self.thinking.close(io);
        let mut rest = self.checked.as_mut().map(Checked::rest).unwrap_or_default();
        if let Some(mut extractor) = self.extractor.take() {
            extractor.finish(&mut rest);
        }
        self.writer.write(&rest, io)?;
        self.writer.end_line(io)
    }

    /// The reply came to its end: the last text, usage, and what became of it.
    fn end(&mut self, provider: &Provider, io: &mut Io) -> Result<(), Failure> {
        self.complete(io)?;
        let checked = self.checked.as_ref().map_or(Ok(()), Checked::verdict);
        self.give_all(Kind::Other, io)?;
        if self.plan.shows_usage {
            // Of several replies the tokens are counted, but the time is not that of writing alone.
            let timing = Timing {
                is_one: self.rounds.done == 0 && self.rounds.spent.is_none(),
                ..self.timing
            };
            let counted = self.rounds.usage(self.answers.usage());
            let counts = counted.as_ref().map(Counts::of).unwrap_or_default();
            let ends = self.answers.ends();
            let price = self.plan.price.as_ref();
            io.say(&usage::words(counts, timing, &ends, price));
        }
        let verdict = self.answers.verdict();
        if verdict == Verdict::Done {
            checked.map_err(|why| outcome::of_misfit(&why, provider))?;
        }
        let result = outcome::of_verdict(verdict, &self.plan, provider, io);
        let (count, number) = (self.answers.count() as u32, self.plan.number);
        if result.is_ok() && count < number && !self.plan.json {
            io.warn(&format!("{} gave {count} of {number} answers", provider.name));
        }
        match &result {
            Err(failure) if failure.kind != Kind::Cut => result,
            _ => self.writer.commit().and(result),
        }
    }
}

/// One request of a chat on its way to its reply.
struct Asking<'a> {
    chat: &'a mut Chat,
    request: &'a Request,
    io: &'a mut Io,
}

impl Operation for Asking<'_> {
    type Output = ();

    fn request(&mut self, _: &Provider) -> Result<Draft, Failure> {
        let repair = FieldRepair::new(Job::Chat, self.chat.plan.own.clone());
        Ok(Draft { request: self.request.clone(), repair: Some(repair) })
    }

    fn has_shown(&self) -> bool {
        self.chat.writer.is_touched() || self.chat.thinking.is_touched()
    }

    fn begin_again(&mut self) {
        self.chat.begin_again();
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<(), ReadError> {
        let (chat, io) = (&mut *self.chat, &mut *self.io);
        if chat.plan.json {
            let body = reply.whole().await?;
            whole::read(&body, &mut chat.answers, chat.checked.as_mut())?;
            // The reply's bytes unchanged. On a terminal a newline is added where there is none.
            chat.writer.write(&String::from_utf8_lossy(&body), io)?;
            return Ok(if io.stdout_is_terminal { chat.writer.end_line(io) } else { Ok(()) }?);
        }
        let mut reader = Reader::new(reply.content_type());
        let broke = chat.read(&mut reader, reply, io).await.err();
        if let Some(failure) = broke.as_ref().filter(|failure| failure.is_silent()) {
            return Err(failure.clone().into());
        }
        let (answers, shown) = (&mut chat.answers, &mut chat.shown);
        let end = reader.finish(&mut |event| answers.take(event, shown));
        chat.show(io)?;
        match reader.fault() {
            Some(fault) => Err(BadReply::from(fault.clone()).into()),
            None => outcome::of_end(end, broke, chat.answers.is_finished()),
        }
    }
}

/// Text is written when so much of it has come, even if more could be had at once: 64 KiB is what
/// a pipe takes.
const WRITE: usize = 64 * 1024;

/// So much is read at once, even if more could be had.
const READ: usize = 256 * 1024;

/// An answer that is checked, or of which the last block is wanted, may keep so many bytes.
const MOST_COLLECTED: usize = 64 << 20;
