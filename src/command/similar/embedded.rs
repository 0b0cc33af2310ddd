//! Texts turned into vectors on the spot: the query, and lines.

use crate::api::embed::reply::Vectors;
use crate::command::embed::{AnswerPart, Batch, BatchAsker, Batches, EmbedOptions, most_inputs};
use crate::command::tally::Tally;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::input::texts::{InputTexts, TextSources};
use crate::io::Io;
use crate::nearest::{Best, Hit, Query};
use crate::provider::Provider;

/// Asks for vectors, and counts what that took.
pub(super) struct Embedder<'a> {
    asker: BatchAsker,
    pub(super) tally: &'a mut Tally,
}

impl<'a> Embedder<'a> {
    /// For vectors of so many numbers, or of as many as the model makes by itself.
    pub(super) fn new(
        provider: &Provider,
        dimensions: Option<usize>,
        tally: &'a mut Tally,
    ) -> Self {
        let asking = EmbedOptions::of_compared_lines(dimensions);
        let most = most_inputs(&asking, provider);
        Self { asker: BatchAsker::new(provider, &asking, most, false, None, None), tally }
    }

    /// The vector of the query.
    ///
    /// # Errors
    /// Those of the exchange, and a vector without a direction.
    pub(super) async fn query(
        &mut self,
        query: &str,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<Query, Failure> {
        let sources = TextSources { words: &[query.to_owned()], ..TextSources::default() };
        let text = InputTexts::find(&sources, io)?;
        let parts = match Batches::of_new_texts(text)?.next(1)? {
            Some(batch) => self.parts(&batch, exchange).await?,
            None => Vec::new(),
        };
        let floats = match parts.first() {
            Some(AnswerPart::Vectors(vectors)) => floats_of(vectors, 0),
            Some(AnswerPart::Refused(words)) => {
                return Err(Failure::new(FailureKind::Refused, words.clone()));
            }
            _ => None,
        };
        let numbers = floats.unwrap_or_default();
        let numbers =
            numbers.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        Query::new(numbers).ok_or_else(|| {
            let name = &exchange.provider.name;
            let message = format!("{name} gave the query a vector without a direction");
            Failure::new(FailureKind::Refused, message)
        })
    }

    /// Offers every line to `best`; gives how many lines there are and the first refusal of one.
    ///
    /// # Errors
    /// Those of the exchange, and lines that are no text.
    pub(super) async fn lines(
        &mut self,
        texts: InputTexts,
        query: &Query,
        best: &mut Best,
        exchange: &mut Exchange,
    ) -> Result<Vec<String>, Failure> {
        let mut batches = Batches::of_new_texts(texts)?;
        let mut refused = Vec::new();
        while let Some(batch) = batches.next(self.asker.most())? {
            let parts = self.parts(&batch, exchange).await?;
            let mut sent = batch.sent().into_iter().map(|text| (text.row + 1, text.text()));
            for part in parts {
                match part {
                    AnswerPart::Vectors(vectors) => {
                        let offered = sent.by_ref().take(vectors.len()).enumerate();
                        for (index, (number, text)) in offered {
                            offer(&vectors, index, number, text, query, best);
                        }
                    }
                    AnswerPart::Refused(words) => {
                        if let Some((number, _)) = sent.next() {
                            refused.push(format!("line {number} is left out: {words}"));
                        }
                    }
                    AnswerPart::Reply(_) => {}
                }
            }
        }
        Ok(refused)
    }

    async fn parts(
        &mut self,
        batch: &Batch,
        exchange: &mut Exchange,
    ) -> Result<Vec<AnswerPart>, Failure> {
        let answer = self.asker.ask(batch, exchange).await?;
        self.tally.add(answer.tokens, answer.requests);
        Ok(answer.parts)
    }
}

/// A vector as little-endian 32-bit floats.
fn floats_of(vectors: &Vectors, index: usize) -> Option<Vec<u8>> {
    let mut floats = Vec::new();
    vectors.get(index)?.push_floats(&mut floats);
    Some(floats)
}

fn offer(vectors: &Vectors, index: usize, number: u64, text: &str, query: &Query, best: &mut Best) {
    let Some(floats) = floats_of(vectors, index) else { return };
    if floats.len() / 4 == query.dimensions()
        && let Some(score) = query.cosine(&floats)
    {
        best.offer(Hit { text: Some(text.to_owned()), ..Hit::new(score, number) });
    }
}
