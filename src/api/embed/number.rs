//! A JSON number (RFC 8259, section 6) read as the nearest 32-bit float, in one pass over its bytes.
//! Knows no vector and no reply.
//!
//! Usual numbers take a short way: their digits as a whole number, divided by a power of ten in 64 bits
//! (W. Clinger, "How to read floating point numbers accurately", 1990). What comes out may be off by
//! some units of its last place, which is told from the bits that 32 do not hold; where they decide,
//! and for all that is unusual, the standard library reads the number again.

/// A number's parts.
#[derive(Debug, Clone, Copy)]
struct DecimalParts {
    is_negative: bool,
    /// All digits as one number; right for up to 19 of them.
    digits: u64,
    /// How many there are, a zero before the point left out.
    count: usize,
    /// The power of ten that the digits are multiplied with.
    exponent: i32,
    end: usize,
}

/// So many digits always fit into 63 bits.
const MAX_DIGITS: usize = 18;

/// The powers of ten that 64 bits hold exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The bits of a double that a float has no place for, and what they are half way between two floats.
const LOST_BITS: u64 = (1 << 29) - 1;
const HALF_WAY: i64 = 1 << 28;

/// By so many units of the last place a division may be off: twice one half, for the digits and for
/// the quotient, which is more where it crosses a power of two.
const MAX_ERROR: i64 = 8;

/// Reads the number that begins at `start`: the nearest float, an infinity beyond the largest, and the
/// end of the number. `None` if none begins there. What follows is not looked at.
#[inline]
pub(crate) fn read(bytes: &[u8], start: usize) -> Option<(f32, usize)> {
    if let Some(parts) = usual(bytes, start)
        && let Some(float) = nearest(&parts)
    {
        return Some((float, parts.end));
    }
    read_any(bytes, start)
}

/// As [`read`], for numbers of any form.
#[inline(never)]
fn read_any(bytes: &[u8], start: usize) -> Option<(f32, usize)> {
    let parts = parts(bytes, start)?;
    let float = nearest(&parts).unwrap_or_else(|| seldom(&bytes[start..parts.end]));
    Some((float, parts.end))
}

/// Passes over the number that begins at `start`, and gives its end.
#[inline]
pub(super) fn pass(bytes: &[u8], start: usize) -> Option<usize> {
    parts(bytes, start).map(|parts| parts.end)
}

/// How many bytes [`usual`] looks at: a sign, a digit, the point, and three times eight digits.
const WINDOW: usize = 32;

