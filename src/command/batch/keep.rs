//! Where answers go: into FILE.part until all are there, or straight to an output, in the order of the rows.

use std::collections::BTreeMap;

use super::outcome::{RowOutcome, RowState};
use super::record::AnswerStyle;
use super::source::{NumberedRow, RowFiles};
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::journal::{FoundRow, Journal, KeptRow, RowHash};
use crate::output::sink::Sink;

/// No further request begins while so many bytes of answers wait for one before them.
const MAX_HELD_BYTES: usize = 24 << 20;

/// How much is written at once.
const WRITE_SIZE: usize = 256 * 1024;

/// A row that is over.
#[derive(Debug)]
pub(super) struct FinishedRow {
    pub(super) row: NumberedRow,
    pub(super) hash: RowHash,
    pub(super) outcome: RowOutcome,
}

/// Where answers go.
pub(super) enum AnswerKeeper {
    Journal(JournalKeeper),
    Stream(StreamKeeper),
}

impl AnswerKeeper {
    /// Whether nothing is to be asked for a row any more.
    pub(super) fn is_done(&self, number: u64) -> bool {
        match self {
            Self::Journal(keeper) => keeper.places.is_done(number),
            Self::Stream(_) => false,
        }
    }

    /// Whether there is room for another answer.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Journal(_) => true,
            Self::Stream(keeper) => keeper.held < MAX_HELD_BYTES,
        }
    }

    /// Takes rows that are over.
    ///
    /// # Errors
    /// Exit 1: a full disk, say; or the reader of the output went away.
    pub(super) fn take(&mut self, rows: Vec<FinishedRow>, io: &mut Io) -> Result<(), Failure> {
        match self {
            Self::Journal(keeper) => keeper.take(&rows),
            Self::Stream(keeper) => keeper.take(rows, io),
        }
    }
}

/// Where the rows of a run stand in its journal. A million rows take 8 MB.
#[derive(Debug, Default)]
pub(super) struct RowPlaces(Vec<u64>);

/// The two highest bits of a place are the row's state.
const STATE_BITS: u32 = 62;
const PLACE_MASK: u64 = (1 << STATE_BITS) - 1;

impl RowPlaces {
    /// Takes note of a row; rows come in any order.
    fn set(&mut self, number: u64, found: FoundRow) {
        let Some(state) = RowState::of_letter(found.mark) else { return };
        let state = match state {
            RowState::Answered => 1,
            RowState::Refused => 2,
            RowState::Failed => 3,
        };
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        self.0[index] = (found.at & PLACE_MASK) | (state << STATE_BITS);
    }

    /// Makes room for so many rows at once.
    fn reserve(&mut self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        self.0.reserve_exact(rows.saturating_sub(self.0.len()));
    }

    fn get(&self, number: u64) -> Option<u64> {
        let index = usize::try_from(number - 1).ok()?;
        self.0.get(index).copied().filter(|place| *place != 0)
    }

    fn is_done(&self, number: u64) -> bool {
        self.get(number).is_some_and(|place| place >> STATE_BITS != 3)
    }

    /// Where a row's head stands.
    fn place(&self, number: u64) -> Option<u64> {
        self.get(number).map(|place| place & PLACE_MASK)
    }
}

/// Keeps answers in FILE.part.
pub(super) struct JournalKeeper {
    pub(super) journal: Journal,
    places: RowPlaces,
}

