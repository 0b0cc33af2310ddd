//! FILE of an earlier run, read back: what came of each of its rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::outcome::{RowError, RowErrorKind, RowOutcome, RowState};
use super::record::{AnswerPlaces, AnswerStyle};
use super::reply::{AnswerWish, ReadReply};
use super::request::RowRequests;
use super::source::RowReader;
use super::whole::KnownRow;
use crate::cli::batch::AnswerFormat;
use crate::error::{Failure, FailureKind, reason};
use crate::input::rows::{Row, RowForm, Rows};
use crate::journal::{Journal, KeptRow, RowHash};
use crate::provider::Provider;

/// So many rows are kept in one write.
const ROWS_AT_ONCE: usize = 1024;

/// How FILE is read.
pub(super) struct EarlierFile<'a> {
    pub(super) target: &'a Path,
    /// Where its answers stand.
    pub(super) places: &'a AnswerPlaces,
    pub(super) requests: &'a RowRequests,
    pub(super) wish: &'a AnswerWish,
    pub(super) provider: &'a Provider,
    /// Rows that were refused are to be asked again.
    pub(super) retries_refused: bool,
}

/// What the rows of FILE asked.
pub(super) enum EarlierRows<'a> {
    /// What is known of each.
    Known(&'a [KnownRow]),
    /// Nothing is known: a row that is like the one that is asked about now, in its own columns, asked what
    /// that asks.
    Alike { hashes: &'a [RowHash], style: &'a AnswerStyle, rows: RowReader<'a> },
}

impl EarlierRows<'_> {
    /// What the next row of FILE asked; `None` where that can't be told. `number` counts from 0.
    ///
    /// # Errors
    /// `too_many`, if FILE has more rows than are known; exit 2: a row that can't be read.
    fn next(
        &mut self,
        number: usize,
        row: &FileRow<'_>,
        too_many: impl FnOnce(usize) -> Failure,
    ) -> Result<Option<KnownRow>, Failure> {
        match self {
            Self::Known(known) => match known.get(number) {
                Some(known) => Ok(Some(*known)),
                None => Err(too_many(known.len())),
            },
            Self::Alike { hashes, style, rows } => {
                let Some(own) = rows.next()? else { return Ok(None) };
                let is_alike = match row {
                    FileRow::Line(line) => style.has_line(&own, line),
                    FileRow::Record(record) => style.has_record(&own, record),
                };
                let hash = hashes.get(number).filter(|_| is_alike);
                Ok(hash.map(|hash| KnownRow { hash: *hash, is_cut: None }))
            }
        }
    }
}

