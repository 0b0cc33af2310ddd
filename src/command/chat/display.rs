//! An answer on its way to the user while it comes: thinking to stderr, text through its schema or
//! cut to a code block. Knows nothing about requests and replies.

use std::time::Instant;

use super::checked::CheckedAnswer;
use super::plan::ChatPlan;
use super::usage::Timing;
use super::waiting::WaitingLine;
use crate::dialect::answers::VisibleText;
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::output::extract::{BlockChoice, CodeBlockExtractor};
use crate::output::text::TextWriter;
use crate::output::thinking::ThinkingWriter;

/// An answer that is checked, or of which the last block is wanted, may keep so many bytes.
const MAX_COLLECTED: usize = 64 << 20;

/// An answer on its way to the user.
pub(super) struct AnswerDisplay {
    /// What the replies give to be shown; emptied by [`AnswerDisplay::show`].
    pub(super) shown: VisibleText,
    pub(super) timing: Timing,
    /// Says that nothing has come yet.
    pub(super) waiting: Option<WaitingLine>,
    /// The answer on its way through its schema, where it must fit one.
    pub(super) checked: Option<CheckedAnswer>,
    writer: TextWriter,
    thinking: ThinkingWriter,
    shows_thinking: bool,
    extract: Option<BlockChoice>,
    extractor: Option<CodeBlockExtractor>,
    /// Something of an earlier reply to the same question was printed.
    was_touched: bool,
}

impl AnswerDisplay {
    /// Nothing was shown yet; text goes to `writer`.
    pub(super) fn new(plan: &ChatPlan, writer: TextWriter) -> Self {
        Self {
            shown: VisibleText::default(),
            timing: Timing::new(),
            waiting: None,
            checked: plan.schema.clone().map(CheckedAnswer::new),
            writer,
            thinking: ThinkingWriter::new(plan.shows_thinking),
            shows_thinking: plan.shows_thinking,
            extract: plan.extract,
            extractor: plan.extract.map(CodeBlockExtractor::new),
            was_touched: false,
        }
    }

    /// Whether the user has seen something of the current reply.
    pub(super) fn has_shown(&self) -> bool {
        self.writer.is_touched() || self.thinking.is_touched()
    }

    /// Whether any text was printed, of this reply or of an earlier one.
    pub(super) fn has_printed(&self) -> bool {
        self.writer.is_touched() || self.was_touched
    }

    /// Whether text of the current reply was printed.
    pub(super) fn has_printed_now(&self) -> bool {
        self.writer.is_touched()
    }

    /// Whether more is kept for the end than any answer has.
    pub(super) fn is_overfull(&self) -> bool {
        let checked = self.checked.as_ref().map_or(0, CheckedAnswer::kept);
        let block = self.extractor.as_ref().map_or(0, CodeBlockExtractor::kept);
        checked + block > MAX_COLLECTED
    }

    /// As if nothing had come of the current reply.
    pub(super) fn begin_again(&mut self) {
        self.shown = VisibleText::default();
        self.extract_anew();
        self.checked = self.checked.take().map(CheckedAnswer::again);
    }

    /// Makes ready for another answer in place of one of which no text was printed.
    pub(super) fn replace(&mut self, io: &mut Io) {
        self.thinking.close(io);
        // What is shown of the next answer tells whether that one may be tried again.
        self.thinking = ThinkingWriter::new(self.shows_thinking);
    }

    /// Makes ready for another reply behind this one. Where an answer is checked or cut to a code
    /// block, only the last reply counts.
    ///
    /// # Errors
    /// As [`AnswerDisplay::show`].
    pub(super) fn settle(&mut self, io: &mut Io) -> Result<(), Failure> {
        self.waiting = None;
        self.show(io)?;
        self.thinking.close(io);
        self.thinking = ThinkingWriter::new(self.shows_thinking);
        self.was_touched |= self.writer.is_touched();
        self.begin_again();
        self.writer.begin_anew(io)
    }

    /// Looks for a code block from the beginning, unless one was printed.
    fn extract_anew(&mut self) {
        if !self.was_touched {
            self.extractor = self.extract.map(CodeBlockExtractor::new);
        }
    }

    /// Shows what can be shown now.
    ///
    /// # Errors
    /// An output that can't be written, a reader that went away.
    pub(super) fn show(&mut self, io: &mut Io) -> Result<(), Failure> {
        if !self.shown.thinking.is_empty() {
            self.begin();
            self.thinking.write(&self.shown.thinking, io);
            self.shown.thinking.clear();
        }
        if self.shown.text.is_empty() {
            return Ok(());
        }
        self.begin();
        let text = std::mem::take(&mut self.shown.text);
        let result = self.write(&text, io);
        // The buffer is used again.
        self.shown.text = text;
        self.shown.text.clear();
        result
    }

    /// The first of the answer is there.
    fn begin(&mut self) {
        if self.timing.first.is_none() {
            self.timing.first = Some(Instant::now());
            self.waiting = None;
        }
    }

    /// The reply has come whole: its text goes out in one piece with the end of its line.
    pub(super) fn hold(&mut self) {
        self.writer.hold();
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

    /// Writes a text as it is, whole; with the end of its line if `ends_line`.
    ///
    /// # Errors
    /// As [`AnswerDisplay::show`].
    pub(super) fn write_plain(
        &mut self,
        text: &str,
        ends_line: bool,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.waiting = None;
        self.writer.write(text, io)?;
        if ends_line { self.writer.end_line(io) } else { Ok(()) }
    }

    /// Gives out everything that was held back, and ends the line. After a failure too: what
    /// arrived is printed. Not when nobody reads any more.
    ///
    /// # Errors
    /// As [`AnswerDisplay::show`].
    pub(super) fn end(&mut self, kind: FailureKind, io: &mut Io) -> Result<(), Failure> {
        self.waiting = None;
        self.thinking.close(io);
        if kind == FailureKind::ReaderGone {
            return Ok(());
        }
        self.show(io)?;
        self.thinking.close(io);
        let mut rest = self.checked.as_mut().map(CheckedAnswer::rest).unwrap_or_default();
        if let Some(mut extractor) = self.extractor.take() {
            extractor.finish(&mut rest);
        }
        self.writer.write(&rest, io)?;
        self.writer.end_line(io)
    }

    /// Ends thinking that is shown.
    pub(super) fn close_thinking(&mut self, io: &mut Io) {
        self.thinking.close(io);
    }

    /// The answer is whole: a file appears.
    ///
    /// # Errors
    /// A file that can't be written.
    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        self.writer.commit()
    }
}
