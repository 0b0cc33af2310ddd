//! WAV files of 16 bits a sample and one channel.

/// A WAV file with these samples, `rate` of them a second.
pub(crate) fn wav(rate: u32, samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).expect("a short file");
    [&wav_head(rate, length + 36, length)[..], samples].concat()
}

/// The 44 bytes before the samples, with lengths that need not be true: `riff` of all behind the
/// first eight bytes, `data` of the samples.
pub(crate) fn wav_head(rate: u32, riff: u32, data: u32) -> Vec<u8> {
    let mut head = b"RIFF".to_vec();
    head.extend(riff.to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(rate.to_le_bytes());
    head.extend((rate * 2).to_le_bytes());
    head.extend(b"\x02\0\x10\0data");
    head.extend(data.to_le_bytes());
    head
}