impl JournalKeeper {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, places: RowPlaces::default() }
    }

    /// Looks for a row that an earlier run is done with; rows that were refused count as done unless
    /// `retries_refused`.
    pub(super) fn find(&mut self, number: u64, hash: RowHash, retries_refused: bool) {
        let Some(found) = self.journal.find(number, hash) else { return };
        if !(retries_refused && RowState::of_letter(found.mark) == Some(RowState::Refused)) {
            self.places.set(number, found);
        }
    }

    /// All rows were looked for: there are so many.
    pub(super) fn end_of_search(&mut self, rows: u64) {
        self.places.reserve(rows);
        self.journal.forget_found();
    }

    /// What earlier runs are done with, in the order of the rows.
    ///
    /// # Errors
    /// Exit 1: FILE.part can't be read.
    pub(super) fn each_done(
        &self,
        rows: u64,
        each: &mut dyn FnMut(&RowOutcome),
    ) -> Result<(), Failure> {
        let (mut reader, mut kept) = (self.journal.reader(), Vec::new());
        for number in (1..=rows).filter(|number| self.places.is_done(*number)) {
            let Some(place) = self.places.place(number) else { continue };
            reader.read(place, &mut kept)?;
            each(&RowOutcome::of_kept(&kept).ok_or_else(unreadable)?);
        }
        Ok(())
    }

    fn take(&mut self, rows: &[FinishedRow]) -> Result<(), Failure> {
        let kept: Vec<Vec<u8>> = rows.iter().map(|row| row.outcome.kept()).collect();
        let entries = rows.iter().zip(&kept).map(|(row, kept)| KeptRow {
            row: row.row.number,
            hash: row.hash,
            parts: [kept, b""],
        });
        let places = self.journal.keep(entries)?;
        for ((row, kept), at) in rows.iter().zip(&kept).zip(places) {
            self.places.set(row.row.number, FoundRow { at, mark: kept[0] });
        }
        Ok(())
    }

    /// Writes all rows in their order, and gives each to `each`. Every row must be over.
    ///
    /// # Errors
    /// Exit 1: rows that changed meanwhile, a full disk.
    pub(super) fn write(
        &self,
        files: &RowFiles,
        style: &AnswerStyle,
        each: &mut dyn FnMut(&NumberedRow, &RowOutcome) -> Result<(), Failure>,
        sink: &mut Sink,
        io: &mut Io,
    ) -> Result<(), Failure> {
        files.check_unchanged()?;
        let (mut reader, mut kept) = (self.journal.reader(), Vec::new());
        let (mut out, mut rows) = (style.head(), files.rows());
        while let Some(row) = rows.next()? {
            let place = self.places.place(row.number).ok_or_else(unreadable)?;
            reader.read(place, &mut kept)?;
            let outcome = RowOutcome::of_kept(&kept).ok_or_else(unreadable)?;
            style.push(&row, &outcome, &mut out);
            each(&row, &outcome)?;
            if out.len() >= WRITE_SIZE {
                sink.write(&out, io)?;
                out.clear();
            }
        }
        sink.write(&out, io)
    }
}

fn unreadable() -> Failure {
    Failure::new(FailureKind::Other, "FILE.part was changed by another program while it was used")
        .hint("--fresh begins anew")
}

/// Writes answers in the order of the rows, as soon as that is possible.
pub(super) struct StreamKeeper {
    style: AnswerStyle,
    sink: Sink,
    /// Rows that wait for one before them.
    waiting: BTreeMap<u64, (FinishedRow, usize)>,
    held: usize,
    /// The row that is written next.
    next: u64,
    has_begun: bool,
}

impl StreamKeeper {
    pub(super) fn new(style: AnswerStyle, sink: Sink) -> Self {
        Self { style, sink, waiting: BTreeMap::new(), held: 0, next: 1, has_begun: false }
    }

    fn take(&mut self, rows: Vec<FinishedRow>, io: &mut Io) -> Result<(), Failure> {
        for row in rows {
            let bytes = row.outcome.answer.as_ref().map_or(0, |answer| answer.get().len())
                + row.outcome.reply.as_ref().map_or(0, |reply| reply.body.get().len());
            self.held += bytes;
            self.waiting.insert(row.row.number, (row, bytes));
        }
        let mut out = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            out = self.style.head();
        }
        while let Some((row, bytes)) = self.waiting.remove(&self.next) {
            self.style.push(&row.row, &row.outcome, &mut out);
            self.held -= bytes;
            self.next += 1;
        }
        if out.is_empty() { Ok(()) } else { self.sink.write(&out, io) }
    }

    /// Writes what still waits for rows that are never over, in its order; the output is complete.
    ///
    /// # Errors
    /// Exit 1: it can't be written.
    pub(super) fn end(mut self, io: &mut Io) -> Result<(), Failure> {
        let mut out = Vec::new();
        for (row, _) in self.waiting.values() {
            self.style.push(&row.row, &row.outcome, &mut out);
        }
        if !out.is_empty() {
            self.sink.write(&out, io)?;
        }
        self.sink.commit()
    }
}
