//! Base64 of any length, decoded with the processor's wide instructions where it has some. Knows no
//! vector.

use std::sync::LazyLock;

use ::base64::Engine as _;
use ::base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// With or without the signs that fill it up: services send both.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Finds out what the processor can do, once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<::base64::engine::simd::Simd> =
    LazyLock::new(|| ::base64::engine::simd::Simd::standard(CONFIG));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<::base64::engine::GeneralPurpose> =
    LazyLock::new(|| ::base64::engine::GeneralPurpose::new(&::base64::alphabet::STANDARD, CONFIG));

/// Adds the bytes that `text` stands for to `out`. `None` if it is no base64; then `out` may hold more
/// than before.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    ENGINE.decode_vec(text, out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::alphabet::STANDARD;
    use ::base64::engine::GeneralPurpose;
    use proptest::prelude::*;

    /// The way of plain instructions.
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);

    fn both(text: &[u8]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let mut out = b"before".to_vec();
        let found = decode(text, &mut out).map(|()| {
            assert_eq!(out.drain(..6).as_slice(), b"before");
            out
        });
        (found, PLAIN.decode(text).ok())
    }

    #[test]
    fn signs_that_fill_up_stand_at_the_end_alone() {
        let long = "QUJD".repeat(100);
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
            for text in [end.to_owned(), format!("{long}{end}")] {
                let (found, expected) = both(text.as_bytes());
                assert_eq!(found.is_some(), is_good, "{text}");
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn both_ways_of_decoding_agree(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
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
