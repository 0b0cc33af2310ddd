//! A vector as it is kept in FILE.part: a letter for its form, then its bytes.

use crate::api::embed::vector::Vector;
use crate::journal::{KeptRow, RowHash};

const FLOATS: &[u8] = b"f";
const DIGITS: &[u8] = b"d";

/// The row for a vector.
pub(super) fn row(row: u64, hash: RowHash, vector: Vector<'_>) -> KeptRow<'_> {
    let parts = match vector {
        Vector::Floats(bytes) => [FLOATS, bytes],
        Vector::Digits(text) => [DIGITS, text],
    };
    KeptRow { row, hash, parts }
}

/// Numbers that stand in a file, as if they had been kept.
pub(super) fn of_digits(digits: Vec<u8>) -> Vec<u8> {
    [DIGITS, &digits].concat()
}

/// The vector that was kept; `None` if these bytes are none.
pub(super) fn vector(kept: &[u8]) -> Option<Vector<'_>> {
    match kept.split_at_checked(1)? {
        (FLOATS, bytes) if !bytes.is_empty() && bytes.len() % 4 == 0 => Some(Vector::Floats(bytes)),
        (DIGITS, text) if !text.is_empty() => Some(Vector::Digits(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_back_as_it_was() {
        let floats = 1.5_f32.to_le_bytes();
        for given in [Vector::Floats(&floats), Vector::Digits(b"0.10,-2E-3")] {
            let kept = row(3, RowHash::of([&b"x"[..]]), given).parts.concat();
            assert_eq!(vector(&kept), Some(given));
        }
        for bytes in [&b""[..], b"f", b"fabc", b"d", b"x1"] {
            assert_eq!(vector(bytes), None);
        }
    }
}
