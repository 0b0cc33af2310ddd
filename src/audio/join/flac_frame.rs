//! One frame of a FLAC file (RFC 9639, section 9): its header, read and written. Knows nothing about
//! the frames around it.

use super::crc;

/// The longest header in bytes: four, a number of up to seven, two and two more, and a CRC.
pub(super) const MAX_HEADER: usize = 16;

/// What a frame's header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlacFrameHeader {
    /// The header's own length in bytes.
    pub(super) length: usize,
    /// Samples of each channel.
    pub(super) samples: u64,
    /// The length of the coded number behind the first four bytes.
    number_length: usize,
}

impl FlacFrameHeader {
    /// Reads the header at the beginning of the bytes; `None` if there is none (RFC 9639, section 9.1).
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [0xFF, second, third, fourth, fifth, ..] = bytes else { return None };
        if second & 0xFE != 0xF8 || fourth & 1 != 0 {
            return None;
        }
        let number = match fifth.leading_ones() {
            0 => 1,
            ones @ 2..=7 => ones as usize,
            _ => return None,
        };
        let at = 4 + number;
        let (samples, more) = match third >> 4 {
            0 => return None,
            1 => (192, 0),
            code @ 2..=5 => (144 << code, 0),
            6 => (u64::from(*bytes.get(at)?) + 1, 1),
            7 => (u64::from(*bytes.get(at)?) * 256 + u64::from(*bytes.get(at + 1)?) + 1, 2),
            code => (1 << code, 0),
        };
        let more = more
            + match third & 0x0F {
                12 => 1,
                13 | 14 => 2,
                15 => return None,
                _ => 0,
            };
        let length = at + more + 1;
        let is_right = crc8(bytes.get(..length)?) == 0;
        is_right.then_some(Self { length, samples, number_length: number })
    }

    /// Appends the frame to `out` with the number of its first sample, as frames of a stream in which
    /// they differ in length have it.
    pub(super) fn write(self, frame: &[u8], sample: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0xFF, 0xF9, frame[2], frame[3]]);
        push_number(sample, out);
        out.extend_from_slice(&frame[4 + self.number_length..self.length - 1]);
        out.push(crc8(&out[start..]));
        out.extend_from_slice(&frame[self.length..frame.len() - 2]);
        let sum = out[start..].iter().fold(0, |sum, byte| crc16(sum, *byte));
        out.extend_from_slice(&sum.to_be_bytes());
    }
}

/// The number as UTF-8 would code it, longer if need be (RFC 9639, section 9.1.5).
fn push_number(number: u64, out: &mut Vec<u8>) {
    if number < 0x80 {
        out.push(number as u8);
        return;
    }
    let bits = 64 - number.leading_zeros();
    // Of n bytes the first holds 7 - n bits, each other one 6.
    let length = (2..=7).find(|length| bits <= 5 * length + 1).unwrap_or(7);
    let lead = (0xFF00_u32 >> length) as u8;
    out.push(lead | (number >> (6 * (length - 1))) as u8);
    out.extend((0..length - 1).rev().map(|index| 0x80 | (number >> (6 * index)) as u8 & 0x3F));
}

/// The CRC-8 of a header: 0 over a header that ends in its own (RFC 9639, section 9.1.8: x^8+x^2+x+1).
pub(super) fn crc8(bytes: &[u8]) -> u8 {
    const TABLE: [u32; 256] = crc::table(0x07 << 24);
    bytes.iter().fold(0, |sum, byte| (TABLE[usize::from(sum ^ byte)] >> 24) as u8)
}

/// The CRC-16 of a frame with one more byte: 0 over a frame that ends in its own (RFC 9639, section
/// 9.3: x^16+x^15+x^2+1).
pub(super) fn crc16(sum: u16, byte: u8) -> u16 {
    const TABLE: [u32; 256] = crc::table(0x8005 << 16);
    sum << 8 ^ (TABLE[usize::from((sum >> 8) as u8 ^ byte)] >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_coded_as_the_standard_has_them() {
        let coded = |number| {
            let mut out = Vec::new();
            push_number(number, &mut out);
            out
        };
        assert_eq!(coded(0x7F), [0x7F]);
        assert_eq!(coded(0x80), [0xC2, 0x80]);
        assert_eq!(coded(u64::from('好' as u32)), "好".as_bytes());
        assert_eq!(coded(u64::from('𠮷' as u32)), "𠮷".as_bytes());
        assert_eq!(coded(0x3FF_FFFF), [0xFB, 0xBF, 0xBF, 0xBF, 0xBF]);
        assert_eq!(coded(0x7FFF_FFFF), [0xFD, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]);
        assert_eq!(coded((1 << 36) - 1), [0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]);
    }

    #[test]
    fn the_sums_are_those_of_the_standard() {
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(b"123456789".iter().fold(0, |sum, byte| crc16(sum, *byte)), 0xFEE8);
    }
}
