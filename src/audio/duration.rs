//! How long a recording is, as far as its file tells without decoding: Ogg, MP3, MP4 and FLAC. Nothing
//! for what it does not understand.

use std::io::{Read, Result, Seek, SeekFrom};

use crate::media::{self, FileFormat};

/// So much of a file's end holds the last page of an Ogg stream (RFC 3533: a page has at most 65,307
/// bytes).
const OGG_END: u64 = 128 * 1024;

/// The most boxes of an MP4 file that are looked at.
const MAX_BOXES: usize = 10_000;

/// The seconds of the recording in `source`, which has `size` bytes.
///
/// # Errors
/// Those of reading, except for an unexpected end.
pub(crate) fn seconds(source: &mut (impl Read + Seek), size: u64) -> Result<Option<f64>> {
    let head = bytes(source, 0, 4096)?;
    let found = match media::format_of(&head) {
        Some(FileFormat::Ogg) => ogg(source, &head, size),
        Some(FileFormat::Flac) => Ok(flac(&head)),
        Some(FileFormat::M4a | FileFormat::Mp4) => mp4(source, size),
        Some(FileFormat::Mp3) => mp3(source, &head, size),
        _ => Ok(None),
    };
    match found {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        found => Ok(found?.filter(|seconds| seconds.is_finite() && *seconds > 0.0)),
    }
}