/// The parts of a number of the form that nearly all of a vector have: one digit, the point, up to 18
/// digits, and no power of ten. `None` for all others, and near the end of the bytes.
#[inline]
fn usual(bytes: &[u8], start: usize) -> Option<DecimalParts> {
    let window = bytes.get(start..)?.first_chunk::<WINDOW>()?;
    let is_negative = window[0] == b'-';
    let first = usize::from(is_negative);
    let whole = u64::from(window[first] ^ b'0');
    if whole > 9 || window[first + 1] != b'.' {
        return None;
    }
    let word = |at: usize| window[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
    let (mut digits, mut places) = some_of(whole, word(first + 2));
    if places == 8 {
        let (more, count) = some_of(digits, word(first + 10));
        (digits, places) = (more, 8 + count);
        if count == 8 {
            let (more, count) = some_of(digits, word(first + 18));
            (digits, places) = (more, 16 + count);
        }
    }
    let count = places + usize::from(whole != 0);
    let end = first + 2 + places;
    let is_usual = places > 0 && count <= MAX_DIGITS && window[end] | 0x20 != b'e';
    let exponent = -(places as i32);
    is_usual.then_some(DecimalParts { is_negative, digits, count, exponent, end: start + end })
}

/// The float next to a usual number; `None` if it can't be told so easily.
#[inline]
fn nearest(parts: &DecimalParts) -> Option<f32> {
    // A positive exponent becomes an index that there is not.
    let power = POWERS.get(parts.exponent.wrapping_neg() as usize)?;
    if parts.count > MAX_DIGITS {
        return None;
    }
    let quotient = parts.digits as i64 as f64 / power;
    let tail = (quotient.to_bits() & LOST_BITS) as i64;
    if (tail - HALF_WAY).abs() <= MAX_ERROR {
        return None;
    }
    let sign = u32::from(parts.is_negative) << 31;
    Some(f32::from_bits((quotient as f32).to_bits() | sign))
}

/// Any JSON number, as the standard library reads it.
#[cold]
fn seldom(number: &[u8]) -> f32 {
    // A JSON number is ASCII, and one for the standard library too.
    std::str::from_utf8(number).ok().and_then(|text| text.parse().ok()).unwrap_or(f32::NAN)
}

/// The parts of a number of any form.
fn parts(bytes: &[u8], start: usize) -> Option<DecimalParts> {
    let is_negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(is_negative);
    let (mut digits, mut at) = one_by_one(bytes, first, 0);
    let begins_with_zero = bytes.get(first) == Some(&b'0');
    let mut count = at - first;
    if count == 0 || (count > 1 && begins_with_zero) {
        return None;
    }
    count -= usize::from(begins_with_zero);
    let mut exponent = 0;
    if bytes.get(at) == Some(&b'.') {
        let point = at + 1;
        (digits, at) = many(bytes, point, digits);
        if at == point {
            return None;
        }
        count += at - point;
        // More places than this are no usual number in any case.
        exponent = -i32::try_from(at - point).unwrap_or(i32::MAX);
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let (more, end) = power(bytes, at + 1)?;
        (exponent, at) = (exponent.saturating_add(more), end);
    }
    Some(DecimalParts { is_negative, digits, count, exponent, end: at })
}

/// Takes digits behind those of `before`. Gives all of them, and their end.
#[inline]
fn one_by_one(bytes: &[u8], mut at: usize, before: u64) -> (u64, usize) {
    let mut digits = before;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (digits, at)
}

/// As [`one_by_one`], eight at a time.
#[inline]
fn many(bytes: &[u8], mut at: usize, before: u64) -> (u64, usize) {
    let mut digits = before;
    while let Some(letters) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let (more, count) = some_of(digits, u64::from_le_bytes(*letters));
        (digits, at) = (more, at + count);
        if count < 8 {
            return (digits, at);
        }
    }
    one_by_one(bytes, at, digits)
}

/// Takes as many digits as there are at the beginning of eight letters, of which the first is in the
/// lowest byte. Gives all digits, and how many were taken.
#[inline]
fn some_of(before: u64, letters: u64) -> (u64, usize) {
    const TENS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    // Digits become 0 to 9, all other letters more; 0x76 more of those set a byte's highest bit. What is
    // carried beyond a byte disturbs only what is behind the first of them.
    let word = letters ^ 0x3030_3030_3030_3030;
    let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    if others == 0 {
        return (before.wrapping_mul(100_000_000).wrapping_add(eight(word)), 8);
    }
    let count = (others.trailing_zeros() / 8) as usize;
    // Zeros come before the digits, in two steps, as all eight may be none.
    let word = word << 8 << (56 - 8 * count);
    (before.wrapping_mul(TENS[count & 7]).wrapping_add(eight(word)), count)
}

