//! A hash that is the same on all machines.

/// FNV-1a with 64 bits, mixed so that every bit depends on the whole text.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let sum = bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    mixed(sum)
}

/// A bijection that spreads the bits of a number (the finisher of SplitMix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_texts_apart() {
        assert_eq!(hash("你好".as_bytes()), hash("你好".as_bytes()));
        assert_ne!(hash("你好".as_bytes()), hash("好你".as_bytes()));
        assert_ne!(hash(b"") & 0xFF, hash(b"a") & 0xFF);
    }
}
