//! Audio files joined and cut.

use std::io::Cursor;

use super::cuts::cuts;
use crate::audio::format::SpeechFormat;
use crate::audio::join::{AudioJoiner, Unjoinable, wav};
use crate::audio::wav::WavSamples;
use crate::audio::{quiet, upload::AudioUpload};

/// Stands between the parts of an input with several.
const PART_SEPARATOR: &[u8] = b"|part|";

/// The joiners of all formats, and the cutting of recordings.
pub fn sound(data: &[u8]) {
    let parts = parts(data);
    let first = parts.first().copied().unwrap_or_default();
    let _ = AudioUpload::of(std::path::Path::new("a"), first);
    let told = SpeechFormat::of_bytes(first, None).unwrap_or(SpeechFormat::Wav);
    let formats =
        if told == SpeechFormat::Mp3 { vec![told, SpeechFormat::Aac] } else { vec![told] };
    for format in formats {
        for can_patch in [false, true] {
            joined(format, can_patch, &parts);
        }
    }
    bare(data);
    for keeps_lengths in [false, true] {
        one_wav(keeps_lengths, first);
    }
    cut(data);
}

fn parts(data: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), data);
    while let Some(at) = memchr::memmem::find(rest, PART_SEPARATOR) {
        parts.push(&rest[..at]);
        rest = &rest[at + PART_SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}

/// The whole and whether its patches lie within it.
fn join(
    format: SpeechFormat,
    can_patch: bool,
    parts: &[Vec<&[u8]>],
) -> Result<Vec<u8>, Unjoinable> {
    join_by(AudioJoiner::new(format, can_patch), can_patch, parts)
}

fn join_by(
    mut joiner: AudioJoiner,
    can_patch: bool,
    parts: &[Vec<&[u8]>],
) -> Result<Vec<u8>, Unjoinable> {
    let mut out = Vec::new();
    for part in parts {
        part.iter().try_for_each(|piece| joiner.push(piece, &mut out))?;
        joiner.end_part(&mut out)?;
    }
    let patches = joiner.finish(&mut out);
    for patch in patches.into_iter().filter(|_| can_patch) {
        let at = patch.at as usize;
        out[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    Ok(out)
}

fn joined(format: SpeechFormat, can_patch: bool, parts: &[&[u8]]) {
    let as_is: Vec<Vec<&[u8]>> = parts.iter().map(|part| vec![*part]).collect();
    let whole = join(format, can_patch, &as_is);
    for way in 0..2 {
        let pieces: Option<Vec<_>> =
            parts.iter().map(|part| cuts(part).get(way).cloned()).collect();
        if let Some(pieces) = pieces {
            assert!(join(format, can_patch, &pieces) == whole, "{format:?} in pieces");
        }
    }
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let Ok(whole) = whole else { return };
    // A FLAC frame's number may grow by 6 bytes, and the shortest frame has 9.
    assert!(whole.len() <= 2 * length + 2048, "{format:?}: {} of {length}", whole.len());
    if format != SpeechFormat::Flac {
        let again = join(format, can_patch, &[vec![&whole]]);
        assert!(again.as_ref() == Ok(&whole), "{format:?}: joined with nothing it changes");
    }
}

/// WAV in one part is the same in pieces of any size.
fn one_wav(keeps_lengths: bool, data: &[u8]) {
    let join = |pieces| join_by(AudioJoiner::of_wav(keeps_lengths), true, &[pieces]);
    let whole = join(vec![data]);
    for pieces in cuts(data) {
        assert!(join(pieces) == whole, "in pieces");
    }
}

/// The bytes as samples of two files: all of them come back, in one file with the true length.
fn bare(data: &[u8]) {
    let (one, two) = data.split_at(data.len() / 4 * 2);
    let two = &two[..two.len() / 2 * 2];
    if one.is_empty() || two.is_empty() {
        return;
    }
    let file = |samples: &[u8]| {
        let head = wav::header_of_pcm(wav::PCM_RATE, u32::try_from(samples.len()).ok());
        [&head, samples].concat()
    };
    let parts = [file(one), file(two)];
    let whole =
        join(SpeechFormat::Wav, true, &[vec![&parts[0]], vec![&parts[1]]]).expect("they are alike");
    assert_eq!(whole, file(&[one, two].concat()));
    let found = WavSamples::find(&mut Cursor::new(&whole), whole.len() as u64).expect("readable");
    assert_eq!(found.map(|samples| samples.length), Some((one.len() + two.len()) as u64));
}

/// The parts of a recording lie one behind the other, none too long, and each is a file of its own.
fn cut(data: &[u8]) {
    let size = data.len() as u64;
    let Ok(Some(samples)) = WavSamples::find(&mut Cursor::new(data), size) else { return };
    assert!(samples.start + samples.length <= size && samples.frame > 0);
    for most in [samples.length / 7, samples.length / 2, samples.length + 1] {
        let parts =
            quiet::split_at_pauses(&samples, &mut Cursor::new(data), most).expect("readable");
        let most = most.max(samples.frame);
        let mut at = 0;
        for part in parts {
            let length = part.end - part.start;
            assert_eq!(part.start, at);
            assert!(length <= most && length % samples.frame == 0, "{part:?} of {most}");
            at = part.end;
            let from = (samples.start + part.start) as usize;
            let bytes = &data[from..from + length as usize];
            let file = [&samples.header(length), bytes].concat();
            let again =
                WavSamples::find(&mut Cursor::new(&file), file.len() as u64).expect("readable");
            let again = again.expect("it is a WAV file");
            assert_eq!((again.length, again.rate), (length, samples.rate));
        }
        assert_eq!(at, samples.length);
    }
}
