//! What an embeddings request carries, and how much text fits into one. Knows no reply.

use serde_json::{Map, Value};

use crate::provider::Fields;

/// The most inputs of one request, by OpenAI's specification.
pub(crate) const MAX_INPUTS: usize = 2048;

/// The most text of one request, as [`weight`] counts it. OpenAI takes 300,000 tokens a request; at
/// three ASCII characters or three quarters of any other character a token, that is this weight.
pub(crate) const MAX_BATCH_WEIGHT: usize = 900_000;

/// The field that asks for base64 instead of numbers.
pub(crate) const ENCODING: &str = "encoding_format";

/// The fields of a request for this `input`, a text or a list of texts; `flags` are those that the user set. With `base64` the vectors are asked for as base64 of
/// little-endian 32-bit floats, which is a third to a half of the size of decimal numbers.
pub(crate) fn fields(
    model: Option<&str>,
    input: Value,
    flags: Map<String, Value>,
    base64: bool,
) -> Fields {
    let mut fields = Fields { flags, ..Fields::default() };
    if let Some(model) = model {
        fields.needed.insert("model".to_owned(), model.into());
    }
    fields.needed.insert("input".to_owned(), input);
    if base64 {
        fields.needed.insert(ENCODING.to_owned(), "base64".into());
    }
    fields
}

/// How much of a request a text takes: 1 for an ASCII character, 4 for any other.
pub(crate) fn weight(text: &str) -> usize {
    let count = |byte: &u8| match byte {
        0..0x80 => 1,
        // A character's further bytes.
        0x80..0xc0 => 0,
        _ => 4,
    };
    text.as_bytes().iter().map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_grows_with_tokens_not_with_bytes() {
        assert_eq!(weight(""), 0);
        assert_eq!(weight("hello"), 5);
        assert_eq!(weight("你好a"), 9);
        assert_eq!(weight("é🙂"), 8);
    }
}