/// A row of FILE.
enum FileRow<'l> {
    Line(&'l [u8]),
    Record(&'l Row),
}

impl EarlierFile<'_> {
    /// Keeps the rows of FILE that need not be asked again in a journal.
    ///
    /// # Errors
    /// Exit 2: FILE does not have the rows that are known. Exit 1: it can't be read, or the journal can't be
    /// written.
    pub(super) fn keep_in(
        &self,
        journal: &mut Journal,
        mut rows: EarlierRows<'_>,
    ) -> Result<(), Failure> {
        let file = File::open(self.target).map_err(|error| self.unreadable(&error))?;
        let reader = BufReader::with_capacity(256 * 1024, file);
        let (mut number, mut kept) = (0, Vec::new());
        let mut take = |row: FileRow<'_>| {
            let known = rows.next(number, &row, |rows| self.other_rows(rows))?;
            number += 1;
            let Some(known) = known else { return Ok(()) };
            let Some(mut outcome) = self.outcome(&row) else { return Ok(()) };
            outcome.is_cut = known.is_cut.unwrap_or(outcome.is_cut);
            let is_over = match outcome.state() {
                RowState::Answered => true,
                RowState::Refused => !self.retries_refused,
                RowState::Failed => false,
            };
            if is_over {
                kept.push((number as u64, known.hash, outcome.kept()));
            }
            if kept.len() >= ROWS_AT_ONCE { flush(journal, &mut kept) } else { Ok(()) }
        };
        match self.places.format {
            AnswerFormat::Csv => self.each_record(reader, &mut take)?,
            _ => self.each_line(reader, &mut take)?,
        }
        flush(journal, &mut kept)?;
        match rows {
            EarlierRows::Known(known) if known.len() != number => Err(self.other_rows(known.len())),
            _ => Ok(()),
        }
    }

    /// What came of a row, if it can be read back.
    fn outcome(&self, row: &FileRow<'_>) -> Option<RowOutcome> {
        match row {
            FileRow::Record(record) => self.of_record(record),
            FileRow::Line(line) if self.places.format == AnswerFormat::Openai => {
                self.of_batch_line(line)
            }
            FileRow::Line(line) => self.of_object(line),
        }
    }

    fn each_line(
        &self,
        mut reader: BufReader<File>,
        take: &mut dyn FnMut(FileRow<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line);
            if length.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(());
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            take(FileRow::Line(&line))?;
        }
    }

    fn of_object(&self, line: &[u8]) -> Option<RowOutcome> {
        let members: HashMap<Cow<'_, str>, Box<RawValue>> = serde_json::from_slice(line).ok()?;
        let names = &self.places.names;
        let member = |name: &String| members.get(&**name).filter(|value| value.get() != "null");
        let error = member(&names.error);
        let error: Option<RowError> = error.and_then(|it| serde_json::from_str(it.get()).ok());
        let answer = member(&names.answer).cloned();
        if answer.is_none() && error.is_none() {
            return None;
        }
        let finish = member(&names.finish_reason);
        let finish_reason = finish.and_then(|it| serde_json::from_str::<String>(it.get()).ok());
        let usage = member(&names.usage).cloned();
        let is_cut = finish_reason.as_deref().is_some_and(is_limit) && self.wish.minds_cuts();
        Some(RowOutcome { answer, finish_reason, is_cut, usage, error, ..RowOutcome::default() })
    }

    fn of_batch_line(&self, line: &[u8]) -> Option<RowOutcome> {
        #[derive(Deserialize)]
        struct BatchLine<'a> {
            #[serde(borrow)]
            response: Option<BatchResponse<'a>>,
            error: Option<BatchError>,
        }
        #[derive(Deserialize)]
        struct BatchResponse<'a> {
            status_code: u16,
            request_id: Option<String>,
            #[serde(borrow)]
            body: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct BatchError {
            code: RowErrorKind,
            message: String,
        }
        #[derive(Deserialize)]
        struct ErrorBody {
            error: BatchError,
        }
        let failed = |error: BatchError, status| {
            let BatchError { code: kind, message } = error;
            RowOutcome::failed(RowError { kind, status, message })
        };
        let line: BatchLine<'_> = serde_json::from_slice(line).ok()?;
        let Some(response) = line.response else { return Some(failed(line.error?, None)) };
        let body = response.body.get().as_bytes();
        if response.status_code >= 300 {
            let body: ErrorBody = serde_json::from_slice(body).ok()?;
            return Some(failed(body.error, Some(response.status_code)));
        }
        let reader = self.requests.reader("");
        let mut read = ReadReply::read(body, reader, self.wish, self.provider).ok()?;
        read.keep(response.status_code, response.request_id.as_deref(), body);
        let (outcome, name) = (read.outcome(self.wish, &self.provider.name), &self.provider.name);
        Some(outcome.unwrap_or_else(|misfit| read.unfit(&misfit, name)))
    }

    fn each_record(
        &self,
        reader: BufReader<File>,
        take: &mut dyn FnMut(FileRow<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = self.target.display().to_string();
        let mut rows = Rows::new(reader, RowForm::Csv(b','), name.into());
        while let Some(row) = rows.next()? {
            take(FileRow::Record(&row))?;
        }
        Ok(())
    }

    fn of_record(&self, row: &Row) -> Option<RowOutcome> {
        let error = row.text(&self.places.names.error)?;
        let answer = row.text(&self.places.names.answer)?;
        if let Some((kind, message)) = error.split_once(": ") {
            let kind = RowErrorKind::of_words(kind)?;
            return Some(RowOutcome::failed(RowError::new(kind, message)));
        }
        let answer = match self.wish.schema {
            Some(_) => RawValue::from_string(answer.into_owned()).ok()?,
            None => serde_json::value::to_raw_value(&*answer).ok()?,
        };
        Some(RowOutcome { answer: Some(answer), ..RowOutcome::default() })
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        let what = format!("cannot read {}: {}", self.target.display(), reason(error));
        Failure::new(FailureKind::Other, what)
    }

    fn other_rows(&self, rows: usize) -> Failure {
        let what = format!(
            "{} does not have the {rows} rows any more that were written to it",
            self.target.display()
        );
        Failure::usage(what).hint("--fresh asks for all of them")
    }
}

fn flush(journal: &mut Journal, kept: &mut Vec<(u64, RowHash, Vec<u8>)>) -> Result<(), Failure> {
    let rows = kept.iter().map(|(row, hash, bytes)| KeptRow {
        row: *row,
        hash: *hash,
        parts: [bytes, b""],
    });
    journal.keep(rows)?;
    kept.clear();
    Ok(())
}

/// Whether an answer ended at a limit of its length.
fn is_limit(finish_reason: &str) -> bool {
    let word = finish_reason.to_ascii_lowercase();
    word.contains("length") || word.contains("max")
}
