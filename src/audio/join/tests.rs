use proptest::prelude::*;

use super::flac_frame::{crc8, crc16};
use super::ogg_page::OggPage;
use super::*;

mod one_wav;

/// Joins parts that come in pieces of this size. The whole has its patches applied.
fn join(
    format: SpeechFormat,
    can_patch: bool,
    parts: &[Vec<u8>],
    piece: usize,
) -> Result<Vec<u8>, Unjoinable> {
    let mut joiner = AudioJoiner::new(format, can_patch);
    let mut out = Vec::new();
    for part in parts {
        for piece in part.chunks(piece) {
            joiner.push(piece, &mut out)?;
        }
        joiner.end_part(&mut out)?;
    }
    for patch in joiner.finish(&mut out).into_iter().filter(|_| can_patch) {
        let at = usize::try_from(patch.at).expect("it is small");
        out[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    Ok(out)
}

fn why(result: Result<Vec<u8>, Unjoinable>) -> String {
    result.expect_err("is refused").why
}

const WAV_FORMAT: [u8; 16] = [1, 0, 1, 0, 0xC0, 0x5D, 0, 0, 0x80, 0xBB, 0, 0, 2, 0, 16, 0];

fn wav(format: &[u8], said: u32, samples: &[u8], behind: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVELIST\x03\0\0\0abc\0fmt ".to_vec();
    file.extend((format.len() as u32).to_le_bytes());
    file.extend(format);
    file.extend(b"data");
    file.extend(said.to_le_bytes());
    file.extend(samples);
    file.extend(behind);
    file
}

fn wav_head(length: u32, riff: u32) -> Vec<u8> {
    let mut head = b"RIFF".to_vec();
    head.extend(riff.to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0");
    head.extend(WAV_FORMAT);
    head.extend(b"data");
    head.extend(length.to_le_bytes());
    head
}

#[test]
fn wav_files_become_one_with_the_true_length() {
    let parts = [
        wav(&WAV_FORMAT, 4, &[1, 2, 3, 4], b"LIST\x04\0\0\0note"),
        // Lengths of streams, and half a sample at the end.
        wav(&WAV_FORMAT, u32::MAX, &[5, 6, 7], b""),
        wav(&WAV_FORMAT, 0, &[8, 9], b""),
    ];
    let samples = [1, 2, 3, 4, 5, 6, 8, 9];
    let whole = join(SpeechFormat::Wav, true, &parts, 7).expect("joins");
    assert_eq!(whole, [&wav_head(8, 44)[..], &samples].concat());
    let stream = join(SpeechFormat::Wav, false, &parts, 7).expect("joins");
    assert_eq!(stream, [&wav_head(u32::MAX, u32::MAX)[..], &samples].concat());
}

#[test]
fn a_description_of_odd_length_is_padded() {
    let format = [&WAV_FORMAT[..], &[7]].concat();
    let file =
        [&b"RIFF\x2A\0\0\0WAVEfmt \x11\0\0\0"[..], &format, b"\0data\x04\0\0\0abcd"].concat();
    let whole = join(SpeechFormat::Wav, true, std::slice::from_ref(&file), 9).expect("joins");
    assert_eq!(whole, file);
}

#[test]
fn wav_files_of_other_kinds_are_refused() {
    let mut other = WAV_FORMAT;
    other[4..6].copy_from_slice(&16_000_u16.to_le_bytes());
    let parts = [wav(&WAV_FORMAT, 2, &[1, 2], b""), wav(&other, 2, &[1, 2], b"")];
    let words = why(join(SpeechFormat::Wav, true, &parts, 99));
    let expected =
        "has 16000 Hz, 1 channel, 16 bits, but the first one 24000 Hz, 1 channel, 16 bits";
    assert_eq!(words, expected);
    let refused = |part: &[u8]| why(join(SpeechFormat::Wav, true, &[part.to_vec()], 99));
    assert_eq!(refused(b"RIFF\0\0\0\0WAVEfmt "), "ends inside its header");
    assert_eq!(refused(b"OggS\0\0\0\0\0\0\0\0\0\0\0\0"), "is not a WAV file");
    assert_eq!(refused(b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab"), "does not declare its format");
}

/// A frame of MPEG 2, layer III, 64 kbit/s, 24 kHz, one channel: 192 bytes.
fn mp3_frame(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xF3, 0x84, 0xC0];
    frame.extend([0; 9]);
    frame.extend(content);
    frame.resize(192, 0);
    frame
}

/// An ID3v2 tag of 300 bytes behind its head, whose content looks like a frame.
fn id3() -> Vec<u8> {
    [b"ID3\x04\0\0\0\0\x02\x2C".to_vec(), [0xFF, 0xF3, 0x84, 0xC0].repeat(75)].concat()
}

fn mp3_parts() -> [Vec<u8>; 2] {
    let tag = [b"TAG".to_vec(), vec![0xFF; 125]].concat();
    let (one, two, three) = (mp3_frame(b"one"), mp3_frame(b"two"), mp3_frame(b"three"));
    let info = mp3_frame(b"Info\0\0\0\x0F");
    [
        [id3(), info.clone(), one, tag].concat(),
        // The last frame is cut off.
        [info.clone(), id3(), info, two, three[..100].to_vec()].concat(),
    ]
}

#[test]
fn mp3_files_become_one_without_tags_and_notes() {
    let sound = [mp3_frame(b"one"), mp3_frame(b"two")].concat();
    let stream = join(SpeechFormat::Mp3, false, &mp3_parts(), 50).expect("joins");
    assert_eq!(stream, sound);
    let file = join(SpeechFormat::Mp3, true, &mp3_parts(), 50).expect("joins");
    let (note, rest) = file.split_at(file.len() - sound.len());
    assert_eq!(rest, sound);
    // 16 kbit/s is the smallest rate whose frame of 48 bytes holds the note.
    assert_eq!(note.len(), 48);
    assert_eq!(note[..4], [0xFF, 0xF3, 0x24, 0xC0]);
    assert_eq!(file.len(), 432);
    assert_eq!(note[13..25], *b"Xing\0\0\0\x03\0\0\0\x02");
    assert_eq!(note[25..29], 432_u32.to_be_bytes());
}

#[test]
fn mp3_files_of_other_kinds_are_refused() {
    let mut other = mp3_frame(b"other");
    other[2] = 0x80;
    let parts = [mp3_frame(b"one"), other.repeat(2)];
    assert_eq!(why(join(SpeechFormat::Mp3, false, &parts, 99)), "has a different encoding");
    // A note of the length is not audio.
    for silent in [b"RIFF....WAVE".to_vec(), mp3_frame(b"Info\0\0\0\x0F")] {
        let parts = [mp3_frame(b"one"), silent];
        assert_eq!(why(join(SpeechFormat::Mp3, false, &parts, 99)), "contains no MP3 audio");
    }
}

/// An ADTS frame of AAC-LC, 24 kHz, one channel.
fn adts(content: &[u8]) -> Vec<u8> {
    let length = 7 + content.len();
    let head = [0xFF, 0xF1, 0x58, 0x40 | (length >> 11) as u8, (length >> 3) as u8];
    [&head[..], &[(length << 5) as u8, 0xFC], content].concat()
}

#[test]
fn aac_frames_follow_each_other() {
    let parts = [[id3(), adts(b"a"), adts(b"")].concat(), adts(&[9; 3000])];
    let whole = join(SpeechFormat::Aac, true, &parts, 9).expect("joins");
    assert_eq!(whole, [adts(b"a"), adts(b""), adts(&[9; 3000])].concat());
    assert_eq!(why(join(SpeechFormat::Aac, true, &[b"{}".to_vec()], 9)), "contains no AAC audio");
}

/// A page with these packets, the last one going on if `is_open`.
fn page(flags: u8, position: i64, packets: &[&[u8]], is_open: bool) -> Vec<u8> {
    let mut table = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        table.extend(vec![255; packet.len() / 255]);
        if !(is_open && index + 1 == packets.len()) {
            table.push((packet.len() % 255) as u8);
        }
    }
    let mut bytes = b"OggS\0".to_vec();
    bytes.push(flags);
    bytes.extend(position.to_le_bytes());
    bytes.extend([7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.push(table.len() as u8);
    bytes.extend(table);
    bytes.extend(packets.concat());
    bytes
}

const OPUS_HEAD: &[u8] = b"OpusHead\x01\x01\x38\x01\xC0\x5D\0\0\0\0\0";

/// Four packets of 20 ms, of which one goes over two pages; 100 samples at the end are not meant.
fn opus_part() -> Vec<u8> {
    let long = [&[31 << 3][..], &[0; 509]].concat();
    [
        page(2, 0, &[OPUS_HEAD], false),
        page(0, 0, &[b"OpusTags the tags"], false),
        page(0, 960, &[&[31 << 3, 1], &long], true),
        page(1, 2880, &[&[1; 3], &[31 << 3, 2]], false),
        page(4, 3740, &[&[31 << 3, 3]], false),
    ]
    .concat()
}

/// Flags, position and number of each page; the sums and the serial number must be right.
fn pages(mut bytes: &[u8]) -> Vec<(u8, i64, u32)> {
    let mut found = Vec::new();
    while let Some(mut page) = OggPage::read(bytes).expect("a page") {
        let raw = page.bytes().to_vec();
        let number = u32::from_le_bytes([raw[18], raw[19], raw[20], raw[21]]);
        let (flags, position) = (page.flags(), page.position());
        page.place(7, number, position, flags & 4 != 0);
        assert_eq!(page.bytes(), raw);
        found.push((flags, position, number));
        bytes = &bytes[raw.len()..];
    }
    assert!(bytes.is_empty());
    found
}

#[test]
fn opus_files_become_one_stream() {
    let whole = join(SpeechFormat::Opus, true, &[opus_part(), opus_part()], 33).expect("joins");
    let expected = [
        (2, 0, 0),
        (0, 0, 1),
        (0, 960, 2),
        (1, 2880, 3),
        (0, 3840, 4),
        (0, 4800, 5),
        (1, 6720, 6),
        (4, 7580, 7),
    ];
    assert_eq!(pages(&whole), expected);
}

#[test]
fn ogg_files_without_opus_are_refused() {
    let refused = |part: Vec<u8>| why(join(SpeechFormat::Opus, true, &[opus_part(), part], 33));
    assert_eq!(refused(page(2, 0, &[b"\x01vorbis"], false)), "is an Ogg file without Opus");
    assert_eq!(refused(b"ID3 an mp3".to_vec()), "is not an Ogg file");
    assert_eq!(refused(opus_part()[..300].to_vec()), "ends inside an Ogg page");
    let open = page(0, -1, &[&[31 << 3; 255]], true);
    assert_eq!(refused([opus_part(), open].concat()), "ends inside an Opus packet");
    // Wherever the network cuts them, bytes behind the last page are told the same way.
    let behind = [opus_part(), b"no page".repeat(9)].concat();
    for piece in [1, 33, 9999] {
        let words = why(join(SpeechFormat::Opus, true, std::slice::from_ref(&behind), piece));
        assert_eq!(words, "has a damaged Ogg page", "in pieces of {piece}");
    }
    let mut stereo = opus_part();
    stereo[28 + 9] = 2;
    assert_eq!(refused(stereo), "has a different number of channels");
}

/// A frame with one channel of 16 bits and `samples` samples, whose content is not looked at.
fn flac_frame(number: u8, samples: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xF8, 0x60, 0x08, number, samples - 1];
    frame.push(crc8(&frame));
    frame.extend(content);
    let sum = frame.iter().fold(0, |sum, byte| crc16(sum, *byte));
    frame.extend(sum.to_be_bytes());
    frame
}

fn flac_info(total: u8) -> Vec<u8> {
    let mut info = vec![0, 200, 0, 200, 0, 0, 9, 0, 0, 9, 0x05, 0xDC, 0x00, 0xF0, 0, 0, 0, total];
    info.extend([0xAB; 16]);
    info
}

fn flac_part() -> Vec<u8> {
    [
        b"fLaC\0\0\0\x22".to_vec(),
        flac_info(0),
        b"\x84\0\0\x05hello".to_vec(),
        flac_frame(0, 200, b"\xFF\xF8one"),
        flac_frame(1, 50, b"two"),
    ]
    .concat()
}

#[test]
fn flac_files_become_one_stream_numbered_by_samples() {
    let whole = join(SpeechFormat::Flac, true, &[flac_part(), flac_part()], 5).expect("joins");
    assert_eq!(whole[..8], *b"fLaC\x80\0\0\x22");
    let info = &whole[8..42];
    assert_eq!(info[..10], [0, 16, 0, 200, 0, 0, 0, 0, 0, 0]);
    assert_eq!(info[10..14], flac_info(0)[10..14]);
    assert_eq!(info[14..18], 500_u32.to_be_bytes());
    assert_eq!(info[18..], [0; 16]);
    let mut expected = Vec::new();
    for (number, samples, content) in [
        (&[0][..], 199, &b"\xFF\xF8one"[..]),
        (&[0xC3, 0x88], 49, b"two"),
        (&[0xC3, 0xBA], 199, b"\xFF\xF8one"),
        (&[0xC7, 0x82], 49, b"two"),
    ] {
        let mut frame = [&[0xFF, 0xF9, 0x60, 0x08][..], number, &[samples]].concat();
        frame.push(crc8(&frame));
        frame.extend(content);
        let sum = frame.iter().fold(0, |sum, byte| crc16(sum, *byte));
        frame.extend(sum.to_be_bytes());
        expected.extend(frame);
    }
    assert_eq!(whole[42..], expected);
}

#[test]
fn flac_files_that_are_cut_or_differ_are_refused() {
    let refused = |part: Vec<u8>| why(join(SpeechFormat::Flac, true, &[flac_part(), part], 99));
    let whole = flac_part();
    assert_eq!(refused(whole[..whole.len() - 1].to_vec()), "ends inside a FLAC frame");
    assert_eq!(refused(whole[..60].to_vec()), "ends inside a FLAC frame");
    assert_eq!(refused(b"RIFF".to_vec()), "is not a FLAC file");
    let mut other = flac_part();
    other[18] = 0x0A;
    assert_eq!(refused(other), "has a different sample rate, number of channels or sample size");
}

proptest! {
    #[test]
    fn the_size_of_the_pieces_changes_nothing(piece in 1..700_usize, can_patch: bool) {
        let wavs = [wav(&WAV_FORMAT, 6, &[1; 6], b"x"), wav(&WAV_FORMAT, 0, &[2; 9], b"")];
        for (format, parts) in [
            (SpeechFormat::Wav, wavs.to_vec()),
            (SpeechFormat::Mp3, mp3_parts().to_vec()),
            (SpeechFormat::Aac, vec![adts(b"abc"), [id3(), adts(b"d")].concat()]),
            (SpeechFormat::Opus, vec![opus_part(), opus_part(), opus_part()]),
            (SpeechFormat::Flac, vec![flac_part(), flac_part(), flac_part()]),
            (SpeechFormat::Pcm, vec![vec![1; 100], vec![2; 100]]),
        ] {
            let whole = join(format, can_patch, &parts, usize::MAX).expect("joins");
            prop_assert_eq!(join(format, can_patch, &parts, piece), Ok(whole), "{:?}", format);
        }
    }

    /// What a broken or hostile service sends is refused or passed on; it never stops the program.
    #[test]
    fn no_bytes_do_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        at in 0..600_usize,
        piece in 1..100_usize,
    ) {
        let wavs = wav(&WAV_FORMAT, 6, &[1; 6], b"x");
        let [mp3, _] = mp3_parts();
        for (format, good) in [
            (SpeechFormat::Wav, wavs),
            (SpeechFormat::Mp3, mp3),
            (SpeechFormat::Aac, adts(b"abc")),
            (SpeechFormat::Opus, opus_part()),
            (SpeechFormat::Flac, flac_part()),
        ] {
            let mut bad = good.clone();
            bad.splice(at.min(good.len()).., bytes.iter().copied());
            // Either outcome is right; that there is one is what counts.
            let _ = join(format, true, &[good, bad, bytes.clone()], piece);
        }
    }
}
