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

/// How much base64 is decoded at once, in characters.
const BLOCK: usize = 4096;

/// The vectors of a reply, in the order of the inputs.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    /// The reply, in which floats have taken the place of their base64: several replies are in
    /// memory at a time, and this way each is there but once.
    bytes: Vec<u8>,
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
    Fault(Box<Fault>),
    /// It has no list of vectors; the words are those of the reply.
    NoList(String),
    /// It is JSON that broke off.
    Cut,
    /// An entry holds several vectors, one for each token.
    Nested,
    /// It has so many vectors, not as many as inputs.
    Count(usize),
    /// The indexes are not 0 to the number of inputs, each once: the words say what is wrong.
    Index(String),
    /// The vector of this input (from 0) can't be read: the words say why.
    Vector(usize, String),
}

impl Problem {
    /// The problem of a reply without a list of vectors.
    pub(crate) fn no_list(body: &[u8]) -> Self {
        match fault::is_cut(body) {
            true => Self::Cut,
            false => Self::NoList(fault::read(body).message),
        }
    }
}

impl Vectors {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The memory, to be used again.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The same vectors, those that came as decimal numbers as floats.
    pub(crate) fn into_floats(mut self) -> Self {
        if !self.rows.iter().any(|row| matches!(row, Row::Digits(_))) {
            return self;
        }
        let dimensions = self.get(0).map_or(0, |vector| vector.dimensions());
        let mut bytes = Vec::with_capacity(4 * dimensions * self.len());
        let mut row = |vector: Vector<'_>| {
            let start = bytes.len();
            vector.push_floats(&mut bytes);
            Row::Floats(start..bytes.len())
        };
        let rows: Vec<Row> =
            (0..self.len()).map(|index| self.get(index).map_or(Row::NoNumber, &mut row)).collect();
        // Into the memory of the reply, which is used again: pieces of many sizes, asked for and given
        // back in turn, would leave holes.
        self.bytes.clear();
        self.bytes.extend_from_slice(&bytes);
        Self { rows, ..self }
    }

    /// The vector of an input, counted from 0; `None` if it holds something that is no number (NaN,
    /// an infinity, `null`), as some services send when their arithmetic overflows.
    pub(crate) fn get(&self, index: usize) -> Option<Vector<'_>> {
        match self.rows.get(index)? {
            Row::Floats(range) => Some(Vector::Floats(&self.bytes[range.clone()])),
            Row::Digits(range) => Some(Vector::Digits(&self.bytes[range.clone()])),
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

/// Decodes what is base64, in its place, and puts the vectors into the order of the inputs. The
/// entries stand in `bytes` one behind the other.
fn vectors(
    mut bytes: Vec<u8>,
    entries: Vec<Entry>,
    asked: usize,
    tokens: Option<u64>,
) -> Result<Vectors, Problem> {
    if entries.len() != asked {
        return Err(Problem::Count(entries.len()));
    }
    let order = order(&entries)?;
    let mut rows = vec![Row::NoNumber; asked];
    // What stands before is taken by vectors; decoded ones are shorter than their base64.
    let mut taken = 0;
    for (entry, index) in entries.into_iter().zip(order) {
        rows[index] = match entry.place {
            Place::Numbers(range) => {
                // An entry without numbers stands nowhere.
                taken = taken.max(range.end);
                Row::Digits(range)
            }
            Place::Text(range) => {
                let start = taken;
                taken = decode(&mut bytes, range, start)
                    .map_err(|words| Problem::Vector(index, words))?;
                match are_finite(&bytes[start..taken]) {
                    true => Row::Floats(start..taken),
                    false => Row::NoNumber,
                }
            }
        };
    }
    bytes.truncate(taken);
    Ok(Vectors { bytes, rows, tokens })
}

/// The input of each entry.
fn order(entries: &[Entry]) -> Result<Vec<usize>, Problem> {
    // Some services number nothing; then the order is that of the inputs.
    if entries.iter().all(|entry| entry.index.is_none()) {
        return Ok((0..entries.len()).collect());
    }
    let mut seen = vec![false; entries.len()];
    let mut order = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(index) = entry.index else {
            return Err(Problem::Index("some vectors have no index".to_owned()));
        };
        match seen.get_mut(index) {
            Some(true) => return Err(Problem::Index(format!("index {index} comes twice"))),
            Some(seen) => *seen = true,
            None => return Err(Problem::Index(format!("there is an index {index}"))),
        }
        order.push(index);
    }
    Ok(order)
}

/// Decodes the base64 at `text` to `start`, which is not behind it. Gives the end of what was
/// decoded.
fn decode(bytes: &mut [u8], text: Range<usize>, start: usize) -> Result<usize, String> {
    let mut block = [0; BLOCK / 4 * 3];
    let mut end = start;
    for from in text.clone().step_by(BLOCK) {
        let to = text.end.min(from + BLOCK);
        let length = BASE64.decode_slice(&bytes[from..to], &mut block).ok();
        // The signs that fill base64 up stand at its end alone.
        let is_whole = |length: &usize| to == text.end || *length == block.len();
        let length = length.filter(is_whole).ok_or("it is no base64")?;
        bytes[end..end + length].copy_from_slice(&block[..length]);
        end += length;
    }
    match end - start {
        0 => Err("it is empty".to_owned()),
        length if length % 4 != 0 => Err(format!("{length} bytes are no 32-bit floats")),
        _ => Ok(end),
    }
}

/// Whether no float is NaN or an infinity: those alone have all bits of the exponent set (IEEE 754).
fn are_finite(floats: &[u8]) -> bool {
    let is_finite = |four: &[u8; 4]| u32::from_le_bytes(*four) & 0x7f80_0000 != 0x7f80_0000;
    // No early end, so that the compiler can look at several numbers at once.
    floats.as_chunks::<4>().0.iter().fold(true, |all, four| all & is_finite(four))
}

/// Reads a reply of an unusual shape through a tree of its values.
fn read_slowly(body: &[u8], asked: usize) -> Result<Vectors, Problem> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
        return Err(Problem::Fault(Box::new(fault)));
    }
    let list = value.as_ref().and_then(|value| value.get("data")?.as_array());
    let Some(list) = list else { return Err(Problem::no_list(body)) };
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
