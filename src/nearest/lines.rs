//! A line of a file of vectors: JSON lines as `embed` writes them, arrays, or numbers between commas.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::numbers;

/// A row of JSON lines.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    #[serde(borrow, alias = "text")]
    input: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// What a line holds beside its vector.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line<'a> {
    /// The vector as it is written; its numbers stand in the buffer that the reader was given.
    pub(super) vector: Option<&'a [u8]>,
    pub(super) text: Option<Cow<'a, str>>,
    /// As JSON.
    pub(super) id: Option<&'a str>,
    /// The model that made the vector.
    pub(super) model: Option<Cow<'a, str>>,
}

/// Reads a line, and its vector into `floats`. The line is not blank.
///
/// # Errors
/// What the line is not, in words.
pub(super) fn read<'a>(line: &'a [u8], floats: &mut Vec<u8>) -> Result<Line<'a>, String> {
    floats.clear();
    if line.trim_ascii_start().first() != Some(&b'{') {
        let vector = Some(line).filter(|line| line.trim_ascii() != b"null");
        if let Some(vector) = vector {
            numbers::read(vector, floats).map_err(|_| "is no list of numbers".to_owned())?;
        }
        return Ok(Line { vector, ..Line::default() });
    }
    let row: Row<'_> = serde_json::from_slice(line)
        .map_err(|_| "is no JSON object with an `embedding`, an `input` and an `id`".to_owned())?;
    let vector = row.embedding.map(|vector| vector.get().as_bytes());
    if let Some(vector) = vector {
        numbers::read(vector, floats)
            .map_err(|_| "has an `embedding` that is no list of numbers".to_owned())?;
    }
    Ok(Line { vector, text: row.input, id: row.id.map(RawValue::get), model: row.model })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let mut floats = Vec::new();
        let line = r#"{"index":0,"input":"猫 \"好\"","embedding":[1, 2],"model":"m","id":"a"}"#;
        let row = read(line.as_bytes(), &mut floats).expect("is read");
        assert_eq!(row.text.as_deref(), Some("猫 \"好\""));
        assert_eq!((row.id, row.model.as_deref(), floats.len()), (Some("\"a\""), Some("m"), 8));
        for line in ["[1,2]", "1,2", " 1, 2 \r"] {
            assert!(
                read(line.as_bytes(), &mut floats).expect("is read").vector.is_some(),
                "{line}"
            );
            assert_eq!(floats.len(), 8);
        }
        for line in ["null", r#"{"input":"x","embedding":null}"#, r#"{"input":"x"}"#] {
            assert!(
                read(line.as_bytes(), &mut floats).expect("is read").vector.is_none(),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_no_row_is_told() {
        for line in ["a,b", "[1,", "{", r#"{"embedding":"AAAA"}"#, r#"{"embedding":[[1]]}"#] {
            assert!(read(line.as_bytes(), &mut Vec::new()).is_err(), "{line}");
        }
    }
}
