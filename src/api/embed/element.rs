//! What the bytes of a vector in base64 are: 32-bit floats, or whole numbers of one byte.

use std::ops::Range;

use serde_json::{Map, Value};

use super::base64;

/// Fields of a request that choose the elements: `encoding_format` (OpenAI, Perplexity) and
/// `output_dtype` (Voyage, Mistral).
const FIELDS: [&str; 2] = ["output_dtype", "encoding_format"];

/// So many numbers of a vector are looked at, and fewer than the second are too few to judge by.
const LOOKED_AT: usize = 256;
const LEAST_NUMBERS: usize = 16;

/// One element of a vector in base64.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Element {
    /// Four bytes, little-endian.
    Float,
    /// One byte with a sign; eight bits where bits were asked for.
    Signed,
    /// One byte without a sign, as above.
    Unsigned,
}

/// Why the base64 of a vector can't be read.
#[derive(Debug, PartialEq)]
pub(super) enum ElementProblem {
    Empty,
    NotBase64,
    /// So many bytes, which are no 32-bit floats.
    NoFloats(usize),
}

impl Element {
    /// The elements that a request asks for.
    pub(crate) fn asked_by(body: &Map<String, Value>) -> Self {
        let named = FIELDS.iter().filter_map(|field| body.get(*field)?.as_str());
        let found = named.map(|name| match name.strip_prefix("base64_").unwrap_or(name) {
            "int8" | "binary" if name != "base64_binary" => Self::Signed,
            "uint8" | "ubinary" | "binary" => Self::Unsigned,
            _ => Self::Float,
        });
        found.into_iter().find(|element| *element != Self::Float).unwrap_or(Self::Float)
    }

    /// Decodes the vector in base64 at `range` to `start`, in its place. Gives the end of its bytes.
    pub(super) fn decode(
        self,
        text: &mut [u8],
        range: Range<usize>,
        start: usize,
    ) -> Result<usize, ElementProblem> {
        let end = base64::decode(text, range, start).ok_or(ElementProblem::NotBase64)?;
        match end - start {
            0 => Err(ElementProblem::Empty),
            length if self == Self::Float && length % 4 != 0 => {
                Err(ElementProblem::NoFloats(length))
            }
            _ => Ok(end),
        }
    }

    /// Adds the bytes of a vector as 32-bit floats.
    pub(super) fn push_floats(self, bytes: &[u8], floats: &mut Vec<u8>) {
        let number = |byte: &u8| match self {
            Self::Float | Self::Unsigned => f32::from(*byte),
            Self::Signed => f32::from(byte.cast_signed()),
        };
        floats.extend(bytes.iter().flat_map(|byte| number(byte).to_le_bytes()));
    }
}

/// Whether bytes that are whole 32-bit floats by their length are none: numbers of one byte, read four
/// at a time, are floats of any size. Those of a vector are about as large as each other.
pub(super) fn are_no_floats(bytes: &[u8]) -> bool {
    let numbers = bytes.as_chunks::<4>().0.iter().take(LOOKED_AT);
    let numbers = numbers.map(|four| f32::from_le_bytes(*four).abs());
    let (mut all, mut usual) = (0, 0);
    for number in numbers.filter(|number| number.is_finite() && *number > 0.0) {
        all += 1;
        usual += usize::from((1e-12..1e9).contains(&number));
    }
    all >= LEAST_NUMBERS && usual * 2 < all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_names_its_elements() {
        for (fields, expected) in [
            (json!({"encoding_format": "base64"}), Element::Float),
            (json!({"encoding_format": "float", "output_dtype": "float"}), Element::Float),
            (json!({}), Element::Float),
            (json!({"encoding_format": "base64_int8"}), Element::Signed),
            (json!({"encoding_format": "base64_binary"}), Element::Unsigned),
            (json!({"encoding_format": "base64", "output_dtype": "int8"}), Element::Signed),
            (json!({"encoding_format": "base64", "output_dtype": "uint8"}), Element::Unsigned),
            (json!({"encoding_format": "base64", "output_dtype": "binary"}), Element::Signed),
            (json!({"encoding_format": "base64", "output_dtype": "ubinary"}), Element::Unsigned),
        ] {
            let fields = fields.as_object().expect("an object");
            assert_eq!(Element::asked_by(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn bytes_are_told_from_floats() {
        let floats = |scale: f32| -> Vec<u8> {
            (1..64_u8).flat_map(|n| (f32::from(n) * scale - scale).to_le_bytes()).collect()
        };
        for scale in [0.0, 1e-6, 0.01, 1.0, 1e5] {
            assert!(!are_no_floats(&floats(scale)), "{scale}");
        }
        // An arithmetic that overflowed is another matter.
        assert!(!are_no_floats(&f32::NAN.to_le_bytes().repeat(64)));
        for most in [8_u8, 30, 127] {
            let small = |n: u32| (((n * 7919) % u32::from(most)) as u8).cast_signed();
            let bytes: Vec<u8> = (1..1025)
                .map(|n| if n % 3 == 0 { -small(n) } else { small(n) }.cast_unsigned())
                .collect();
            assert!(are_no_floats(&bytes), "{most}");
        }
        // Too few to say.
        assert!(!are_no_floats(&[1; 32]));
    }
}
