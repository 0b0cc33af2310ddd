//! What a run begins with: all rows are looked at, and what earlier runs are done with is found.

use std::path::Path;

use super::attach::AttachmentCheck;
use super::earlier::{EarlierFile, EarlierRows};
use super::keep::{AnswerKeeper, JournalKeeper, StreamKeeper};
use super::record::AnswerStyle;
use super::reply::AnswerWish;
use super::request::RowRequests;
use super::setup::RowSetup;
use super::source::NumberedRow;
use super::survey::RowSurvey;
use super::tally::grouped;
use super::whole::{FileKnowledge, KnownFile};
use crate::cli::batch::{AnswerFormat, BatchAnswerArgs};
use crate::error::Failure;
use crate::io::Io;
use crate::journal::{Fingerprint, Journal, RowHash, path_beside};
use crate::output::sink::Sink;

/// A run that can begin.
pub(super) struct OpenedRun {
    pub(super) keeper: AnswerKeeper,
    pub(super) style: AnswerStyle,
    pub(super) survey: RowSurvey,
}

/// What has to be known to begin a run.
pub(super) struct Opening<'a> {
    pub(super) answers: &'a BatchAnswerArgs,
    pub(super) setup: &'a RowSetup,
    pub(super) requests: &'a RowRequests,
    pub(super) wish: &'a AnswerWish,
    pub(super) run: &'a Fingerprint,
    pub(super) format: AnswerFormat,
    /// The tokens of each row are written too.
    pub(super) shows_usage: bool,
}

impl Opening<'_> {
    /// Opens where answers go, and looks at all rows. With `io`, what FILE has already is taken from it; then
    /// `None` tells that it has all of them.
    ///
    /// # Errors
    /// Exit 2: a row that can't be asked, a FILE.part of another run. Exit 1: an output that can't be
    /// written.
    pub(super) fn open(&self, io: Option<&Io>) -> Result<Option<OpenedRun>, Failure> {
        let sink = Sink::open(self.answers.output.as_deref())?;
        let target = self.answers.output.as_deref().filter(|_| sink.can_patch());
        let Some(target) = target else {
            let (survey, style) = self.survey(io.is_some(), &mut |_, _| Ok(()))?;
            let keeper = AnswerKeeper::Stream(StreamKeeper::new(style.clone(), sink));
            return Ok(Some(OpenedRun { keeper, style, survey }));
        };
        // It can be written; the file itself is made at the end.
        drop(sink);
        if let Some(io) = io
            && !self.answers.fresh
            && target.is_file()
            && !Journal::has_begun(target)
        {
            match FileKnowledge::find(target, self.run, &io.env) {
                FileKnowledge::Known(known) => return self.of_whole(target, Some(known), io),
                FileKnowledge::Nothing if self.answers.retry_failed => {
                    return self.of_whole(target, None, io);
                }
                FileKnowledge::Nothing | FileKnowledge::OfAnother => {}
            }
        }
        let journal = Journal::open(target, self.run, self.answers.fresh)?;
        let mut keeper = JournalKeeper::new(journal);
        let retries = self.answers.retry_failed;
        let surveyed = self.survey(io.is_some(), &mut |number, hash| {
            keeper.find(number, hash, retries);
            Ok(())
        });
        self.opened(keeper, surveyed)
    }

    fn opened(
        &self,
        mut keeper: JournalKeeper,
        surveyed: Result<(RowSurvey, AnswerStyle), Failure>,
    ) -> Result<Option<OpenedRun>, Failure> {
        match surveyed {
            Ok((survey, style)) => {
                keeper.end_of_search(survey.count);
                let keeper = AnswerKeeper::Journal(keeper);
                Ok(Some(OpenedRun { keeper, style, survey }))
            }
            Err(failure) => {
                keeper.journal.leave();
                Err(failure)
            }
        }
    }

    /// Looks at all rows; `each` gets their numbers and the hashes of their requests. What goes along with
    /// them is looked at too if they are to be asked.
    fn survey(
        &self,
        asks: bool,
        each: &mut dyn FnMut(u64, RowHash) -> Result<(), Failure>,
    ) -> Result<(RowSurvey, AnswerStyle), Failure> {
        let RowSetup { files, template, id, .. } = self.setup;
        let mut attachments = AttachmentCheck::default();
        let mut hashed = |row: &NumberedRow, question: &_| {
            let hash = self.setup.hash(row, question)?;
            if asks {
                attachments.look_at(row, question)?;
            }
            each(row.number, hash)
        };
        let survey = RowSurvey::of(files, template, id.as_deref(), &mut hashed)?;
        let column = self.answers.answer_column.as_deref();
        let style = AnswerStyle::new(self.format, column, self.shows_usage, &survey)?;
        Ok((survey, style))
    }

    /// A run whose FILE is there: what it has is taken over, and only other rows are asked.
    fn of_whole(
        &self,
        target: &Path,
        known: Option<KnownFile>,
        io: &Io,
    ) -> Result<Option<OpenedRun>, Failure> {
        let mut hashes = Vec::new();
        let (survey, style) = self.survey(true, &mut |_, hash| {
            hashes.push(hash);
            Ok(())
        })?;
        let retries_refused = self.answers.retry_failed;
        if let Some(known) = &known
            && known.rows.iter().map(|row| row.hash).eq(hashes.iter().copied())
            && known.failed.passing == 0
            && known.places.as_ref().is_none_or(|places| *places == style.places())
            && !retries_refused
        {
            if path_beside(target).exists() {
                // Of a run that was killed while it copied: FILE has all of it.
                Journal::open_to_copy(target, self.run)?.remove()?;
            }
            io.note(&has_all(target, survey.count, known.failed.refused));
            return Ok(None);
        }
        let mut journal = Journal::open_to_copy(target, self.run)?;
        let places = known.as_ref().and_then(|known| known.places.clone());
        let earlier = EarlierFile {
            target,
            places: &places.unwrap_or_else(|| style.places()),
            requests: self.requests,
            wish: self.wish,
            provider: &self.setup.provider,
            retries_refused,
        };
        let rows = match &known {
            Some(known) => EarlierRows::Known(&known.rows),
            None => {
                let rows = self.setup.files.rows();
                EarlierRows::Alike { hashes: &hashes, style: &style, rows }
            }
        };
        let kept = earlier.keep_in(&mut journal, rows).and_then(|()| journal.end_copy());
        if let Err(failure) = kept {
            // FILE still has all of it.
            let _ = journal.remove();
            return Err(failure);
        }
        let mut keeper = JournalKeeper::new(journal);
        for (number, hash) in (1..).zip(hashes) {
            keeper.find(number, hash, retries_refused);
        }
        self.opened(keeper, Ok((survey, style)))
    }
}

/// The words for a FILE that has all rows, of which so many were refused.
fn has_all(target: &Path, rows: u64, refused: u64) -> String {
    let (path, count) = (target.display(), grouped(rows));
    let plural = if rows == 1 { "row" } else { "rows" };
    let again = match refused {
        0 => "; --fresh asks again".to_owned(),
        refused => format!(
            ", {} of them refused; --retry-failed asks again for those, --fresh for all",
            grouped(refused)
        ),
    };
    format!("{path} has all {count} {plural} already{again}")
}
