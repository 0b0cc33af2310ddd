//! Decodes base64 that comes in pieces. Knows nothing about JSON, and not where the bytes go.
//!
//! Taken is what services send under that name: either alphabet of RFC 4648 (sections 4 and 5), with
//! padding or without, with line breaks, and behind the head of a `data:` URL (RFC 2397).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use crate::api::wide::{Wide, wide};

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

static ENGINE: LazyLock<Wide> = LazyLock::new(|| wide(CONFIG));

/// How many characters are decoded at once; a multiple of 4.
const DECODE_SIZE: usize = 64 * 1024;

/// The head of a `data:` URL may be so long.
const LONGEST_HEAD: usize = 256;

const SCHEME: &[u8] = b"data:";

/// A text of base64 on its way to bytes.
#[derive(Debug)]
pub(crate) struct Decoder {
    phase: Phase,
    /// The text's beginning, while it may still be that of a `data:` URL; then that URL's head.
    head: Vec<u8>,
    /// Characters that are no whole group yet.
    group: [u8; 4],
    grouped: usize,
    has_ended: bool,
    is_broken: bool,
    out: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Start,
    Head,
    Data,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            phase: Phase::Start,
            head: Vec::new(),
            group: [0; 4],
            grouped: 0,
            has_ended: false,
            is_broken: false,
            out: Vec::new(),
        }
    }
}

impl Decoder {
    /// Takes the next characters; `each` gets the bytes as they come out. What stands behind a
    /// mistake is not looked at.
    ///
    /// # Errors
    /// Those of `each`.
    pub(crate) fn push<E>(
        &mut self,
        text: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut text = text;
        while let Some((first, rest)) = text.split_first() {
            if self.is_broken {
                return Ok(());
            }
            match self.phase {
                Phase::Data => return self.data(text, each),
                Phase::Start => {
                    if !first.is_ascii_whitespace() {
                        self.head.push(*first);
                    }
                    if self.head == SCHEME {
                        self.phase = Phase::Head;
                    } else if !SCHEME.starts_with(&self.head) {
                        self.begin(each)?;
                    }
                }
                Phase::Head if *first == b',' => {
                    self.is_broken = !self.head.to_ascii_lowercase().ends_with(b";base64");
                    self.phase = Phase::Data;
                }
                Phase::Head => {
                    self.head.push(*first);
                    self.is_broken = self.head.len() > LONGEST_HEAD;
                }
            }
            text = rest;
        }
        Ok(())
    }

    /// The text is over; `each` gets the last bytes. True if all of it was base64.
    ///
    /// # Errors
    /// Those of `each`.
    pub(crate) fn finish<E>(
        &mut self,
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.phase == Phase::Start {
            self.begin(each)?;
        }
        if self.phase == Phase::Head || self.is_broken {
            return Ok(false);
        }
        let group = &self.group[..self.grouped];
        match ENGINE.decode(group) {
            Ok(last) => each(&last).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// The beginning was none of a `data:` URL, and so is base64 itself.
    fn begin<E>(&mut self, each: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.phase = Phase::Data;
        let head = std::mem::take(&mut self.head);
        self.data(&head, each)
    }

    fn data<E>(
        &mut self,
        text: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut text = text;
        while !text.is_empty() && !self.is_broken {
            if self.grouped == 0 && !self.has_ended && text.len() >= 4 {
                let (block, rest) = text.split_at(text.len().min(DECODE_SIZE) / 4 * 4);
                self.out.resize(DECODE_SIZE / 4 * 3, 0);
                match ENGINE.decode_slice(block, &mut self.out) {
                    Ok(length) => each(&self.out[..length])?,
                    Err(_) => self.one_by_one(block, each)?,
                }
                text = rest;
            } else {
                let (few, rest) = text.split_at(text.len().min(4 - self.grouped));
                self.one_by_one(few, each)?;
                text = rest;
            }
        }
        Ok(())
    }

    /// The slow way, for what is not plain: line breaks, padding, the other alphabet.
    fn one_by_one<E>(
        &mut self,
        text: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.out.clear();
        for character in text {
            let character = match character {
                b'-' => b'+',
                b'_' => b'/',
                b'=' => {
                    self.has_ended = true;
                    continue;
                }
                space if space.is_ascii_whitespace() => continue,
                other if other.is_ascii_alphanumeric() || matches!(other, b'+' | b'/') => *other,
                _ => {
                    self.is_broken = true;
                    break;
                }
            };
            if self.has_ended {
                self.is_broken = true;
                break;
            }
            self.group[self.grouped] = character;
            self.grouped += 1;
            if self.grouped == 4 {
                self.grouped = 0;
                let mut three = [0; 3];
                // Four characters of the alphabet always are three bytes.
                self.is_broken |= ENGINE.decode_slice(self.group, &mut three).is_err();
                self.out.extend_from_slice(&three);
            }
        }
        if self.out.is_empty() { Ok(()) } else { each(&self.out) }
    }
}

/// The bytes of a whole text; `None` if it is not base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoder = Decoder::default();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut each = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok::<_, std::convert::Infallible>(())
    };
    let Ok(()) = decoder.push(text.as_bytes(), &mut each);
    let Ok(is_whole) = decoder.finish(&mut each);
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_write_it_is_read() {
        for text in ["", " \n"] {
            assert_eq!(decode(text), Some(Vec::new()));
        }
        for text in ["5L2g5aW9", "5L2g\r\n5aW9\n", "data:image/png;base64,5L2g5aW9"] {
            assert_eq!(decode(text), Some("你好".into()), "{text}");
        }
        assert_eq!(decode("-_8="), decode("+/8"));
        assert_eq!(decode("data"), Some(vec![0x75, 0xab, 0x5a]));
        for text in ["5L2g!", "5L2g5", "data:image/png,abc", "data:", "YQ==YQ==", "你好"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..300), width in 1_usize..80) {
            let text = STANDARD.encode(&bytes);
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            prop_assert_eq!(decode(&URL_SAFE_NO_PAD.encode(&bytes)), Some(bytes.clone()));
            let lines: Vec<&str> = text.as_bytes().chunks(width).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            prop_assert_eq!(decode(&lines.join("\n")), Some(bytes));
        }
    }
}
