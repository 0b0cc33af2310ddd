//! One page of an Ogg stream (RFC 3533, section 6), and the duration of its Opus packets (RFC 6716,
//! section 3.1).

use super::crc;
use super::format_join::Unjoinable;

/// A page begins a logical stream.
pub(super) const BEGINS: u8 = 2;
/// A page ends a logical stream.
const ENDS: u8 = 4;

/// The beginning of every page: the capture pattern and version 0.
const PAGE_PATTERN: &[u8] = b"OggS\0";

/// The length of the fixed part of a page's header.
const PAGE_HEADER_BYTES: usize = 27;

/// A page that can be changed and written.
#[derive(Debug)]
pub(super) struct OggPage(Vec<u8>);

impl OggPage {
    /// The page at the beginning of the bytes; `None` if it is not complete.
    ///
    /// # Errors
    /// There is no page.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Unjoinable> {
        if !PAGE_PATTERN.starts_with(&bytes[..bytes.len().min(PAGE_PATTERN.len())]) {
            return Err(Unjoinable::new("has a damaged Ogg page"));
        }
        let Some(head) = bytes.get(..PAGE_HEADER_BYTES) else { return Ok(None) };
        let behind_table = PAGE_HEADER_BYTES + usize::from(head[26]);
        let Some(table) = bytes.get(PAGE_HEADER_BYTES..behind_table) else { return Ok(None) };
        let length = behind_table + table.iter().map(|size| usize::from(*size)).sum::<usize>();
        Ok(bytes.get(..length).map(|page| Self(page.to_vec())))
    }

    pub(super) fn length(&self) -> usize {
        self.0.len()
    }

    pub(super) fn flags(&self) -> u8 {
        self.0[5]
    }

    /// The position at which the last complete packet of the page ends; negative if there is none.
    pub(super) fn position(&self) -> i64 {
        i64::from_le_bytes(self.eight(6))
    }

    fn eight(&self, at: usize) -> [u8; 8] {
        std::array::from_fn(|index| self.0[at + index])
    }

    pub(super) fn serial(&self) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|index| self.0[14 + index]))
    }

    fn table(&self) -> &[u8] {
        &self.0[PAGE_HEADER_BYTES..PAGE_HEADER_BYTES + usize::from(self.0[26])]
    }

    /// The content of the packets.
    pub(super) fn content(&self) -> &[u8] {
        &self.0[PAGE_HEADER_BYTES + usize::from(self.0[26])..]
    }

    /// Whether a packet ends on the page.
    pub(super) fn ends_a_packet(&self) -> bool {
        self.table().iter().any(|size| *size < 255)
    }

    /// The samples (at 48 kHz) of the packets that end on the page. `open` has the samples of the
    /// packet that continues from the previous page, and then of the one that continues on the next.
    pub(super) fn samples(&self, open: &mut Option<i64>) -> i64 {
        let mut rest = self.content();
        let mut samples = 0;
        let mut running = open.take();
        for size in self.table() {
            let (piece, behind) = rest.split_at(usize::from(*size));
            rest = behind;
            let length = *running.get_or_insert_with(|| packet_samples(piece));
            if *size < 255 {
                samples += length;
                running = None;
            }
        }
        *open = running;
        samples
    }

    /// Writes the page's place in the stream into its header, and its CRC.
    pub(super) fn place(&mut self, serial: u32, number: u32, position: i64, is_last: bool) {
        self.0[5] = self.0[5] & !ENDS | if is_last { ENDS } else { 0 };
        self.0[6..14].copy_from_slice(&position.to_le_bytes());
        self.0[14..18].copy_from_slice(&serial.to_le_bytes());
        self.0[18..22].copy_from_slice(&number.to_le_bytes());
        self.0[22..26].fill(0);
        let sum = crc32(&self.0);
        self.0[22..26].copy_from_slice(&sum.to_le_bytes());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A packet's samples at 48 kHz, by its first bytes (RFC 6716, section 3.1, table 2; section 3.2).
fn packet_samples(packet: &[u8]) -> i64 {
    let Some(first) = packet.first() else { return 0 };
    let config = first >> 3;
    let frame = match config {
        0..=11 => [480, 960, 1920, 2880][usize::from(config % 4)],
        12..=15 => [480, 960][usize::from(config % 2)],
        _ => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |second| i64::from(second & 0x3F)),
    };
    frame * frames
}

/// The CRC-32 of a page (RFC 3533, section 6: generator 0x04C11DB7, nothing reflected).
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc::table(0x04C1_1DB7);
    bytes.iter().fold(0, |sum, byte| TABLE[usize::from((sum >> 24) as u8 ^ byte)] ^ (sum << 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_how_long_it_is() {
        // 20 ms of CELT; two frames of 60 ms of SILK; three of 2.5 ms; nothing.
        assert_eq!(packet_samples(&[31 << 3]), 960);
        assert_eq!(packet_samples(&[11 << 3 | 1]), 5760);
        assert_eq!(packet_samples(&[16 << 3 | 3, 3]), 360);
        assert_eq!(packet_samples(&[]), 0);
    }

    #[test]
    fn the_sum_is_that_of_the_standard() {
        // The check value of CRC-32 with these parameters (CRC-32/CKSUM without its last inversion and
        // length is the same generator).
        assert_eq!(crc32(b"123456789"), 0x89A1_897F);
    }
}
