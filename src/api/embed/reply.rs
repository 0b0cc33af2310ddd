//! Reads an embeddings reply: its vectors in the order of the inputs, in whatever form they came.
//! Knows no network and no batch.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::scan::{self, Entry, Place};
use super::vector::Vector;
use crate::http::fault::{self, Fault};

/// Base64 with or without the signs that fill it up: services send both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The vectors of a reply, in the order of the inputs.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    /// Decoded base64, row behind row.
    floats: Vec<u8>,
    /// The reply, if a row's numbers stand in it.
    text: Vec<u8>,
    rows: Vec<Row>,
    /// The tokens that the inputs took, if the service counted them.
    pub(crate) tokens: Option<u64>,
}

#[derive(Debug, Clone)]
enum Row {
    Floats(Range<usize>),
    Digits(Range<usize>),
    /// The service gave something that is no number.
    NoNumber,
}

/// Why a reply can't be used.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    /// It carries an error.
    Fault(Fault),
    /// It has no list of vectors; the words are those of the reply.
    NoList(String),
    /// An entry holds several vectors, one for each token.
    Nested,
    /// It has so many vectors, not as many as inputs.
    Count(usize),
    /// The indexes are not 0 to the number of inputs, each once: the words say what is wrong.
    Index(String),
    /// The vector of this input (from 0) can't be read: the words say why.
    Vector(usize, String),
}

impl Vectors {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.floats.len() + self.text.len()
    }

    /// The vector of an input, counted from 0; `None` if it holds something that is no number (NaN,
    /// an infinity, `null`), as some services send when their arithmetic overflows.
    pub(crate) fn get(&self, index: usize) -> Option<Vector<'_>> {
        match self.rows.get(index)? {
            Row::Floats(range) => Some(Vector::Floats(&self.floats[range.clone()])),
            Row::Digits(range) => Some(Vector::Digits(&self.text[range.clone()])),
            Row::NoNumber => None,
        }
    }
}

/// Reads the reply to a request for `asked` inputs. Vectors are understood as base64 and as
/// numbers, whatever was asked for.
///
/// # Errors
/// The first problem, as one that the whole reply has.
pub(crate) fn read(body: Vec<u8>, asked: usize) -> Result<Vectors, Problem> {
    match scan::scan(&body) {
        Some(found) => {
            let tokens = found.usage.clone().and_then(|usage| tokens(&body[usage]));
            vectors(body, found.entries, asked, tokens)
        }
        None => read_slowly(&body, asked),
    }
}

/// The error that a reply carries, if it carries one.
pub(crate) fn fault_in(body: &[u8]) -> Option<Fault> {
    match scan::scan(body) {
        Some(_) => None,
        None => serde_json::from_slice(body).ok().as_ref().and_then(fault::in_reply),
    }
}

/// The tokens in a reply's usage.
pub(crate) fn tokens_in(body: &[u8]) -> Option<u64> {
    scan::scan(body)?.usage.and_then(|usage| tokens(&body[usage]))
}

fn tokens(usage: &[u8]) -> Option<u64> {
    tokens_of(&serde_json::from_slice(usage).ok()?)
}

fn tokens_of(usage: &Value) -> Option<u64> {
    ["prompt_tokens", "total_tokens"].iter().find_map(|name| usage.get(*name)?.as_u64())
}

/// Puts the entries into the order of the inputs and decodes what is base64.
fn vectors(
    body: Vec<u8>,
    mut entries: Vec<Entry>,
    asked: usize,
    tokens: Option<u64>,
) -> Result<Vectors, Problem> {
    if entries.len() != asked {
        return Err(Problem::Count(entries.len()));
    }
    sort(&mut entries)?;
    let encoded = entries.iter().map(|entry| match &entry.place {
        Place::Text(range) => range.len(),
        Place::Numbers(_) => 0,
    });
    let mut floats = Vec::with_capacity(encoded.sum::<usize>() / 4 * 3 + 3);
    let mut rows = Vec::with_capacity(asked);
    for (index, entry) in entries.into_iter().enumerate() {
        rows.push(match entry.place {
            Place::Numbers(range) => Row::Digits(range),
            Place::Text(range) => {
                decode(&body[range], &mut floats).map_err(|words| Problem::Vector(index, words))?
            }
        });
    }
    let has_digits = rows.iter().any(|row| matches!(row, Row::Digits(_)));
    Ok(Vectors { floats, text: if has_digits { body } else { Vec::new() }, rows, tokens })
}

