//! Finds the vectors in the bytes of an embeddings reply of the usual shape, without building a
//! tree of its values. Whatever is unusual makes it give up; it tells nothing about errors.
//!
//! JSON is that of RFC 8259. Texts with escapes count as unusual, so that a text's bytes are the
//! text.

use std::ops::Range;

use super::number;
use super::vector::is_blank;

/// How deep values that are passed over may nest.
const MAX_DEPTH: u32 = 32;

/// A vector's place in the reply.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum VectorPlace {
    /// The inside of a text, which should be base64.
    Text(Range<usize>),
    /// The inside of an array of at least one number, and of numbers alone.
    Numbers(Range<usize>),
    /// Among the floats that numbers were turned into.
    Floats(Range<usize>),
    /// The service gave something that is not a number.
    Nowhere,
}

/// One entry of the reply's `data`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VectorEntry {
    pub(super) index: Option<usize>,
    pub(super) place: VectorPlace,
}

/// What was found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ScannedReply {
    /// In the reply's order.
    pub(super) entries: Vec<VectorEntry>,
    /// Where the value of `usage` stands.
    pub(super) usage: Option<Range<usize>>,
}

/// Scans a reply: an object with `data`, an array of objects with `embedding` each. `None` for
/// anything else, and for a reply that carries an `error`. With `floats`, numbers are added there as
/// little-endian 32-bit floats, each the nearest; that may be some even if nothing is found.
pub(super) fn scan(body: &[u8], floats: Option<&mut Vec<u8>>) -> Option<ScannedReply> {
    let mut cursor = Cursor { bytes: body, at: 0, floats };
    let mut found = ScannedReply::default();
    let mut has_data = false;
    cursor.object(|cursor, key| match key {
        b"data" if !has_data => {
            has_data = true;
            cursor.array(|cursor| {
                found.entries.push(cursor.entry()?);
                Some(())
            })
        }
        b"usage" if found.usage.is_none() => {
            let start = cursor.at;
            cursor.pass(MAX_DEPTH)?;
            found.usage = Some(start..cursor.at);
            Some(())
        }
        b"data" | b"usage" => None,
        b"error" => cursor.word(b"null"),
        _ => cursor.pass(MAX_DEPTH),
    })?;
    cursor.blanks();
    (has_data && cursor.at == body.len()).then_some(found)
}

struct Cursor<'a, 'b> {
    bytes: &'a [u8],
    at: usize,
    floats: Option<&'b mut Vec<u8>>,
}

