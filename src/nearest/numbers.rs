//! A vector that is written as text: numbers between commas, with or without brackets around them.

use crate::api::embed::number;

/// Reads `0.1, -2,1e-9` or `[0.1,-2]` as little-endian 32-bit floats into `floats`, which loses what it
/// held. Numbers beyond a float become infinite: [`doubles`] holds them.
///
/// # Errors
/// The place of what is no list of numbers.
pub(super) fn read(text: &[u8], floats: &mut Vec<u8>) -> Result<(), usize> {
    floats.clear();
    let mut at = past_blanks(text, 0);
    let has_bracket = text.get(at) == Some(&b'[');
    at += usize::from(has_bracket);
    loop {
        let start = past_blanks(text, at);
        let (float, end) = number::read(text, start).ok_or(start)?;
        floats.extend_from_slice(&float.to_le_bytes());
        at = past_blanks(text, end);
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b']') if has_bracket => {
                at = past_blanks(text, at + 1);
                break;
            }
            None if !has_bracket => break,
            _ => return Err(at),
        }
    }
    if at == text.len() { Ok(()) } else { Err(at) }
}

/// The numbers of what [`read`] has read, as 64-bit floats.
pub(super) fn doubles(text: &[u8]) -> Vec<f64> {
    let text = String::from_utf8_lossy(text);
    let list = text.trim().trim_start_matches('[').trim_end_matches(']');
    list.split(',').map(|number| number.trim().parse().unwrap_or(f64::NAN)).collect()
}

fn past_blanks(text: &[u8], from: usize) -> usize {
    let blanks =
        text[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    from + blanks.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Result<Vec<f32>, usize> {
        let mut bytes = vec![1, 2, 3];
        read(text.as_bytes(), &mut bytes)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
    }

    #[test]
    fn lists_of_numbers_are_read() {
        assert_eq!(floats("0.5,-2,1e1"), Ok(vec![0.5, -2.0, 10.0]));
        assert_eq!(floats(" [ 0.5 ,\t-2 ] \r\n"), Ok(vec![0.5, -2.0]));
        assert_eq!(floats("7"), Ok(vec![7.0]));
    }

    #[test]
    fn numbers_beyond_a_float_are_doubles() {
        assert_eq!(doubles(b" [ 1e300 ,\t-2E-50 ] \r\n"), [1e300, -2e-50]);
        assert_eq!(doubles(b"7,0.5\n"), [7.0, 0.5]);
        assert_eq!(floats("1e300"), Ok(vec![f32::INFINITY]));
    }

    #[test]
    fn what_is_no_list_has_a_place() {
        for (text, place) in [
            ("", 0),
            ("[]", 1),
            ("1,", 2),
            ("1,a", 2),
            ("[1", 2),
            ("1]", 1),
            ("[1] 2", 4),
            ("1 2", 2),
        ] {
            assert_eq!(floats(text), Err(place), "{text}");
        }
    }
}