fn sort(entries: &mut [Entry]) -> Result<(), Problem> {
    // Some services number nothing; then the order is that of the inputs.
    if entries.iter().all(|entry| entry.index.is_none()) {
        return Ok(());
    }
    let mut seen = vec![false; entries.len()];
    for entry in entries.iter() {
        let Some(index) = entry.index else {
            return Err(Problem::Index("some vectors have no index".to_owned()));
        };
        match seen.get_mut(index) {
            Some(true) => return Err(Problem::Index(format!("index {index} comes twice"))),
            Some(seen) => *seen = true,
            None => return Err(Problem::Index(format!("there is an index {index}"))),
        }
    }
    entries.sort_unstable_by_key(|entry| entry.index);
    Ok(())
}

fn decode(text: &[u8], floats: &mut Vec<u8>) -> Result<Row, String> {
    let start = floats.len();
    BASE64.decode_vec(text, floats).map_err(|_| "it is no base64".to_owned())?;
    let row = &floats[start..];
    let (numbers, rest) = row.as_chunks::<4>();
    if row.is_empty() || !rest.is_empty() {
        return Err(format!("{} bytes are no 32-bit floats", row.len()));
    }
    // All bits of the exponent are set in NaN and the infinities alone (IEEE 754). No early end, so
    // that the compiler can look at several numbers at once.
    let is_finite = |four: &[u8; 4]| u32::from_le_bytes(*four) & 0x7f80_0000 != 0x7f80_0000;
    if numbers.iter().fold(true, |all, four| all & is_finite(four)) {
        Ok(Row::Floats(start..floats.len()))
    } else {
        floats.truncate(start);
        Ok(Row::NoNumber)
    }
}

/// Reads a reply of an unusual shape through a tree of its values.
fn read_slowly(body: &[u8], asked: usize) -> Result<Vectors, Problem> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
        return Err(Problem::Fault(fault));
    }
    let list = value.as_ref().and_then(|value| value.get("data")?.as_array());
    let Some(list) = list else { return Err(Problem::NoList(fault::read(body).message)) };
    if list.len() != asked {
        return Err(Problem::Count(list.len()));
    }
    let mut text = Vec::new();
    let mut entries = Vec::with_capacity(list.len());
    let mut hollow = Vec::new();
    for (position, entry) in list.iter().enumerate() {
        let index = match entry.get("index") {
            None | Some(Value::Null) => None,
            Some(index) => Some(
                index
                    .as_u64()
                    .and_then(|index| usize::try_from(index).ok())
                    .ok_or_else(|| Problem::Index(format!("there is an index {index}")))?,
            ),
        };
        let number = index.unwrap_or(position);
        let place = place(entry.get("embedding"), number, &mut text)?;
        if place.is_none() {
            hollow.push(number);
        }
        entries.push(Entry { index, place: place.unwrap_or(Place::Numbers(0..0)) });
    }
    let tokens = value.as_ref().and_then(|value| tokens_of(value.get("usage")?));
    let mut vectors = vectors(text, entries, asked, tokens)?;
    for number in hollow {
        vectors.rows[number] = Row::NoNumber;
    }
    Ok(vectors)
}

/// Adds a vector's text to `text`, in the form in which it stands in a reply of the usual shape.
/// `None` if one of its numbers is `null`.
fn place(
    vector: Option<&Value>,
    number: usize,
    text: &mut Vec<u8>,
) -> Result<Option<Place>, Problem> {
    let start = text.len();
    let unreadable = |words: &str| Err(Problem::Vector(number, words.to_owned()));
    match vector {
        Some(Value::String(encoded)) => {
            text.extend_from_slice(encoded.as_bytes());
            Ok(Some(Place::Text(start..text.len())))
        }
        Some(Value::Array(numbers)) if numbers.iter().any(Value::is_array) => Err(Problem::Nested),
        Some(Value::Array(numbers)) if numbers.is_empty() => unreadable("it is empty"),
        Some(Value::Array(numbers)) => {
            if numbers.iter().any(|one| !one.is_number() && !one.is_null()) {
                return unreadable("it holds more than numbers");
            }
            if numbers.iter().any(Value::is_null) {
                return Ok(None);
            }
            for (position, one) in numbers.iter().enumerate() {
                if position > 0 {
                    text.push(b',');
                }
                text.extend_from_slice(one.to_string().as_bytes());
            }
            Ok(Some(Place::Numbers(start..text.len())))
        }
        _ => unreadable("it is neither numbers nor base64"),
    }
}

#[cfg(test)]
mod tests;
