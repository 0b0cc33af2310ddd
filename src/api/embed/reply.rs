//! Reads an embeddings reply: its vectors in the order of the inputs, in whatever form they came.
//! Knows no network and no batch.

use std::ops::Range;

use serde_json::Value;

use super::element::{Element, ElementProblem, are_no_floats};
use super::nan::without_nan;
use super::scan::{self, VectorEntry, VectorPlace};
use super::vector::Vector;
use crate::http::bad_reply::BadReply;
use crate::http::fault::{self, Fault};
use crate::http::odd_json;

/// The vectors of a reply, in the order of the inputs.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    /// The reply, in which floats have taken the place of their base64: several replies are in
    /// memory at a time, and this way each is there but once.
    text: Vec<u8>,
    /// The floats of decimal numbers.
    floats: Vec<u8>,
    rows: Vec<ReplyRow>,
    /// What the service counted, if it did.
    pub(crate) usage: Option<Value>,
}

#[derive(Debug, Clone)]
enum ReplyRow {
    /// Floats in the reply.
    Decoded(Range<usize>),
    /// Floats beside the reply.
    Floats(Range<usize>),
    Digits(Range<usize>),
    /// The service gave something that is not a number.
    NoNumber,
}

/// What becomes of vectors that come as decimal numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DecimalVectors {
    /// They stay as the service wrote them.
    AsTheyCame,
    /// They become floats, each the nearest.
    Floats,
}

/// Why a reply can't be used.
#[derive(Debug, PartialEq)]
pub(crate) enum VectorProblem {
    /// It is something else than a list of vectors.
    Reply(BadReply),
    /// It would be one, but the list is missing.
    Nothing(BadReply),
    /// An entry holds several vectors, one for each token.
    Nested,
    /// It has so many vectors, not as many as inputs.
    Count(usize),
    /// The indexes are not 0 to the number of inputs, each once: the words say what is wrong.
    Index(String),
    /// The vector of this input (from 0) is missing or has no number.
    Empty(usize),
    /// The vector of this input (from 0) can't be read: the words say why.
    Vector(usize, String),
    /// The vector of this input (from 0) is base64 of so many bytes, which are no 32-bit floats.
    NoFloats(usize, usize),
}

impl VectorProblem {
    /// The reply has the form of one with vectors, and none in it.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing(_) | Self::Count(0) | Self::Empty(_))
    }
}

impl From<BadReply> for VectorProblem {
    fn from(bad: BadReply) -> Self {
        Self::Reply(bad)
    }
}

impl Vectors {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.floats.capacity() + self.text.capacity()
    }

    /// The memory of the reply, if no vector stands in it any more.
    pub(crate) fn spare_text(&mut self) -> Option<Vec<u8>> {
        let is_in_text = |row: &ReplyRow| matches!(row, ReplyRow::Decoded(_) | ReplyRow::Digits(_));
        (!self.rows.iter().any(is_in_text)).then(|| std::mem::take(&mut self.text))
    }

    /// The memory, to be used again: that of the reply, and that of floats.
    pub(crate) fn into_memory(self) -> (Vec<u8>, Vec<u8>) {
        (self.text, self.floats)
    }

    /// The length, in bytes, of the first vector that came as base64 of floats and has not `wanted`
    /// numbers, with the input that it is for.
    pub(crate) fn odd_base64(&self, wanted: usize) -> Option<(usize, usize)> {
        self.rows.iter().enumerate().find_map(|(index, row)| match row {
            ReplyRow::Decoded(range) if range.len() != wanted * 4 => Some((index, range.len())),
            _ => None,
        })
    }

    /// All vectors as one piece, and how many numbers each of them has: if all are floats, alike, and
    /// came in the order of the inputs.
    pub(crate) fn as_table(&self) -> Option<(usize, &[u8])> {
        let (bytes, first) = match self.rows.first()? {
            ReplyRow::Decoded(range) => (&self.text, range),
            ReplyRow::Floats(range) => (&self.floats, range),
            ReplyRow::Digits(_) | ReplyRow::NoNumber => return None,
        };
        let is_beside = |row: &ReplyRow| matches!(row, ReplyRow::Floats(_));
        let mut end = first.start;
        for row in &self.rows {
            let (ReplyRow::Decoded(range) | ReplyRow::Floats(range)) = row else { return None };
            let is_alike = is_beside(row) == is_beside(&self.rows[0]) && range.len() == first.len();
            if range.start != end || !is_alike {
                return None;
            }
            end = range.end;
        }
        Some((first.len() / 4, &bytes[first.start..end]))
    }

    /// The vector of an input, counted from 0; `None` if it holds something that is not a number (NaN,
    /// an infinity, `null`), as some services send when their arithmetic overflows.
    pub(crate) fn get(&self, index: usize) -> Option<Vector<'_>> {
        match self.rows.get(index)? {
            ReplyRow::Decoded(range) => Some(Vector::Floats(&self.text[range.clone()])),
            ReplyRow::Floats(range) => Some(Vector::Floats(&self.floats[range.clone()])),
            ReplyRow::Digits(range) => Some(Vector::Digits(&self.text[range.clone()])),
            ReplyRow::NoNumber => None,
        }
    }
}

