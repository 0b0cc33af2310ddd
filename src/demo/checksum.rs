//! Sums over bytes: CRC-32 and Adler-32 as PNG and zlib want them, and a hash that is the same on
//! every machine.

/// CRC-32 with the polynomial of ISO 3309, bit by bit (PNG specification, annex D).
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |sum: u32, byte: &u8| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8);
    !bytes.iter().fold(u32::MAX, step)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// Adler-32 (RFC 1950, section 9).
pub(crate) fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // So many bytes can be summed before 32 bits overflow.
    const RUN: usize = 5_552;
    let (mut low, mut high) = (1, 0);
    for run in bytes.chunks(RUN) {
        for byte in run {
            low += u32::from(*byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

/// FNV-1a with 64 bits, its bits mixed so that every one of them depends on the whole text.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let sum = bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    mixed(sum)
}

/// Another number for each number, with the bits well spread (the finisher of SplitMix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(adler32(&[255; 100_000]), {
            let (mut low, mut high) = (1u64, 0u64);
            (0..100_000).for_each(|_| {
                low = (low + 255) % 65_521;
                high = (high + low) % 65_521;
            });
            (high << 16 | low) as u32
        });
    }

    #[test]
    fn the_hash_tells_texts_apart() {
        assert_eq!(hash("你好".as_bytes()), hash("你好".as_bytes()));
        assert_ne!(hash("你好".as_bytes()), hash("好你".as_bytes()));
        assert_ne!(hash(b"") & 0xFF, hash(b"a") & 0xFF);
    }
}
