//! A JSON number (RFC 8259, section 6) read as the nearest 32-bit float. Knows no vector and no reply.

/// Reads the number that begins at `start`: the nearest float, an infinity beyond the largest, and the
/// end of the number. `None` if none begins there. What follows is not looked at.
///
/// The library takes more than JSON does (`+1`, `.5`, `01`, `1.`, `inf`); that is refused here.
pub(super) fn read(bytes: &[u8], start: usize) -> Option<(f32, usize)> {
    let text = bytes.get(start..)?;
    match text.strip_prefix(b"-").unwrap_or(text) {
        [b'0', b'0'..=b'9', ..] => return None,
        [b'0'..=b'9', ..] => {}
        _ => return None,
    }
    let (float, length) = fast_float2::parse_partial(text).ok()?;
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let point = text[..length].iter().position(|byte| *byte == b'.');
    let is_open = point.is_some_and(|at| !is_digit(at + 1));
    let is_cut = matches!(text.get(length), Some(b'e' | b'E'));
    (!is_open && !is_cut).then_some((float, start + length))
}

/// Passes over the number that begins at `start`, and gives its end.
pub(super) fn pass(bytes: &[u8], start: usize) -> Option<usize> {
    let first = start + usize::from(bytes.get(start) == Some(&b'-'));
    let mut at = digits(bytes, first)?;
    if bytes[first] == b'0' && at > first + 1 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let has_sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = digits(bytes, at + 1 + usize::from(has_sign))?;
    }
    Some(at)
}

/// The end of the digits that begin at `start`, of which there is at least one.
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let count = bytes.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(start + count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a number that stands alone, and one that others follow.
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
