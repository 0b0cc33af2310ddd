//! The head of a NumPy file of 32-bit floats. Knows nothing about vectors or services.
//!
//! The layout is that of version 1.0 in NumPy's document "NPY format" (`numpy.lib.format`): magic,
//! version, length of the description, the description as a Python literal padded with spaces.

/// The length of every head made here. It holds the largest numbers there are and is a multiple of
/// 64, as the format asks, so that the rows behind it are aligned.
pub(crate) const HEAD_BYTES: usize = 128;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// The head of a file of `rows` rows with `columns` little-endian 32-bit floats each.
pub(crate) fn head(rows: u64, columns: usize) -> [u8; HEAD_BYTES] {
    let description =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut head = [b' '; HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    let length = (HEAD_BYTES - 10) as u16;
    head[8..10].copy_from_slice(&length.to_le_bytes());
    // 52 characters and two numbers of at most 20 digits each are 92, of 118 that there are.
    head[10..10 + description.len()].copy_from_slice(description.as_bytes());
    head[HEAD_BYTES - 1] = b'\n';
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_as_the_format_has_it() {
        let head = head(3, 1536);
        assert_eq!(&head[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&head[10..]).expect("is text");
        let literal = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1536), }";
        assert_eq!(text.trim_end(), literal);
        assert!(text.ends_with(" \n"));
        assert_eq!(head.len() % 64, 0);
    }

    #[test]
    fn the_largest_numbers_fit() {
        let head = head(u64::MAX, usize::MAX);
        assert!(String::from_utf8_lossy(&head).contains("18446744073709551615), }"));
    }
}
