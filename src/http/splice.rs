//! A JSON body into which the bytes of files are spliced as base64 while it is sent, so that they
//! are never in memory as a whole. Knows nothing about what the files are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::form::{self, BytePiece};

/// How much is encoded at once; a multiple of three.
const ENCODE_SIZE: usize = 192 * 1024;

/// Bytes, and the mark that stands in the JSON where their base64 belongs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SplicedFile {
    pub(crate) mark: String,
    pub(crate) data: Vec<BytePiece>,
}

impl SplicedFile {
    /// An insert with a mark that no text holds by chance, made of letters that JSON leaves as they
    /// are.
    pub(crate) fn new(data: Vec<BytePiece>) -> Self {
        Self { mark: format!("[data {}]", form::nonce()), data }
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        length(&self.data)
    }
}

/// A JSON value with inserts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spliced {
    value: Value,
    inserts: Vec<SplicedFile>,
}

/// A stretch of the body, in the order in which it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum BodySegment {
    Json(Bytes),
    /// The base64 of these bytes, as one.
    Base64(Vec<BytePiece>),
}

impl BodySegment {
    fn length(&self) -> u64 {
        match self {
            BodySegment::Json(bytes) => bytes.len() as u64,
            BodySegment::Base64(pieces) => length(pieces).div_ceil(3) * 4,
        }
    }
}

impl Spliced {
    /// The value with these inserts. A mark that the value doesn't hold is left out.
    pub(crate) fn new(value: Value, inserts: Vec<SplicedFile>) -> Self {
        Self { value, inserts }
    }

    /// The value, with the marks in it.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// The value, to be changed; where a mark goes, its insert goes.
    pub(super) fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// The body's length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.stretches().iter().map(BodySegment::length).sum()
    }

    /// The body in stretches.
    pub(super) fn stretches(&self) -> Vec<BodySegment> {
        // A `Value` has only text keys and finite numbers, so it always serialises.
        let text = Bytes::from(serde_json::to_vec(&self.value).unwrap_or_default());
        let mut places: Vec<(usize, &SplicedFile)> = Vec::new();
        for insert in &self.inserts {
            let found = memchr::memmem::find_iter(&text, insert.mark.as_bytes());
            places.extend(found.map(|at| (at, insert)));
        }
        places.sort_by_key(|(at, _)| *at);
        let (mut stretches, mut behind) = (Vec::new(), 0);
        for (at, insert) in places {
            stretches.push(BodySegment::Json(text.slice(behind..at)));
            stretches.push(BodySegment::Base64(insert.data.clone()));
            behind = at + insert.mark.len();
        }
        stretches.push(BodySegment::Json(text.slice(behind..)));
        stretches
    }

    /// The body's bytes, a part at a time.
    pub(super) fn reader(&self) -> impl Iterator<Item = std::io::Result<Bytes>> + Send + use<> {
        self.stretches().into_iter().flat_map(|stretch| {
            let (json, encoder) = match stretch {
                BodySegment::Json(bytes) => (Some(Ok(bytes)), None),
                BodySegment::Base64(pieces) => (None, Some(Base64Encoder::new(pieces))),
            };
            json.into_iter().chain(encoder.into_iter().flatten())
        })
    }

    /// The JSON with a word in the place of each insert, for people.
    pub(super) fn abridged(&self) -> String {
        let mut text = String::new();
        for stretch in self.stretches() {
            match stretch {
                BodySegment::Json(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                BodySegment::Base64(pieces) => {
                    text.push_str(&format!("({} bytes as base64)", length(&pieces)));
                }
            }
        }
        text
    }
}

/// The length of all pieces, in bytes.
fn length(pieces: &[BytePiece]) -> u64 {
    pieces.iter().map(BytePiece::length).sum()
}

/// Encodes pieces as they are read.
struct Base64Encoder {
    reader: form::PieceReader,
    /// At most two bytes that wait for the rest of their group of three.
    kept: Vec<u8>,
    is_done: bool,
}

impl Base64Encoder {
    fn new(pieces: Vec<BytePiece>) -> Self {
        let mut cut = Vec::new();
        for piece in pieces {
            match piece {
                BytePiece::Bytes(bytes) => {
                    let starts = (0..bytes.len()).step_by(ENCODE_SIZE);
                    let stretch = |at| bytes.slice(at..bytes.len().min(at + ENCODE_SIZE));
                    cut.extend(starts.map(|at| BytePiece::Bytes(stretch(at))));
                }
                file => cut.push(file),
            }
        }
        Self { reader: form::PieceReader::new(cut), kept: Vec::new(), is_done: false }
    }
}

impl Iterator for Base64Encoder {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_done {
            let mut group = std::mem::take(&mut self.kept);
            match self.reader.next() {
                Some(Ok(bytes)) => {
                    group.extend_from_slice(&bytes);
                    self.kept = group.split_off(group.len() / 3 * 3);
                }
                Some(Err(error)) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
                None => self.is_done = true,
            }
            if !group.is_empty() {
                return Some(Ok(STANDARD.encode(&group).into()));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn body(spliced: &Spliced) -> String {
        let bytes: Vec<u8> =
            spliced.reader().flat_map(|part| part.expect("readable").to_vec()).collect();
        assert_eq!(spliced.length(), bytes.len() as u64);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn inserts_stand_where_their_marks_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("图.png");
        std::fs::write(&path, "0123456789").expect("written");
        let file = SplicedFile::new(vec![BytePiece::File { path, offset: 0, length: 10 }]);
        let held = SplicedFile::new(vec![
            BytePiece::Bytes(Bytes::from_static(b"\xe4")),
            BytePiece::Bytes(Bytes::from_static(b"\xbd\xa0")),
        ]);
        let unused = SplicedFile::new(vec![BytePiece::Bytes(Bytes::from_static(b"x"))]);
        let value = json!({"b": format!("data:{}", held.mark), "\"": file.mark, "c": held.mark});
        let spliced = Spliced::new(value, vec![file, unused, held]);
        assert_eq!(body(&spliced), r#"{"b":"data:5L2g","\"":"MDEyMzQ1Njc4OQ==","c":"5L2g"}"#);
        assert!(spliced.abridged().contains(r#""(10 bytes as base64)""#));
    }

    #[test]
    fn a_file_that_is_gone_is_an_error() {
        let insert = SplicedFile::new(vec![BytePiece::File {
            path: "/no/such/file".into(),
            offset: 0,
            length: 3,
        }]);
        let spliced = Spliced::new(json!([insert.mark]), vec![insert]);
        assert!(spliced.reader().any(|part| part.is_err()));
    }

    proptest! {
        #[test]
        fn the_encoder_writes_what_base64_is(data in proptest::collection::vec(any::<u8>(), 0..100)) {
            let insert = SplicedFile::new(vec![BytePiece::Bytes(data.clone().into())]);
            let spliced = Spliced::new(json!(insert.mark), vec![insert]);
            prop_assert_eq!(body(&spliced), format!("\"{}\"", STANDARD.encode(&data)));
        }
    }

    #[test]
    fn a_long_one_is_encoded_in_stretches() {
        let data: Vec<u8> = (0..ENCODE_SIZE * 2 + 7).map(|at| (at % 251) as u8).collect();
        let insert = SplicedFile::new(vec![BytePiece::Bytes(data.clone().into())]);
        let spliced = Spliced::new(json!(insert.mark), vec![insert]);
        assert!(spliced.reader().count() > 3);
        assert!(body(&spliced) == format!("\"{}\"", STANDARD.encode(&data)));
    }
}
