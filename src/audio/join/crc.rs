//! Cyclic redundancy checks with the highest bit first, as FLAC and Ogg have them.

/// The remainder of each byte. A generator of fewer than 32 bits stands in the upper ones, and so do
/// the remainders.
pub(super) const fn table(generator: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value >> 31 == 1 { (value << 1) ^ generator } else { value << 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}