impl<'a> Cursor<'a, '_> {
    #[inline]
    fn blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| is_blank(*byte)) {
            self.at += 1;
        }
    }

    /// Takes this byte, behind any blanks.
    fn take(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        self.takes(byte).then_some(())
    }

    /// Takes the byte if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let comes = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(comes);
        comes
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    /// A text without escapes: what stands between its quotes.
    fn text(&mut self) -> Option<Range<usize>> {
        self.takes(b'"').then_some(())?;
        let start = self.at;
        let end = start + memchr::memchr(b'"', &self.bytes[start..])?;
        self.at = end + 1;
        memchr::memchr(b'\\', &self.bytes[start..end]).is_none().then_some(start..end)
    }

    /// A text that is looked at or passed over: no control characters in it.
    fn word_text(&mut self) -> Option<&'a [u8]> {
        let text = self.text()?;
        let text = &self.bytes[text];
        text.iter().all(|byte| *byte >= 0x20).then_some(text)
    }

    fn number(&mut self) -> Option<()> {
        self.at = number::pass(self.bytes, self.at)?;
        Some(())
    }

    /// An object: `each` is given every key, and takes the value.
    fn object(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        self.blanks();
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            self.blanks();
            let key = self.word_text()?;
            self.take(b':')?;
            self.blanks();
            each(self, key)?;
            self.blanks();
            if !self.takes(b',') {
                return self.take(b'}');
            }
        }
    }

    /// An array: `each` takes every value.
    fn array(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        self.blanks();
        if self.takes(b']') {
            return Some(());
        }
        loop {
            self.blanks();
            each(self)?;
            self.blanks();
            if !self.takes(b',') {
                return self.take(b']');
            }
        }
    }

    /// Passes over any value.
    fn pass(&mut self, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.bytes.get(self.at)? {
            b'{' => self.object(|cursor, _| cursor.pass(depth)),
            b'[' => self.array(|cursor| cursor.pass(depth)),
            b'"' => self.word_text().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn entry(&mut self) -> Option<VectorEntry> {
        let (mut index, mut place) = (None, None);
        self.object(|cursor, key| match key {
            b"index" if index.is_none() => {
                index = Some(cursor.index()?);
                Some(())
            }
            b"embedding" if place.is_none() => {
                place = Some(cursor.vector()?);
                Some(())
            }
            b"index" | b"embedding" => None,
            _ => cursor.pass(MAX_DEPTH),
        })?;
        Some(VectorEntry { index, place: place? })
    }

    fn index(&mut self) -> Option<usize> {
        let start = self.at;
        self.number()?;
        std::str::from_utf8(&self.bytes[start..self.at]).ok()?.parse().ok()
    }

    fn vector(&mut self) -> Option<VectorPlace> {
        if self.bytes.get(self.at) == Some(&b'"') {
            return self.text().map(VectorPlace::Text);
        }
        match self.floats.take() {
            Some(floats) => {
                let start = floats.len();
                let found = self.numbers(|cursor| {
                    let (float, end) = number::read(cursor.bytes, cursor.at)?;
                    cursor.at = end;
                    floats.extend_from_slice(&float.to_le_bytes());
                    Some(())
                });
                let place = found.map(|_| VectorPlace::Floats(start..floats.len()));
                self.floats = Some(floats);
                place
            }
            None => self.numbers(Self::number).map(VectorPlace::Numbers),
        }
    }

    /// An array of at least one number: `each` takes every one. Gives the inside of the array.
    #[inline]
    fn numbers(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<Range<usize>> {
        self.take(b'[')?;
        let start = self.at;
        loop {
            self.blanks();
            each(self)?;
            // Nothing stands between a number and its comma but in a reply that is made for the eye.
            if self.takes(b',') {
                continue;
            }
            self.blanks();
            if !self.takes(b',') {
                self.take(b']')?;
                return Some(start..self.at - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes(body: &str) -> Option<Vec<Option<usize>>> {
        Some(scan(body.as_bytes(), None)?.entries.into_iter().map(|entry| entry.index).collect())
    }

    #[test]
    fn the_usual_shapes_are_read() {
        let body = " {\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":1,\"embedding\":\
                    \"AACAPw==\"},{ \"embedding\" : [ 0.1 , -2e-3,\n3 ] , \"extra\":{\"a\":[null,true]},\
                    \"index\":0}],\"model\":\"嵌入\",\"error\":null,\"usage\":{\"prompt_tokens\":3}}\n";
        let found = scan(body.as_bytes(), None).expect("is read");
        let text = |range: &Range<usize>| &body[range.clone()];
        let [first, second] = &found.entries[..] else { panic!("two entries") };
        assert_eq!((first.index, second.index), (Some(1), Some(0)));
        assert!(matches!(&first.place, VectorPlace::Text(range) if text(range) == "AACAPw=="));
        assert!(
            matches!(&second.place, VectorPlace::Numbers(range) if text(range) == " 0.1 , -2e-3,\n3 ")
        );
        assert_eq!(found.usage.as_ref().map(text), Some("{\"prompt_tokens\":3}"));
        assert_eq!(indexes(r#"{"data":[{"embedding":[1]}]}"#), Some(vec![None]));
        assert_eq!(indexes(r#"{"data":[]}"#), Some(vec![]));
    }

    #[test]
    fn what_is_unusual_is_left_to_others() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"data":null}"#,
            r#"{"data":[{"index":0}]}"#,
            r#"{"data":[{"embedding":[]}]}"#,
            r#"{"data":[{"embedding":[[1]]}]}"#,
            r#"{"data":[{"embedding":[1,null]}]}"#,
            r#"{"data":[{"embedding":[01]}]}"#,
            r#"{"data":[{"embedding":[1.]}]}"#,
            r#"{"data":[{"embedding":[1,]}]}"#,
            r#"{"data":[{"embedding":"AA\/A"}]}"#,
            r#"{"data":[{"embedding":[1],"index":-1}]}"#,
            r#"{"data":[{"embedding":[1],"index":0,"index":1}]}"#,
            r#"{"data":[{"embedding":[1]}],"data":[]}"#,
            r#"{"data":[{"embedding":[1]}],"error":{"message":"坏"}}"#,
            r#"{"data":[{"embedding":[1]}]} x"#,
            r#"{"data":[{"embedding":[1]}"#,
        ] {
            assert_eq!(scan(body.as_bytes(), None), None, "{body}");
        }
        let deep = format!("{{\"data\":[],\"x\":{}{}}}", "[".repeat(99), "]".repeat(99));
        assert_eq!(scan(deep.as_bytes(), None), None);
    }
}
