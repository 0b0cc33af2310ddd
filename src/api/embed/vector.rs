//! One vector, and how it is written as text or as 32-bit floats. Knows no reply and no file.

use serde_json::Value;

use super::number;
use crate::api::embed::format::VectorFormat;

/// A vector as it travelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Vector<'a> {
    /// Little-endian 32-bit floats, all of them finite; the length is a multiple of 4.
    Floats(&'a [u8]),
    /// JSON numbers separated by commas, as the service wrote them; blanks may stand between.
    Digits(&'a [u8]),
}

/// The blanks of JSON (RFC 8259, section 2).
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

impl Vector<'_> {
    /// How many numbers the vector has.
    pub(crate) fn dimensions(&self) -> usize {
        match self {
            Vector::Floats(bytes) => bytes.len() / 4,
            Vector::Digits(text) => memchr::memchr_iter(b',', text).count() + 1,
        }
    }

    /// Adds the numbers as text, separated by commas: those of a service that sent decimal numbers
    /// as it wrote them, floats in the shortest form that reads back as the same float.
    fn push_text(&self, out: &mut Vec<u8>) {
        match self {
            Vector::Floats(bytes) => {
                let mut buffer = zmij::Buffer::new();
                for four in bytes.as_chunks::<4>().0 {
                    let text = buffer.format_finite(f32::from_le_bytes(*four));
                    out.extend_from_slice(text.as_bytes());
                    out.push(b',');
                }
                // None follows the last one.
                out.pop();
            }
            Vector::Digits(text) => {
                text.split(|byte| is_blank(*byte)).for_each(|run| out.extend_from_slice(run));
            }
        }
    }

    /// Adds the numbers as little-endian 32-bit floats. A number that no float holds becomes the
    /// nearest one.
    pub(crate) fn push_floats(&self, out: &mut Vec<u8>) {
        match self {
            Vector::Floats(bytes) => out.extend_from_slice(bytes),
            Vector::Digits(text) => {
                let mut at = 0;
                while at <= text.len() {
                    while text.get(at).is_some_and(|byte| is_blank(*byte)) {
                        at += 1;
                    }
                    // The reply's reader let nothing but numbers, commas and blanks through.
                    let (float, end) = number::read(text, at).unwrap_or((f32::NAN, at));
                    out.extend_from_slice(&float.to_le_bytes());
                    let comma = memchr::memchr(b',', &text[end..]);
                    at = comma.map_or(text.len(), |length| end + length) + 1;
                }
            }
        }
    }
}

/// What a line says beside the vector; only jsonl has a place for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineFacts<'a> {
    /// Counts inputs from 0.
    pub(crate) index: u64,
    /// The name of the input's row.
    pub(crate) id: Option<&'a Value>,
    pub(crate) input: &'a str,
    pub(crate) model: Option<&'a str>,
}

/// Adds the line for one input: its vector, or `null` where there is none. Not for `npy`, which has no
/// lines.
pub(crate) fn push_line(
    format: VectorFormat,
    facts: LineFacts<'_>,
    vector: Option<Vector<'_>>,
    out: &mut Vec<u8>,
) {
    let LineFacts { index, id, input, model } = facts;
    // Writing into memory can't fail, and a text or a value always serialises.
    if format == VectorFormat::Jsonl {
        out.extend_from_slice(format!("{{\"index\":{index},").as_bytes());
        if let Some(id) = id {
            out.extend_from_slice(b"\"id\":");
            let _ = serde_json::to_writer(&mut *out, id);
            out.push(b',');
        }
        out.extend_from_slice(b"\"input\":");
        let _ = serde_json::to_writer(&mut *out, input);
        out.extend_from_slice(b",\"embedding\":");
    }
    match vector {
        None => out.extend_from_slice(b"null"),
        Some(vector) if format == VectorFormat::Csv => vector.push_text(out),
        Some(vector) => {
            out.push(b'[');
            vector.push_text(out);
            out.push(b']');
        }
    }
    if format == VectorFormat::Jsonl {
        if let Some(model) = model {
            out.extend_from_slice(b",\"model\":");
            let _ = serde_json::to_writer(&mut *out, model);
        }
        out.push(b'}');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(format: VectorFormat, vector: Option<Vector<'_>>) -> String {
        let mut out = Vec::new();
        let id = Value::from("甲");
        let facts = LineFacts { index: 7, id: Some(&id), input: "说 \"好\"", model: Some("bge") };
        push_line(format, facts, vector, &mut out);
        String::from_utf8(out).expect("is text")
    }

    #[test]
    fn every_format_has_its_line() {
        let bytes: Vec<u8> =
            [0.1f32, -2.0, 1e-9].iter().flat_map(|number| number.to_le_bytes()).collect();
        let floats = Some(Vector::Floats(&bytes));
        let digits = Some(Vector::Digits(b"0.10 ,\n -2,1E-9"));
        assert_eq!(line(VectorFormat::Array, floats), "[0.1,-2.0,1e-9]\n");
        assert_eq!(line(VectorFormat::Array, digits), "[0.10,-2,1E-9]\n");
        assert_eq!(line(VectorFormat::Csv, digits), "0.10,-2,1E-9\n");
        let object = r#"{"index":7,"id":"甲","input":"说 \"好\"","embedding":[0.1,-2.0,1e-9],"model":"bge"}"#;
        assert_eq!(line(VectorFormat::Jsonl, floats), format!("{object}\n"));
        assert_eq!(line(VectorFormat::Array, None), "null\n");
        let object = r#"{"index":7,"id":"甲","input":"说 \"好\"","embedding":null,"model":"bge"}"#;
        assert_eq!(line(VectorFormat::Jsonl, None), format!("{object}\n"));
    }

    proptest! {
        #[test]
        fn floats_survive_their_text(numbers in proptest::collection::vec(
            any::<f32>().prop_filter("finite", |number| number.is_finite()), 1..20,
        )) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let floats = Vector::Floats(&bytes);
            let mut text = Vec::new();
            floats.push_text(&mut text);
            let mut again = Vec::new();
            Vector::Digits(&text).push_floats(&mut again);
            prop_assert_eq!(&bytes, &again);
            prop_assert_eq!(floats.dimensions(), Vector::Digits(&text).dimensions());
        }
    }
}
