//! Base64 decoded within the bytes that it stands in, with the processor's wide instructions where it
//! has some. Knows no vector.

use std::ops::Range;
use std::sync::LazyLock;

use ::base64::Engine as _;
use ::base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use crate::api::wide::{Wide, wide};

/// With or without the signs that fill it up: services send both.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

static ENGINE: LazyLock<Wide> = LazyLock::new(|| wide(CONFIG));

/// How much is decoded at once, in characters.
const DECODE_SIZE: usize = 4096;

/// Decodes the base64 at `text` to `start`, which is not behind it: it gets shorter, and several pieces
/// come to stand one behind the other. Gives the end of what was decoded; `None` if it is not base64, and
/// then some of it may be gone.
pub(super) fn decode(bytes: &mut [u8], text: Range<usize>, start: usize) -> Option<usize> {
    let mut block = [0; DECODE_SIZE / 4 * 3];
    let mut end = start;
    for from in text.clone().step_by(DECODE_SIZE) {
        let to = text.end.min(from + DECODE_SIZE);
        let length = ENGINE.decode_slice(&bytes[from..to], &mut block).ok()?;
        // The signs that fill base64 up stand at its end alone.
        if to < text.end && length < block.len() {
            return None;
        }
        bytes[end..end + length].copy_from_slice(&block[..length]);
        end += length;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::alphabet::STANDARD;
    use ::base64::engine::GeneralPurpose;
    use proptest::prelude::*;

    /// The way of plain instructions.
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);

    /// What the text is, decoded to some bytes before it, and what it is by plain instructions.
    fn both(text: &[u8]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let mut bytes = [b"taken, not", text, b"behind"].concat();
        let found = decode(&mut bytes, 10..10 + text.len(), 5).map(|end| bytes[5..end].to_vec());
        assert!(bytes.starts_with(b"taken") && bytes.ends_with(b"behind"));
        (found, PLAIN.decode(text).ok())
    }

    #[test]
    fn signs_that_fill_up_stand_at_the_end_alone() {
        let (long, block) = ("QUJD".repeat(100), "QUJD".repeat(DECODE_SIZE / 4));
        for (end, is_good) in [
            ("", true),
            ("QQ==", true),
            ("QQ=", true),
            ("QQ", true),
            ("QUI=", true),
            ("QUI", true),
            ("Q", false),
            ("QQ===", false),
            ("QUI==", false),
            ("QR==", false),
            ("QQ==QUJD", false),
            ("=", false),
            ("QUJ\n", false),
            ("QU-D", false),
            ("é", false),
        ] {
            for text in [end.to_owned(), format!("{long}{end}"), format!("{block}{end}")] {
                let (found, expected) = both(text.as_bytes());
                assert_eq!(found.is_some(), is_good, "{text}");
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn both_ways_of_decoding_agree(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..400),
                prop::collection::vec(any::<u8>(), DECODE_SIZE..3 * DECODE_SIZE),
            ],
            cut in 0_usize..4,
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut text = PLAIN.encode(&bytes).into_bytes();
            text.truncate(text.len().saturating_sub(cut));
            if let Some((at, with)) = damage && !text.is_empty() {
                let at = at.index(text.len());
                text[at] = with;
            }
            let (found, expected) = both(&text);
            prop_assert_eq!(&found, &expected);
            if damage.is_none() && cut == 0 {
                prop_assert_eq!(found, Some(bytes));
            }
        }
    }
}
