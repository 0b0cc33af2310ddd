//! Takes the pictures out of a JSON reply while it arrives: the value of every `b64_json` is decoded
//! at once and handed on, and so is `data` where it is a text; the rest is kept and parsed at the end.
//! Knows nothing about files.

use memchr::memchr2;
use serde_json::Value;

use super::base64text::Decoder;
use crate::http::odd_json;

/// The members whose value is a picture, where it is a text: the specification's, and that of Gemini's
/// `inlineData`. The specification's own `data` is a list.
const MEMBERS: [&[u8]; 2] = [b"b64_json", b"data"];

/// Stands at the begin of what takes a picture's place in the rest of the reply, before its number.
/// No character of base64.
pub(crate) const PICTURE_MARK: char = '*';

/// What comes out of a reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ImagePiece<'a> {
    /// A picture begins.
    Begin,
    /// Bytes of the picture that began last.
    Bytes(&'a [u8]),
    /// The picture is over. Not `whole`: its text was no base64.
    End { whole: bool },
}

/// A reader of one reply.
#[derive(Debug, Default)]
pub(crate) struct ImageScanner {
    state: ScanState,
    /// The reply with a mark in the place of each picture.
    rest: Vec<u8>,
    /// Where in `rest` the last text's content begins and, once it is closed, ends.
    text: (usize, usize),
    before: Before,
    decoder: Decoder,
    escape: Vec<u8>,
    count: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum ScanState {
    #[default]
    Between,
    Text,
    /// In a text, behind a backslash.
    Escaped,
    Picture,
    /// In a picture's text, behind a backslash.
    PictureEscape,
}

/// What stood before the place that is read now.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Before {
    #[default]
    Other,
    Text,
    TextAndColon,
}

impl ImageScanner {
    /// Takes the next bytes of the reply.
    ///
    /// # Errors
    /// Those of `each`.
    pub(crate) fn push<E>(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(ImagePiece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            bytes = match self.state {
                ScanState::Between => self.between(bytes, each)?,
                ScanState::Text => self.in_text(bytes),
                ScanState::Escaped => {
                    self.rest.push(bytes[0]);
                    self.state = ScanState::Text;
                    &bytes[1..]
                }
                ScanState::Picture => self.in_picture(bytes, each)?,
                ScanState::PictureEscape => self.in_escape(bytes, each)?,
            };
        }
        Ok(())
    }

    /// The reply is over: the rest of it, with `"*0"`, `"*1"` … in the place of the pictures.
    ///
    /// # Errors
    /// The rest is not JSON.
    pub(crate) fn finish(&self) -> serde_json::Result<Value> {
        odd_json::value(&self.rest)
    }