/// Up to `most` bytes from an offset on.
fn bytes(source: &mut (impl Read + Seek), at: u64, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.seek(SeekFrom::Start(at))?;
    source.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The position of the last page (RFC 3533, section 6): samples at 48,000 a second for Opus (RFC 7845,
/// section 4), at the stream's own rate for Vorbis.
fn ogg(source: &mut (impl Read + Seek), head: &[u8], size: u64) -> Result<Option<f64>> {
    let rate = match memchr::memmem::find(head, b"OpusHead") {
        Some(_) => 48_000,
        None => {
            let at = memchr::memmem::find(head, b"\x01vorbis");
            let field = at.and_then(|at| head.get(at + 12..at + 16));
            field.and_then(|rate| rate.try_into().ok()).map_or(0, u32::from_le_bytes)
        }
    };
    if rate == 0 {
        return Ok(None);
    }
    let end = bytes(source, size.saturating_sub(OGG_END), OGG_END)?;
    let positions = memchr::memmem::rfind_iter(&end, b"OggS").filter_map(|at| {
        let position = end.get(at + 6..at + 14)?.try_into().ok().map(u64::from_le_bytes)?;
        // No packet ends on such a page.
        (position != u64::MAX).then_some(position)
    });
    let mut positions = positions;
    Ok(positions.next().map(|samples| samples as f64 / f64::from(rate)))
}

/// STREAMINFO (RFC 9639, section 8.2): 20 bits of rate, 36 bits of samples.
fn flac(head: &[u8]) -> Option<f64> {
    let fields = number(head, 18, 8)?;
    let (rate, samples) = (fields >> 44, fields & 0xF_FFFF_FFFF);
    (rate > 0 && samples > 0).then(|| samples as f64 / rate as f64)
}

/// `moov/mvhd` (ISO 14496-12, section 8.2.2).
fn mp4(source: &mut (impl Read + Seek), size: u64) -> Result<Option<f64>> {
    let (mut at, mut end) = (0, size);
    for _ in 0..MAX_BOXES {
        if at + 8 > end {
            break;
        }
        let head = bytes(source, at, 48)?;
        let (Some(short), Some(kind)) = (number(&head, 0, 4), head.get(4..8)) else { break };
        let (start, length) = match short {
            0 => (8, end - at),
            1 => (16, number(&head, 8, 8).unwrap_or_default()),
            length => (8, length),
        };
        if length < start {
            break;
        }
        match kind {
            b"moov" => {
                end = at.saturating_add(length).min(end);
                at += start;
            }
            b"mvhd" => {
                let is_long = head.get(8) == Some(&1);
                let (scale, all) = match is_long {
                    true => (number(&head, 28, 4), number(&head, 32, 8)),
                    false => (number(&head, 20, 4), number(&head, 24, 4)),
                };
                let (Some(scale @ 1..), Some(all)) = (scale, all) else { break };
                return Ok(Some(all as f64 / scale as f64));
            }
            _ => match at.checked_add(length) {
                Some(next) => at = next,
                None => break,
            },
        }
    }
    Ok(None)
}

/// Bit rates of layer III in kbit/s: MPEG 1, and MPEG 2 and 2.5 (ISO 11172-3, section 2.4.2.3; ISO
/// 13818-3, section 2.4.2.3).
const RATES: [[u64; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// One frame of MP3: its bytes, its samples, and samples a second.
fn mp3_frame(head: &[u8]) -> Option<(u64, u64, u64)> {
    let [0xff, second, third, ..] = *head else { return None };
    if second & 0xe6 != 0xe2 || second & 0x18 == 0x08 {
        return None;
    }
    let is_first = second & 0x18 == 0x18;
    let rate =
        *RATES[usize::from(!is_first)].get(usize::from(third >> 4)).filter(|rate| **rate > 0)?;
    let samples_a_second = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
    let samples_a_second = match second & 0x18 {
        0x18 => *samples_a_second,
        0x10 => samples_a_second / 2,
        _ => samples_a_second / 4,
    };
    let samples = if is_first { 1152 } else { 576 };
    let bytes = samples / 8 * rate * 1000 / samples_a_second + u64::from(third >> 1 & 1);
    Some((bytes, samples, samples_a_second))
}

/// The number of frames that the first one notes (Xing, Info), else all of them, counted.
fn mp3(source: &mut (impl Read + Seek), head: &[u8], size: u64) -> Result<Option<f64>> {
    let mut at = 0;
    if head.starts_with(b"ID3") {
        let size = head.get(6..10).unwrap_or_default();
        at = 10 + size.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
    }
    let first = bytes(source, at, 4096)?;
    let Some((_, samples, rate)) = mp3_frame(&first) else { return Ok(None) };
    let note = [&b"Xing"[..], b"Info"];
    let note =
        note.iter().find_map(|name| memchr::memmem::find(&first[..first.len().min(64)], name));
    if let Some(frames) = note
        .filter(|at| first.get(at + 7).is_some_and(|flags| flags & 1 == 1))
        .and_then(|at| number(&first, at + 8, 4))
    {
        return Ok(Some((frames * samples) as f64 / rate as f64));
    }
    let all = bytes(source, at, size)?;
    let (mut at, mut whole) = (0, 0);
    while let Some((length, samples, _)) = all.get(at..).and_then(mp3_frame) {
        whole += samples;
        at += length as usize;
    }
    // Something else is between the frames: the time is not known.
    Ok((at + 4096 >= all.len()).then_some(whole as f64 / rate as f64))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn of(file: &[u8]) -> Option<f64> {
        seconds(&mut Cursor::new(file), file.len() as u64).expect("bytes can be read")
    }

    #[test]
    fn each_format_tells_its_time() {
        let page = |position: u64, content: &[u8]| {
            let mut page = b"OggS\0\0".to_vec();
            page.extend(position.to_le_bytes());
            page.extend([0; 13]);
            page.extend(content);
            page
        };
        let opus =
            [page(0, b"OpusHead\x01\x01"), page(480_000, b"x"), page(u64::MAX, b"y")].concat();
        assert_eq!(of(&opus), Some(10.0));
        let vorbis = [page(0, b"\x01vorbis\0\0\0\0\x01\x40\x1f\0\0"), page(16_000, b"x")].concat();
        assert_eq!(of(&vorbis), Some(2.0));
        let mut flac = b"fLaC\0\0\0\x22".to_vec();
        flac.extend([0; 10]);
        flac.extend((16_000_u64 << 44 | 48_000).to_be_bytes());
        assert_eq!(of(&flac), Some(3.0));
        let mut mp4 =
            b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\x0cmdatabcd\0\0\0\x28moov\0\0\0\x20mvhd".to_vec();
        mp4.extend([0; 12]);
        mp4.extend(1000_u32.to_be_bytes());
        mp4.extend(4500_u32.to_be_bytes());
        assert_eq!(of(&mp4), Some(4.5));
        // 64 kbit/s, 24 kHz: 192 bytes a frame, 576 samples.
        let mut frame = vec![0xff, 0xf3, 0x84, 0xc0];
        frame.resize(192, 0);
        assert_eq!(of(&frame.repeat(100)), Some(2.4));
        let mut noted = frame.clone();
        noted[13..25].copy_from_slice(b"Info\0\0\0\x01\0\0\x03\xe8");
        assert_eq!(of(&[b"ID3\x04\0\0\0\0\0\x02ab".to_vec(), noted].concat()), Some(24.0));
    }

    #[test]
    fn what_is_not_understood_tells_nothing() {
        for file in [
            &b""[..],
            b"RIFF\0\0\0\0WAVE",
            b"OggS",
            b"fLaC",
            b"\0\0\0\x08ftyp",
            b"ID3\x04\0\0\0\0\0\0text",
        ] {
            assert_eq!(of(file), None, "{file:?}");
        }
        let endless = [&b"\0\0\0\x10ftypM4A \0\0\0\0"[..], &[0; 64]].concat();
        assert_eq!(of(&endless), None);
    }
}