/// Reads the reply to a request for `asked` inputs. Vectors are understood as base64 and as
/// numbers, whatever was asked for; base64 is that of `element`. `floats` is memory for those of decimal
/// numbers.
///
/// # Errors
/// The first problem, as one that the whole reply has.
pub(crate) fn read(
    body: Vec<u8>,
    asked: usize,
    numbers: DecimalVectors,
    element: Element,
    mut floats: Vec<u8>,
) -> Result<Vectors, VectorProblem> {
    floats.clear();
    match scan::scan(&body, (numbers == DecimalVectors::Floats).then_some(&mut floats)) {
        Some(found) => {
            let usage = found.usage.clone().and_then(|usage| value(&body[usage]));
            vectors((body, floats), found.entries, element, asked, usage)
        }
        None => {
            floats.clear();
            read_slowly(&body, asked, numbers, element, floats)
        }
    }
}

/// The error that a reply carries, if it carries one.
pub(crate) fn fault_in(body: &[u8]) -> Option<Fault> {
    match scan::scan(body, None) {
        Some(_) => None,
        None => odd_json::value(body).ok().as_ref().and_then(fault::in_reply),
    }
}

/// What a reply says of its usage.
pub(crate) fn usage_in(body: &[u8]) -> Option<Value> {
    scan::scan(body, None)?.usage.and_then(|usage| value(&body[usage]))
}

fn value(usage: &[u8]) -> Option<Value> {
    serde_json::from_slice(usage).ok()
}

/// The tokens that the inputs took, if the service counted them.
pub(crate) fn tokens_of(usage: &Value) -> Option<u64> {
    ["prompt_tokens", "total_tokens"].iter().find_map(|name| usage.get(*name)?.as_u64())
}

/// Decodes what is base64, in its place, and puts the vectors into the order of the inputs. The
/// entries stand in `text` one behind the other.
fn vectors(
    (mut text, mut floats): (Vec<u8>, Vec<u8>),
    entries: Vec<VectorEntry>,
    element: Element,
    asked: usize,
    usage: Option<Value>,
) -> Result<Vectors, VectorProblem> {
    if entries.len() != asked {
        return Err(VectorProblem::Count(entries.len()));
    }
    let order = order(&entries)?;
    let mut rows = vec![ReplyRow::NoNumber; asked];
    // What stands before is taken by vectors; decoded ones are shorter than their base64.
    let mut taken = 0;
    for (entry, index) in entries.into_iter().zip(order) {
        rows[index] = match entry.place {
            VectorPlace::Nowhere => ReplyRow::NoNumber,
            VectorPlace::Floats(range) => match are_finite(&floats[range.clone()]) {
                true => ReplyRow::Floats(range),
                // A number that no float holds.
                false => ReplyRow::NoNumber,
            },
            VectorPlace::Numbers(range) => {
                taken = range.end;
                ReplyRow::Digits(range)
            }
            VectorPlace::Text(range) => {
                let start = taken;
                taken = element.decode(&mut text, range, start).map_err(|it| it.of(index))?;
                let bytes = &text[start..taken];
                if element != Element::Float {
                    let beside = floats.len();
                    element.push_floats(bytes, &mut floats);
                    ReplyRow::Floats(beside..floats.len())
                } else if index == 0 && are_no_floats(bytes) {
                    return Err(VectorProblem::NoFloats(index, bytes.len()));
                } else if are_finite(bytes) {
                    ReplyRow::Decoded(start..taken)
                } else {
                    ReplyRow::NoNumber
                }
            }
        };
    }
    Ok(Vectors { text, floats, rows, usage })
}

/// The input of each entry.
///
/// Services number in many ways. What has no index stands in the place of its own input, and so does
/// everything where all have the same one. Where the indexes are a run of numbers without a gap, each
/// once, the first of them is the first input: some count from 1, some over all requests.
fn order(entries: &[VectorEntry]) -> Result<Vec<usize>, VectorProblem> {
    let given = || entries.iter().filter_map(|entry| entry.index);
    let has_all = given().count() == entries.len();
    let (least, most) = (given().min().unwrap_or(0), given().max().unwrap_or(0));
    if has_all && least == most {
        return Ok((0..entries.len()).collect());
    }
    let is_a_run = has_all && most - least == entries.len() - 1;
    let first = if is_a_run { least } else { 0 };
    let mut seen = vec![false; entries.len()];
    let mut order = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let index = entry.index.map_or(position, |index| index - first);
        match seen.get_mut(index) {
            Some(true) => return Err(VectorProblem::Index(format!("index {index} comes twice"))),
            Some(seen) => *seen = true,
            None => {
                return Err(VectorProblem::Index(format!("there is an unexpected index {index}")));
            }
        }
        order.push(index);
    }
    Ok(order)
}