    /// The rest of the reply so far, as it came.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.rest
    }

    fn between<'a, E>(
        &mut self,
        bytes: &'a [u8],
        each: &mut impl FnMut(ImagePiece<'_>) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        let (byte, behind) = (bytes[0], &bytes[1..]);
        if byte == b'"' && self.is_picture_next() {
            self.state = ScanState::Picture;
            self.decoder = Decoder::default();
            each(ImagePiece::Begin)?;
            return Ok(behind);
        }
        self.rest.push(byte);
        match byte {
            b'"' => {
                self.state = ScanState::Text;
                self.text = (self.rest.len(), 0);
            }
            b':' if self.before == Before::Text => self.before = Before::TextAndColon,
            space if space.is_ascii_whitespace() => {}
            _ => self.before = Before::Other,
        }
        Ok(behind)
    }

    fn is_picture_next(&self) -> bool {
        let (start, end) = self.text;
        let name = self.rest.get(start..end);
        self.before == Before::TextAndColon && name.is_some_and(|name| MEMBERS.contains(&name))
    }

    fn in_text<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(at) = memchr2(b'"', b'\\', bytes) else {
            self.rest.extend_from_slice(bytes);
            return &[];
        };
        self.rest.extend_from_slice(&bytes[..=at]);
        if bytes[at] == b'\\' {
            self.state = ScanState::Escaped;
        } else {
            self.text.1 = self.rest.len() - 1;
            self.before = Before::Text;
            self.state = ScanState::Between;
        }
        &bytes[at + 1..]
    }

    fn in_picture<'a, E>(
        &mut self,
        bytes: &'a [u8],
        each: &mut impl FnMut(ImagePiece<'_>) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        let end = memchr2(b'"', b'\\', bytes);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        self.decoder.push(text, &mut |decoded| each(ImagePiece::Bytes(decoded)))?;
        let Some(end) = end else { return Ok(&[]) };
        if bytes[end] == b'\\' {
            self.state = ScanState::PictureEscape;
            self.escape.clear();
        } else {
            let whole = self.decoder.finish(&mut |decoded| each(ImagePiece::Bytes(decoded)))?;
            each(ImagePiece::End { whole })?;
            self.rest.extend_from_slice(format!("\"{PICTURE_MARK}{}\"", self.count).as_bytes());
            self.count += 1;
            self.before = Before::Other;
            self.state = ScanState::Between;
        }
        Ok(&bytes[end + 1..])
    }

    /// Behind a backslash: some services escape every slash, as JSON allows (RFC 8259, section 7).
    fn in_escape<'a, E>(
        &mut self,
        bytes: &'a [u8],
        each: &mut impl FnMut(ImagePiece<'_>) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        self.escape.push(bytes[0]);
        if self.escape[0] == b'u' && self.escape.len() < 5 && bytes[0] != b'"' {
            return Ok(&bytes[1..]);
        }
        let meant = match self.escape.as_slice() {
            [b'/'] => b'/',
            [b'n' | b'r' | b't'] => b' ',
            [b'u', digits @ ..] => {
                let code = std::str::from_utf8(digits).ok();
                let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                code.filter(u8::is_ascii).unwrap_or(NO_BASE64)
            }
            _ => NO_BASE64,
        };
        self.state = ScanState::Picture;
        self.decoder.push(&[meant], &mut |decoded| each(ImagePiece::Bytes(decoded)))?;
        Ok(&bytes[1..])
    }
}

/// A character that no base64 holds.
const NO_BASE64: u8 = b'!';

