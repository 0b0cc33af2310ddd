//! Writes PNG files with 16 colours (PNG specification, third edition). Compresses nothing and
//! knows no drawing.

use super::checksum::{adler32, crc32};

/// Most bytes of one stored block (RFC 1951, section 3.2.4).
const LARGEST_BLOCK: usize = 0xFFFF;

/// A PNG of `width` times `height` pixels; `pixels` are indexes into `colours`, row by row, each
/// below 16.
pub(crate) fn encode(
    width: usize,
    height: usize,
    colours: &[[u8; 3]; 16],
    pixels: &[u8],
) -> Vec<u8> {
    debug_assert_eq!(pixels.len(), width * height);
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut header = Vec::new();
    header.extend_from_slice(&(width as u32).to_be_bytes());
    header.extend_from_slice(&(height as u32).to_be_bytes());
    // 4 bits a pixel, palette, and the only compression, filtering and no interlacing.
    header.extend_from_slice(&[4, 3, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"PLTE", colours.as_flattened());
    chunk(&mut file, b"IDAT", &zlib(&rows(width, pixels)));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// Every row with its filter type (none) before it, two pixels a byte, the left one in the high
/// bits.
fn rows(width: usize, pixels: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(pixels.len() / 2 + pixels.len() / width + 1);
    for row in pixels.chunks(width) {
        rows.push(0);
        rows.extend(row.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)));
    }
    rows
}

/// A zlib stream of stored blocks (RFC 1950, section 2.2; RFC 1951, section 3.2.4).
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(LARGEST_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(data).to_be_bytes());
    stream
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let begin = file.len();
    file.extend_from_slice(kind);
    file.extend_from_slice(data);
    let sum = crc32(&file[begin..]);
    file.extend_from_slice(&sum.to_be_bytes());
}

/// Reads back what `encode` wrote and checks every length and sum on the way: width, height,
/// colours and pixels.
#[cfg(test)]
pub(crate) fn decode(file: &[u8]) -> (usize, usize, Vec<u8>, Vec<u8>) {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes")) as usize;
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1A\n").expect("the signature");
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = number(&rest[..4]);
        let (body, sum) = rest[4..].split_at(4 + length);
        assert_eq!(crc32(body) as usize, number(&sum[..4]));
        chunks.push((&body[..4], &body[4..]));
        rest = &sum[4..];
    }
    let kinds: Vec<&[u8]> = chunks.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [b"IHDR", b"PLTE", b"IDAT", b"IEND"]);
    let header = chunks[0].1;
    let (width, height) = (number(&header[..4]), number(&header[4..8]));
    assert_eq!(header[8..], [4, 3, 0, 0, 0]);
    let mut stream = chunks[2].1;
    assert_eq!(u16::from_be_bytes([stream[0], stream[1]]) % 31, 0);
    stream = &stream[2..];
    let mut data = Vec::new();
    loop {
        let length = u16::from_le_bytes([stream[1], stream[2]]);
        assert_eq!(u16::from_le_bytes([stream[3], stream[4]]), !length);
        let last = stream[0] == 1;
        let (block, behind) = stream[5..].split_at(usize::from(length));
        data.extend_from_slice(block);
        stream = behind;
        if last {
            break;
        }
    }
    assert_eq!(stream, adler32(&data).to_be_bytes());
    let row = 1 + width.div_ceil(2);
    assert_eq!(data.len(), row * height);
    let pixels = data.chunks(row).flat_map(|row| {
        assert_eq!(row[0], 0);
        let both = row[1..].iter().flat_map(|byte| [byte >> 4, byte & 15]);
        both.take(width).collect::<Vec<u8>>()
    });
    (width, height, chunks[1].1.to_vec(), pixels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut colours = [[0; 3]; 16];
        colours[15] = [1, 2, 3];
        for (width, height) in [(1, 1), (3, 2), (16, 16), (511, 700)] {
            let pixels: Vec<u8> = (0..width * height).map(|at| (at * 7 % 16) as u8).collect();
            let file = encode(width, height, &colours, &pixels);
            let palette = colours.as_flattened().to_vec();
            assert_eq!(decode(&file), (width, height, palette, pixels));
        }
    }
}
