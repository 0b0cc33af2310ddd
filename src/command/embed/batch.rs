//! Texts grouped into what one request takes.

use crate::api::embed::request::{MAX_BATCH_WEIGHT, weight};
use crate::error::Failure;
use crate::input::texts::{InputText, InputTexts, TextPlace};

/// The texts of one request, empty ones among them that are not sent.
#[derive(Debug)]
pub(in crate::command) struct Batch {
    /// Counts batches from 0.
    pub(super) number: u64,
    /// The place of the first text among all, from 0.
    pub(super) first: u64,
    pub(super) texts: Vec<InputText>,
}

impl Batch {
    /// A batch of one text.
    pub(in crate::command) fn alone(text: InputText) -> Self {
        Self { number: 0, first: 0, texts: vec![text] }
    }

    /// The texts that are sent, each with its place among all, from 1.
    pub(in crate::command) fn numbered_sent(&self) -> impl Iterator<Item = (u64, &str)> {
        let numbered = (self.first + 1..).zip(&self.texts);
        numbered.map(|(number, text)| (number, text.text.as_str())).filter(|(_, text)| !text.is_empty())
    }

    /// The texts that are sent: no service takes an empty one.
    pub(super) fn sent(&self) -> Vec<&InputText> {
        self.texts.iter().filter(|text| !text.text.is_empty()).collect()
    }
}

/// All batches, made when they are asked for.
pub(in crate::command) struct Batches {
    texts: InputTexts,
    /// The first text of the next batch.
    held: Option<InputText>,
    number: u64,
    first: u64,
    /// The format that has no place for an empty text.
    strict: Option<String>,
}

impl Batches {
    /// `strict` names the format, if that has no place for an empty text.
    ///
    /// # Errors
    /// An empty text that is known already and has no place.
    pub(in crate::command) fn new(texts: InputTexts, strict: Option<String>) -> Result<Self, Failure> {
        if let (Some(place), Some(format)) = (&texts.known.empty, &strict) {
            return Err(no_place(place, format));
        }
        Ok(Self { texts, held: None, number: 0, first: 0, strict })
    }

    /// The next batch, of at most `most` texts. Waits for standard input.
    ///
    /// # Errors
    /// Those of reading, and an empty text that has no place.
    pub(in crate::command) fn next(&mut self, most: usize) -> Result<Option<Batch>, Failure> {
        let (mut texts, mut load) = (Vec::new(), 0);
        while texts.len() < most {
            let next = match self.held.take() {
                Some(text) => Some(text),
                None => self.texts.next()?,
            };
            let Some(text) = next else { break };
            if let Some(format) = self.strict.as_deref().filter(|_| text.text.is_empty()) {
                return Err(no_place(&text.place, format));
            }
            load += weight(&text.text);
            if load > MAX_BATCH_WEIGHT && !texts.is_empty() {
                self.held = Some(text);
                break;
            }
            texts.push(text);
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let batch = Batch { number: self.number, first: self.first, texts };
        self.number += 1;
        self.first += batch.texts.len() as u64;
        Ok(Some(batch))
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
        let wanted = TextSources { words: &[], files: &[], lines: true };
        let texts = InputTexts::find(&wanted, &mut io).expect("is found");
        let mut batches = Batches::new(texts, None).expect("is made");
        let mut all = Vec::new();
        while let Some(batch) = batches.next(most).expect("is read") {
            all.push((batch.number, batch.first, batch.texts.len()));
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