/// Whether a text may be the mark of a picture, and the picture's number.
pub(crate) fn marked(text: &str) -> Option<usize> {
    text.strip_prefix(PICTURE_MARK)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::base64text;
    use super::*;

    /// What a reply gives if it is read in pieces of these lengths, over and over.
    fn scanned(reply: &[u8], lengths: &[usize]) -> (Option<Value>, Vec<Option<Vec<u8>>>) {
        let mut scanner = ImageScanner::default();
        let mut pictures: Vec<Option<Vec<u8>>> = Vec::new();
        let mut each = |piece: ImagePiece<'_>| {
            match piece {
                ImagePiece::Begin => pictures.push(Some(Vec::new())),
                ImagePiece::Bytes(bytes) => {
                    let last = pictures.last_mut().and_then(Option::as_mut);
                    last.expect("bytes follow a begin").extend_from_slice(bytes);
                }
                ImagePiece::End { whole } => {
                    let last = pictures.last_mut().expect("an end follows a begin");
                    *last = last.take().filter(|_| whole);
                }
            }
            Ok::<_, Infallible>(())
        };
        let (mut rest, mut lengths) = (reply, lengths.iter().cycle());
        while !rest.is_empty() {
            let length = lengths.next().map_or(rest.len(), |length| rest.len().min(*length));
            let (piece, behind) = rest.split_at(length);
            let Ok(()) = scanner.push(piece, &mut each);
            rest = behind;
        }
        (scanner.finish().ok(), pictures)
    }

    /// The same by way of a parser that has all of the reply.
    fn parsed(reply: &[u8]) -> (Option<Value>, Vec<Option<Vec<u8>>>) {
        fn take(value: &mut Value, pictures: &mut Vec<Option<Vec<u8>>>) {
            match value {
                Value::Array(items) => items.iter_mut().for_each(|item| take(item, pictures)),
                Value::Object(object) => {
                    for (name, value) in object {
                        match value {
                            Value::String(text) if MEMBERS.contains(&name.as_bytes()) => {
                                pictures.push(base64text::decode(text));
                                *text = format!("{PICTURE_MARK}{}", pictures.len() - 1);
                            }
                            other => take(other, pictures),
                        }
                    }
                }
                _ => {}
            }
        }
        let mut pictures = Vec::new();
        let mut value = serde_json::from_slice(reply).ok();
        if let Some(value) = &mut value {
            take(value, &mut pictures);
        }
        (value, pictures)
    }

    #[test]
    fn pictures_leave_a_mark() {
        let reply = br#"{"data":[{"b64_json" : "5L2g","url":"b64_json"},{"b64_json":null}],"a":"b64_json","b64_json":["5L2g"]}"#;
        let (value, pictures) = scanned(reply, &[]);
        assert_eq!(pictures, [Some("你".into())]);
        let rest = json!({
            "data": [{"b64_json": "*0", "url": "b64_json"}, {"b64_json": null}],
            "a": "b64_json", "b64_json": ["5L2g"],
        });
        assert_eq!(value, Some(rest));
    }

    #[test]
    fn escapes_are_understood_and_mistakes_seen() {
        let picture = |text: &str| {
            let reply = format!("{{\"b64_json\":\"{text}\"}}");
            let whole = scanned(reply.as_bytes(), &[]);
            assert_eq!(whole, scanned(reply.as_bytes(), &[1]), "{text}");
            whole.1.into_iter().next().expect("a picture")
        };
        assert_eq!(picture(r"\/\/8="), Some(vec![255, 255]));
        assert_eq!(picture(r"5L\u0032g\r\n5aW9"), Some("你好".into()));
        for text in [r"5L2g\", r"5L2g\u00e9", r"5L2g\b", "5L2*", r"5L2g\u12"] {
            let reply = format!("{{\"b64_json\":\"{text}\"}}");
            let (value, pictures) = scanned(reply.as_bytes(), &[]);
            assert!(value.is_none() || pictures == [None], "{text}: {value:?} {pictures:?}");
        }
    }

    #[test]
    fn a_reply_that_is_cut_is_no_json() {
        let reply = br#"{"data":[{"b64_json":"5L2g5aW9"}]}"#;
        for length in 0..reply.len() {
            assert_eq!(scanned(&reply[..length], &[]).0, None, "{length}");
        }
    }

    fn reply() -> impl Strategy<Value = Value> {
        let picture = proptest::collection::vec(any::<u8>(), 0..60).prop_map(
            |bytes| json!({"b64_json": STANDARD.encode(bytes), "revised_prompt": "猫\"\\"}),
        );
        let leaf = prop_oneof![
            picture,
            Just(json!(null)),
            Just(json!({"b64_json": "no base64!"})),
            Just(json!({"inlineData": {"mimeType": "image/png", "data": "5L2g"}})),
            Just(json!({"b64_json": {"b64_json": "5L2g"}})),
            "[a-z\"\\\\:{}你]{0,8}".prop_map(|text| json!({"url": text})),
        ];
        proptest::collection::vec(leaf, 0..5).prop_map(|data| json!({"created": 1, "data": data}))
    }

    proptest! {
        #[test]
        fn reading_on_arrival_and_reading_the_whole_agree(
            reply in reply(),
            pretty in any::<bool>(),
            slashes in any::<bool>(),
            lengths in proptest::collection::vec(1_usize..40, 1..6),
        ) {
            let mut text = if pretty { serde_json::to_string_pretty(&reply) } else { serde_json::to_string(&reply) }.expect("serialises");
            if slashes {
                text = text.replace('/', "\\/");
            }
            let whole = parsed(text.as_bytes());
            prop_assert!(whole.0.is_some());
            prop_assert_eq!(scanned(text.as_bytes(), &lengths), whole);
        }

        #[test]
        fn nothing_depends_on_where_the_pieces_end(
            reply in reply(),
            spoilt in any::<(prop::sample::Index, u8)>(),
            lengths in proptest::collection::vec(1_usize..40, 1..6),
        ) {
            let mut bytes = reply.to_string().into_bytes();
            let at = spoilt.0.index(bytes.len());
            bytes[at] = spoilt.1;
            prop_assert_eq!(scanned(&bytes, &lengths), scanned(&bytes, &[]));
        }
    }
}
