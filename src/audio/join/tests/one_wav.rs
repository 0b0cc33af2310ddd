//! WAV that comes in one part: one file, or several one behind the other.

use super::*;

/// One part of WAV in pieces of this size, as a file or as a stream.
fn one_wav(
    keeps_lengths: bool,
    can_patch: bool,
    part: &[u8],
    piece: usize,
) -> Result<Vec<u8>, Unjoinable> {
    let (mut joiner, mut out) = (AudioJoiner::of_wav(keeps_lengths), Vec::new());
    for piece in part.chunks(piece) {
        joiner.push(piece, &mut out)?;
    }
    joiner.end_part(&mut out)?;
    for patch in joiner.finish(&mut out).into_iter().filter(|_| can_patch) {
        let at = usize::try_from(patch.at).expect("it is small");
        out[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    Ok(out)
}

/// A WAV file without other chunks.
fn plain_wav(said: u32, samples: &[u8]) -> Vec<u8> {
    [&wav_head(said, said.saturating_add(36))[..], samples].concat()
}

#[test]
fn one_wav_file_stays_as_it_came_but_for_lengths_that_are_not_true() {
    let right = [plain_wav(4, b"abcd"), b"LIST\x04\0\0\0note".to_vec()].concat();
    assert_eq!(one_wav(true, true, &right, 5), Ok(right));
    for said in [0, u32::MAX, 0x7FFF_FFBF] {
        let made = one_wav(true, true, &plain_wav(said, b"abcdef"), 7);
        assert_eq!(made, Ok(plain_wav(6, b"abcdef")), "{said}");
    }
    // Some count their head as samples.
    let made = one_wav(true, true, &plain_wav(1044, &[7; 1000]), 99);
    assert_eq!(made, Ok(plain_wav(1000, &[7; 1000])));
    // What we can't read as WAV is passed on.
    let odd = b"RIFF\0\0\0\0WAVEfmt and more".to_vec();
    assert_eq!(one_wav(true, true, &odd, 3), Ok(odd));
}

#[test]
fn several_wav_files_in_one_part_become_one() {
    let note = b"LIST\x04\0\0\0note".to_vec();
    for (files, samples) in [
        (vec![plain_wav(2, b"ab"), plain_wav(4, b"cdef")], &b"abcdef"[..]),
        (vec![plain_wav(2, b"ab"), note, plain_wav(u32::MAX, b"cdef")], b"abcdef"),
        (vec![plain_wav(0, b"ab"), plain_wav(0, b"cd"), plain_wav(0, b"ef")], b"abcdef"),
        // A head for the first piece alone, and bare samples behind it.
        (vec![plain_wav(2, b"ab"), b"\x01\x02\x03\x04".to_vec()], b"ab\x01\x02\x03\x04"),
    ] {
        let part = files.concat();
        let length = samples.len() as u32;
        for piece in [1, 3, 20, 1000] {
            let file = one_wav(true, true, &part, piece);
            assert_eq!(file, Ok(plain_wav(length, samples)), "{piece}");
            let stream = one_wav(false, false, &part, piece);
            let head = wav_head(u32::MAX, u32::MAX);
            assert_eq!(stream, Ok([&head[..], samples].concat()), "{piece}");
        }
    }
}

#[test]
fn wav_without_sound_or_with_less_than_it_says_is_refused() {
    let kind = |part: &[u8]| one_wav(true, true, part, 9).expect_err("is refused").kind;
    assert_eq!(kind(&plain_wav(0, b"")), UnjoinableKind::NoAudio);
    assert_eq!(kind(&plain_wav(u32::MAX, b"")), UnjoinableKind::NoAudio);
    assert_eq!(kind(&plain_wav(100, &[1; 60])), UnjoinableKind::Short);
    assert_eq!(kind(&plain_wav(100, b"")), UnjoinableKind::Short);
    assert_eq!(kind(&plain_wav(100, b"")[..30]), UnjoinableKind::Short);
}
