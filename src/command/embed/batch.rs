//! Texts grouped into what one request takes.

use std::sync::{Arc, Mutex, PoisonError};

use super::earlier::EarlierVectors;
use super::kept;
use crate::api::embed::request::{MAX_BATCH_WEIGHT, MAX_INPUTS, weight};
use crate::error::Failure;
use crate::input::texts::{InputText, InputTexts, TextPlace};
use crate::journal::{Journal, RowHash};

/// A run's journal: texts are looked up in it while others are kept.
pub(in crate::command) type SharedJournal = Arc<Mutex<Journal>>;

/// A text on its way to its vector.
#[derive(Debug)]
pub(in crate::command) struct BatchText {
    pub(super) input: InputText,
    /// Its place among all texts, from 0.
    pub(in crate::command) row: u64,
    pub(super) hash: RowHash,
    /// Its vector, as an earlier run kept it: see [`kept`].
    pub(super) kept: Option<Vec<u8>>,
}

impl BatchText {
    pub(in crate::command) fn text(&self) -> &str {
        &self.input.text
    }

    pub(super) fn place(&self) -> &TextPlace {
        &self.input.place
    }

    /// Whether it is sent: no service takes an empty one.
    fn is_sent(&self) -> bool {
        self.kept.is_none() && !self.input.text.is_empty()
    }
}

/// The texts of one request, and among them those that are not sent.
#[derive(Debug)]
pub(in crate::command) struct Batch {
    /// Counts batches from 0.
    pub(super) number: u64,
    pub(in crate::command) texts: Vec<BatchText>,
}

impl Batch {
    /// The texts that are sent.
    pub(in crate::command) fn sent(&self) -> Vec<&BatchText> {
        self.texts.iter().filter(|text| text.is_sent()).collect()
    }

    /// Whether some of them have a vector already.
    pub(super) fn has_kept(&self) -> bool {
        self.texts.iter().any(|text| text.kept.is_some())
    }
}

/// All batches, made when they are asked for.
pub(in crate::command) struct Batches {
    texts: InputTexts,
    /// The first text of the next batch.
    held: Option<BatchText>,
    number: u64,
    rows: u64,
    /// The format that has no place for an empty text.
    strict: Option<String>,
    /// Where vectors of earlier runs are.
    journal: Option<SharedJournal>,
    /// The vectors of a file that is brought up to date.
    earlier: Option<EarlierVectors>,
}

impl Batches {
    /// Batches of texts of which none has a vector yet, and an empty one needs none.
    ///
    /// # Errors
    /// As [`Batches::new`].
    pub(in crate::command) fn of_new_texts(texts: InputTexts) -> Result<Self, Failure> {
        Self::new(texts, None, None, None)
    }

    /// `strict` names the format, if that has no place for an empty text.
    ///
    /// # Errors
    /// An empty text that is known already and has no place.
    pub(super) fn new(
        texts: InputTexts,
        strict: Option<String>,
        journal: Option<SharedJournal>,
        earlier: Option<EarlierVectors>,
    ) -> Result<Self, Failure> {
        if let (Some(place), Some(format)) = (&texts.known.empty, &strict) {
            return Err(no_place(place, format));
        }
        Ok(Self { texts, held: None, number: 0, rows: 0, strict, journal, earlier })
    }

    /// The next batch, of at most `most` texts that are sent. Waits for standard input.
    ///
    /// # Errors
    /// Those of reading, and an empty text that has no place.
    pub(in crate::command) fn next(&mut self, most: usize) -> Result<Option<Batch>, Failure> {
        let (mut texts, mut sent, mut load) = (Vec::new(), 0, 0);
        while sent < most && texts.len() < most.max(MAX_INPUTS) {
            let next = match self.held.take() {
                Some(text) => Some(text),
                None => self.read()?,
            };
            let Some(text) = next else { break };
            load += weight(text.text());
            if load > MAX_BATCH_WEIGHT && !texts.is_empty() {
                self.held = Some(text);
                break;
            }
            // An empty line counts, so that batches are the same whether it is there or not.
            sent += usize::from(text.kept.is_none());
            texts.push(text);
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let batch = Batch { number: self.number, texts };
        self.number += 1;
        Ok(Some(batch))
    }

    /// The next text, with its vector if an earlier run had it.
    fn read(&mut self) -> Result<Option<BatchText>, Failure> {
        let Some(input) = self.texts.next()? else { return Ok(None) };
        if let Some(format) = self.strict.as_deref().filter(|_| input.text.is_empty()) {
            return Err(no_place(&input.place, format));
        }
        let (row, hash) = (self.rows, RowHash::of([input.text.as_bytes()]));
        self.rows += 1;
        let kept = if input.text.is_empty() { None } else { self.kept(row, hash)? };
        Ok(Some(BatchText { input, row, hash, kept }))
    }

    /// The vector for a text, if there is one already.
    fn kept(&mut self, row: u64, hash: RowHash) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(journal) = &self.journal {
            let found = journal.lock().unwrap_or_else(PoisonError::into_inner).take(row, hash)?;
            if let Some(kept) = found.filter(|bytes| kept::vector(bytes).is_some()) {
                return Ok(Some(kept));
            }
        }
        match &mut self.earlier {
            Some(earlier) => Ok(earlier.digits(hash)?.map(kept::of_digits)),
            None => Ok(None),
        }
    }
}

fn no_place(place: &TextPlace, format: &str) -> Failure {
    Failure::usage(format!("{place} is empty, and {format} can't hold a missing vector"))
        .hint("--skip-errors leaves such lines out; array and jsonl write `null`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::texts::TextSources;
    use crate::io::Io;

    fn sizes(lines: String, most: usize) -> Vec<(u64, u64, usize)> {
        let mut io = Io::nowhere();
        io.stdin = Some(Box::new(std::io::Cursor::new(lines)));
        let wanted = TextSources { lines: true, ..TextSources::default() };
        let texts = InputTexts::find(&wanted, &mut io).expect("is found");
        let mut batches = Batches::new(texts, None, None, None).expect("is made");
        let mut all = Vec::new();
        while let Some(batch) = batches.next(most).expect("is read") {
            all.push((batch.number, batch.texts[0].row, batch.texts.len()));
        }
        all
    }

    #[test]
    fn batches_are_bounded_by_count_and_by_size() {
        assert_eq!(sizes("一\n\n三\n四\n五".into(), 2), [(0, 0, 2), (1, 2, 2), (2, 4, 1)]);
        let half = "a".repeat(MAX_BATCH_WEIGHT / 2);
        let huge = "a".repeat(MAX_BATCH_WEIGHT + 1);
        let lines = format!("{half}\n{half}\nb\n{huge}\nc");
        assert_eq!(sizes(lines, 100), [(0, 0, 2), (1, 2, 1), (2, 3, 1), (3, 4, 1)]);
    }
}