impl ElementProblem {
    /// As the problem of the vector of an input.
    fn of(self, index: usize) -> VectorProblem {
        match self {
            Self::Empty => VectorProblem::Empty(index),
            Self::NotBase64 => VectorProblem::Vector(index, "it is not base64".to_owned()),
            Self::NoFloats(length) => VectorProblem::NoFloats(index, length),
        }
    }
}

/// Whether no float is NaN or an infinity: those alone have all bits of the exponent set (IEEE 754).
fn are_finite(floats: &[u8]) -> bool {
    let is_finite = |four: &[u8; 4]| u32::from_le_bytes(*four) & 0x7f80_0000 != 0x7f80_0000;
    // No early end, so that the compiler can look at several numbers at once.
    floats.as_chunks::<4>().0.iter().fold(true, |all, four| all & is_finite(four))
}

/// Reads a reply of an unusual shape through a tree of its values.
fn read_slowly(
    body: &[u8],
    asked: usize,
    numbers: DecimalVectors,
    element: Element,
    mut floats: Vec<u8>,
) -> Result<Vectors, VectorProblem> {
    let value: Option<Value> =
        serde_json::from_slice(body).or_else(|_| serde_json::from_slice(&without_nan(body))).ok();
    if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
        return Err(BadReply::from(fault).into());
    }
    let list = value.as_ref().and_then(|value| value.get("data")?.as_array());
    let Some(list) = list else {
        let lacks = value
            .as_ref()
            .is_some_and(|value| value.is_object() && value.get("data").is_none_or(Value::is_null));
        let bad = BadReply::of_body(body);
        return Err(if lacks { VectorProblem::Nothing(bad) } else { bad.into() });
    };
    if list.len() != asked {
        return Err(VectorProblem::Count(list.len()));
    }
    let mut text = Vec::new();
    let mut entries = Vec::with_capacity(list.len());
    for (position, entry) in list.iter().enumerate() {
        let index = match entry.get("index") {
            None | Some(Value::Null) => None,
            Some(index) => Some(whole_number(index).ok_or_else(|| {
                VectorProblem::Index(format!("there is an unexpected index {index}"))
            })?),
        };
        let number = index.unwrap_or(position);
        let mut place = place(entry.get("embedding"), number, &mut text)?;
        if let (VectorPlace::Numbers(range), DecimalVectors::Floats) = (&place, numbers) {
            let start = floats.len();
            Vector::Digits(&text[range.clone()]).push_floats(&mut floats);
            place = VectorPlace::Floats(start..floats.len());
        }
        entries.push(VectorEntry { index, place });
    }
    let usage = value.as_ref().and_then(|value| value.get("usage").cloned());
    vectors((text, floats), entries, element, asked, usage)
}

/// An index, which may be written as a text or with a fraction of zero.
fn whole_number(index: &Value) -> Option<usize> {
    let number = match index {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        index => index.as_f64()?,
    };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    is_whole.then_some(number as usize)
}

/// What stands for NaN and the infinities: `null`, or a text.
fn is_no_number(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.parse::<f64>().is_ok_and(|number| !number.is_finite()),
        _ => false,
    }
}

/// Adds a vector's text to `text`, in the form in which it stands in a reply of the usual shape.
/// It stands nowhere if one of its numbers is `null`.
fn place(
    vector: Option<&Value>,
    number: usize,
    text: &mut Vec<u8>,
) -> Result<VectorPlace, VectorProblem> {
    let start = text.len();
    let unreadable = |words: &str| Err(VectorProblem::Vector(number, words.to_owned()));
    match vector {
        Some(Value::String(encoded)) => {
            text.extend_from_slice(encoded.as_bytes());
            Ok(VectorPlace::Text(start..text.len()))
        }
        Some(Value::Array(numbers)) if numbers.iter().any(Value::is_array) => {
            Err(VectorProblem::Nested)
        }
        Some(Value::Array(numbers)) if numbers.is_empty() => Err(VectorProblem::Empty(number)),
        None | Some(Value::Null) => Err(VectorProblem::Empty(number)),
        Some(Value::Array(numbers)) => {
            if numbers.iter().any(|one| !one.is_number() && !is_no_number(one)) {
                return unreadable("it contains something other than numbers");
            }
            if numbers.iter().any(is_no_number) {
                return Ok(VectorPlace::Nowhere);
            }
            for (position, one) in numbers.iter().enumerate() {
                if position > 0 {
                    text.push(b',');
                }
                text.extend_from_slice(one.to_string().as_bytes());
            }
            Ok(VectorPlace::Numbers(start..text.len()))
        }
        _ => unreadable("it is neither numbers nor base64"),
    }
}

#[cfg(test)]
mod tests;
