//! FILE of an earlier run, read back: what came of each of its rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::outcome::{RowError, RowErrorKind, RowOutcome, RowState};
use super::record::AnswerStyle;
use super::reply::{AnswerWish, ReadReply};
use super::request::RowRequests;
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
    pub(super) style: &'a AnswerStyle,
    pub(super) requests: &'a RowRequests,
    pub(super) wish: &'a AnswerWish,
    pub(super) provider: &'a Provider,
    /// Rows that were refused are to be asked again.
    pub(super) retries_refused: bool,
}

impl EarlierFile<'_> {
    /// Keeps the rows of FILE that need not be asked again in a journal; `hashes` are their requests.
    ///
    /// # Errors
    /// Exit 2: FILE does not have as many rows. Exit 1: it can't be read, or the journal can't be written.
    pub(super) fn keep_in(&self, journal: &mut Journal, hashes: &[RowHash]) -> Result<(), Failure> {
        let file = File::open(self.target).map_err(|error| self.unreadable(&error))?;
        let reader = BufReader::with_capacity(256 * 1024, file);
        let (mut number, mut kept) = (0, Vec::new());
        let mut take = |outcome: Option<RowOutcome>| {
            let hash = hashes.get(number).copied().ok_or_else(|| self.other_rows(hashes.len()))?;
            number += 1;
            let is_over = |outcome: &RowOutcome| match outcome.state() {
                RowState::Answered => true,
                RowState::Refused => !self.retries_refused,
                RowState::Failed => false,
            };
            kept.extend(outcome.filter(is_over).map(|it| (number as u64, hash, it.kept())));
            if kept.len() >= ROWS_AT_ONCE { flush(journal, &mut kept) } else { Ok(()) }
        };
        match self.style.format {
            AnswerFormat::Csv => self.each_record(reader, &mut take)?,
            _ => self.each_line(reader, &mut take)?,
        }
        flush(journal, &mut kept)?;
        if number == hashes.len() { Ok(()) } else { Err(self.other_rows(hashes.len())) }
    }

    fn each_line(
        &self,
        mut reader: BufReader<File>,
        take: &mut dyn FnMut(Option<RowOutcome>) -> Result<(), Failure>,
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
            take(match self.style.format {
                AnswerFormat::Openai => self.of_batch_line(&line),
                _ => self.of_object(&line),
            })?;
        }
    }

    fn of_object(&self, line: &[u8]) -> Option<RowOutcome> {
        let members: HashMap<Cow<'_, str>, Box<RawValue>> = serde_json::from_slice(line).ok()?;
        let names = &self.style.names;
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
        let is_cut = finish_reason.as_deref().is_some_and(is_limit) && !self.wish.is_limited;
        Some(RowOutcome { answer, finish_reason, is_cut, usage, error, ..RowOutcome::default() })
    }

    fn of_batch_line(&self, line: &[u8]) -> Option<RowOutcome> {
        #[derive(Deserialize)]
        struct BatchLine<'a> {
            #[serde(borrow)]
            response: Option<BatchResponse<'a>>,
        }
        #[derive(Deserialize)]
        struct BatchResponse<'a> {
            status_code: u16,
            request_id: Option<String>,
            #[serde(borrow)]
            body: &'a RawValue,
        }
        let line: BatchLine<'_> = serde_json::from_slice(line).ok()?;
        // A row that failed is asked again: nothing was paid for it.
        let response = line.response.filter(|response| response.status_code < 300)?;
        let body = response.body.get().as_bytes();
        let reader = self.requests.reader("");
        let mut read = ReadReply::read(body, reader, self.wish, self.provider).ok()?;
        read.keep(response.status_code, response.request_id.as_deref(), body);
        read.outcome(self.wish, &self.provider.name).ok()
    }

    fn each_record(
        &self,
        reader: BufReader<File>,
        take: &mut dyn FnMut(Option<RowOutcome>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = self.target.display().to_string();
        let mut rows = Rows::new(reader, RowForm::Csv(b','), name.into());
        while let Some(row) = rows.next()? {
            take(self.of_record(&row))?;
        }
        Ok(())
    }

    fn of_record(&self, row: &Row) -> Option<RowOutcome> {
        let error = row.text(&self.style.names.error)?;
        let answer = row.text(&self.style.names.answer)?;
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
            "{} does not have the {rows} rows that this command asks about",
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