/// The number of eight digits, a byte each, the first one in the lowest byte: neighbours are joined to
/// twos, twos to fours, and those to the number, all at once.
#[inline]
fn eight(word: u64) -> u64 {
    let twos = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = twos.wrapping_mul(100).wrapping_add(twos >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// The power of ten behind the `e`, and its end.
#[cold]
fn power(bytes: &[u8], start: usize) -> Option<(i32, usize)> {
    let sign = bytes.get(start).filter(|sign| matches!(sign, b'+' | b'-'));
    let mut at = start + usize::from(sign.is_some());
    let first = at;
    let mut power = 0_i32;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        power = power.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
        at += 1;
    }
    let signed = if sign == Some(&b'-') { -power } else { power };
    (at > first).then_some((signed, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a number that stands alone, and one that others follow: near the end of the bytes digits
    /// are taken one by one.
    fn check(number: &str) -> Result<(), TestCaseError> {
        let expected: f32 = number.parse().expect("is a number");
        for behind in ["", ",", "]", ", 0.123456789, 12345678901234567890", "}éééééééééé"]
        {
            let text = format!("{number}{behind}");
            let (float, end) = read(text.as_bytes(), 0).expect("is read");
            prop_assert_eq!(float.to_bits(), expected.to_bits(), "{}", text);
            prop_assert_eq!(end, number.len());
            prop_assert_eq!(pass(text.as_bytes(), 0), Some(end));
        }
        Ok(())
    }

    #[test]
    fn hard_numbers_are_read_right() {
        let mut numbers: Vec<String> = [
            "0",
            "-0",
            "-0.0",
            "0e5",
            "1",
            "10",
            "-12.5",
            "3.4028235e38",
            "3.4028236e38",
            "1e39",
            "-1e999",
            "1e-999",
            "1e99999999999",
            "1E+2",
            "1e-45",
            "7e-46",
            "7.1e-46",
            "1.17549435e-38",
            "0.00000000000000000000001",
            "0.0000000000000000000000",
            "9007199254740993",
            "18446744073709551616",
            "123456789012345678",
            "1234567890123456789.5",
            "340282356779733661637539395458142568447",
            "340282356779733661637539395458142568448",
            "0.1000000000000000055511151231257827021181583404541015625",
            "0.03125000000000000000",
        ]
        .map(str::to_owned)
        .to_vec();
        // Half way between two floats, exactly, and a last digit away from that.
        for bits in
            [0x3d00_0001_u32, 0x3d00_0002, 0x3f7f_ffff, 0x3f7f_fffe, 0x4b00_0001, 0x3c23_d70a]
        {
            let (low, high) = (f32::from_bits(bits), f32::from_bits(bits + 1));
            let middle = (f64::from(low) + f64::from(high)) / 2.0;
            let [below, above] = [middle.to_bits() - 1, middle.to_bits() + 1].map(f64::from_bits);
            numbers.extend([middle, below, above].map(|number| format!("{number}")));
            numbers.extend(["0", "1"].map(|last| format!("{middle:.40}{last}")));
            numbers.extend([middle, below, above].map(|number| format!("{number:e}")));
        }
        for number in numbers {
            check(&number).unwrap_or_else(|error| panic!("{number}: {error}"));
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in
            ["", "-", "+1", ".5", "1.", "01", "-01", "00.5", "1e", "1e+", "e1", "1.e5", "N", "é"]
        {
            assert_eq!(read(text.as_bytes(), 0), None, "{text}");
            assert_eq!(read(format!("{text},        ").as_bytes(), 0), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn every_float_is_read_as_the_standard_library_reads_it(
            float in any::<f32>().prop_filter("finite", |float| float.is_finite()),
            digits in 0_usize..25,
        ) {
            check(&format!("{float}"))?;
            check(&format!("{float:e}"))?;
            check(&format!("{}", f64::from(float)))?;
            check(&format!("{float:.digits$}"))?;
        }

        #[test]
        fn every_number_is_read_as_the_standard_library_reads_it(
            number in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
        ) {
            check(&number)?;
        }

        #[test]
        fn numbers_next_to_the_middle_of_two_floats_are_read_right(
            bits in 0x3400_0000_u32..0x4f00_0000,
            off in -20_i64..=20,
        ) {
            let middle = (f64::from(f32::from_bits(bits)) + f64::from(f32::from_bits(bits + 1))) / 2.0;
            let near = f64::from_bits(middle.to_bits().wrapping_add_signed(off));
            check(&format!("{near}"))?;
            check(&format!("{near:.16}"))?;
        }
    }
}
