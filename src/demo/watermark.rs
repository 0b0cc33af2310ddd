//! An inaudible watermark: text in the lowest bits of 16-bit samples.
//!
//! Joining and cutting keep only the samples of a WAV file, so the text is in them and not in a chunk
//! of the file. Each word has a range of samples that is filled with copies of its mark. A mark has one
//! bit in each sample, the lowest bit of a byte first: `MAGIC`, the number of the copy, whether a text
//! begins here, the word's length in two bytes, the word, a checksum of two bytes.
//!
//! A word belongs to the recording that contains its first copy. If a recording begins inside the first
//! copy, the second one counts. So wherever a recording is cut, each word is in exactly one part, if no
//! part is shorter than two copies.

use super::hash::hash;

const MAGIC: [u8; 4] = *b"llm\x02";

/// The bytes of a mark before its word, and all bytes besides the word.
const HEAD_LENGTH: usize = MAGIC.len() + 4;
const OVERHEAD: usize = HEAD_LENGTH + 2;

/// Further copies have this number too.
const MAX_COPY: u8 = u8::MAX;

/// A word in a recording. Its begin and end are in samples.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarkedWord {
    pub(crate) begin: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
    /// A text begins with it.
    pub(crate) is_first: bool,
}

/// How many samples one copy of a word of this many bytes takes.
pub(crate) fn copy_length(word: usize) -> usize {
    (word + OVERHEAD) * 8
}

/// Fills samples with copies of a word of at most 65,535 bytes. They should have room for two copies.
pub(crate) fn write(word: &str, is_first: bool, stretch: &mut [i16]) {
    for (copy, samples) in stretch.chunks_mut(copy_length(word.len())).enumerate() {
        let copy = u8::try_from(copy).unwrap_or(MAX_COPY);
        let mut mark = [&MAGIC[..], &[copy, u8::from(is_first)]].concat();
        mark.extend_from_slice(&(word.len() as u16).to_le_bytes());
        mark.extend_from_slice(word.as_bytes());
        mark.extend_from_slice(&check(&mark));
        for (at, sample) in samples.iter_mut().enumerate() {
            *sample = *sample & !1 | i16::from(mark[at / 8] >> (at % 8) & 1);
        }
    }
}

/// The words in these samples; `None` if there is no mark at all.
pub(crate) fn read(samples: &[i16]) -> Option<Vec<MarkedWord>> {
    let (mut words, mut is_marked, mut at) = (Vec::<MarkedWord>::new(), false, 0);
    while at < samples.len() {
        let Some(mark) = Mark::read(&samples[at..]) else {
            at += 1;
            continue;
        };
        is_marked = true;
        let end = at + copy_length(mark.text.len());
        let is_first_cut = mark.copy == 1 && at > 0 && at < end - at;
        if mark.copy == 0 || is_first_cut {
            words.push(MarkedWord { begin: at, end, text: mark.text, is_first: mark.is_first });
        } else if let Some(word) = words.last_mut() {
            word.end = end;
        }
        at = end;
    }
    is_marked.then_some(words)
}

struct Mark {
    copy: u8,
    is_first: bool,
    text: String,
}

impl Mark {
    /// The mark at the beginning of these samples.
    fn read(samples: &[i16]) -> Option<Self> {
        let byte = |index: usize| -> Option<u8> {
            let bits = samples.get(index * 8..index * 8 + 8)?.iter();
            Some(bits.rev().fold(0, |byte, sample| byte << 1 | (sample & 1) as u8))
        };
        if !(0..).zip(MAGIC).all(|(index, expected)| byte(index) == Some(expected)) {
            return None;
        }
        let length =
            usize::from(u16::from_le_bytes([byte(HEAD_LENGTH - 2)?, byte(HEAD_LENGTH - 1)?]));
        let mut bytes = (0..length + OVERHEAD).map(byte).collect::<Option<Vec<u8>>>()?;
        let sum = bytes.split_off(HEAD_LENGTH + length);
        let text = String::from_utf8(bytes.split_off(HEAD_LENGTH)).ok()?;
        let is_right = sum == check(&[&bytes, text.as_bytes()].concat());
        is_right.then_some(Self { copy: bytes[4], is_first: bytes[5] != 0, text })
    }
}

fn check(mark: &[u8]) -> [u8; 2] {
    (hash(mark) as u16).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash::mixed;
    use super::*;

    const WORDS: [&str; 4] = ["你好", "，世界", " and", "🎉"];

    /// Some noise with the words in it, two copies and a half of each.
    fn marked() -> Vec<i16> {
        let mut samples = Vec::new();
        for (index, word) in WORDS.iter().enumerate() {
            let length = copy_length(word.len()) * 5 / 2;
            let mut stretch: Vec<i16> = (0..length).map(|at| mixed(at as u64) as i16).collect();
            write(word, index == 0, &mut stretch);
            samples.extend(stretch);
        }
        samples
    }

    fn texts(samples: &[i16]) -> Vec<String> {
        read(samples).unwrap_or_default().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_come_back_with_their_places() {
        let samples = marked();
        let words = read(&samples).expect("marks");
        assert_eq!(texts(&samples), WORDS);
        let first = copy_length("你好".len());
        assert_eq!((words[0].begin, words[0].end), (0, 2 * first));
        assert_eq!(words[1].begin, first * 5 / 2);
        assert_eq!(
            words.iter().map(|word| word.is_first).collect::<Vec<_>>(),
            [true, false, false, false]
        );
        let twice = [samples.clone(), vec![0; 99], samples].concat();
        assert_eq!(texts(&twice), [WORDS, WORDS].concat());
    }

    #[test]
    fn other_sound_holds_no_mark() {
        let noise: Vec<i16> = (0..100_000).map(|at| mixed(at) as i16).collect();
        assert_eq!(read(&noise), None);
        assert_eq!(read(&[0; 5000]), None);
        assert_eq!(read(&[]), None);
        let mut broken = vec![0; copy_length(3)];
        write("abc", true, &mut broken);
        broken[HEAD_LENGTH * 8] ^= 1;
        assert_eq!(read(&broken), None);
    }

    proptest! {
        #[test]
        fn each_word_is_in_one_part_wherever_the_sound_is_cut(
            first in 0..2400_usize,
            middle in 2 * copy_length(9)..2400_usize,
        ) {
            let samples = marked();
            let first = first.min(samples.len());
            let second = (first + middle).min(samples.len());
            let parts = [&samples[..first], &samples[first..second], &samples[second..]];
            let together: Vec<String> = parts.into_iter().flat_map(texts).collect();
            prop_assert_eq!(together, WORDS);
        }
    }
}
