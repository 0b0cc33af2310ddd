//! A 32-bit float as the shortest decimal number that reads back as the same float; of several, the
//! nearest. Knows no vector.
//!
//! The usual numbers of a vector, from 2^-17 to below 1, are done here in whole numbers, by the idea of
//! R. Giulietti, "The Schubfach way to render doubles", 2020: scaled by a power of ten so that the
//! floats' distance is between a tenth and one, at most one whole number lies nearer to a float than to
//! its neighbours, and with one more digit there is at least one. In this range nothing is rounded on
//! the way, so no table of powers is needed. All others are left to the crate `zmij`, whose texts these
//! are as well.

/// No text is longer; what is behind a text in its room has no meaning.
pub(super) const ROOM: usize = 23;

/// What the floats of one binary exponent have in common.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// 5 to the number of places behind the point without the last: the odd part of that power of ten,
    /// whose 2s are in `shift`.
    five: u64,
    /// So many binary places has the doubled and scaled number.
    shift: u32,
    /// Where the digits begin, counted from the `0` before the point. One less than behind the point
    /// where 7 places are written as 8 digits.
    at: usize,
}

/// The biased exponent of the first row: floats from 2^-17.
const FIRST: usize = 110;

/// A row for each exponent up to that of the floats just below 1.
const SCALES: [Scale; 17] = scales();

const fn scales() -> [Scale; 17] {
    let mut scales = [Scale { five: 0, shift: 0, at: 0 }; 17];
    let mut row = 0;
    while row < scales.len() {
        // The distance of the floats is 2 to this power, and 10^-(places + 1) the power of ten below:
        // 1233 / 4096 is the logarithm of 2, exactly enough for so few exponents.
        let exponent = (FIRST + row) as i32 - 150;
        let places = -((exponent * 1233).div_euclid(4096) + 1);
        scales[row] = Scale {
            five: 5_u64.pow(places as u32),
            shift: (1 - exponent - places) as u32,
            at: (places - 6) as usize,
        };
        row += 1;
    }
    scales
}

/// Writes a float to the beginning of `room`, and gives the length of its text; `null` for what is no
/// number, as JSON knows none.
#[inline]
pub(super) fn write(float: f32, room: &mut [u8; ROOM]) -> usize {
    let bits = float.to_bits();
    let fraction = bits & 0x7f_ffff;
    let exponent = (bits >> 23 & 0xff) as usize;
    let Some(scale) = SCALES.get(exponent.wrapping_sub(FIRST)) else { return seldom(float, room) };
    // The floats below a power of two are nearer to it than those above.
    if fraction == 0 {
        return seldom(float, room);
    }
    // At most 25 bits, and 28 of 5^12.
    let product = (u64::from(fraction | 0x80_0000) << 1) * scale.five;
    let one = 1_u64 << scale.shift;
    let (whole, rest) = (product >> scale.shift, product & (one - 1));
    // What lies half way between two floats reads back as the even one.
    let half = scale.five + u64::from(fraction & 1 == 0);
    let is_above = u64::from(rest + half > one);
    let is_short = u64::from(rest < half) | is_above;
    // A quarter is 2.5 tenths, of which the even neighbour is taken; three quarters are 7.5.
    let nearest = if rest == one >> 2 { 2 } else { (rest * 10 + (one >> 1)) >> scale.shift };
    // No branch: which numbers are short can't be foretold.
    let last = nearest & is_short.wrapping_sub(1);
    let digits = eight(whole + is_above);
    let start = usize::from(float.is_sign_negative());
    room[0] = b'-';
    let text = &mut room[start..start + 22];
    text[..8].copy_from_slice(b"0.000000");
    text[scale.at..scale.at + 8].copy_from_slice(&(digits | ZEROS).to_le_bytes());
    text[scale.at + 8] = b'0' + last as u8;
    text[..2].copy_from_slice(b"0.");
    let zeros = if last == 0 { 1 + digits.leading_zeros() / 8 } else { 0 };
    start + scale.at + 9 - zeros as usize
}

/// Eight times the letter `0`.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of a number below 10^8, a byte each, the first one in the lowest byte. The number
/// is cut into halves three times, and all parts are cut at once: `n * 10486 >> 20` is a hundredth of
/// up to 9999, `n * 103 >> 10` a tenth of up to 99.
#[inline]
fn eight(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

/// As [`write`], for any float.
#[cold]
fn seldom(float: f32, room: &mut [u8; ROOM]) -> usize {
    let mut buffer = zmij::Buffer::new();
    let text = if float.is_finite() { buffer.format_finite(float) } else { "null" }.as_bytes();
    room[..text.len()].copy_from_slice(text);
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The texts of this module and of `zmij`.
    fn texts(float: f32) -> (String, String) {
        let mut room = [b'#'; ROOM];
        let length = write(float, &mut room);
        let text = String::from_utf8_lossy(&room[..length]).into_owned();
        (text, zmij::Buffer::new().format_finite(float).to_owned())
    }

    #[test]
    fn hard_numbers_have_the_shortest_text() {
        for exponent in 1..255_u32 {
            // The lowest and the highest floats of every exponent, and some between them.
            for fraction in [0, 1, 2, 3, 0x2a_aaaa, 0x40_0000, 0x7f_fffe, 0x7f_ffff] {
                for sign in [0, 1 << 31] {
                    let (text, expected) = texts(f32::from_bits(sign | exponent << 23 | fraction));
                    assert_eq!(text, expected);
                }
            }
        }
        for float in [0.0, -0.0, 1e-45, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 0.1, 0.03, 7.5e-6] {
            let (text, expected) = texts(float);
            assert_eq!(text, expected);
        }
        // Every number of few digits, the nearest float to which has that text.
        for number in 1..10_000_u32 {
            for places in 4..9 {
                let float = number as f32 / 10_f32.powi(places);
                let (text, expected) = texts(float);
                assert_eq!(text, expected);
            }
        }
    }

    #[test]
    fn every_digit_has_its_place() {
        for number in [0, 1, 9, 10, 99, 100, 999, 9_999, 10_000, 12_345_678, 90_807_060, 99_999_999]
        {
            let text = (eight(number) | ZEROS).to_le_bytes();
            assert_eq!(String::from_utf8_lossy(&text), format!("{number:08}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn all_floats_have_the_text_of_zmij(
            float in any::<f32>().prop_filter("finite", |float| float.is_finite()),
            small in 110_u32..127,
        ) {
            let usual = float.to_bits() & 0x807f_ffff | small << 23;
            for float in [float, f32::from_bits(usual)] {
                let (text, expected) = texts(float);
                prop_assert_eq!(text, expected);
            }
        }
    }
}
